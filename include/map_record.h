/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* map_record: what our BPF programs in the kernel tell of maps.
 *
 * Shared by both sides. There are two streams of records that have one size
 * each: of each map what it takes and holds, and of each program which maps it
 * uses. Both end in a record that marks the end of the kernel's own list. A
 * change of anything here takes a new PROG_RECORD_VERSION. */
#ifndef BPF_STATS_MAP_RECORD_H
#define BPF_STATS_MAP_RECORD_H

#include <linux/types.h>

#define MAP_RECORD_MAGIC 0x6270666d /* "bpfm" */
#define MAP_USE_MAGIC 0x62706675    /* "bpfu" */

enum {
  MAP_RECORD_NAME_SIZE = 16, /* BPF_OBJ_NAME_LEN */
  MAP_TYPES_MAX = 64,        /* for which there is room; a power of two */
  MAP_KINDS_MAX = 2 * MAP_TYPES_MAX,
};

enum map_record_flags {
  MAP_RECORD_END = 1,      /* the end of the list */
  MAP_RECORD_MEASURED = 2, /* BYTES tells */
  MAP_RECORD_FILL = 4,     /* USED and CAPACITY tell */
  MAP_RECORD_UNUSED = 8,   /* nothing in the kernel uses it: no program, no
                              other map. Files and descriptors may keep it */
  MAP_RECORD_JIT = 16,     /* this is no map: USED and CAPACITY are the bytes of
                              JITed code, and the limit for them */
};

/* What both records begin with. */
struct map_record_head {
  __u32 magic;
  __u16 version; /* PROG_RECORD_VERSION */
  __u16 flags;
};

struct map_record {
  struct map_record_head head;
  __u32 id;
  __u16 type;     /* enum bpf_map_type */
  __u16 kind;     /* of the formula for BYTES: maps of one kind share it */
  __u64 bytes;    /* of kernel memory, as the kernel's own number */
  __u64 used;     /* entries; of a ring buffer bytes that nobody has consumed */
  __u64 capacity; /* of the same */
  char name[MAP_RECORD_NAME_SIZE];
};

struct map_use_record {
  struct map_record_head head;
  __u32 prog_id;
  __u32 map_id;
};

/* What the kernel's own number has beyond the formula, for each kind. */
struct map_correction {
  __s64 bytes;
  __u64 is_wrong; /* the difference is not the same for all maps, or unknown */
};

#endif
