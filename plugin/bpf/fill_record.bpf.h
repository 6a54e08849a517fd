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

/* A plain load takes a tenth of the time of a probe read, and less than a call
 * of bpf_loop(): so hundreds of CPUs that idle cost little. It takes a kfunc of
 * 6.2. Where that is missing libbpf searches all modules for it, even if it is
 * weak, which needs CAP_SYS_ADMIN: the objects for older kernels do without. */
#ifdef PLAIN_LOADS
enum { BLOCK_CPUS = 32 };
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;
#else
enum { BLOCK_CPUS = 1 };
#endif

static long add_block(__u32 block, void *ctx) {
  struct sum sum = *(struct sum *)ctx;
  for (__u32 i = 0; i < BLOCK_CPUS; i++) {
    const __u32 cpu = block * BLOCK_CPUS + i;
    if (cpu >= cpu_offsets_num)
      break;
    void *address = (void *)(sum.stats + *cpu_offset(cpu));
#ifdef PLAIN_LOADS
    const struct bpf_prog_stats *stats = bpf_rdonly_cast(
        address, bpf_core_type_id_kernel(struct bpf_prog_stats));
#else
    __u64 copy[8] = {0}; /* the kernel's structure has room in it */
    const struct bpf_prog_stats *stats = (void *)copy;
    if (bpf_probe_read_kernel(copy, bpf_core_type_size(struct bpf_prog_stats),
                              address) != 0)
      sum.failed = 1;
#endif
    sum.cnt += stats->cnt.v;
    sum.nsecs += stats->nsecs.v;
    sum.misses += stats->misses.v;
  }
  *(struct sum *)ctx = sum;
  return 0;
}

static __always_inline void read_stats(struct bpf_prog *prog,
                                       struct prog_record *record) {
  struct sum sum = {0};
  /* A pointer that is loaded plainly is none to calculate with. */
  if (bpf_core_read(&sum.stats, sizeof(sum.stats), &prog->stats) != 0 ||
      sum.stats == 0 || cpu_offsets_num == 0) {
    record->flags |= PROG_RECORD_UNREADABLE;
    return;
  }
  bpf_loop((cpu_offsets_num - 1) / BLOCK_CPUS + 1, add_block, &sum, 0);
  if (sum.failed)
    record->flags |= PROG_RECORD_UNREADABLE;
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

/* Tells what the kernel counts of a program besides its runs. */
static __always_inline void set_flags(struct bpf_prog *prog,
                                      struct bpf_prog_aux *aux,
                                      struct prog_record *record) {
  if (bpf_core_field_exists(struct bpf_prog_stats, misses))
    record->flags |= PROG_RECORD_HAS_MISSES;
  if (bpf_core_field_exists(struct bpf_link_info___missed, kprobe_multi.missed))
    record->flags |= PROG_RECORD_HAS_CPU_MISSES;
  if (prog->expected_attach_type == BPF_TRACE_ITER)
    record->flags |= PROG_RECORD_ITERATOR;
  if (bpf_core_field_exists(aux->jits_use_priv_stack) &&
      aux->jits_use_priv_stack)
    record->flags |= PROG_RECORD_PRIVATE_STACK;
  if (!bpf_core_field_exists(aux->prog_array_member_cnt))
    return;
  record->flags |= PROG_RECORD_HAS_CALLED;
  if (aux->prog_array_member_cnt != 0)
    record->flags |= PROG_RECORD_CALLED;
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
  record->uid = aux->user->uid.val;
  record->type = prog->type;
  record->load_time_ns = aux->load_time;
  record->pages = prog->pages;
  __builtin_memcpy(record->short_name, aux->name, sizeof(record->short_name));
  if (bpf_core_field_exists(prog->tag))
    __builtin_memcpy(record->tag, prog->tag, sizeof(record->tag));
  else
    __builtin_memcpy(record->tag, ((struct bpf_prog___digest *)prog)->digest,
                     sizeof(record->tag));
  set_flags(prog, aux, record);
  read_stats(prog, record);
}

#endif
