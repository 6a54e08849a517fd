/* SPDX-License-Identifier: MIT */
/* owner_proc: who holds descriptors of programs, by /proc, for kernels without
 * an iterator. */
#ifndef BPF_STATS_OWNER_PROC_H
#define BPF_STATS_OWNER_PROC_H

#include "owner_stream.h"

/* Hands a record to TAKE for each descriptor of a program, or of a link to one,
 * of all processes but our own, with load_time_ns 0, which is not known. PROC:
 * where proc is mounted. Returns 0; or -errno when not all processes could be
 * looked at, -EXDEV in a namespace of processes. */
int owner_proc_read(const char *proc, owner_take take, void *context);

#endif
