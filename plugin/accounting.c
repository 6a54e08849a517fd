/* SPDX-License-Identifier: MIT */
/* accounting: holds BPF_ENABLE_STATS, or else watches its sysctl. */
#include "accounting.h"

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

void accounting_update(struct accounting *accounting, uint64_t now_ns) {
  if (accounting->hold && accounting->fd < 0) {
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    accounting->error = fd < 0 ? fd : 0;
    accounting->fd = fd < 0 ? -1 : fd;
  }
  bool on = accounting->fd >= 0 || sysctl_is_set();
  if (on && !accounting->on)
    accounting->on_since_ns = now_ns;
  accounting->on = on;
}

double accounting_coverage(const struct accounting *accounting, uint64_t now_ns,
                           uint64_t elapsed_ns) {
  if (!accounting->on || elapsed_ns == 0)
    return 0.0;
  uint64_t on_ns =
      now_ns > accounting->on_since_ns ? now_ns - accounting->on_since_ns : 0;
  return on_ns >= elapsed_ns ? 1.0 : (double)on_ns / (double)elapsed_ns;
}

void accounting_clear(struct accounting *accounting) {
  if (accounting->fd >= 0)
    close(accounting->fd);
  accounting->fd = -1;
  accounting->on = false;
}
