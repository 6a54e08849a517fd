/* SPDX-License-Identifier: MIT */
/* self_check: whether our BPF programs tell the truth on this kernel.
 *
 * They find counters by what they know of the kernel's structures; should that
 * be wrong somewhere, they would read wrong numbers without an error. Each
 * check loads a small program, runs it a different number of times on each CPU,
 * and compares what is said of it with the kernel's answer for its fd. Run-time
 * statistics should be on; while they are off, only the rest is compared. Needs
 * CAP_BPF and CAP_PERFMON.
 * Both return 0; -EILSEQ when they differ; -errno when it could not be tried;
 * and then write into REASON what was found. */
#ifndef BPF_STATS_SELF_CHECK_H
#define BPF_STATS_SELF_CHECK_H

#include "source.h"
#include "unload_watch.h"

int self_check_iterator(struct source *source, char *reason,
                        size_t reason_size);

/* Before the first read of the watch. */
int self_check_watch(struct unload_watch *watch, char *reason,
                     size_t reason_size);

/* Loads a program and lets go of it: the kernel has given out all ids up to
 * *RET_ID by now, also those of programs that were tried and are gone. Returns
 * 0 or -errno. */
int self_check_newest_id(uint32_t *ret_id, uint64_t *ret_load_time_ns);

#endif
