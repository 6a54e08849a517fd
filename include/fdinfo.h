/* SPDX-License-Identifier: MIT */
/* fdinfo: what the kernel says of a descriptor of a program or a map. */
#ifndef BPF_STATS_FDINFO_H
#define BPF_STATS_FDINFO_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the memory of it, as bpftool shows it as memlock. Returns whether it
 * could be had. */
bool fdinfo_memory(int fd, uint64_t *ret_bytes);

#endif
