/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* kernel_structs: the kernel's structures, as far as BPF programs here use
 * them.
 *
 * Declared by hand, with just these fields; CO-RE moves them to where the
 * running kernel has them, so that a build needs no BTF of any kernel. */
#ifndef BPF_STATS_KERNEL_STRUCTS_BPF_H
#define BPF_STATS_KERNEL_STRUCTS_BPF_H

#include "prog_record.h"

#include <linux/bpf.h>

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

struct user_struct {
  struct {
    __u32 val;
  } uid;
} CO_RE;

struct bpf_prog_aux {
  __u32 id;
  __u32 used_map_cnt;
  struct bpf_map **used_maps;
  struct user_struct *user;
  __u64 load_time;
  char name[PROG_RECORD_SHORT_NAME_SIZE];
  struct btf *btf;
  struct bpf_func_info *func_info; /* as in the UAPI */
  __u32 func_info_cnt;
  __u32 func_idx;
  __u32 prog_array_member_cnt; /* 6.12, and backported */
  _Bool jits_use_priv_stack;   /* 6.13 */
} CO_RE;

struct bpf_prog {
  __u16 pages;
  enum bpf_prog_type type;
  enum bpf_attach_type expected_attach_type;
  __u8 tag[8];
  struct bpf_prog_stats *stats;
  struct bpf_prog_aux *aux;
} CO_RE;

/* Newer kernels have a digest, and the tag is its start. */
struct bpf_prog___digest {
  __u8 digest[32];
} CO_RE;

/* What came to the kernel with the counts of runs that the guard of a CPU
 * skips: it survives backports better than a version. */
struct bpf_link_info___missed {
  struct {
    __u64 missed;
  } kprobe_multi;
} CO_RE;

struct bpf_array {
  __u32 elem_size;
  void *pptrs[0];
} CO_RE;

struct seq_file {
  void *private;
} CO_RE;

/* kernel/bpf/bpf_iter.c: what is before the private data of a seq_file. */
struct bpf_iter_priv_data {
  struct bpf_prog *prog; /* the iterator */
  __u8 target_private[0];
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

#endif
