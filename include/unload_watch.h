/* SPDX-License-Identifier: MIT */
/* unload_watch: the final counters of programs that are unloaded.
 *
 * Polling loses what a program counted after its last read. BPF programs of our
 * own, at a function that the kernel calls for each load and unload, hand over
 * the rest through a ring, which has one reader. */
#ifndef BPF_STATS_UNLOAD_WATCH_H
#define BPF_STATS_UNLOAD_WATCH_H

#include "owner_stream.h"
#include "prog_record.h"
#include "prog_snapshot.h"
#include "prog_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /* Room for the records of some 36,000 unloads between two reads: 88 bytes
   * each, and with a name of more than 15 characters that name as well. */
  UNLOAD_RING_SIZE_BYTES = 4 * 1024 * 1024,
};

struct unload_watch;

/* A watch that this process loads, if PIN_DIR is NULL, which then has passed
 * its check; or one that is pinned in that directory. RING_SIZE_BYTES: of one
 * that is loaded, see unload_maps.h. OWNERS: it also
 * tells who loads programs. Returns 0 and a watch that the caller
 * frees; or -errno, and then writes into REASON why. */
int unload_watch_new(const char *pin_dir, size_t ring_size_bytes, bool owners,
                     struct unload_watch **ret_watch, char *reason,
                     size_t reason_size);

/* Accepts NULL. */
void unload_watch_free(struct unload_watch *watch);

/* Hands over to WATCH, just opened in its place, what the watch OLD has found
 * and nobody has taken in; OLD is good for nothing any more but to be freed. To
 * be called when unload_watch_read_counts(OLD) has returned -ESTALE. WATCH then
 * tells also what it has found before it was opened. */
void unload_watch_take_over(struct unload_watch *watch,
                            struct unload_watch *old);

/* Just before a snapshot: reads the counts. Returns 0; -ESTALE when what was
 * opened is not pinned any more, so that there is but a rest to take in;
 * -errno. */
int unload_watch_read_counts(struct unload_watch *watch);

/* Just after the snapshot: empties the ring. *RET_UNLOADS and all that it
 * points to are owned by the watch and valid until its next call. */
void unload_watch_read_records(struct unload_watch *watch,
                               struct unloads *ret_unloads);

/* After unload_watch_read_records(): hands over to TAKE who has loaded programs
 * since the last call. Where there was no more room, some are missing. */
void unload_watch_read_owners(struct unload_watch *watch, owner_take take,
                              void *context);

/* The ids of the watch's own UNLOAD_PROGRAMS_NUM programs, 0 for one that is
 * not known; valid until the next call of unload_watch_read_counts(). */
const uint32_t *unload_watch_prog_ids(const struct unload_watch *watch);

/* What the last unload_watch_read_records() has told was taken in, and is not
 * told again. */
void unload_watch_commit(struct unload_watch *watch);

#endif
