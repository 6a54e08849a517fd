/* SPDX-License-Identifier: MIT */
/* source: where snapshots of all loaded BPF programs come from.
 *
 * A source is one way to ask the kernel; source_new() chooses it. Callers see
 * only snapshots. Not thread-safe: one read callback uses a source. */
#ifndef BPF_STATS_SOURCE_H
#define BPF_STATS_SOURCE_H

#include "prog_stats.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One loaded program at one instant. (id, load_time_ns) identifies it: the
 * kernel gives an id to another program after it was freed. */
struct prog_sample {
  uint32_t id;
  bool unreadable;         /* it exists, but only its id could be had */
  uint64_t load_time_ns;   /* CLOCK_BOOTTIME; never 0 when readable */
  const char *name;        /* full name, any bytes; owned by the source */
  char type_name[32];      /* libbpf's name of the type, or "type_<number>" */
  char tag[17];            /* hash of the instructions, 16 hex digits */
  struct prog_stats stats; /* since the program was loaded */
  uint64_t memory_bytes;   /* 0: not known, or not asked for */
};

struct prog_snapshot {
  uint64_t time_ns;     /* CLOCK_BOOTTIME just before the walk began */
  uint64_t duration_ns; /* how long the walk took */
  const struct prog_sample *samples; /* ids strictly ascending */
  size_t samples_num;
  size_t read_errors; /* unreadable programs; one that vanished is none */
  bool complete;      /* the walk ended in the kernel's own end-of-list */
  bool has_misses;    /* this kernel reports recursion_misses (5.12) */
};

struct source_options {
  bool memory; /* ask for memory_bytes; costs a read(2) per new program */
};

struct source {
  const char *name; /* as in the option Source */
  int (*snapshot)(struct source *source, struct prog_snapshot *ret);
  void (*free)(struct source *source);
};

/* Reads all programs through bpf(2). Needs CAP_SYS_ADMIN.
 * Returns 0 and a source that the caller frees, or -errno: -EPERM without the
 * privilege, -ENOSYS without bpf(2), -ENOMEM. */
int source_syscall_new(const struct source_options *options,
                       struct source **ret_source);

/* Takes a snapshot. *RET_SNAPSHOT and all that it points to are owned by the
 * source and valid until the next call, or source_free().
 * Returns 0, also for a walk that was cut short or has unreadable programs; or
 * -errno when nothing was obtained. */
int source_snapshot(struct source *source, struct prog_snapshot *ret_snapshot);

/* Accepts NULL. */
void source_free(struct source *source);

/* libbpf's name of the program type of that number ("xdp", "kprobe", ...), or
 * NULL past the last; the first is 1. */
const char *source_type_name(unsigned type);

/* Silences libbpf, which would otherwise print to stderr of the daemon. */
void source_silence_libbpf(void);

#endif
