/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* prog_iter: writes a record of every loaded BPF program to its reader.
 *
 * Kernel structs are declared by hand, with just the fields in use; CO-RE moves
 * them to where the running kernel has them. Every value from the kernel is
 * fetched by a read that can fail, and a failure marks the record. */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "prog_record.h"

enum {
  NAME_CHUNK_SIZE = 256, /* what the stack of a BPF program has room for */
};

#define CO_RE __attribute__((preserve_access_index))

struct u64_stats_t {
  __u64 v;
};

/* include/linux/filter.h; one for each possible CPU */
struct bpf_prog_stats {
  struct u64_stats_t cnt;
  struct u64_stats_t nsecs;
  struct u64_stats_t misses;
} CO_RE;

struct btf_type {
  __u32 name_off;
} CO_RE;

struct btf {
  struct btf_type **types;
  __u32 nr_types;
  const char *strings;
  struct btf *base_btf;
} CO_RE;

struct bpf_prog_aux {
  __u32 id;
  __u64 load_time;
  char name[PROG_RECORD_SHORT_NAME_SIZE];
  struct btf *btf;
  struct bpf_func_info *func_info; /* as in the UAPI */
  __u32 func_info_cnt;
  __u32 func_idx;
} CO_RE;

struct bpf_prog {
  __u16 pages;
  enum bpf_prog_type type;
  __u8 tag[8];
  struct bpf_prog_stats *stats;
  struct bpf_prog_aux *aux;
} CO_RE;

/* Before 5.12 the statistics were in aux. */
struct bpf_prog_aux___stats {
  struct bpf_prog_stats *stats;
} CO_RE;

/* Where the tag is but the start of a digest. */
struct bpf_prog___digest {
  __u8 digest[32];
} CO_RE;

struct bpf_array {
  void *pptrs[0];
} CO_RE;

struct bpf_iter_meta {
  struct seq_file *seq;
  __u64 session_id;
  __u64 seq_num;
} CO_RE;

struct bpf_iter__bpf_prog {
  struct bpf_iter_meta *meta;
  struct bpf_prog *prog;
} CO_RE;

/* One element, of which the kernel tells the address on any CPU: the difference
 * to the map's own per-CPU pointer is that CPU's offset, which finds every
 * other per-CPU variable. No kernel symbol is needed: not all kernels have
 * them. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} anchor SEC(".maps");

/* Set by the loader: CPUs are numbered below it. */
const volatile __u32 cpus_num = 0;

/* Found anew at each start of a walk; the same each time. */
__u64 cpu_offsets[PROG_RECORD_CPUS_MAX];
__u32 cpu_offsets_num;

/* The verifier forbids arithmetic on the address of a map. Read back from
 * memory it is a number. */
static __always_inline __u64 as_number(void *const *ptr) {
  __u64 number = 0;
  bpf_probe_read_kernel(&number, sizeof(number), ptr);
  return number;
}

/* The mask tells the verifier what the loader has seen to: there is room. The
 * compiler, which could know as well, must not leave it out. */
static __always_inline __u64 *cpu_offset(__u32 cpu) {
  barrier_var(cpu);
  cpu &= PROG_RECORD_CPUS_MAX - 1;
  return &cpu_offsets[cpu];
}

static long find_cpu_offset(__u32 cpu, void *ctx) {
  __u64 base = *(__u64 *)ctx;
  __u32 zero = 0;
  void *value = bpf_map_lookup_percpu_elem(&anchor, &zero, cpu);
  if (value == 0)
    return 1;
  void *volatile spilled = value;
  *cpu_offset(cpu) = as_number((void *const *)&spilled) - base;
  cpu_offsets_num = cpu + 1;
  return 0;
}

static __always_inline void find_cpu_offsets(void) {
  void *volatile spilled = &anchor;
  __u64 map = as_number((void *const *)&spilled);
  __u64 base = 0;
  /* pptrs[0], a pointer for this_cpu_ptr() and its like */
  long offset = __builtin_preserve_field_info(((struct bpf_array *)0)->pptrs,
                                              BPF_FIELD_BYTE_OFFSET);
  if (bpf_probe_read_kernel(&base, sizeof(base), (void *)(map + offset)) == 0)
    bpf_loop(cpus_num, find_cpu_offset, &base, 0);
}

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
