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

/* Whether the kernel's run-time statistics were on, whoever turned them on. */
enum statistics { STATISTICS_UNKNOWN, STATISTICS_OFF, STATISTICS_ON };

struct prog_snapshot {
  uint64_t time_ns;     /* CLOCK_BOOTTIME just before the walk began */
  uint64_t duration_ns; /* how long the walk took */
  const struct prog_sample *samples; /* ids strictly ascending */
  size_t samples_num;
  size_t read_errors; /* unreadable programs; one that vanished is none */
  bool complete;      /* the walk ended in the kernel's own end-of-list */
  bool has_misses;    /* this kernel reports recursion_misses (5.12) */
  enum statistics statistics; /* while the walk was on; the iterator knows */
};

enum source_kind { SOURCE_AUTO, SOURCE_ITERATOR, SOURCE_SYSCALL };

struct source_options {
  enum source_kind kind;
  const char *iterator_pin; /* path of a pinned iterator to read; NULL: none */
  bool memory; /* memory_bytes is wanted; a syscall source takes another
                  read(2) per new program for it */
};

struct source {
  const char *name; /* as in the option Source */
  int (*snapshot)(struct source *source, struct prog_snapshot *ret);
  void (*free)(struct source *source);
};

/* What there is to say about the choice of a source. */
struct source_note {
  char text[400]; /* "" for nothing */
  bool is_error;  /* else it is information */
};

/* Chooses a source. SOURCE_AUTO takes the iterator where it loads and passes
 * its check, otherwise the system calls; *RET_NOTE then says why. A pin that is
 * not good is never replaced by something else.
 * Returns 0 and a source that the caller frees; or -errno, and *RET_NOTE says
 * why. */
int source_new(const struct source_options *options, struct source **ret_source,
               struct source_note *ret_note);

/* The sources one by one, for source_new() and the tests. Each returns 0 or
 * -errno; one with REASON writes why into it, unless it is -ENOMEM.
 *
 * Through bpf(2): needs CAP_SYS_ADMIN. -EPERM without it, -ENOSYS without
 * bpf(2). */
int source_syscall_new(bool memory, struct source **ret_source);

/* Through the iterator: needs CAP_BPF and CAP_PERFMON. READ_SIZE: bytes to read
 * at once; 0: as many as is best. */
int source_iterator_new(size_t read_size, struct source **ret_source,
                        char *reason, size_t reason_size);

/* Pins the iterator that such a source has loaded at PATH, which is on a bpffs.
 * Returns 0 or -errno. */
int source_iterator_pin(const struct source *source, const char *path);

/* Through a pinned iterator: needs read permission on that file. */
int source_pinned_new(const char *pin, struct source **ret_source, char *reason,
                      size_t reason_size);

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

/* Hands every warning of libbpf, one line without its end, to LOG instead of
 * stderr. */
void source_log_libbpf(void (*log)(const char *line));

#endif
