/* SPDX-License-Identifier: MIT */
/* iterator_check: whether the iterator tells the truth on this kernel.
 *
 * It finds counters by what it knows of the kernel's structures; should that be
 * wrong somewhere, it would read wrong numbers without an error. */
#ifndef BPF_STATS_ITERATOR_CHECK_H
#define BPF_STATS_ITERATOR_CHECK_H

#include "source.h"

/* Loads a small program, runs it a different number of times on each CPU, and
 * compares what SOURCE says of it with the kernel's answer for its fd. Run-time
 * statistics should be on; while they are off, only the rest is compared. Needs
 * CAP_BPF and CAP_PERFMON.
 * Returns 0; -EILSEQ when they differ; -errno when it could not be tried; and
 * then writes into REASON what was found. */
int iterator_check(struct source *source, char *reason, size_t reason_size);

#endif
