/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* The smallest scheduler that sched_ext takes: one queue, first come, first
 * served. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

/* The kernel's constants, from include/linux/sched/ext.h. */
#define SCX_DSQ_GLOBAL (1ULL << 63 | 1)
#define SCX_SLICE_DFL (20 * 1000 * 1000ULL) /* ns */

struct task_struct {
  int pid;
} __attribute__((preserve_access_index));

/* libbpf finds the kernel's members by name. */
struct sched_ext_ops {
  void (*enqueue)(struct task_struct *task, unsigned long long flags);
  char name[128];
};

extern void scx_bpf_dsq_insert(struct task_struct *task,
                               unsigned long long queue,
                               unsigned long long slice_ns,
                               unsigned long long flags) __ksym;

SEC("struct_ops/fifo_enqueue")
int BPF_PROG(fifo_enqueue, struct task_struct *task, unsigned long long flags) {
  scx_bpf_dsq_insert(task, SCX_DSQ_GLOBAL, SCX_SLICE_DFL, flags);
  return 0;
}

SEC(".struct_ops.link")
struct sched_ext_ops fifo = {
    .enqueue = (void *)fifo_enqueue,
    .name = "bpf_stats_fifo",
};

char LICENSE[] SEC("license") = "GPL";
