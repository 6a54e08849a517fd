/* SPDX-License-Identifier: MIT */
/* stats_switch: holds BPF_ENABLE_STATS. */
#include "stats_switch.h"

#include "canary.h"
#include "clocks.h"
#include "kernel_error.h"

#include <bpf/bpf.h>

#include <unistd.h>

static void close_fd(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void stats_switch_init(struct stats_switch *stats_switch, bool hold) {
  *stats_switch =
      (struct stats_switch){.hold = hold, .fd = -1, .canary_fd = -1};
}

void stats_switch_update(struct stats_switch *stats_switch) {
  if (stats_switch->hold && stats_switch->fd < 0)
    stats_switch_on(stats_switch);
}

int stats_switch_on(struct stats_switch *stats_switch) {
  int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  stats_switch->error = fd < 0 ? fd : 0;
  if (fd < 0)
    return fd;
  stats_switch->fd = fd;
  stats_switch->held_since_ns = monotonic_ns();
  return 0;
}

void stats_switch_off(struct stats_switch *stats_switch) {
  close_fd(&stats_switch->fd);
  stats_switch->held_since_ns = 0;
}

/* Returns how many of its runs the kernel has counted, or -errno. */
static int64_t run_canary(struct stats_switch *stats_switch) {
  struct bpf_prog_info info = {0};
  int rc = canary_run(stats_switch->canary_fd, -1);
  if (rc == 0)
    rc = canary_info(stats_switch->canary_fd, &info);
  stats_switch->canary_id = info.id;
  return rc < 0 ? rc : (int64_t)info.run_cnt;
}

enum statistics stats_switch_look(struct stats_switch *stats_switch,
                                  enum statistics seen) {
  if (stats_switch->fd >= 0)
    return STATISTICS_ON;
  if (seen != STATISTICS_UNKNOWN || stats_switch->canary_refused)
    return seen;
  if (stats_switch->canary_fd < 0)
    stats_switch->canary_fd = canary_load();
  int64_t cnt = stats_switch->canary_fd;
  if (cnt >= 0)
    cnt = run_canary(stats_switch);
  if (cnt < 0) {
    stats_switch->canary_refused = !kernel_error_may_pass((int)cnt);
    return STATISTICS_UNKNOWN;
  }
  const bool counted = (uint64_t)cnt > stats_switch->canary_cnt;
  stats_switch->canary_cnt = (uint64_t)cnt;
  return counted ? STATISTICS_ON : STATISTICS_OFF;
}

void stats_switch_clear(struct stats_switch *stats_switch) {
  stats_switch_off(stats_switch);
  close_fd(&stats_switch->canary_fd);
}
