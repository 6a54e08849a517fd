/* SPDX-License-Identifier: MIT */
/* table: rows of fixed width. */
#include "table.h"

#include <bpf/libbpf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool exceeded;
static bool exceeded_now; /* by rounds that may be measured once more */

enum { TIMES_MAX = 5, ROUNDS_MAX = 1000 };

void table_head(void) {
  struct utsname name;
  uname(&name);
  printf("Linux %s %s, %ld CPUs; libbpf %s\n", name.release, name.machine,
         sysconf(_SC_NPROCESSORS_ONLN), libbpf_version_string());
  printf("%-44s %9s %-2s %8s  %-28s %6s\n", "", "median", "", "ratio", "to",
         "limit");
}

void table_section(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

static void print_value(const char *what, double value, const char *unit) {
  printf("  %-42s %9.*f %-2s", what, value < 100.0 ? 1 : 0, value, unit);
}

void table_value(const char *what, double value, const char *unit) {
  print_value(what, value, unit);
  printf("\n");
}

/* Returns whether it is above its limit. */
static bool print_ratio(double ratio, const char *to, const double *limit) {
  const bool above = limit != NULL && !(ratio <= *limit);
  if (limit == NULL)
    printf(" %8.3f  %s\n", ratio, to);
  else
    printf(" %8.3f  %-28s %6g%s\n", ratio, to, *limit,
           above ? "  EXCEEDED" : "");
  return above;
}

void table_ratio(const char *what, double value, const char *unit,
                 const char *to, double base, const double *limit) {
  print_value(what, value, unit);
  exceeded |= print_ratio(value / base, to, limit);
}

void table_ratio_of_rounds(const char *what, const double *values,
                           const char *unit, const char *to,
                           const double *bases, size_t num,
                           const double *limit) {
  double ratios[ROUNDS_MAX];
  print_value(what, median(values, num), unit); /* checks NUM */
  for (size_t i = 0; i < num; i++)
    ratios[i] = values[i] / bases[i];
  exceeded_now |= print_ratio(median(ratios, num), to, limit);
}

bool table_once_more(int *times) {
  const bool again = exceeded_now && ++*times < TIMES_MAX;
  if (again)
    table_section("once more, as a limit was exceeded");
  else
    exceeded |= exceeded_now;
  exceeded_now = false;
  return again;
}

bool table_exceeded(void) { return exceeded || exceeded_now; }

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

double median(const double *values, size_t num) {
  double sorted[ROUNDS_MAX];
  if (num > ROUNDS_MAX)
    die("too many rounds", -EINVAL);
  memcpy(sorted, values, num * sizeof(*values));
  qsort(sorted, num, sizeof(*sorted), compare);
  return sorted[num / 2];
}

void die(const char *what, int rc) {
  fprintf(stderr, "%s: %s\n", what, strerror(-rc));
  exit(1);
}
