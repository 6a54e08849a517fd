/* SPDX-License-Identifier: MIT */
/* table: what all benchmarks print, in one form, and what they all need. */
#ifndef BPF_STATS_TESTS_BENCH_TABLE_H
#define BPF_STATS_TESTS_BENCH_TABLE_H

#include <stdbool.h>
#include <stddef.h>

/* The machine, and what the columns are. */
void table_head(void);

/* A title for the rows that follow. */
void table_section(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

void table_value(const char *what, double value, const char *unit);

/* The same with its ratio to BASE, which is called TO, and the most that the
 * project promises of it, LIMIT, or NULL. */
void table_ratio(const char *what, double value, const char *unit,
                 const char *to, double base, const double *limit);

/* The same for rounds in which each value was measured right beside its base,
 * so that what else the machine does hits both: shows the median of the VALUES,
 * and of the ratios of single rounds. NUM is odd. */
void table_ratio_of_rounds(const char *what, const double *values,
                           const char *unit, const char *to,
                           const double *bases, size_t num,
                           const double *limit);

/* Whether the rounds since the last call are to be measured once more, as a
 * ratio was above its limit and the machine may be to blame: up to four times.
 * What is wrong is wrong each time. *TIMES is 0 at first. */
bool table_once_more(int *times);

/* Whether a ratio was above its limit each time. */
bool table_exceeded(void);

/* Of an odd number of VALUES. */
double median(const double *values, size_t num);

/* Ends the program; RC is -errno. */
void die(const char *what, int rc) __attribute__((noreturn));

#endif
