/* SPDX-License-Identifier: MIT */
/* groups_kernel: a kernel with few programs, to which anything may happen, and
 * the truth about what they have counted. */
#ifndef BPF_STATS_TESTS_GROUPS_KERNEL_H
#define BPF_STATS_TESTS_GROUPS_KERNEL_H

#include "input.h"

#include "prog_snapshot.h"
#include "unload_watch.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  KERNEL_PROGS = 8,
  KERNEL_NAMES = 7,          /* of groups; some programs share one */
  KERNEL_OWN = KERNEL_NAMES, /* the group of the plugin's own programs */
  KERNEL_GROUPS,
  KERNEL_OWN_IDS = 128,
  KERNEL_RING_MAX = 256, /* further records are lost */
};

/* What a snapshot has of a program. */
enum kernel_found { KERNEL_MISSED, KERNEL_UNREADABLE, KERNEL_READ };

/* DYING: nobody sees it any more, and its record is on the way. */
enum kernel_state { KERNEL_FREE, KERNEL_LOADED, KERNEL_DYING };

/* How many tags there are, 1 and so on. */
enum { KERNEL_TAGS = 9 };

struct kernel_prog {
  enum kernel_state state;
  uint32_t id;
  uint64_t load_time_ns;
  const char *name;
  bool is_owned; /* its owner was found */
  struct prog_stats stats;
  struct prog_stats read; /* when a snapshot last had it */
  bool known;             /* one has */
  bool known_before;      /* one of a read before */
  enum kernel_found now;  /* in the snapshot under way */
  enum kernel_found before;
  unsigned reads; /* while it was dying */
  bool takes_id;  /* its id was another's before */
};

struct kernel {
  struct kernel_prog progs[KERNEL_PROGS];
  uint64_t now_ns;
  uint32_t last_id;
  bool exact; /* no counter has fallen or come near to saturation */
  bool reuses_ids;
  bool has_polled;
  uint64_t polled_ns;   /* when the last snapshot began */
  bool polled_complete; /* that one */
  /* The watch. */
  struct unloads counts; /* since they were last taken */
  struct prog_sample ring[KERNEL_RING_MAX];
  size_t ring_num;
  /* Since kernel_begin(), and before that of what was loaded then. */
  struct prog_stats ever[KERNEL_GROUPS];   /* all that was counted */
  struct prog_stats polled[KERNEL_GROUPS]; /* of it, what snapshots had */
  struct prog_stats deltas[KERNEL_GROUPS]; /* ... of one interval, measured */
  struct prog_stats lacks[KERNEL_GROUPS];  /* what lost records had */
  struct prog_stats brief[KERNEL_GROUPS];  /* what came and went without a group
                                              may have had */
  bool has_group[KERNEL_GROUPS];           /* by the last read */
  uint32_t own_ids[KERNEL_OWN_IDS];        /* of the plugin itself */
};

void kernel_init(struct kernel *kernel);

/* The name of the group of that number. */
const char *kernel_group_name(size_t group);

/* The number of the group that the program belongs to. */
size_t kernel_group_of(uint32_t id, const char *name);

/* Has something happen to a program, as the input says. */
void kernel_happen(struct kernel *kernel, struct input *input);

/* The dying die, all, or those that have been for so many reads. */
void kernel_bury(struct kernel *kernel, unsigned reads_min);

bool kernel_has_dying(const struct kernel *kernel);

/* The first read: from now on the truth is kept. */
void kernel_begin(struct kernel *kernel);

/* The watch begins: forgets its records and counts. */
void kernel_watch(struct kernel *kernel);

/* Returns the loaded program of the smallest id above ID, or NULL. */
struct kernel_prog *kernel_next(struct kernel *kernel, uint32_t id);

/* The program as a snapshot has it, whose walk begins and ends with these. */
void kernel_walk(struct kernel *kernel);
struct prog_sample kernel_sample(struct kernel *kernel,
                                 struct kernel_prog *prog, bool unreadable);
void kernel_walked(struct kernel *kernel, const struct prog_snapshot *snapshot);

/* Sums of all groups. */
struct prog_stats kernel_sum(const struct prog_stats stats[KERNEL_GROUPS]);

#endif
