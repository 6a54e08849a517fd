/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* fill_record: describes a program, as the iterator and the watch on unloads
 * hand it out.
 *
 * What could not be read marks the record; nothing is made up. */
#ifndef BPF_STATS_FILL_RECORD_BPF_H
#define BPF_STATS_FILL_RECORD_BPF_H

#include "cpu_offsets.bpf.h"
#include "kernel_structs.bpf.h"
#include "prog_record.h"

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct sum {
  __u64 stats; /* the per-CPU pointer of the program */
  __u64 cnt;
  __u64 nsecs;
  __u64 misses;
  __u32 failed;
};

#define READ_COUNTER(base, field, failed)                                      \
  ({                                                                           \
    __u64 value_ = 0;                                                          \
    if (bpf_probe_read_kernel(                                                 \
            &value_, sizeof(value_),                                           \
            (void *)((base) + bpf_core_field_offset(struct bpf_prog_stats,     \
                                                    field))) != 0)             \
      failed = 1;                                                              \
    value_;                                                                    \
  })

/* The three counters as the kernel has them since 5.12, next to each other: one
 * read instead of three. */
struct counters {
  __u64 cnt;
  __u64 nsecs;
  __u64 misses;
};

static __always_inline bool are_together(void) {
  return bpf_core_field_exists(struct bpf_prog_stats, misses) &&
         bpf_core_field_offset(struct bpf_prog_stats, nsecs) ==
             bpf_core_field_offset(struct bpf_prog_stats, cnt) + 8 &&
         bpf_core_field_offset(struct bpf_prog_stats, misses) ==
             bpf_core_field_offset(struct bpf_prog_stats, cnt) + 16;
}

static long add_cpu(__u32 cpu, void *ctx) {
  struct sum *sum = ctx;
  __u64 offset = *cpu_offset(cpu);
  if (offset == CPU_OFFSET_NONE)
    return 0;
  __u64 base = sum->stats + offset;
  struct counters counters = {0};
  if (are_together()) {
    base += bpf_core_field_offset(struct bpf_prog_stats, cnt);
    if (bpf_probe_read_kernel(&counters, sizeof(counters), (void *)base) != 0)
      sum->failed = 1;
  } else {
    counters.cnt = READ_COUNTER(base, cnt, sum->failed);
    counters.nsecs = READ_COUNTER(base, nsecs, sum->failed);
    if (bpf_core_field_exists(struct bpf_prog_stats, misses))
      counters.misses = READ_COUNTER(base, misses, sum->failed);
  }
  sum->cnt += counters.cnt;
  sum->nsecs += counters.nsecs;
  sum->misses += counters.misses;
  return 0;
}

static __always_inline void read_stats(struct bpf_prog *prog,
                                       struct bpf_prog_aux *aux,
                                       struct prog_record *record) {
  struct sum sum = {0};
  long rc;
  /* A pointer that is loaded plainly is none to calculate with. */
  if (bpf_core_field_exists(prog->stats))
    rc = bpf_core_read(&sum.stats, sizeof(sum.stats), &prog->stats);
  else
    rc = bpf_core_read(&sum.stats, sizeof(sum.stats),
                       &((struct bpf_prog_aux___stats *)aux)->stats);
  if (rc != 0 || sum.stats == 0 || cpu_offsets_num == 0) {
    record->flags |= PROG_RECORD_UNREADABLE;
    return;
  }
  bpf_loop(cpu_offsets_num, add_cpu, &sum, 0);
  if (sum.failed)
    record->flags |= PROG_RECORD_UNREADABLE;
  if (bpf_core_field_exists(struct bpf_prog_stats, misses))
    record->flags |= PROG_RECORD_HAS_MISSES;
  record->cnt = sum.cnt;
  record->nsecs = sum.nsecs;
  record->misses = sum.misses;
}

/* Returns the address of the name of the main function in the program's BTF, or
 * 0 when it has none, or none that is longer than the kernel's own. Plain loads
 * as in fill_record(); but types and strings are no structures of which the
 * verifier knows the types. */
static __always_inline __u64 find_full_name(struct bpf_prog_aux *aux,
                                            const struct prog_record *record) {
  if (record->short_name[PROG_RECORD_SHORT_NAME_SIZE - 2] == '\0')
    return 0;
  struct bpf_func_info *func_info = aux->func_info;
  struct btf *btf = aux->btf;
  struct btf_type *type = 0;
  __u32 name_off = 0;
  /* Only main programs have an id, and func_idx 0. */
  if (btf == 0 || func_info == 0 || aux->func_info_cnt == 0 ||
      aux->func_idx != 0)
    return 0;
  __u32 type_id = func_info->type_id;
  /* Programs have BTF of their own, not one that is split. */
  if (btf->base_btf != 0 || type_id >= btf->nr_types)
    return 0;
  if (bpf_probe_read_kernel(&type, sizeof(type), &btf->types[type_id]) != 0 ||
      bpf_core_read(&name_off, sizeof(name_off), &type->name_off) != 0)
    return 0;
  return (__u64)btf->strings + name_off;
}

/* Fills the record but for its name_size. The kernel holds the program while
 * ours run, so that its own structures are there, and the verifier sees to the
 * types: plain loads do. */
static __always_inline void fill_record(struct bpf_prog *prog,
                                        struct bpf_prog_aux *aux,
                                        struct prog_record *record) {
  record->magic = PROG_RECORD_MAGIC;
  record->version = PROG_RECORD_VERSION;
  record->id = aux->id;
  record->type = prog->type;
  record->load_time_ns = aux->load_time;
  record->pages = prog->pages;
  __builtin_memcpy(record->short_name, aux->name, sizeof(record->short_name));
  if (bpf_core_field_exists(prog->tag))
    __builtin_memcpy(record->tag, prog->tag, sizeof(record->tag));
  else
    __builtin_memcpy(record->tag, ((struct bpf_prog___digest *)prog)->digest,
                     sizeof(record->tag));
  read_stats(prog, aux, record);
}

#endif
