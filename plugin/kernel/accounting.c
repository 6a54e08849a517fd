/* SPDX-License-Identifier: MIT */
/* accounting: holds BPF_ENABLE_STATS, or else watches its sysctl. */
#include "accounting.h"

#include "clocks.h"

#include <bpf/bpf.h>

#include <fcntl.h>
#include <unistd.h>

static bool sysctl_is_set(void) {
  int fd = open("/proc/sys/kernel/bpf_stats_enabled", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  char digit = '0';
  ssize_t len = read(fd, &digit, 1);
  close(fd);
  return len == 1 && digit == '1';
}

void accounting_init(struct accounting *accounting, bool hold) {
  *accounting = (struct accounting){.hold = hold, .fd = -1};
}

static void open_fd(struct accounting *accounting) {
  int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  accounting->error = fd < 0 ? fd : 0;
  accounting->fd = fd < 0 ? -1 : fd;
}

static void close_fd(struct accounting *accounting) {
  if (accounting->fd >= 0)
    close(accounting->fd);
  accounting->fd = -1;
}

static void set_on(struct accounting *accounting, bool on, uint64_t now_ns) {
  if (on && !accounting->on)
    accounting->on_since_ns = now_ns;
  accounting->on = on;
}

void accounting_update(struct accounting *accounting, uint64_t now_ns) {
  if (accounting->hold && accounting->fd < 0)
    open_fd(accounting);
  set_on(accounting, accounting->fd >= 0 || accounting->seen || sysctl_is_set(),
         now_ns);
}

void accounting_see(struct accounting *accounting, enum statistics statistics,
                    uint64_t time_ns) {
  accounting->seen = statistics == STATISTICS_ON;
  if (statistics != STATISTICS_UNKNOWN)
    set_on(accounting, accounting->seen, time_ns);
}

double accounting_coverage(const struct accounting *accounting, uint64_t now_ns,
                           uint64_t elapsed_ns) {
  if (!accounting->on || elapsed_ns == 0)
    return 0.0;
  uint64_t on_ns =
      now_ns > accounting->on_since_ns ? now_ns - accounting->on_since_ns : 0;
  return on_ns >= elapsed_ns ? 1.0 : (double)on_ns / (double)elapsed_ns;
}

/* To turn them on or off the kernel patches its code on all CPUs, which takes
 * while the call does: half of it is the best guess. */
void accounting_begin_window(struct accounting *accounting) {
  uint64_t before_ns = monotonic_ns();
  open_fd(accounting);
  accounting->window_begin_ns = before_ns + (monotonic_ns() - before_ns) / 2;
}

uint64_t accounting_end_window(struct accounting *accounting) {
  if (accounting->fd < 0)
    return 0;
  uint64_t before_ns = monotonic_ns();
  close_fd(accounting);
  uint64_t end_ns = before_ns + (monotonic_ns() - before_ns) / 2;
  return end_ns - accounting->window_begin_ns;
}

void accounting_clear(struct accounting *accounting) {
  close_fd(accounting);
  accounting->on = false;
}
