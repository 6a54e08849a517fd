/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* prog_iter: writes a record of every loaded BPF program to its reader.
 *
 * What could not be read marks the record; nothing is made up. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "cpu_offsets.bpf.h"
#include "kernel_structs.bpf.h"
#include "prog_record.h"

enum {
  NAME_CHUNK_SIZE = 256, /* what the stack of a BPF program has room for */
};

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
  __u64 base = sum->stats + *cpu_offset(cpu);
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
  if (rc != 0 || sum.stats == 0 || cpu_offsets_num < cpus_num) {
    record->flags |= PROG_RECORD_UNREADABLE;
    return;
  }
  bpf_loop(cpus_num, add_cpu, &sum, 0);
  if (sum.failed)
    record->flags |= PROG_RECORD_UNREADABLE;
  if (bpf_core_field_exists(struct bpf_prog_stats, misses))
    record->flags |= PROG_RECORD_HAS_MISSES;
  record->cnt = sum.cnt;
  record->nsecs = sum.nsecs;
  record->misses = sum.misses;
}

/* Returns the address of the name of the main function in the program's BTF, or
 * 0 when it has none. Plain loads as in fill(); but types and strings are no
 * structures of which the verifier knows the types. */
static __always_inline __u64 find_full_name(struct bpf_prog_aux *aux) {
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

/* The iterator holds the program, so that its own structures are there, and the
 * verifier sees to the types: plain loads do. */
static __always_inline void fill(struct bpf_prog *prog,
                                 struct bpf_prog_aux *aux,
                                 struct prog_record *record) {
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

/* Reads a part of a name at ADDRESS. Returns its size with the NUL. */
static __always_inline long read_chunk(char *chunk, __u64 address) {
  return bpf_probe_read_kernel_str(chunk, NAME_CHUNK_SIZE, (void *)address);
}

/* Writes the record and the full name, in two parts if need be: it is measured
 * first, as its size stands in the record. */
static __always_inline void
write_named(struct seq_file *seq, struct prog_record *record, __u64 full_name) {
  char chunk[NAME_CHUNK_SIZE];
  const __u64 second = full_name + NAME_CHUNK_SIZE - 1;
  long first_size = read_chunk(chunk, full_name);
  long second_size = 0;
  if (first_size == NAME_CHUNK_SIZE)
    second_size = read_chunk(chunk, second);
  if (first_size <= 0 || second_size < 0) {
    bpf_seq_write(seq, record, sizeof(*record));
    return;
  }
  if (second_size <= 1) { /* it ended with the first */
    record->name_size = first_size;
    bpf_seq_write(seq, record, sizeof(*record));
    if (first_size == NAME_CHUNK_SIZE) /* the second has overwritten it */
      first_size = read_chunk(chunk, full_name);
    if (first_size > 0)
      bpf_seq_write(seq, chunk, first_size);
    return;
  }
  record->name_size = NAME_CHUNK_SIZE - 1 + second_size;
  bpf_seq_write(seq, record, sizeof(*record));
  read_chunk(chunk, full_name);
  bpf_seq_write(seq, chunk, NAME_CHUNK_SIZE - 1);
  second_size = read_chunk(chunk, second);
  if (second_size > 0)
    bpf_seq_write(seq, chunk, second_size);
}

SEC("iter/bpf_prog")
int bpf_stats_iter(struct bpf_iter__bpf_prog *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct bpf_prog *prog = ctx->prog;
  struct prog_record record = {.magic = PROG_RECORD_MAGIC,
                               .version = PROG_RECORD_VERSION};
  if (prog == 0) {
    record.flags = PROG_RECORD_END;
    bpf_seq_write(seq, &record, sizeof(record));
    return 0;
  }
  if (ctx->meta->seq_num == 0)
    find_cpu_offsets();
  struct bpf_prog_aux *aux = prog->aux;
  fill(prog, aux, &record);
  __u64 full_name = 0;
  if (record.short_name[PROG_RECORD_SHORT_NAME_SIZE - 2] != '\0')
    full_name = find_full_name(aux);
  if (full_name != 0)
    write_named(seq, &record, full_name);
  else
    bpf_seq_write(seq, &record, sizeof(record));
  return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
