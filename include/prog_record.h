/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* prog_record: what our BPF programs in the kernel hand to their reader.
 *
 * Shared by both sides. The iterator's stream is a record for each program, in
 * ascending order of ids, and one more that marks the kernel's own end of the
 * list. The watch on unloads puts a record of each program that is unloaded
 * into its ring, and shares counters in an array. A change of anything here
 * takes a new PROG_RECORD_VERSION: what is pinned outlives the program that
 * pinned it. All integers are in the machine's byte order. */
#ifndef BPF_STATS_PROG_RECORD_H
#define BPF_STATS_PROG_RECORD_H

#include <linux/types.h>

#define PROG_RECORD_MAGIC 0x62706673 /* "bpfs" */
#define PROG_RECORD_VERSION 6

/* What the loader writes into the anchor of each CPU, see cpu_offsets.bpf.h. */
#define CPU_OFFSETS_MAGIC 0x62706673616e6368 /* "bpfsanch" */

enum {
  PROG_RECORD_SHORT_NAME_SIZE = 16, /* BPF_OBJ_NAME_LEN */
  PROG_RECORD_NAME_SIZE = 512,      /* KSYM_NAME_LEN, bounds names in BTF */
  PROG_RECORD_CPUS_MAX = 4096,      /* for which the iterator has room */
  PROG_USED_MAPS_MAX = 64,          /* of one program, the kernel's limit */
  UNLOAD_PROGRAMS_NUM = 10,         /* of the watch on unloads, attached */
  OWNER_PROGRAMS_NUM = 2,           /* iterators that find owners */
  MAP_PROGRAMS_NUM = 3,             /* iterators that read maps */
};

enum prog_record_flags {
  PROG_RECORD_END = 1,        /* the end of the list; its id and counters are
                                 the iterator's own, as they are by then */
  PROG_RECORD_UNREADABLE = 2, /* a read in the kernel failed: only ID counts */
  /* What this kernel counts: the runs that the guard of a program skips (5.12);
   * those that the guard of a CPU skips as well; and what others call. */
  PROG_RECORD_HAS_MISSES = 4,
  PROG_RECORD_HAS_CPU_MISSES = 8,
  PROG_RECORD_HAS_CALLED = 16,
  /* Of the program. */
  PROG_RECORD_ITERATOR = 32,
  PROG_RECORD_PRIVATE_STACK = 64, /* with a guard of its own, also where its
                                     type has none */
  PROG_RECORD_CALLED = 128,       /* it is in a map for tail calls */
};

/* The iterators that were pinned with the one of the programs, 0 for none. */
struct prog_record_siblings {
  __u32 owners[OWNER_PROGRAMS_NUM];
  __u32 maps[MAP_PROGRAMS_NUM];
};

struct prog_record {
  __u32 magic;
  __u16 version;
  __u16 flags;
  __u32 id;
  __u32 uid; /* of who loaded it */
  __u64 load_time_ns;
  __u64 cnt;
  __u64 nsecs;
  __u64 misses;
  __u32 pages;     /* of kernel memory */
  __u16 type;      /* enum bpf_prog_type */
  __u16 name_size; /* bytes of the full name that follow the record, with its
                      NUL, at most PROG_RECORD_NAME_SIZE; 0: none */
  union {
    struct {
      __u8 tag[8];
      char short_name[PROG_RECORD_SHORT_NAME_SIZE];
    };
    struct prog_record_siblings siblings; /* of the record that marks the end */
  };
};

/* A record with the room for the longest name. */
struct prog_record_named {
  struct prog_record record;
  char full_name[PROG_RECORD_NAME_SIZE];
};

/* Of all programs since the watch began. Each only grows. */
struct unload_counters {
  __u32 magic;
  __u32 version;
  __u64 loads;
  __u64 unloads;
  __u64 lost; /* of the unloads: without a record in the ring */
};

/* The elements of the watch's array. */
enum { UNLOAD_SHARED_COUNTERS, UNLOAD_SHARED_PROGRAMS, UNLOAD_SHARED_NUM };

union unload_shared {
  struct unload_counters counters;
  __u32 prog_ids[UNLOAD_PROGRAMS_NUM]; /* of the watch itself */
};

#endif
