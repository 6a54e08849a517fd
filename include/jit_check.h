/* SPDX-License-Identifier: MIT */
/* jit_check: where the kernel counts the bytes of JITed code, and whether that
 * count grows with a program of ours. */
#ifndef BPF_STATS_JIT_CHECK_H
#define BPF_STATS_JIT_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Addresses in the kernel; 0: it does not show them to us. */
struct jit_symbols {
  uint64_t used;
  uint64_t limit;
};

/* Looks for them in a file that has the form of /proc/kallsyms. */
struct jit_symbols jit_check_find(const char *path);

/* Reads the count. Returns false when that is not possible. */
typedef bool (*jit_read)(void *context, uint64_t *ret_bytes);

/* Returns whether the count grows as it has to with a program of ours. Needs
 * CAP_BPF. */
bool jit_check_grows(jit_read read, void *context);

#endif
