/* SPDX-License-Identifier: MIT */
/* groups_fixture: groups under test, and the snapshots that they are fed. */
#ifndef BPF_STATS_TESTS_GROUPS_FIXTURE_H
#define BPF_STATS_TESTS_GROUPS_FIXTURE_H

#include "groups.h"

enum { SAMPLES_MAX = 3000 };

extern struct selector *selector;
extern struct groups *groups;
extern struct prog_sample samples[SAMPLES_MAX];
extern struct prog_snapshot snapshot;

/* For a checked fixture: groups of all programs, by name, at most 1000. */
void groups_setup(void);
void groups_teardown(void);

/* Starts again, with other options. */
void groups_start(size_t groups_max, const char *format);

/* Begins the snapshot of that time; programs follow in order of ids. */
void begin_snapshot(uint64_t time_ns);
struct prog_sample *program(uint32_t id, uint64_t load_time_ns,
                            const char *name, uint64_t cnt);
void unreadable(uint32_t id);

/* The sample of an xdp program that ran CNT times, 10 ns each, with two misses
 * a run. */
struct prog_sample make_sample(uint32_t id, uint64_t load_time_ns,
                               const char *name, uint64_t cnt);

const struct group *find_group(const char *name);
size_t count_groups(void);

/* Demands stats as make_sample() makes them. */
void check_stats(struct prog_stats stats, uint64_t cnt);

/* Demands a group of that name with that many programs. */
void check_group_of(const char *name, uint64_t total, uint64_t delta,
                    size_t programs);

#endif
