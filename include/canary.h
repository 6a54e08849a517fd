/* SPDX-License-Identifier: MIT */
/* canary: a small BPF program of our own that does nothing when it is run, to
 * see what the kernel makes of it. Needs CAP_BPF and CAP_PERFMON. */
#ifndef BPF_STATS_CANARY_H
#define BPF_STATS_CANARY_H

#include <linux/bpf.h>

/* Its name, which fills the kernel's buffer. */
extern const char CANARY_NAME[16];

/* Returns its fd, which the caller closes, or -errno. */
int canary_load(void);

/* Runs it once on that CPU; below 0: on any. Returns 0; or -errno, as for a CPU
 * that does not exist or is offline. */
int canary_run(int fd, int cpu);

/* The kernel's own word on a program. Returns 0 or -errno. */
int canary_info(int fd, struct bpf_prog_info *ret_info);

#endif
