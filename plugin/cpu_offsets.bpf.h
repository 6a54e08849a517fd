/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* cpu_offsets: finds the copy that each CPU has of a per-CPU variable, without
 * any kernel symbol, as not all kernels have them. */
#ifndef BPF_STATS_CPU_OFFSETS_BPF_H
#define BPF_STATS_CPU_OFFSETS_BPF_H

#include "kernel_structs.bpf.h"
#include "prog_record.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

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

#endif
