/* SPDX-License-Identifier: MIT */
/* unload_maps: the BPF programs of unload_watch.bpf.c and the maps that they
 * fill, loaded by this process or pinned by another.
 *
 * Loading needs CAP_BPF and CAP_PERFMON, Linux 5.19, the kernel's BTF, and a
 * kernel that allows fentry; what is pinned needs but permission on the files.
 */
#ifndef BPF_STATS_UNLOAD_MAPS_H
#define BPF_STATS_UNLOAD_MAPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct unload_maps;

/* Loads and attaches. RING_SIZE_BYTES: a power of two, and a multiple of the
 * size of a page.
 * Returns 0 and maps that the caller frees; or -errno, -ENOTSUP in a build
 * without BPF programs, and then writes into REASON why. */
int unload_maps_load(size_t ring_size_bytes, struct unload_maps **ret_maps,
                     char *reason, size_t reason_size);

/* Opens what is pinned in the directory DIR. Returns as above; -EPROTO when it
 * is something else. */
int unload_maps_open(const char *dir, struct unload_maps **ret_maps,
                     char *reason, size_t reason_size);

/* Accepts NULL. */
void unload_maps_free(struct unload_maps *maps);

/* Owned by the maps. The ring's records are struct prog_record_named without
 * what their names leave free; the counters are an array of one
 * struct unload_counters. */
int unload_maps_ring_fd(const struct unload_maps *maps);
int unload_maps_counters_fd(const struct unload_maps *maps);

/* The kernel's id of the ring; 0: not known. */
uint32_t unload_maps_ring_id(const struct unload_maps *maps);

/* Returns 0; or -ESTALE when they were opened where they are not pinned any
 * more: then nothing fills them. */
int unload_maps_check(const struct unload_maps *maps);

/* Loads the programs once more, to go on with the maps that are pinned in DIR,
 * and puts them in place of those that are pinned there: no unload is missed,
 * and none told twice. Returns 0; -ENOENT when none is pinned, -ESTALE or
 * -EPROTO when it is of another version or no watch of ours; -errno; and then
 * writes into REASON why. */
int unload_maps_renew(const char *dir, gid_t gid, mode_t mode, char *reason,
                      size_t reason_size);

/* Pins what was loaded, see unload_pins_put(). */
int unload_maps_pin(const struct unload_maps *maps, const char *dir, gid_t gid,
                    mode_t mode);

#endif
