/* SPDX-License-Identifier: MIT */
/* owners: who loaded each program, found once and kept.
 *
 * There are several ways to find out, and each can be wrong in its own way. In
 * this order none of them names somebody who has not loaded a program:
 *
 * 1. the watch, which has seen the load;
 * 2. who has paid for all of its maps, if the name is a full one, see owner.h;
 * 3. who holds a descriptor of it, see holders.h;
 * 4. the slice of who has paid for its maps;
 * 5. the user, "uid-N".
 *
 * What is found by the watch is never given up for what another way says. */
#ifndef BPF_STATS_OWNERS_H
#define BPF_STATS_OWNERS_H

#include "owner_stream.h"
#include "prog_record.h"
#include "prog_snapshot.h"

struct owners;

/* ITERATOR_PIN: read what is pinned beside that instead of loading anything;
 * NULL: none. Borrowed until the first owners_find() has returned. Returns NULL
 * when out of memory. */
struct owners *owners_new(const char *iterator_pin);

/* Accepts NULL. */
void owners_free(struct owners *owners);

/* Loads what it needs, once. owners_find() does so as well. */
void owners_open(struct owners *owners);

/* Fills in the ids of our own programs that are loaded for this; 0 for none. */
void owners_ids(const struct owners *owners, uint32_t ids[OWNER_PROGRAMS_NUM]);

/* Takes what the watch has seen, of an owner_take: CONTEXT is the owners. */
void owners_take_load(void *context, const struct owner_record *record,
                      const struct owner_path *path);

/* Sets the owners of the snapshot's samples and of the unloaded programs'.
 * Asks the kernel only when there is a program that is not known yet, and
 * forgets those that are gone for two minutes: that long their end may be
 * awaited. What is set is valid until the next call. */
void owners_find(struct owners *owners, const struct prog_snapshot *snapshot,
                 const struct unloads *unloads);

#endif
