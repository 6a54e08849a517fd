/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* unload_watch: hands over the final counters of each program that is unloaded,
 * and, where that is wanted, who loads each.
 *
 * The kernel calls perf_event_bpf_event() for each load, when the program has
 * got its id, and for each unload, when nobody can run the program any more but
 * its counters are still there. */
#include "cpu_offsets.bpf.h"
#include "fill_record.bpf.h"
#include "kernel_structs.bpf.h"
#include "owner_path.bpf.h"
#include "owner_record.h"
#include "prog_record.h"

#include <asm-generic/errno-base.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>

#include <bpf/bpf_helpers.h>

/* Its size is set by the loader. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} unload_ring SEC(".maps");

/* A ring of its own, so that no unload is lost for it. When it is full there
 * are other ways to find an owner. */
struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, OWNER_RING_SIZE_BYTES);
} owner_ring SEC(".maps");

const volatile bool wants_owners; /* else there is no such ring */

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, UNLOAD_SHARED_NUM);
  __type(key, __u32);
  __type(value, union unload_shared);
} unload_counters SEC(".maps");

/* The kernel skips a program of this kind while the same program is under way
 * on that CPU already: in a task that was preempted, or under an interrupt. So
 * there are several of the same, and the first that is not skipped takes the
 * event. A task can be preempted in but one of them: no event is missed while
 * there are at most that many tasks on a CPU that load or unload programs. */
enum { PLACES_NUM = 8 };

/* Where a record is put together: the stack is too small. The same guard makes
 * it safe: there is only one of each place on a CPU. */
union draft {
  struct prog_record_named named;
  struct owner_record_named owner;
};

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, PLACES_NUM);
  __type(key, __u32);
  __type(value, union draft);
} drafts SEC(".maps");

struct event {
  __u64 load_time_ns;
  __u32 id;
  __u32 type; /* enum perf_bpf_event_type */
};

/* The events under way that were taken: there are as many as tasks inside the
 * function, and the few that nobody could remove. */
struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 4096);
  __type(key, struct event);
  __type(value, __u8);
} taken SEC(".maps");

static __always_inline void count(__u64 *counter, __u64 more) {
  __sync_fetch_and_add(counter, more);
}

/* Returns the size of the draft with its name. */
static __always_inline __u32 add_full_name(struct prog_record_named *draft,
                                           __u64 full_name) {
  long size = 0;
  if (full_name != 0)
    size = bpf_probe_read_kernel_str(draft->full_name, sizeof(draft->full_name),
                                     (void *)full_name);
  if (size <= 0 || size > (long)sizeof(draft->full_name))
    return sizeof(draft->record);
  draft->record.name_size = size;
  return sizeof(draft->record) + size;
}

static __always_inline void take_unload(struct bpf_prog *prog,
                                        struct unload_counters *counters,
                                        __u32 place) {
  union draft *found = bpf_map_lookup_elem(&drafts, &place);
  if (found == 0)
    return;
  struct bpf_prog_aux *aux = prog->aux;
  struct prog_record_named *draft = &found->named;
  struct prog_record *record = &draft->record;
  __builtin_memset(record, 0, sizeof(*record));
  fill_record(prog, aux, record);
  bool readable = (record->flags & PROG_RECORD_UNREADABLE) == 0;
  __u32 size = add_full_name(draft, find_full_name(aux, record));
  /* A program on a device has lost its id before. */
  if (!readable || record->id == 0 ||
      bpf_ringbuf_output(&unload_ring, draft, size, BPF_RB_NO_WAKEUP) != 0)
    count(&counters->lost, 1);
  count(&counters->unloads, 1);
}

/* The kernel calls us in the task that loads the program. */
static __always_inline void take_load(struct bpf_prog *prog, __u32 place) {
  union draft *found = bpf_map_lookup_elem(&drafts, &place);
  if (found == 0)
    return;
  struct bpf_prog_aux *aux = prog->aux;
  struct owner_record_named *draft = &found->owner;
  struct task_struct *task = (void *)bpf_get_current_task();
  fill_owner(task, aux->id, aux->load_time, &draft->record);
  __u32 size = copy_path(group_of(task), draft);
  bpf_ringbuf_output(&owner_ring, draft, size, BPF_RB_NO_WAKEUP);
}

static __always_inline void take(struct bpf_prog *prog, __u32 type,
                                 __u32 place) {
  __u32 key = UNLOAD_SHARED_COUNTERS;
  union unload_shared *shared = bpf_map_lookup_elem(&unload_counters, &key);
  if (shared == 0)
    return;
  struct unload_counters *counters = &shared->counters;
  if (type == PERF_BPF_EVENT_PROG_LOAD) {
    count(&counters->loads, 1);
    if (wants_owners)
      take_load(prog, place);
  } else if (type == PERF_BPF_EVENT_PROG_UNLOAD) {
    take_unload(prog, counters, place);
  }
}

static __always_inline struct event event_of(struct bpf_prog *prog,
                                             __u32 type) {
  struct bpf_prog_aux *aux = prog->aux;
  return (struct event){
      .load_time_ns = aux->load_time, .id = aux->id, .type = type};
}

static __always_inline int enter(const __u64 *args, __u32 place) {
  struct bpf_prog *prog = (void *)args[0];
  __u32 type = args[1];
  struct event event = event_of(prog, type);
  __u8 one = 1;
  if (bpf_map_lookup_elem(&taken, &event) != 0)
    return 0;
  /* Before 6.4 only the lower half of what it returns is set. */
  int rc = (int)bpf_map_update_elem(&taken, &event, &one, BPF_NOEXIST);
  /* Without room to say so, just one of them takes it. */
  if (rc == 0 || (rc != -EEXIST && place == 0))
    take(prog, type, place);
  return 0;
}

static __always_inline int leave(const __u64 *args) {
  struct event event = event_of((void *)args[0], args[1]);
  bpf_map_delete_elem(&taken, &event);
  return 0;
}

#define ENTRY "fentry/perf_event_bpf_event"
#define EXIT "fexit/perf_event_bpf_event"

SEC(ENTRY) int bpf_stats_in_0(__u64 *args) { return enter(args, 0); }
SEC(ENTRY) int bpf_stats_in_1(__u64 *args) { return enter(args, 1); }
SEC(ENTRY) int bpf_stats_in_2(__u64 *args) { return enter(args, 2); }
SEC(ENTRY) int bpf_stats_in_3(__u64 *args) { return enter(args, 3); }
SEC(ENTRY) int bpf_stats_in_4(__u64 *args) { return enter(args, 4); }
SEC(ENTRY) int bpf_stats_in_5(__u64 *args) { return enter(args, 5); }
SEC(ENTRY) int bpf_stats_in_6(__u64 *args) { return enter(args, 6); }
SEC(ENTRY) int bpf_stats_in_7(__u64 *args) { return enter(args, 7); }
SEC(EXIT) int bpf_stats_out_0(__u64 *args) { return leave(args); }
SEC(EXIT) int bpf_stats_out_1(__u64 *args) { return leave(args); }

SEC("syscall")
int bpf_stats_cpus(void *ctx) {
  (void)ctx;
  return find_cpu_offsets();
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
