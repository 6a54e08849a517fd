/* SPDX-License-Identifier: MIT */
/* self_check: one program of our own, seen through both eyes. */
#include "self_check.h"

#include "prog_type.h"
#include "refusal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char check_name[] = "bpf_stats_check"; /* fills the buffer */

/* A raw tracepoint program is the one type that can be run on a given CPU. */
static int load_program(void) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, check_name, "Dual MIT/GPL",
                       insns, sizeof(insns) / sizeof(insns[0]), NULL);
}

enum {
  CPUS_MAX = 8192,       /* that a kernel can be built for */
  CPUS_MISSING_MAX = 64, /* in a row */
};

/* Runs it once on CPU 0, twice on CPU 1, three times on CPU 2 and so on up to
 * seven, and around again. The kernel refuses a CPU that is offline or does not
 * exist: so nothing here depends on what a file says of CPUs. */
static void run_program(int prog_fd) {
  unsigned missing = 0;
  for (unsigned cpu = 0; cpu < CPUS_MAX && missing < CPUS_MISSING_MAX; cpu++) {
    missing++;
    for (unsigned i = 0; i <= cpu % 7; i++) {
      LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU,
                  .cpu = cpu);
      if (bpf_prog_test_run_opts(prog_fd, &opts) != 0)
        break;
      missing = 0;
    }
  }
}

static int get_info(int prog_fd, struct bpf_prog_info *ret_info) {
  *ret_info = (struct bpf_prog_info){0};
  uint32_t info_len = sizeof(*ret_info);
  return bpf_obj_get_info_by_fd(prog_fd, ret_info, &info_len);
}

/* Loads and runs the program. Returns its fd and what the kernel says of it, or
 * -errno. */
static int make_program(struct bpf_prog_info *ret_info) {
  int prog_fd = load_program();
  if (prog_fd < 0)
    return prog_fd;
  run_program(prog_fd);
  int rc = get_info(prog_fd, ret_info);
  if (rc == 0)
    return prog_fd;
  close(prog_fd);
  return rc;
}

/* WHO says what is in these samples. */
static int compare(const char *who, const struct prog_sample *samples,
                   size_t samples_num, const struct bpf_prog_info *info,
                   char *reason, size_t reason_size) {
  const struct prog_sample *sample = NULL;
  for (size_t i = 0; i < samples_num; i++)
    if (samples[i].id == info->id && !samples[i].unreadable)
      sample = &samples[i];
  if (sample == NULL) {
    snprintf(reason, reason_size, "%s does not show a program that was loaded",
             who);
    return -EILSEQ;
  }
  if (sample->load_time_ns == info->load_time &&
      strcmp(sample->name, check_name) == 0 &&
      strcmp(sample->type_name, prog_type_name(info->type)) == 0 &&
      sample->stats.cnt == info->run_cnt &&
      sample->stats.nsecs == info->run_time_ns &&
      sample->stats.misses == info->recursion_misses)
    return 0;
  snprintf(reason, reason_size,
           "%s tells wrong numbers on this kernel: %" PRIu64 " runs, %" PRIu64
           " ns, %" PRIu64 " misses of a program with %" PRIu64 ", %" PRIu64
           ", %" PRIu64,
           who, sample->stats.cnt, sample->stats.nsecs, sample->stats.misses,
           (uint64_t)info->run_cnt, (uint64_t)info->run_time_ns,
           (uint64_t)info->recursion_misses);
  return -EILSEQ;
}

static void explain(const char *what, int error, char *reason,
                    size_t reason_size) {
  char why[REFUSAL_TEXT_SIZE];
  refusal_explain(error, PRIVILEGE_BPF_AND_PERFMON, why, sizeof(why));
  snprintf(reason, reason_size, "%s could not be checked: %s", what, why);
}

int self_check_iterator(struct source *source, char *reason,
                        size_t reason_size) {
  struct bpf_prog_info info;
  struct prog_snapshot snapshot = {0};
  int prog_fd = make_program(&info);
  int rc = prog_fd < 0 ? prog_fd : source_snapshot(source, &snapshot);
  if (rc < 0)
    explain("the iterator", rc, reason, reason_size);
  else
    rc = compare("the iterator", snapshot.samples, snapshot.samples_num, &info,
                 reason, reason_size);
  if (prog_fd >= 0)
    close(prog_fd);
  return rc;
}

int self_check_watch(struct unload_watch *watch, char *reason,
                     size_t reason_size) {
  struct bpf_prog_info info;
  struct unloads unloads;
  int rc = unload_watch_begin(watch);
  int prog_fd = rc < 0 ? rc : make_program(&info);
  if (prog_fd < 0) {
    explain("the watch on unloads", prog_fd, reason, reason_size);
    return prog_fd;
  }
  close(prog_fd);
  unload_watch_end(watch, &unloads);
  return compare("the watch on unloads", unloads.samples, unloads.samples_num,
                 &info, reason, reason_size);
}

int self_check_newest_id(uint32_t *ret_id, uint64_t *ret_load_time_ns) {
  int prog_fd = load_program();
  if (prog_fd < 0)
    return prog_fd;
  struct bpf_prog_info info;
  int rc = get_info(prog_fd, &info);
  close(prog_fd);
  if (rc != 0)
    return rc;
  *ret_id = info.id;
  *ret_load_time_ns = info.load_time;
  return 0;
}
