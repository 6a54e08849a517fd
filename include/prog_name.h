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

/* The BTF last asked for: the programs of one object share it and have
 * neighbouring ids. Zeroed at the start. */
struct prog_name_cache {
  struct btf *btf;
  uint32_t btf_id;
};

void prog_name_cache_clear(struct prog_name_cache *cache);

/* Sets *RET_NAME, which the caller frees, to the full name of the program
 * behind PROG_FD; bpf_prog_<tag>, as in kallsyms, for one without a name.
 * Returns 0, or -errno of a failure that may be over at the next try: where
 * the BTF is of no use, the 15 characters of INFO are the name. */
int prog_name_resolve(struct prog_name_cache *cache, int prog_fd,
                      const struct bpf_prog_info *info, char **ret_name);

#endif
