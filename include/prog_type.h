/* SPDX-License-Identifier: MIT */
/* prog_type: the names of the types of BPF programs.
 *
 * They are those of libbpf and bpftool. The types that the installed libbpf is
 * too old for have the names that the running kernel's BTF gives them, in the
 * same form. That BTF is some MB; it is read when such a type is met for the
 * first time, and given back at once. Not thread-safe. Part of the sources. */
#ifndef BPF_STATS_PROG_TYPE_H
#define BPF_STATS_PROG_TYPE_H

#include "prog_snapshot.h"

#include <stdbool.h>

enum { PROG_TYPE_NAME_SIZE = 32 };

/* Returns the name of the type of that number ("xdp", "kprobe", ...); the first
 * is 1, and there are no gaps up to the last. Or returns NULL and sets errno:
 * ENOENT when neither libbpf nor the kernel tells; another errno when the next
 * try may succeed. Valid until prog_types_clear(). */
const char *prog_type_name(unsigned type);

/* The same, but asks the kernel's BTF alone. */
const char *prog_type_kernel_name(unsigned type);

/* Which skipped runs the kernel counts of a program of that type, by the FLAGS
 * of its struct prog_record (kernel/trace/bpf_trace.c and
 * kernel/bpf/trampoline.c). */
enum misses prog_type_misses(unsigned type, unsigned flags);

/* Returns PROG_RECORD_HAS_CPU_MISSES if that matters for the type, and the
 * kernel's BTF says so; or 0. */
unsigned prog_type_kernel_flags(unsigned type);

/* Whether the text has the form of such a name. */
bool prog_type_is_name(const char *text);

/* Forgets what was read. */
void prog_types_clear(void);

#endif
