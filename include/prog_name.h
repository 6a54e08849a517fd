/* SPDX-License-Identifier: MIT */
/* prog_name: the full name of a loaded BPF program.
 *
 * The kernel keeps 15 characters of it (BPF_OBJ_NAME_LEN); the whole is the
 * name of the program's main function in its BTF. Part of the sources. */
#ifndef BPF_STATS_PROG_NAME_H
#define BPF_STATS_PROG_NAME_H

#include <stdint.h>

struct bpf_prog_info;
struct btf;

enum { PROG_SHORT_NAME_SIZE = 16 }; /* BPF_OBJ_NAME_LEN */

/* The BTF last asked for: the programs of one object share it and have
 * neighbouring ids. Zeroed at the start. */
struct prog_name_cache {
  struct btf *btf;
  uint32_t btf_id;
};

void prog_name_cache_clear(struct prog_name_cache *cache);

/* Sets *RET_NAME, which the caller frees, to the name of a program: FULL_NAME,
 * if it begins with a SHORT_NAME that fills its buffer, else SHORT_NAME, or for
 * one without a name bpf_prog_<tag>, as in kallsyms. FULL_NAME may be NULL.
 * Returns 0 or -ENOMEM. */
int prog_name_make(const char short_name[PROG_SHORT_NAME_SIZE],
                   const char *full_name, const uint8_t tag[8],
                   char **ret_name);

/* Sets *RET_NAME likewise for the program behind PROG_FD, with the full name
 * from its BTF, or the name in INFO where that BTF is of no use. Returns 0, or
 * -errno of a failure that may be over at the next try. */
int prog_name_resolve(struct prog_name_cache *cache, int prog_fd,
                      const struct bpf_prog_info *info, char **ret_name);

#endif
