/* SPDX-License-Identifier: MIT */
/* mounts: what the kernel tells about mounts, without regard to their paths. */
#ifndef BPF_STATS_MOUNTS_H
#define BPF_STATS_MOUNTS_H

#include <stdbool.h>

/* The id of the mount that an open file is on, or -errno. */
int mounts_id(int fd);

/* Whether the mount with that id is a bpffs that was mounted under that name.
 */
bool mounts_is_bpffs_of(int id, const char *name);

/* Whether the first process of the system, or of the container, sees the file
 * system that an open file is on; false also when it does not let us look. */
bool mounts_seen_by_init(int fd);

#endif
