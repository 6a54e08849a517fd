/* SPDX-License-Identifier: MIT */
/* holders: who has loaded a program, from who holds descriptors of it.
 *
 * A process that but looks at programs holds descriptors as well. So those are
 * left out who also hold a program that is somebody else's, or one of our own;
 * and then those who share a program with somebody of another name, as one of
 * the two has but looked at it, and nobody knows which. */
#ifndef BPF_STATS_HOLDERS_H
#define BPF_STATS_HOLDERS_H

#include "owner_stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed at first. */
struct holders {
  struct holder *processes; /* owned */
  size_t processes_num;
  size_t processes_max;
  struct hold *holds; /* owned */
  size_t num;
  size_t max;
  bool out_of_memory;
};

/* What is known of a program from elsewhere. */
struct holders_claim {
  const char *owner; /* NULL: nothing */
  bool is_own;       /* our own program */
};

/* Who asks is CONTEXT; a program is its (id, load time). */
typedef struct holders_claim (*holders_known)(void *context, uint32_t id,
                                              uint64_t load_time_ns);
typedef void (*holders_tell)(void *context, uint32_t id, uint64_t load_time_ns,
                             const char *owner);

/* Takes in that a process, which RECORD and PATH tell of, holds a descriptor of
 * the program. */
void holders_add(struct holders *holders, uint32_t id, uint64_t load_time_ns,
                 const struct owner_record *record,
                 const struct owner_path *path);

/* Calls TELL for each program of which it is clear who has loaded it; for none
 * when memory has run out, as somebody may be missing. */
void holders_judge(struct holders *holders, holders_known known,
                   holders_tell tell, void *context);

void holders_clear(struct holders *holders);

#endif
