/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* owner_record: what our BPF programs in the kernel hand out about who loaded a
 * program.
 *
 * Shared by both sides. A record is followed by the names of the control group,
 * from below the root on, each with its NUL, and an empty name. There are three
 * kinds: of who loads a program (the watch), who has paid for its maps, and who
 * holds a descriptor of it (iterators). The stream of an iterator ends in a
 * record that marks the end of the kernel's own list. A change of anything here
 * takes a new PROG_RECORD_VERSION. */
#ifndef BPF_STATS_OWNER_RECORD_H
#define BPF_STATS_OWNER_RECORD_H

#include <linux/types.h>

#define OWNER_RECORD_MAGIC 0x6270666f /* "bpfo" */

enum {
  OWNER_COMMAND_SIZE = 16, /* TASK_COMM_LEN */
  OWNER_LEVELS_MAX = 8,    /* of which the names are told */
  OWNER_LEVEL_SIZE = 128,  /* a longer name is cut */
  OWNER_PATH_SIZE = 512,   /* of all names that the watch tells, with the empty
                              one; a power of two */
  OWNER_DEPTH_MAX = 24,    /* of a group deeper than that no name is told */
  OWNER_RING_SIZE_BYTES = 256 * 1024, /* room for 1,000 loads between reads */
};

enum owner_record_flags {
  OWNER_RECORD_END = 1,     /* the end of the list */
  OWNER_RECORD_NO_PATH = 2, /* the control group could not be told */
};

struct owner_record {
  __u32 magic;
  __u16 version; /* PROG_RECORD_VERSION */
  __u16 flags;
  __u32 id; /* of the program */
  __u32 pid;
  __u64 load_time_ns;
  char command[OWNER_COMMAND_SIZE]; /* of the leader of the threads; "": not
                                       known */
};

/* A record with the room for the longest path, and a name that does not fit. */
struct owner_record_named {
  struct owner_record record;
  char path[OWNER_PATH_SIZE + OWNER_LEVEL_SIZE];
};

#endif
