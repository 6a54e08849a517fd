/* SPDX-License-Identifier: MIT */
/* table: rows of fixed width. */
#include "table.h"

#include <bpf/libbpf.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool exceeded;

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

void table_ratio(const char *what, double value, const char *unit,
                 const char *to, double base, const double *limit) {
  double ratio = value / base;
  print_value(what, value, unit);
  const bool above = limit != NULL && !(ratio <= *limit);
  if (limit == NULL)
    printf(" %8.3f  %s\n", ratio, to);
  else
    printf(" %8.3f  %-28s %6g%s\n", ratio, to, *limit,
           above ? "  EXCEEDED" : "");
  exceeded |= above;
}

bool table_exceeded(void) { return exceeded; }

static int compare(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

double median(double *values, size_t num) {
  qsort(values, num, sizeof(*values), compare);
  return values[num / 2];
}

void die(const char *what, int rc) {
  fprintf(stderr, "%s: %s\n", what, strerror(-rc));
  exit(1);
}
