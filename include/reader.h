/* SPDX-License-Identifier: MIT */
/* reader: the way of the data, from the kernel to one reading an interval.
 *
 * Not thread-safe: one thread calls it. With windows, which begin also when
 * statistics cost too much, it has a thread of its own, which works between
 * reader_resume() and the next reader_read() alone. */
#ifndef BPF_STATS_READER_H
#define BPF_STATS_READER_H

#include "groups.h"
#include "reading.h"

#include <stdbool.h>
#include <stdint.h>

struct reader;

/* What the options point to is borrowed and outlives the reader. */
struct reader_options {
  struct source_options source;
  struct groups_options groups;
  bool enable_stats; /* hold statistics on; with windows for these alone */
  bool watch_unload;
  bool owners;                   /* find who loaded each program */
  size_t maps_every;             /* reads, to read maps as well; 0: never */
  bool map_shares;               /* find what each program pays of maps */
  uint64_t interval_ns;          /* with windows */
  uint64_t window_ns;            /* 0: no windows, but for the limit */
  double overhead_limit_percent; /* of one CPU, that statistics may cost; 0: no
                                    limit */
};

/* Returns NULL when out of memory. */
struct reader *reader_new(const struct reader_options *options);

/* Ends what is under way, in no more time than a walk takes. Accepts NULL. */
void reader_free(struct reader *reader);

/* Opens what is not open yet, the source first, as nothing works without it.
 * Each read does the same; call it once before the first one, to know early.
 * *RET_READING, owned by the reader, has an error and its reason, or a note,
 * and no values. Returns its error, 0 or -errno. */
int reader_open(struct reader *reader, const struct reading **ret_reading);

/* Reads all programs. *RET_READING and all that it points to are owned by the
 * reader and valid until the next reader_resume() or reader_read(). Returns its
 * error, 0 or -errno; what can pass is tried again at the next read. */
int reader_read(struct reader *reader, const struct reading **ret_reading);

/* Iterates over the groups of the last reading, see groups_next(). */
const struct group *reader_next_group(const struct reader *reader,
                                      const struct group *group);

/* The reading is done with, and the next interval begins. */
void reader_resume(struct reader *reader);

#endif
