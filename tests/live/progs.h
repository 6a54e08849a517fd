/* SPDX-License-Identifier: MIT */
/* progs: loads real BPF programs and runs them a known number of times.
 *
 * They are made of instructions given here, so that neither a compiler for BPF
 * nor kernel headers are needed. Loading and running needs root. */
#ifndef BPF_STATS_TESTS_PROGS_H
#define BPF_STATS_TESTS_PROGS_H

#include <linux/bpf.h>

#include <stdbool.h>
#include <stdint.h>

enum { PROG_NAME_MAX = 500 };

/* Of Linux 6.4; headers may be older. */
#define PROG_TYPE_NETFILTER ((enum bpf_prog_type)32)

/* What a program does. */
enum prog_body {
  PROG_RETURNS, /* nothing but return */
  PROG_PRINTS,  /* calls bpf_trace_printk once a run */
};

/* Loads a program of the type: xdp, socket_filter, sched_cls, cgroup_skb,
 * netfilter, raw_tracepoint, kprobe or tracepoint. NAME: NULL for none; one
 * longer than the kernel keeps is whole in the program's BTF. Returns its fd,
 * or -errno. */
int prog_load(enum bpf_prog_type type, const char *name, enum prog_body body);

/* Loads a program of type xdp that reads the clock so often, up to 200 times:
 * it takes as much longer, and with another number it has another tag. Returns
 * its fd, or -errno. */
int prog_load_slow(const char *name, unsigned clock_reads);

/* Loads a socket filter that has a map, which this process makes and pays for.
 * Returns its fd, or -errno. */
int prog_load_with_map(const char *name);

/* Runs it that often, for types that BPF_PROG_TEST_RUN repeats, the first five
 * of those above. Returns 0 or -errno. */
int prog_run(int prog_fd, uint32_t runs);

/* A program that really collects recursion misses: it sits on the tracepoint
 * bpf_trace_printk and itself calls bpf_trace_printk. Each run of a feeder
 * makes one run and one miss of it. */
struct recursion {
  int prog_fd;
  int link_fd;
  int feeder_fd;
};

/* Loads both; the feeder is named FEEDER_NAME. BODY: PROG_PRINTS, or
 * PROG_RETURNS for a program that does not miss. Returns 0 or -errno. */
int recursion_start(struct recursion *recursion, const char *name,
                    const char *feeder_name, enum prog_body body);

/* Makes that many runs and that many misses. Returns 0 or -errno. */
int recursion_run(const struct recursion *recursion, uint32_t runs);

void recursion_stop(struct recursion *recursion);

/* The same by fentry, where the kernel allows it: a program at the entry of
 * htab_map_delete_elem() that itself deletes from a hash map, which a feeder in
 * user space does as well. */
struct fentry_recursion {
  int map_fd;
  int prog_fd;
  int link_fd;
};

int fentry_recursion_start(struct fentry_recursion *recursion,
                           const char *name);

int fentry_recursion_run(const struct fentry_recursion *recursion,
                         uint32_t runs);

void fentry_recursion_stop(struct fentry_recursion *recursion);

/* Programs that share the guard of their CPU. A kprobe program and, if the
 * kernel has such links, one of kprobe_multi sit on a function that a test run
 * calls, and on one that bpf(2) calls under that guard; the kprobe program
 * prints, under its own guard, and a tracepoint program sits on that. */
enum { PROBES_KPROBE, PROBES_TRACEPOINT, PROBES_MULTI, PROBES_NUM };

struct probes {
  int prog_fds[PROBES_NUM];
  int link_fds[4];
  int map_fd;
  int feeder_fd;
};

/* The programs are named probe_kprobe, probe_tracepoint and probe_multi, the
 * last only HAS_MULTI. Returns 0 or -errno. */
int probes_start(struct probes *probes, bool has_multi);

/* That many runs of the first and the last, in each of which that of the
 * tracepoint is skipped. Returns 0 or -errno. */
int probes_run(const struct probes *probes, uint32_t runs);

/* Has the first and the last skipped that often. Returns 0 or -errno. */
int probes_skip(const struct probes *probes, uint32_t num);

void probes_stop(struct probes *probes);

/* A program that calls another, by a map for tail calls, and one that a third
 * replaces, by freplace. All are of type xdp. */
struct elsewhere {
  int map_fd;
  int caller_fd;
  int called_fd;
  int replaced_fd;
  int replacing_fd;
  int link_fd;
};

/* REPLACES: with the third, for which the kernel has to allow fentry. Returns 0
 * or -errno. */
int elsewhere_start(struct elsewhere *elsewhere, bool replaces);

void elsewhere_stop(struct elsewhere *elsewhere);

/* Loads an iterator over all programs that writes four bytes for each, and so
 * something else than records of the plugin. Returns the fd of its link, or
 * -errno. */
int other_iterator_load(void);

/* Returns the id of a loaded program, or 0. */
uint32_t prog_id(int prog_fd);

/* Waits until no program of the host is on its way out, or for a minute: nobody
 * has it any more, but the kernel leaves its end, and the event of its unload,
 * to later. Returns whether that is so. */
bool progs_wait_unloaded(void);

#endif
