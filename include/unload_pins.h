/* SPDX-License-Identifier: MIT */
/* unload_pins: the files on a bpffs at which the watch on unloads is pinned.
 *
 * The ring is the last to come and the first to go: where it is, all are. Part
 * of unload_maps. */
#ifndef BPF_STATS_UNLOAD_PINS_H
#define BPF_STATS_UNLOAD_PINS_H

#include <limits.h>
#include <sys/types.h>

enum { UNLOAD_LINKS_NUM = 10 }; /* programs of unload_watch.bpf.c */

/* Borrowed. The links are in the order of their programs. */
struct unload_fds {
  int ring;
  int counters;
  int taken;
  int links[UNLOAD_LINKS_NUM];
};

/* Write the path of a pin in the directory DIR. Return 0 or -ENAMETOOLONG. */
int unload_pins_ring_path(char path[PATH_MAX], const char *dir);
int unload_pins_counters_path(char path[PATH_MAX], const char *dir);
int unload_pins_taken_path(char path[PATH_MAX], const char *dir);

/* Pins all in DIR, in place of what is there. Whom MODE lets read, its group
 * being GID, can read the watch. Returns 0; or -errno, then nothing is pinned.
 */
int unload_pins_put(const char *dir, const struct unload_fds *fds, gid_t gid,
                    mode_t mode);

/* Puts the links in place of those that are pinned in DIR, one after the other,
 * and gives the ring and the counters, which stay, to GID with MODE. Returns 0
 * or -errno. */
int unload_pins_replace_links(const char *dir, const struct unload_fds *fds,
                              gid_t gid, mode_t mode);

/* Takes all away. Returns 0, also when there is nothing, or -errno. */
int unload_pins_remove(const char *dir);

#endif
