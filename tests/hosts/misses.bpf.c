/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* Programs of which the kernel skips runs. The fentry program deletes an entry
 * when an entry is deleted, and so meets itself. The others are hit by an
 * update that bpf(2) makes, during which the kernel runs no program of a kprobe
 * on that CPU. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u32);
} missed SEC(".maps");

SEC("fentry/htab_map_delete_elem")
int BPF_PROG(missed_fentry, void *map) {
  __u32 key = 0;
  if (map == (void *)&missed)
    bpf_map_delete_elem(&missed, &key);
  return 0;
}

SEC("kprobe/htab_map_update_elem")
int missed_kprobe(void *registers) { return 0; }

SEC("kprobe.multi/htab_map_update_elem")
int missed_kprobe_multi(void *registers) { return 0; }

char LICENSE[] SEC("license") = "GPL";
