/* SPDX-License-Identifier: MIT */
/* bpf_load: what all loading of our own BPF programs has in common.
 *
 * Part of what loads them; not thread-safe. */
#ifndef BPF_STATS_BPF_LOAD_H
#define BPF_STATS_BPF_LOAD_H

#include <stddef.h>

/* Before libbpf loads something: keeps back what it says meanwhile. */
void bpf_load_begin(void);

/* Afterwards. RC: 0, or the -errno with which WHAT did not load; then writes
 * into REASON why, with the first warning of libbpf, which tells most. NEEDS:
 * what is missing at -EPERM. */
void bpf_load_end(int rc, const char *what, const char *needs, char *reason,
                  size_t reason_size);

/* Sets *RET_NUM so that CPUs are numbered below it. Returns 0; -E2BIG when our
 * programs have no room for so many; -errno. */
int bpf_load_cpus_num(unsigned *ret_num);

#endif
