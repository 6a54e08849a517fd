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

/* Whether a ratio was above its limit. */
bool table_exceeded(void);

/* Sorts the VALUES, of which there is an odd number. */
double median(double *values, size_t num);

/* Ends the program; RC is -errno. */
void die(const char *what, int rc) __attribute__((noreturn));

#endif
