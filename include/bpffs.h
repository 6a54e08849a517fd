/* SPDX-License-Identifier: MIT */
/* bpffs: a directory on a BPF file system, for pins; see bpf_obj_pin(). */
#ifndef BPF_STATS_BPFFS_H
#define BPF_STATS_BPFFS_H

#include "held_dir.h"

#include <stddef.h>

/* Opens the directory PATH, see held_dir_open(). Makes it if need be, and
 * mounts a bpffs there unless it is on one; everybody may enter both, as the
 * pins' own modes guard them. An existing directory has to be root's and not
 * writable for others, and keeps its owner and mode. A mount that the rest of
 * the system does not see is taken back. Returns 0, then the caller closes
 * RET_DIR; or -errno with why in REASON. */
int bpffs_provide(const char *path, struct held_dir *ret_dir, char *reason,
                  size_t reason_size);

/* Opens it if it is there and on a bpffs. Returns 0, -ENOENT when there is no
 * such thing, or -errno as above. */
int bpffs_find(const char *path, struct held_dir *ret_dir, char *reason,
               size_t reason_size);

/* If nothing is in the directory, takes away what bpffs_provide() makes: the
 * mount, also while somebody still reads there, and the directory. Leaves a
 * mount of others alone. Closes DIR. Returns 0, also when there was nothing to
 * do, or -errno. */
int bpffs_withdraw(struct held_dir *dir);

#endif
