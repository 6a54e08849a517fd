/* SPDX-License-Identifier: MIT */
/* fake_libbpf: stands in for libbpf at the link seam, with programs of the
 * test's choosing. File descriptors are real ones, so that leaks show. */
#ifndef BPF_STATS_TESTS_FAKE_LIBBPF_H
#define BPF_STATS_TESTS_FAKE_LIBBPF_H

#include "confinement.h"
#include "map_record.h"
#include "prog_record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_prog {
  uint32_t id;
  uint64_t load_time_ns;
  uint32_t type;
  uint32_t uid;
  uint8_t tag_byte;      /* with which its tag begins; 0: 0xde */
  const char *name;      /* the kernel's, cut at 15 characters by the fake */
  const char *full_name; /* of the main function in its BTF; NULL: no BTF */
  uint32_t btf_id;       /* only with full_name */
  uint64_t run_cnt;
  uint64_t run_time_ns;
  uint64_t recursion_misses;
  /* Errors to report, as -errno; 0: none. */
  int fd_error;
  int info_error;
};

struct fake_map {
  uint32_t id;
  const char *name;
  int fd_error; /* as above */
  /* As pinned iterators tell them. */
  const char *payer; /* the name of a control group; NULL: none */
  uint16_t flags;    /* enum map_record_flags */
  uint64_t bytes;
  uint64_t used;
  uint64_t capacity;
};

struct fake_use {
  uint32_t prog_id;
  uint32_t map_id;
};

enum {
  FAKE_PROGS_MAX = 64,
  FAKE_RING_MAX = 64,
  FAKE_MAPS_MAX = 4001,
  FAKE_USES_MAX = 8,
};

extern struct fake_libbpf {
  struct fake_prog progs[FAKE_PROGS_MAX]; /* in order of ids */
  size_t progs_num;
  struct fake_map maps[FAKE_MAPS_MAX]; /* in order of ids */
  size_t maps_num;
  struct fake_use uses[FAKE_USES_MAX];
  size_t uses_num;
  int map_next_id_error;       /* -errno of the walk over maps */
  uint32_t info_len;           /* the size of the kernel's bpf_prog_info */
  int next_id_error;           /* -errno of the walk, from ... */
  uint32_t next_id_error_from; /* ... this id on */
  uint32_t next_id_repeats;    /* the walk comes back to this id; 0: no */
  int btf_error;               /* -errno of loading BTF */
  int enable_stats_error;      /* -errno of bpf_enable_stats */
  int load_error;              /* -errno of bpf_prog_load */
  uint32_t jited_len;          /* of what it loads */
  bool sysctl_on;              /* kernel.bpf_stats_enabled */
  bool has_iterator; /* files "iterator", "maps", "map_uses" are pinned ones */
  uint32_t iterator_id;
  bool statistics_on;       /* as others have them, not the sysctl */
  uint32_t cost_ns;         /* of statistics, a test run */
  unsigned enabled_num;     /* how often it went well */
  uint64_t runs_per_window; /* of each program from the first walk after that
                               to the second, 10 ns a run */
  uint64_t misses_per_window;
  unsigned window_walks;          /* since it last went well */
  struct confinement confinement; /* of the process; reset: no capability */
  /* The watch on unloads, as if pinned. */
  bool has_pins;
  uint32_t ring_type;                      /* enum bpf_map_type */
  int ring_error;                          /* errno of ring_buffer__new */
  struct unload_counters counters;         /* what the map holds */
  uint32_t watch_ids[UNLOAD_PROGRAMS_NUM]; /* and these: of its own programs */
  struct fake_ring_record {
    unsigned char bytes[700];
    size_t size;
  } ring[FAKE_RING_MAX]; /* what it hands out at the next consume */
  size_t ring_num;
  struct fake_ring_record owner_ring[FAKE_RING_MAX];
  size_t owner_ring_num;
  bool ring_is_held; /* a record that is being written keeps others behind it */
  unsigned pins_made; /* how often others have come in their place */
  struct unload_counters old_counters; /* of those before, which are open */
  struct fake_ring_record old_ring[FAKE_RING_MAX];
  size_t old_ring_num;
  /* The members of the kernel's enum bpf_prog_type, up to 8, as in
   * "6 BPF_PROG_TYPE_XDP 7 BPF_PROG_TYPE_PERF_EVENT"; NULL: it has no BTF. */
  const char *kernel_types;
  /* Called for each program just before a walk reads it, and for each run of
   * the plugin's own program, in which case it is NULL; or NULL. */
  void (*on_read)(const struct fake_prog *prog);
  /* What was called. */
  unsigned btf_loads;
  unsigned kernel_btf_loads;
  unsigned func_info_calls;
  unsigned walks; /* over all ids, to an end; also by the sampler's thread */
  int btfs_held;
} fake_libbpf;

/* Opens what stands for the pinned iterators of maps, of their uses, and of who
 * pays for them. */
int fake_libbpf_open_maps(void);
int fake_libbpf_open_uses(void);
int fake_libbpf_open_payers(void);

/* Opens what stands for a pinned iterator: a stream of all programs, its own
 * end included, in which the program of id iterator_id is the iterator itself.
 */
int fake_libbpf_open_iterator(void);

/* Whether statistics are on, whoever turned them on. */
bool fake_libbpf_is_counted(void);

/* Whether the plugin has them on. */
bool fake_libbpf_is_held(void);

/* No programs, no errors, a current kernel. */
void fake_libbpf_reset(void);

/* Pins another watch: who has opened the one before still has what that holds.
 */
void fake_libbpf_pin_anew(void);

/* Puts a record of a program that was unloaded into the ring, and counts it. */
struct fake_ring_record *fake_libbpf_unload(uint32_t id, uint64_t load_time_ns,
                                            const char *name, uint64_t cnt);

/* Appends a program with what the test does not care about filled in. */
struct fake_prog *fake_libbpf_add(uint32_t id, uint64_t load_time_ns,
                                  const char *name, uint64_t run_cnt);

#endif
