/* SPDX-License-Identifier: MIT */
/* stats_cost: the best of some short batches, as the kernel times them: longer
 * ones are preempted. */
#include "stats_cost.h"

#include "clocks.h"
#include "kernel_error.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <unistd.h>

enum {
  ROUNDS = 5,
  BATCHES = 2, /* off and on each, in a round */
  RUNS = 1000, /* of the program in a batch */
};

void stats_cost_init(struct stats_cost *cost) {
  *cost = (struct stats_cost){.ns = STATS_COST_DEFAULT_NS, .prog_fd = -1};
}

void stats_cost_clear(struct stats_cost *cost) {
  if (cost->prog_fd >= 0)
    close(cost->prog_fd);
  cost->prog_fd = -1;
}

/* Programs of this kind can be run many times by one call. */
static int load(void) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "bpf_stats_cost",
                       "Dual MIT/GPL", insns, sizeof(insns) / sizeof(insns[0]),
                       NULL);
}

/* Runs some batches; *LEAST_NS is the least time of a run so far. */
static int run_batches(int prog_fd, uint32_t *least_ns) {
  char packet[64] = {0};
  for (int i = 0; i < BATCHES; i++) {
    /* valgrind reports a test run that has no room for the packet it gives
     * back. */
    LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_out = packet,
                .data_size_in = sizeof(packet), .data_size_out = sizeof(packet),
                .repeat = RUNS);
    int rc = bpf_prog_test_run_opts(prog_fd, &opts);
    if (rc != 0)
      return rc;
    if (opts.duration < *least_ns)
      *least_ns = opts.duration;
  }
  return 0;
}

/* Returns how many of its runs the kernel has counted, or -errno. */
static int64_t count_runs(struct stats_cost *cost) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  int rc = bpf_obj_get_info_by_fd(cost->prog_fd, &info, &info_len);
  cost->prog_id = info.id;
  return rc == 0 ? (int64_t)info.run_cnt : rc;
}

/* Demands that so many are counted: there are more when somebody else has
 * statistics on. */
static int demand_runs(struct stats_cost *cost, int64_t expected) {
  const int64_t runs = count_runs(cost);
  if (runs < 0)
    return (int)runs;
  return runs == expected ? 0 : -EBUSY;
}

/* The least of some rounds. */
struct least {
  uint32_t off_ns; /* a run */
  uint32_t on_ns;
  uint64_t switch_ns;
};

static int run_round(struct stats_cost *cost, struct stats_switch *stats_switch,
                     struct least *least) {
  const int64_t runs = count_runs(cost);
  int rc = run_batches(cost->prog_fd, &least->off_ns);
  if (rc == 0)
    rc = demand_runs(cost, runs);
  /* CPU time is taken, as others may run meanwhile. */
  const uint64_t before_on_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  if (rc == 0)
    rc = stats_switch_on(stats_switch);
  if (rc != 0)
    return rc;
  const uint64_t on_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  rc = run_batches(cost->prog_fd, &least->on_ns);
  const uint64_t before_off_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  stats_switch_off(stats_switch);
  const uint64_t switch_ns =
      on_ns - before_on_ns + clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_off_ns;
  if (switch_ns < least->switch_ns)
    least->switch_ns = switch_ns;
  return rc == 0 ? demand_runs(cost, runs + (int64_t)BATCHES * RUNS) : rc;
}

static int measure(struct stats_cost *cost, struct stats_switch *stats_switch) {
  struct least least = {UINT32_MAX, UINT32_MAX, UINT64_MAX};
  int rc = 0;
  for (int i = 0; i < ROUNDS && rc == 0; i++)
    rc = run_round(cost, stats_switch, &least);
  if (rc == 0 && least.on_ns <= least.off_ns)
    rc = -EAGAIN;
  if (rc != 0)
    return rc;
  cost->ns = (double)(least.on_ns - least.off_ns);
  cost->switch_ns = (double)least.switch_ns;
  return 0;
}

bool stats_cost_update(struct stats_cost *cost,
                       struct stats_switch *stats_switch) {
  if (cost->is_done || !backoff_is_due(&cost->backoff))
    return false;
  if (cost->prog_fd < 0)
    cost->prog_fd = load();
  if (cost->prog_fd < 0)
    return false;
  const bool was_on = stats_switch->fd >= 0;
  stats_switch_off(stats_switch);
  int rc = measure(cost, stats_switch);
  if (was_on)
    stats_switch_on(stats_switch);
  cost->is_done = rc != -EBUSY && !kernel_error_may_pass(rc);
  if (cost->is_done)
    stats_cost_clear(cost);
  return was_on && rc != -EBUSY;
}
