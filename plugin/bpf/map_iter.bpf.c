/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* map_iter: what each map takes and holds, and which maps a program uses.
 *
 * The memory of a map is what the kernel's own map_mem_usage() says, computed
 * from the same members: there is no way to call that from here. Our loader
 * compares both for maps of its own, and writes down what differs. Before 6.4
 * the kernel has another number, which is computed from the sizes that a map
 * was made with, and so it is here. */
#include "cpu_offsets.bpf.h"
#include "kernel_structs.bpf.h"
#include "map_record.h"
#include "owner_path.bpf.h"
#include "prog_record.h"

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum {
  LOCKS = 8,   /* HASHTAB_MAP_LOCK_COUNT; gone in 6.18 */
  POINTER = 8, /* bytes */
};

/* These it reads by their addresses: nobody but the kernel has their types. */
struct bpf_map_ops {
  void *map_mem_usage; /* 6.4 */
} CO_RE;

struct bpf_map {
  enum bpf_map_type map_type;
  __u32 key_size;
  __u32 value_size;
  __u32 max_entries;
  __u32 map_flags;
  __u32 id;
  struct {
    __s64 counter;
  } refcnt, usercnt;
  char name[MAP_RECORD_NAME_SIZE];
  struct obj_cgroup *objcg;
} CO_RE;

struct bucket {
  void *head;
} CO_RE;

struct bpf_htab {
  __u32 n_buckets;
  __u32 elem_size;
} CO_RE;

struct lpm_trie_node {
  __u32 prefixlen;
} CO_RE;

struct lpm_trie {
  unsigned long n_entries;
  unsigned long data_size;
} CO_RE;

struct bpf_ringbuf {
  __u64 mask;
  int nr_pages;
  unsigned long consumer_pos;
  unsigned long producer_pos;
} CO_RE;

struct bpf_ringbuf_map {
  struct bpf_ringbuf *rb;
} CO_RE;

struct bpf_queue_stack {
  __u32 size;
} CO_RE;

struct stack_map_bucket {
  __u32 hash;
} CO_RE;

struct bpf_stack_map {
  __u32 n_buckets;
} CO_RE;

struct bpf_bloom_filter {
  __u32 bitset_mask;
} CO_RE;

struct bpf_iter__bpf_map {
  struct bpf_iter_meta *meta;
  struct bpf_map *map;
} CO_RE;

/* The first is of 6.6, and adds up what each CPU has counted; the second makes
 * plain loads possible, which take less time than probe reads. An object for
 * kernels that do not have them is made of the same source without them. */
#ifdef ELEM_COUNTS
extern __s64 bpf_map_sum_elem_count(const struct bpf_map *map) __ksym;
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym;
#define READ(type, map, member)                                                \
  (((const struct type *)bpf_rdonly_cast(                                      \
        map, bpf_core_type_id_kernel(struct type)))                            \
       ->member)
#else
#define READ(type, map, member)                                                \
  BPF_CORE_READ((const struct type *)(const void *)(map), member)
#endif

const volatile __u64 page_size = 4096;

/* Addresses of what the kernel counts of JITed code, and of the limit; 0 where
 * our loader may not know them. */
const volatile __u64 jit_used_address;
const volatile __u64 jit_limit_address;

/* Found by our loader, before any of this is pinned. */
struct map_correction corrections[MAP_KINDS_MAX];
__u64 jit_is_wrong;

static __always_inline __u64 round_up(__u64 bytes, __u64 to) {
  return (bytes + to - 1) / to * to;
}

static __always_inline bool is_percpu(__u32 type) {
  return type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_LRU_PERCPU_HASH ||
         type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static __always_inline bool is_lru(__u32 type) {
  return type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static __always_inline bool is_hash(__u32 type) {
  return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_PERCPU_HASH ||
         type == BPF_MAP_TYPE_HASH_OF_MAPS || is_lru(type);
}

static __always_inline bool is_ring(__u32 type) {
  return type == BPF_MAP_TYPE_RINGBUF || type == BPF_MAP_TYPE_USER_RINGBUF;
}

/* Its values stand for files, and take the size of an id. */
static __always_inline bool has_files(__u32 type) {
  return type == BPF_MAP_TYPE_PROG_ARRAY || type == BPF_MAP_TYPE_CGROUP_ARRAY ||
         type == BPF_MAP_TYPE_PERF_EVENT_ARRAY ||
         type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
         type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* What decides about the formula besides the type. */
static __always_inline bool is_variant(const struct bpf_map *map, __u32 type) {
  if (is_hash(type))
    return (map->map_flags & BPF_F_NO_PREALLOC) != 0;
  return type == BPF_MAP_TYPE_ARRAY && (map->map_flags & BPF_F_MMAPABLE) != 0;
}

/* bpf_map_memory_footprint(), up to 6.3. */
static __always_inline __u64 old_bytes(const struct bpf_map *map, __u32 type) {
  __u64 value_size = map->value_size;
  if (is_percpu(type))
    value_size = round_up(value_size, 8) * cpu_offsets_num;
  else if (has_files(type))
    value_size = sizeof(__u32);
  return round_up(map->max_entries * round_up(map->key_size + value_size, 8),
                  page_size);
}

static __always_inline __u64 hash_bytes(const struct bpf_map *map, __u32 type,
                                        __u64 entries) {
  const __u64 cpus = cpu_offsets_num;
  const __u64 elem_size = READ(bpf_htab, map, elem_size);
  const __u64 values_size =
      is_percpu(type) ? round_up(map->value_size, 8) * cpus : 0;
  __u64 bytes = bpf_core_type_size(struct bpf_htab) +
                bpf_core_type_size(struct bucket) *
                    (__u64)READ(bpf_htab, map, n_buckets) +
                sizeof(__u32) * LOCKS * cpus;
  if ((map->map_flags & BPF_F_NO_PREALLOC) != 0)
    return bytes + entries * (elem_size + POINTER + values_size +
                              (is_percpu(type) ? 2 * POINTER : 0));
  const bool has_spare = type == BPF_MAP_TYPE_HASH;
  const __u64 num = map->max_entries + (has_spare ? cpus : 0);
  bytes += num * (elem_size + values_size);
  return is_percpu(type) || is_lru(type) ? bytes : bytes + POINTER * cpus;
}

static __always_inline __u64 array_bytes(const struct bpf_map *map,
                                         __u32 type) {
  const __u64 size = bpf_core_type_size(struct bpf_array);
  const __u64 elem_size = READ(bpf_array, map, elem_size);
  const __u64 num = map->max_entries;
  if (is_percpu(type))
    return size + num * (POINTER + elem_size * cpu_offsets_num);
  if (is_variant(map, type))
    return round_up(size, page_size) + round_up(num * elem_size, page_size);
  return size + num * elem_size;
}

static __always_inline __u64 trie_bytes(const struct bpf_map *map,
                                        __u64 entries) {
  return entries * (bpf_core_type_size(struct lpm_trie_node) +
                    READ(lpm_trie, map, data_size) + map->value_size);
}

static __always_inline __u64 ring_bytes(const struct bpf_map *map) {
  const struct bpf_ringbuf_map *ring = (const void *)map;
  const __u64 pages = BPF_CORE_READ(ring, rb, nr_pages);
  return bpf_core_type_size(struct bpf_ringbuf_map) + pages * page_size +
         (pages + map->max_entries / page_size) * POINTER;
}

static __always_inline __u64 stacks_bytes(const struct bpf_map *map) {
  return bpf_core_type_size(struct bpf_stack_map) +
         READ(bpf_stack_map, map, n_buckets) * (__u64)POINTER +
         map->max_entries * (bpf_core_type_size(struct stack_map_bucket) +
                             (__u64)map->value_size);
}

static __always_inline __u64 bloom_bytes(const struct bpf_map *map) {
  const __u64 bits = (__u64)READ(bpf_bloom_filter, map, bitset_mask) + 1;
  return bpf_core_type_size(struct bpf_bloom_filter) +
         round_up(round_up(bits, 8) / 8, sizeof(long));
}

/* Returns whether there is a formula. What is the same for all maps of a type
 * it may leave out, as a correction. */
static __always_inline bool find_bytes(const struct bpf_map *map, __u32 type,
                                       const struct map_record *record,
                                       __u64 *bytes) {
  if (!bpf_core_field_exists(struct bpf_map_ops, map_mem_usage)) {
    *bytes = old_bytes(map, type);
    return *bytes != 0; /* which it is for ring buffers */
  }
  switch (type) {
  case BPF_MAP_TYPE_HASH:
  case BPF_MAP_TYPE_PERCPU_HASH:
  case BPF_MAP_TYPE_LRU_HASH:
  case BPF_MAP_TYPE_LRU_PERCPU_HASH:
  case BPF_MAP_TYPE_HASH_OF_MAPS:
    *bytes = hash_bytes(map, type, record->used);
    return (record->head.flags & MAP_RECORD_FILL) != 0 ||
           (map->map_flags & BPF_F_NO_PREALLOC) == 0;
  case BPF_MAP_TYPE_ARRAY:
  case BPF_MAP_TYPE_PERCPU_ARRAY:
  case BPF_MAP_TYPE_PROG_ARRAY:
  case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
  case BPF_MAP_TYPE_CGROUP_ARRAY:
  case BPF_MAP_TYPE_ARRAY_OF_MAPS:
    *bytes = array_bytes(map, type);
    return true;
  case BPF_MAP_TYPE_LPM_TRIE:
    *bytes = trie_bytes(map, record->used);
    return true;
  case BPF_MAP_TYPE_RINGBUF:
  case BPF_MAP_TYPE_USER_RINGBUF:
    *bytes = ring_bytes(map);
    return true;
  case BPF_MAP_TYPE_QUEUE:
  case BPF_MAP_TYPE_STACK:
    *bytes = (map->max_entries + 1ULL) * map->value_size;
    return true;
  case BPF_MAP_TYPE_STACK_TRACE:
    *bytes = stacks_bytes(map);
    return true;
  case BPF_MAP_TYPE_BLOOM_FILTER:
    *bytes = bloom_bytes(map);
    return true;
  case BPF_MAP_TYPE_SOCKMAP:
  case BPF_MAP_TYPE_XSKMAP:
  case BPF_MAP_TYPE_CPUMAP:
  case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
    *bytes = (__u64)map->max_entries * POINTER;
    return true;
  default:
    return false;
  }
}

/* The consumer's position is memory of a process, which may write anything. */
static __always_inline bool find_ring_fill(const struct bpf_map *map,
                                           struct map_record *record) {
  const struct bpf_ringbuf_map *ring = (const void *)map;
  const struct bpf_ringbuf *rb = BPF_CORE_READ(ring, rb);
  const __u64 consumed = BPF_CORE_READ(rb, consumer_pos);
  record->used = BPF_CORE_READ(rb, producer_pos) - consumed;
  record->capacity = BPF_CORE_READ(rb, mask) + 1;
  return record->used <= record->capacity;
}

/* Finds how much it holds, if it is not full by design. */
static __always_inline bool find_fill(const struct bpf_map *map, __u32 type,
                                      struct map_record *record) {
  record->capacity = map->max_entries;
  if (is_ring(type))
    return find_ring_fill(map, record);
  if (type == BPF_MAP_TYPE_LPM_TRIE) {
    record->used = READ(lpm_trie, map, n_entries);
    return true;
  }
#ifdef ELEM_COUNTS
  if (is_hash(type) && !is_lru(type)) {
    const __s64 num = bpf_map_sum_elem_count(map);
    record->used = num > 0 ? num : 0;
    return true;
  }
#endif
  return false;
}

/* Programs and other maps hold references; files and descriptors hold
 * references of users as well, and the iterator that calls us holds one. Who
 * opens it meanwhile makes it seem used, and never unused. */
static __always_inline bool is_unused(const struct bpf_map *map) {
  const __s64 before = *(volatile __s64 *)&map->usercnt.counter;
  const __s64 references = *(volatile __s64 *)&map->refcnt.counter;
  const __s64 after = *(volatile __s64 *)&map->usercnt.counter;
  return references - 1 <= (before < after ? before : after);
}

static __always_inline struct map_correction *correction_of(__u32 kind) {
  barrier_var(kind);
  kind &= MAP_KINDS_MAX - 1;
  return &corrections[kind];
}

/* A map of tail calls is checked by one of perf events, which the kernel makes
 * alike. For one of our own would stay for ever if somebody opened it by its id
 * in the moment in which it is closed: the kernel then takes a reference for
 * work that is waiting already (seen in 6.18). */
static __always_inline __u32 checked_type(__u32 type) {
  return type == BPF_MAP_TYPE_PROG_ARRAY ? BPF_MAP_TYPE_PERF_EVENT_ARRAY : type;
}

static __always_inline void measure(const struct bpf_map *map, __u32 type,
                                    struct map_record *record) {
  __u64 bytes = 0;
  if (type >= MAP_TYPES_MAX || !find_bytes(map, type, record, &bytes))
    return;
  record->kind = 2 * checked_type(type) + is_variant(map, type);
  const struct map_correction *correction = correction_of(record->kind);
  record->bytes = bytes + correction->bytes;
  if (!correction->is_wrong)
    record->head.flags |= MAP_RECORD_MEASURED;
}

static __always_inline void write_jit(struct seq_file *seq,
                                      struct map_record *record) {
  if (jit_is_wrong != 0 ||
      bpf_probe_read_kernel(&record->used, sizeof(record->used),
                            (const void *)jit_used_address) != 0 ||
      bpf_probe_read_kernel(&record->capacity, sizeof(record->capacity),
                            (const void *)jit_limit_address) != 0)
    return;
  record->head.flags = MAP_RECORD_JIT;
  bpf_seq_write(seq, record, sizeof(*record));
}

SEC("iter/bpf_map")
int bpf_stats_maps(struct bpf_iter__bpf_map *ctx) {
  struct bpf_map *map = ctx->map;
  struct map_record record = {
      .head = {.magic = MAP_RECORD_MAGIC, .version = PROG_RECORD_VERSION}};
  if (map == 0) {
    write_jit(ctx->meta->seq, &record);
    record.head.flags = MAP_RECORD_END;
    bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
    return 0;
  }
  const __u32 type = map->map_type;
  record.id = map->id;
  record.type = type;
  if (find_fill(map, type, &record))
    record.head.flags |= MAP_RECORD_FILL;
  measure(map, type, &record);
  if (is_unused(map))
    record.head.flags |= MAP_RECORD_UNUSED;
  bpf_probe_read_kernel_str(record.name, sizeof(record.name), map->name);
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  return 0;
}

SEC("iter/bpf_prog")
int bpf_stats_uses(struct bpf_iter__bpf_prog *ctx) {
  struct bpf_prog *prog = ctx->prog;
  struct map_use_record record = {
      .head = {.magic = MAP_USE_MAGIC, .version = PROG_RECORD_VERSION}};
  if (prog == 0) {
    record.head.flags = MAP_RECORD_END;
    bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
    return 0;
  }
  struct bpf_prog_aux *aux = prog->aux;
  struct bpf_map **maps = aux->used_maps;
  const __u32 maps_num = aux->used_map_cnt;
  record.prog_id = aux->id;
  for (__u32 i = 0; i < PROG_USED_MAPS_MAX && i < maps_num; i++) {
    struct bpf_map *map = 0;
    bpf_probe_read_kernel(&map, sizeof(map), &maps[i]);
    if (bpf_core_read(&record.map_id, sizeof(record.map_id), &map->id) == 0)
      bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  }
  return 0;
}

/* Who pays for a map, as far as that is known: the records are those of owners,
 * with the id of the map. */
SEC("iter/bpf_map")
int bpf_stats_map_payers(struct bpf_iter__bpf_map *ctx) {
  struct bpf_map *map = ctx->map;
  struct owner_record record;
  if (map == 0) {
    write_owner_end(ctx->meta->seq);
    return 0;
  }
  if (!bpf_core_field_exists(struct bpf_map, objcg))
    return 0;
  struct kernfs_node *payer = BPF_CORE_READ(map, objcg, memcg, css.cgroup, kn);
  if (payer == 0 || parent_of(payer) == 0)
    return 0;
  fill_owner(0, map->id, 0, &record);
  write_owner(ctx->meta->seq, &record, payer);
  return 0;
}

SEC("syscall")
int bpf_stats_cpus(void *ctx) {
  (void)ctx;
  return find_cpu_offsets();
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
