/* SPDX-License-Identifier: MIT */
/* faults: makes one call of the plugin fail, be it an allocation, or one into
 * libbpf, the kernel or the C library that asks the kernel for something. The
 * linker puts these functions in the place of the real ones (--wrap). */
#ifndef BPF_STATS_TESTS_FAULTS_H
#define BPF_STATS_TESTS_FAULTS_H

#include <stdbool.h>

enum fault_kind { FAULT_NONE, FAULT_MEMORY, FAULT_CALL };

/* From now on counts the calls of that kind, and lets number AT, from 1 on,
 * fail with ERROR, an errno; allocations always fail with ENOMEM. FAULT_NONE:
 * none. */
void faults_arm(enum fault_kind kind, unsigned at, int error);

/* Whether that many calls have come to pass, so that one has failed. */
bool faults_hit(void);

#endif
