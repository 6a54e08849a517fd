/* SPDX-License-Identifier: MIT */
/* bpf_load: what all loading of our own BPF programs has in common, and what
 * libbpf says.
 *
 * Not thread-safe: libbpf has no way to hand its callback an argument. */
#ifndef BPF_STATS_BPF_LOAD_H
#define BPF_STATS_BPF_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct bpf_link;
struct bpf_program;

/* Hands every warning of libbpf, one line without its end, to LOG instead of
 * stderr. */
void bpf_load_log_to(void (*log)(const char *line));

/* Before libbpf loads something: keeps back what it says meanwhile. */
void bpf_load_begin(void);

/* Afterwards. RC: 0, or the -errno with which WHAT did not load; then writes
 * into REASON why: the verifier's last line, or who has refused it, or what
 * libbpf said. -E2BIG on which these are silent: of bpf_load_find_cpus().
 * ALSO_NEEDS: what it needs besides CAP_BPF and CAP_PERFMON, or NULL. */
void bpf_load_end(int rc, const char *what, const char *also_needs,
                  char *reason, size_t reason_size);

/* Lets the loaded PROGRAM, the "bpf_stats_cpus" of an object, find the CPUs,
 * and unloads it. ANCHOR_FD: the object's map "anchor". Call it before
 * another program of that object runs. Returns 0; -E2BIG when there are more
 * than PROG_RECORD_CPUS_MAX; -EFAULT when they are not found; -errno. */
int bpf_load_find_cpus(struct bpf_program *program, int anchor_fd);

/* Returns the id of the program of an iterator's LINK; 0 when that is NULL or
 * not known. */
uint32_t bpf_load_iter_id(const struct bpf_link *link);

#endif
