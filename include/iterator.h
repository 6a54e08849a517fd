/* SPDX-License-Identifier: MIT */
/* iterator: the BPF program prog_iter.bpf.c, loaded into the kernel.
 *
 * Needs CAP_BPF and CAP_PERFMON, Linux 5.19 and the kernel's BTF. A build
 * without clang or bpftool has no iterator to load. */
#ifndef BPF_STATS_ITERATOR_H
#define BPF_STATS_ITERATOR_H

#include <stdbool.h>
#include <stddef.h>

struct iterator;

/* Loads and attaches. Returns 0 and an iterator that the caller frees; or
 * -errno, -ENOTSUP in a build without it, and then writes into REASON why. */
int iterator_load(struct iterator **ret_iterator, char *reason,
                  size_t reason_size);

/* Accepts NULL. */
void iterator_free(struct iterator *iterator);

/* Begins a walk. Returns an fd to read the stream from, which the caller
 * closes, or -errno. */
int iterator_open(const struct iterator *iterator);

/* Pins the iterator at PATH, which is on a bpffs: whoever may read that file
 * can walk. Returns 0 or -errno. */
int iterator_pin(const struct iterator *iterator, const char *path);

#endif
