/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* owner_iter: who has paid for the maps of each program, and who holds a
 * descriptor of one. */
#include "kernel_structs.bpf.h"
#include "owner_path.bpf.h"
#include "owner_record.h"
#include "prog_record.h"

#include <linux/bpf.h>
#include <linux/magic.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct bpf_map {
  struct obj_cgroup *objcg;
} CO_RE;

struct bpf_link {
  struct bpf_prog *prog;
} CO_RE;

struct super_block {
  unsigned long s_magic;
} CO_RE;

struct inode {
  struct super_block *i_sb;
} CO_RE;

struct qstr {
  const unsigned char *name;
} CO_RE;

struct dentry {
  struct qstr d_name;
} CO_RE;

struct path {
  struct dentry *dentry;
} CO_RE;

struct file {
  struct path f_path;
  struct inode *f_inode;
  void *private_data;
} CO_RE;

struct bpf_iter__task_file {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
  __u32 fd;
  struct file *file;
} CO_RE;

/* Returns the group that has paid for the map; NULL when nobody has. */
static __noinline struct kernfs_node *payer_of(struct bpf_map **maps, __u32 i) {
  struct bpf_map *map = 0;
  bpf_probe_read_kernel(&map, sizeof(map), &maps[i]);
  return BPF_CORE_READ(map, objcg, memcg, css.cgroup, kn);
}

/* Where several have paid it says nothing: one of them has loaded the program,
 * and the others have made maps that it shares. */
SEC("iter/bpf_prog")
int bpf_stats_payer(struct bpf_iter__bpf_prog *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct bpf_prog *prog = ctx->prog;
  struct owner_record record;
  if (prog == 0) {
    write_owner_end(seq);
    return 0;
  }
  struct bpf_prog_aux *aux = prog->aux;
  struct bpf_map **maps = aux->used_maps;
  const __u32 maps_num = aux->used_map_cnt;
  if (!bpf_core_field_exists(struct bpf_map, objcg) || maps_num == 0)
    return 0;
  struct kernfs_node *payer = payer_of(maps, 0);
  for (__u32 i = 1; i < PROG_USED_MAPS_MAX && i < maps_num; i++)
    if (payer_of(maps, i) != payer)
      return 0;
  if (payer == 0 || parent_of(payer) == 0)
    return 0;
  fill_owner(0, aux->id, aux->load_time, &record);
  write_owner(seq, &record, payer);
  return 0;
}

/* Returns the program that an open file stands for, itself or by its link, or
 * NULL. The kernel gives these files no other names, and nobody else can give
 * one to a file without a place in a file system. */
static __noinline struct bpf_prog *prog_of(struct file *file) {
  union {
    char text[16];
    __u64 word; /* all of it but for its NUL */
  } name = {0}, prog = {"bpf-prog"}, link = {"bpf-link"},
    new_link = {"bpf_link"};
  if (bpf_probe_read_kernel_str(
          name.text, sizeof(name.text),
          BPF_CORE_READ(file, f_path.dentry, d_name.name)) !=
          sizeof("bpf-prog") ||
      BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
    return 0;
  void *data = BPF_CORE_READ(file, private_data);
  if (name.word == prog.word)
    return data;
  if (name.word == link.word || name.word == new_link.word)
    return BPF_CORE_READ((struct bpf_link *)data, prog);
  return 0;
}

/* Tells nothing in a namespace of its own, where but a part of those who hold
 * something can be seen; nor of its reader. */
SEC("iter/task_file")
int bpf_stats_files(struct bpf_iter__task_file *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct task_struct *task = ctx->task;
  struct file *file = ctx->file;
  struct task_struct *reader = (void *)bpf_get_current_task();
  struct owner_record record;
  if (BPF_CORE_READ(reader, thread_pid, level) != 0)
    return 0;
  if (task == 0 || file == 0) {
    write_owner_end(seq);
    return 0;
  }
  struct bpf_prog *prog = prog_of(file);
  if (prog == 0 || BPF_CORE_READ(reader, tgid) == BPF_CORE_READ(task, tgid))
    return 0;
  fill_owner(task, BPF_CORE_READ(prog, aux, id),
             BPF_CORE_READ(prog, aux, load_time), &record);
  write_owner(seq, &record, group_of(task));
  return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
