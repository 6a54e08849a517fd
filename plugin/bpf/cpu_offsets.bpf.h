/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* cpu_offsets: finds the copy that each CPU has of a per-CPU variable.
 *
 * The number of CPUs comes from the kernel itself and not from a file that says
 * it, which can be wrong in a container. Each object has a program of type
 * syscall, bpf_stats_cpus, with which bpf_load_find_cpus() finds them. It is
 * the last in its file, so that the kernel refuses another first when a
 * capability is missing: only for these it says EPERM. */
#ifndef BPF_STATS_CPU_OFFSETS_BPF_H
#define BPF_STATS_CPU_OFFSETS_BPF_H

#include "kernel_structs.bpf.h"
#include "prog_record.h"

#include <linux/bpf.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Our loader writes CPU_OFFSETS_MAGIC into the element of each CPU. The kernel
 * tells the address of an element: its difference to the map's own per-CPU
 * pointer is the offset of that CPU, which finds every other per-CPU variable.
 * No kernel symbol is needed: not all kernels have them. */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} anchor SEC(".maps");

/* Found once, before any other program here runs, of each CPU that exists. */
__u64 cpu_offsets[PROG_RECORD_CPUS_MAX];
__u32 cpu_offsets_num;

/* The verifier forbids arithmetic on the address of a map. Read back from
 * memory it is a number. */
static __always_inline __u64 as_number(void *const *ptr) {
  __u64 number = 0;
  bpf_probe_read_kernel(&number, sizeof(number), ptr);
  return number;
}

/* The mask shows the verifier that I is in the array. The compiler may know
 * that, and must not leave the mask out. */
static __always_inline __u64 *cpu_offset(__u32 i) {
  barrier_var(i);
  i &= PROG_RECORD_CPUS_MAX - 1;
  return &cpu_offsets[i];
}

static long find_cpu_offset(__u32 cpu, void *base) {
  __u32 zero = 0;
  __u64 magic = 0;
  void *volatile value = bpf_map_lookup_percpu_elem(&anchor, &zero, cpu);
  if (value == 0)
    return 1; /* there is no further CPU */
  __u64 address = as_number((void *const *)&value);
  /* Not a plain load: the kernel returns an address also for a number without a
   * CPU, and nothing need be there. */
  if (bpf_probe_read_kernel(&magic, sizeof(magic), (void *)address) == 0 &&
      magic == CPU_OFFSETS_MAGIC)
    *cpu_offset(cpu_offsets_num++) = address - *(__u64 *)base;
  return 0;
}

/* Finds all offsets. Returns 0; or 1 when there are more CPUs than we have room
 * for, and 2 when the anchor cannot be read. */
static __always_inline int find_cpu_offsets(void) {
  __u64 base = 0;
  void *volatile spilled = &anchor;
  __u64 map = as_number((void *const *)&spilled);
  /* pptrs[0], a pointer for this_cpu_ptr() and its like */
  long offset = __builtin_preserve_field_info(((struct bpf_array *)0)->pptrs,
                                              BPF_FIELD_BYTE_OFFSET);
  if (bpf_probe_read_kernel(&base, sizeof(base), (void *)(map + offset)) != 0)
    return 2;
  /* The call that finds no CPU counts as well. */
  const __u32 full = PROG_RECORD_CPUS_MAX + 1;
  return bpf_loop(full + 1, find_cpu_offset, &base, 0) > full;
}

#endif
