/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* owner_path: tells the control group of a task, or of a map, by its names.
 *
 * All by probe reads: what is read belongs to others, who may let go of it. */
#ifndef BPF_STATS_OWNER_PATH_BPF_H
#define BPF_STATS_OWNER_PATH_BPF_H

#include "kernel_structs.bpf.h"
#include "owner_record.h"

#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct kernfs_node {
  const char *name;
  struct kernfs_node *__parent; /* 6.15 */
} CO_RE;

struct kernfs_node___before {
  struct kernfs_node *parent;
} CO_RE;

struct cgroup {
  struct kernfs_node *kn;
} CO_RE;

struct cgroup_subsys_state {
  struct cgroup *cgroup;
} CO_RE;

/* To whom the kernel charges a map. */
struct mem_cgroup {
  struct cgroup_subsys_state css;
} CO_RE;

struct obj_cgroup {
  struct mem_cgroup *memcg;
} CO_RE;

enum cgroup_subsys_id { memory_cgrp_id = 4 };

struct css_set {
  struct cgroup_subsys_state *subsys[8];
  struct cgroup *dfl_cgrp;
} CO_RE;

struct pid {
  unsigned int level;
} CO_RE;

struct task_struct {
  int tgid;
  struct task_struct *group_leader;
  struct pid *thread_pid;
  char comm[OWNER_COMMAND_SIZE];
  struct css_set *cgroups;
} CO_RE;

static __noinline struct kernfs_node *parent_of(struct kernfs_node *node) {
  if (bpf_core_field_exists(struct kernfs_node, __parent))
    return BPF_CORE_READ(node, __parent);
  return BPF_CORE_READ((struct kernfs_node___before *)node, parent);
}

/* Returns the group of a task in the unified hierarchy; where that is the root,
 * as on hosts that do not use it, in the one of the memory controller; NULL
 * when the kernel has no control groups. */
static __noinline __attribute__((unused)) struct kernfs_node *
group_of(struct task_struct *task) {
  if (!bpf_core_field_exists(struct task_struct, cgroups))
    return 0;
  struct css_set *set = BPF_CORE_READ(task, cgroups);
  struct kernfs_node *unified = BPF_CORE_READ(set, dfl_cgrp, kn);
  if ((unified != 0 && parent_of(unified) != 0) ||
      !bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
    return unified;
  struct cgroup_subsys_state *memory = 0;
  __u64 address = (__u64)set + bpf_core_field_offset(struct css_set, subsys) +
                  bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id) *
                      sizeof(memory);
  bpf_probe_read_kernel(&memory, sizeof(memory), (void *)address);
  struct kernfs_node *group = BPF_CORE_READ(memory, cgroup, kn);
  return group != 0 ? group : unified;
}

/* Returns how many groups there are from this one up to below the root, or
 * OWNER_DEPTH_MAX when there are as many or more, or there is no group. */
static __noinline __u32 depth_of(struct kernfs_node *group) {
  __u32 depth = 0;
  if (group == 0)
    return OWNER_DEPTH_MAX;
  for (; depth < OWNER_DEPTH_MAX; depth++) {
    group = parent_of(group);
    if (group == 0)
      break;
  }
  return depth;
}

/* Returns the group that is so many levels above this one. */
static __noinline struct kernfs_node *go_up(struct kernfs_node *group,
                                            __u32 levels) {
  for (__u32 i = 0; i < OWNER_DEPTH_MAX && i < levels; i++)
    group = parent_of(group);
  return group;
}

/* Reads the name of a group. Returns its size with the NUL; 0 when it cannot be
 * read: then what is below says nothing. */
static __noinline __u32 read_name(struct kernfs_node *group,
                                  char name[OWNER_LEVEL_SIZE]) {
  long size = bpf_probe_read_kernel_str(name, OWNER_LEVEL_SIZE,
                                        BPF_CORE_READ(group, name));
  return size <= 0 || size > OWNER_LEVEL_SIZE ? 0 : size;
}

/* The mask shows the verifier that SIZE is in the path, as it is anyway. */
static __always_inline __u32 path_place(__u32 size) {
  barrier_var(size);
  return size & (OWNER_PATH_SIZE - 1);
}

/* Adds the names of the group's path to the draft, from the root down. Returns
 * the size of it all. */
static __always_inline __u32 copy_path(struct kernfs_node *group,
                                       struct owner_record_named *draft) {
  const __u32 depth = depth_of(group);
  __u32 size = 0;
  if (depth == OWNER_DEPTH_MAX)
    draft->record.flags |= OWNER_RECORD_NO_PATH;
  for (__u32 i = 0; i < OWNER_LEVELS_MAX; i++) {
    if (i >= depth || depth == OWNER_DEPTH_MAX)
      break;
    __u32 added =
        read_name(go_up(group, depth - 1 - i), draft->path + path_place(size));
    if (added <= 1 || size + added >= OWNER_PATH_SIZE)
      break;
    size += added;
  }
  draft->path[path_place(size)] = '\0';
  return sizeof(draft->record) + path_place(size) + 1;
}

/* Fills a record but for the path. */
static __always_inline void fill_owner(struct task_struct *task, __u32 id,
                                       __u64 load_time_ns,
                                       struct owner_record *record) {
  *record = (struct owner_record){.magic = OWNER_RECORD_MAGIC,
                                  .version = PROG_RECORD_VERSION,
                                  .id = id,
                                  .load_time_ns = load_time_ns};
  if (task == 0)
    return;
  record->pid = BPF_CORE_READ(task, tgid);
  BPF_CORE_READ_INTO(&record->command, task, group_leader, comm);
}

/* Ends a stream of records. */
static __always_inline void write_owner_end(struct seq_file *seq) {
  const struct owner_record end = {.magic = OWNER_RECORD_MAGIC,
                                   .version = PROG_RECORD_VERSION,
                                   .flags = OWNER_RECORD_END};
  bpf_seq_write(seq, &end, sizeof(end));
}

/* Writes the record and the path of the group. */
static __always_inline void write_owner(struct seq_file *seq,
                                        struct owner_record *record,
                                        struct kernfs_node *group) {
  char name[OWNER_LEVEL_SIZE] = "";
  const __u32 depth = depth_of(group);
  if (depth == OWNER_DEPTH_MAX)
    record->flags |= OWNER_RECORD_NO_PATH;
  bpf_seq_write(seq, record, sizeof(*record));
  for (__u32 i = 0; i < OWNER_LEVELS_MAX; i++) {
    if (i >= depth || depth == OWNER_DEPTH_MAX)
      break;
    __u32 size = read_name(go_up(group, depth - 1 - i), name);
    if (size <= 1 || size > OWNER_LEVEL_SIZE)
      break;
    bpf_seq_write(seq, name, size);
  }
  name[0] = '\0';
  bpf_seq_write(seq, name, 1);
}

#endif
