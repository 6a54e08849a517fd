/* SPDX-License-Identifier: MIT */
/* samples: the samples of a source's snapshot, and those of the one before.
 *
 * Both are in ascending order of ids, so the previous ones serve as the cache
 * of what is found out once per program. Part of the sources. */
#ifndef BPF_STATS_SAMPLES_H
#define BPF_STATS_SAMPLES_H

#include "prog_snapshot.h"

struct sample_list {
  struct prog_sample *items; /* each owns its name */
  size_t num;
  size_t capacity;
};

/* Makes room for NUM. Returns 0 or -ENOMEM. */
int sample_list_reserve(struct sample_list *list, size_t num);

/* Removes all, but keeps the room. */
void sample_list_clear(struct sample_list *list);

/* Zeroed at the start. */
struct samples {
  struct sample_list current;
  struct sample_list previous;
  size_t cursor;      /* into previous */
  size_t read_errors; /* of the snapshot under way */
};

/* Fills in what the type, the tag, and the FLAGS of a struct prog_record tell.
 * Returns 0; or -errno when the name may
 * be had at the next try, and "type_<number>" stands for it. */
int sample_describe(struct prog_sample *sample, uint32_t type, unsigned flags,
                    const uint8_t tag[8]);

/* Begins a snapshot: what was current becomes previous. */
void samples_begin(struct samples *samples);

/* Adds a sample for the program, filled but for what changes while it lives:
 * from the previous snapshot, or else with the given type and tag and without a
 * name, which the caller then sets and the samples own. Ids must ascend.
 * Returns 0; -ELOOP when they do not, or are too many; -ENOMEM; or -errno as
 * sample_describe(): then the sample is the last one, and the caller marks it
 * as unreadable. */
int samples_add(struct samples *samples, uint32_t id, uint64_t load_time_ns,
                uint32_t type, unsigned flags, const uint8_t tag[8],
                struct prog_sample **ret_sample);

/* Adds a program of which only the id could be had, or turns the last sample
 * into one. Returns as samples_add(). */
int samples_add_unreadable(struct samples *samples, uint32_t id);

/* Ends a snapshot; what it did not take from the previous one is freed.
 * WALK_ERROR: why the walk was cut short, -errno, or 0 when it came to its end.
 * READ_ERROR: -errno of a program that was unreadable, if any was.
 * Returns 0 and fills *RET; or the -errno because of which
 * no program could be read at all. */
int samples_end(struct samples *samples, int walk_error, int read_error,
                struct prog_snapshot *ret);

void samples_clear(struct samples *samples);

#endif
