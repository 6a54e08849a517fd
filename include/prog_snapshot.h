/* SPDX-License-Identifier: MIT */
/* prog_snapshot: all loaded BPF programs at one instant, and those that were
 * unloaded since the one before. */
#ifndef BPF_STATS_PROG_SNAPSHOT_H
#define BPF_STATS_PROG_SNAPSHOT_H

#include "prog_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which runs that the kernel skips it counts as misses of a program; see
 * prog_type_misses(). */
enum misses {
  MISSES_UNCOUNTED, /* none: they are skipped without a trace, or never */
  MISSES_OF_ITSELF, /* all: the program was under way on that CPU already */
  MISSES_OF_CPU,    /* a part: another program, or an operation on a map, was
                       at work on that CPU */
};

/* One loaded program at one instant. (id, load_time_ns) identifies it: the
 * kernel gives an id to another program after it was freed. */
struct prog_sample {
  uint32_t id;
  bool unreadable;         /* it exists, but only its id could be had */
  uint64_t load_time_ns;   /* CLOCK_BOOTTIME; never 0 when readable */
  const char *name;        /* full name, any bytes; owned by the source */
  const char *owner;       /* who loaded it, as the name of a unit, a user, a
                              container or a process, any bytes: see owner.h;
                              "uid-N" or "_unknown" where nobody can show it;
                              NULL: not asked for. Owned by whoever found it,
                              valid as long as the snapshot */
  bool is_owned;           /* owner is neither "uid-N" nor "_unknown" */
  char type_name[32];      /* see prog_type; or "type_<number>" */
  char tag[17];            /* hash of the instructions, 16 hex digits */
  struct prog_stats stats; /* since the program was loaded */
  enum misses misses;
  bool is_elsewhere;     /* what it costs stands, in whole or in part, at the
                            program that calls it or that it replaces */
  uint64_t memory_bytes; /* 0: not known, or not asked for */
  uint32_t uid;          /* of the process that loaded it */
};

/* What a program has to pay of the maps that it uses. */
struct map_share {
  uint32_t prog_id;
  uint64_t bytes; /* of kernel memory */
};

/* What happened on the host since the last read that was taken in. The counts
 * are from just before the snapshot, the samples from just after it. */
struct unloads {
  bool begins;     /* the watch has just begun: there was no last read, and the
                      counts are 0 */
  uint64_t loaded; /* programs */
  uint64_t unloaded; /* programs */
  uint64_t lost;     /* of the unloaded: not among the samples */
  uint64_t stolen;   /* of the lost: somebody else has taken the record */
  /* Unloaded programs as they were at their end, in ascending order of
   * (id, load_time_ns). */
  const struct prog_sample *samples;
  size_t samples_num;
};

/* Whether the kernel's run-time statistics were on, whoever turned them on.
 * MIXED: they were turned on or off meanwhile. */
enum statistics {
  STATISTICS_UNKNOWN,
  STATISTICS_OFF,
  STATISTICS_ON,
  STATISTICS_MIXED
};

struct prog_snapshot {
  uint64_t time_ns;     /* CLOCK_BOOTTIME just before the walk began */
  uint64_t awake_ns;    /* CLOCK_MONOTONIC then: it stands still while the host
                           sleeps, as BPF programs do */
  uint64_t duration_ns; /* how long the walk took */
  const struct prog_sample *samples; /* ids strictly ascending */
  size_t samples_num;
  size_t read_errors; /* unreadable programs; one that vanished is none */
  int error;          /* of one of those, or why the walk was cut short: -errno,
                         or 0 */
  bool complete;      /* the walk ended in the kernel's own end-of-list */
  bool knows_elsewhere; /* this kernel tells of each program whether it is one
                           that others call */
  enum statistics statistics;    /* while the walk was on; the iterator knows */
  const struct unloads *unloads; /* since the snapshot before; NULL: nobody
                                    watches */
  const struct map_share *map_shares; /* as maps were last read; ids ascending;
                                         a program without one has none */
  size_t map_shares_num;
  const uint32_t *own_ids; /* the programs of the plugin itself */
  size_t own_ids_num;
};

/* The name of the owner as filters and groups have it, never NULL or "". */
static inline const char *prog_sample_owner(const struct prog_sample *sample) {
  const bool is_named = sample->owner != NULL && sample->owner[0] != '\0';
  return is_named ? sample->owner : "_unknown";
}

#endif
