/* SPDX-License-Identifier: MIT */
/* give_back: what reading the kernel's BTF takes.
 *
 * libbpf parses it for each object, and there is no way to hand it one that is
 * parsed. The C library would keep that memory, more than 10 MB, for as long as
 * the daemon runs. */
#ifndef BPF_STATS_GIVE_BACK_H
#define BPF_STATS_GIVE_BACK_H

#include <features.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* Gives free memory back to the kernel, where the C library can. */
static inline void give_back_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

#endif
