/* SPDX-License-Identifier: MIT */
#ifndef BPF_STATS_TESTS_BENCH_NO_DAEMON_H
#define BPF_STATS_TESTS_BENCH_NO_DAEMON_H

#include <stddef.h>

/* How many values were dispatched. */
extern size_t no_daemon_values;

#endif
