/* SPDX-License-Identifier: MIT */
/* kernel_error: what an error of the kernel means. */
#ifndef BPF_STATS_KERNEL_ERROR_H
#define BPF_STATS_KERNEL_ERROR_H

#include <stdbool.h>

/* Returns the meaning of ERROR, a -errno, as a part of a sentence. Knows also
 * the errors that the kernel defines for itself (include/linux/errno.h: 512 and
 * above), which the C library does not. */
const char *kernel_error_text(int error);

/* Returns whether the same call may succeed later although nobody has changed
 * its arguments or the privileges of the process: descriptors or memory were
 * short, or a signal came. ERROR is a -errno. */
bool kernel_error_may_pass(int error);

#endif
