/* SPDX-License-Identifier: MIT */
/* unload_maps: the BPF programs of unload_watch.bpf.c and the maps that they
 * fill, loaded by this process or pinned by another.
 *
 * Loading needs CAP_BPF and CAP_PERFMON, Linux 5.19, the kernel's BTF, and a
 * kernel that allows fentry; what is pinned needs but permission on the files.
 */
#ifndef BPF_STATS_UNLOAD_MAPS_H
#define BPF_STATS_UNLOAD_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct unload_maps;

/* Loads and attaches. RING_SIZE_BYTES: a power of two, and a multiple of the
 * size of a page. OWNERS: also who loads each program.
 * Returns 0 and maps that the caller frees; or -errno, -ENOTSUP in a build
 * without BPF programs, and then writes into REASON why. */
int unload_maps_load(size_t ring_size_bytes, bool owners,
                     struct unload_maps **ret_maps, char *reason,
                     size_t reason_size);

/* Opens what is pinned in the directory DIR. Returns as above; -EPROTO when it
 * is something else, -ESTALE or -EPROTONOSUPPORT when it is of another version.
 */
int unload_maps_open(const char *dir, bool owners,
                     struct unload_maps **ret_maps, char *reason,
                     size_t reason_size);

/* Accepts NULL. */
void unload_maps_free(struct unload_maps *maps);

/* Owned by the maps. The ring's records are struct prog_record_named without
 * what their names leave free; the counters are an array of one
 * struct unload_counters. */
int unload_maps_ring_fd(const struct unload_maps *maps);
int unload_maps_counters_fd(const struct unload_maps *maps);

/* The ring of struct owner_record, a record for each load; -1 when that is not
 * wanted. What is pinned always fills it. */
int unload_maps_owners_fd(const struct unload_maps *maps);

/* The kernel's id of the ring; 0: not known. */
uint32_t unload_maps_ring_id(const struct unload_maps *maps);

/* Returns 0; or -ESTALE when they were opened where they are not pinned any
 * more: then nothing fills them. */
int unload_maps_check(const struct unload_maps *maps);

/* Pins the programs and their maps in DIR. Goes on with the maps that are
 * pinned there, if they are of this version: then nobody who reads them notices
 * anything. Otherwise what is there is replaced, and RING_SIZE_BYTES is that of
 * a new ring. Whom MODE lets read, its group being GID, can read the watch.
 * Returns 0; or -errno, then nothing is pinned, or what was there is. */
int unload_maps_pin(const char *dir, size_t ring_size_bytes, gid_t gid,
                    mode_t mode);

/* Takes all away that is pinned in DIR. Returns 0, also when there is nothing,
 * or -errno. */
int unload_maps_unpin(const char *dir);

#endif
