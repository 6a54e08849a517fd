/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* prog_iter: writes a record of every loaded BPF program to its reader.
 *
 * Kernel structs are declared by hand, with just the fields in use; CO-RE moves
 * them to where the running kernel has them. Every value from the kernel is
 * fetched by a read that can fail, and a failure marks the record. */
#include <linux/bpf.h>

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

#define ADD_FIELD(sum, base, field)                                            \
  ({                                                                           \
    __u64 value_ = 0;                                                          \
    if (bpf_probe_read_kernel(                                                 \
            &value_, sizeof(value_),                                           \
            (void *)((base) + bpf_core_field_offset(struct bpf_prog_stats,     \
                                                    field))) != 0)             \
      (sum)->failed = 1;                                                       \
    (sum)->field += value_;                                                    \
  })

static long add_cpu(__u32 cpu, void *ctx) {
  struct sum *sum = ctx;
  __u64 base = sum->stats + *cpu_offset(cpu);
  ADD_FIELD(sum, base, cnt);
  ADD_FIELD(sum, base, nsecs);
  if (bpf_core_field_exists(struct bpf_prog_stats, misses))
    ADD_FIELD(sum, base, misses);
  return 0;
}

static __always_inline void read_stats(struct bpf_prog *prog,
                                       struct bpf_prog_aux *aux,
                                       struct prog_record *record) {
  struct sum sum = {0};
  void *stats = 0;
  long rc;
  if (bpf_core_field_exists(prog->stats))
    rc = bpf_core_read(&stats, sizeof(stats), &prog->stats);
  else
    rc = bpf_core_read(&stats, sizeof(stats),
                       &((struct bpf_prog_aux___stats *)aux)->stats);
  sum.stats = (__u64)stats;
  if (rc != 0 || stats == 0 || cpu_offsets_num < cpus_num) {
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
 * 0 when it has none. */
static __always_inline __u64 find_full_name(struct bpf_prog_aux *aux) {
  struct btf *btf = 0, *base_btf = 0;
  struct bpf_func_info *infos = 0, info = {};
  __u32 func_idx = 0, func_info_cnt = 0, nr_types = 0, name_off = 0;
  struct btf_type **types = 0, *type = 0;
  const char *strings = 0;
  long rc = bpf_core_read(&btf, sizeof(btf), &aux->btf);
  rc |= bpf_core_read(&infos, sizeof(infos), &aux->func_info);
  rc |= bpf_core_read(&func_idx, sizeof(func_idx), &aux->func_idx);
  rc |=
      bpf_core_read(&func_info_cnt, sizeof(func_info_cnt), &aux->func_info_cnt);
  if (rc != 0 || btf == 0 || infos == 0 || func_idx >= func_info_cnt)
    return 0;
  rc = bpf_probe_read_kernel(&info, sizeof(info), &infos[func_idx]);
  rc |= bpf_core_read(&types, sizeof(types), &btf->types);
  rc |= bpf_core_read(&nr_types, sizeof(nr_types), &btf->nr_types);
  rc |= bpf_core_read(&strings, sizeof(strings), &btf->strings);
  rc |= bpf_core_read(&base_btf, sizeof(base_btf), &btf->base_btf);
  /* Programs have BTF of their own, not one that is split. */
  if (rc != 0 || base_btf != 0 || info.type_id >= nr_types)
    return 0;
  rc = bpf_probe_read_kernel(&type, sizeof(type), &types[info.type_id]);
  rc |= bpf_core_read(&name_off, sizeof(name_off), &type->name_off);
  return rc != 0 ? 0 : (__u64)strings + name_off;
}

static __always_inline void fill(struct bpf_prog *prog,
                                 struct prog_record *record) {
  struct bpf_prog_aux *aux = 0;
  __u16 pages = 0;
  long rc = bpf_core_read(&aux, sizeof(aux), &prog->aux);
  rc |= bpf_core_read(&record->id, sizeof(record->id), &aux->id);
  rc |= bpf_core_read(&record->load_time_ns, sizeof(record->load_time_ns),
                      &aux->load_time);
  rc |=
      bpf_core_read(record->short_name, sizeof(record->short_name), &aux->name);
  rc |= bpf_core_read(&record->type, sizeof(record->type), &prog->type);
  rc |= bpf_core_read(&pages, sizeof(pages), &prog->pages);
  if (bpf_core_field_exists(prog->tag))
    rc |= bpf_core_read(record->tag, sizeof(record->tag), &prog->tag);
  else
    rc |= bpf_core_read(record->tag, sizeof(record->tag),
                        &((struct bpf_prog___digest *)prog)->digest);
  record->pages = pages;
  if (rc != 0)
    record->flags |= PROG_RECORD_UNREADABLE;
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
  fill(prog, &record);
  __u64 full_name = 0;
  if (record.short_name[PROG_RECORD_SHORT_NAME_SIZE - 2] != '\0')
    full_name = find_full_name(prog->aux);
  if (full_name != 0)
    write_named(seq, &record, full_name);
  else
    bpf_seq_write(seq, &record, sizeof(record));
  return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
