/* SPDX-License-Identifier: MIT */
/* bench: what a read costs, against the shortest possible way to the same
 * numbers, side by side in one run on real programs. Needs root.
 *
 * Exits with 1 when a limit is exceeded that the project promises. */
#include "../live/progs.h"

#include "boottime.h"
#include "groups.h"
#include "metrics.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PROGRAMS = 1000, ROUNDS = 201, STEADY_READS = 10 };

static const double ratio_max = 1.15;

/* Counts allocations by standing in front of the C library's. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t num, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);
static unsigned long allocations;

void *malloc(size_t size) {
  allocations++;
  return __libc_malloc(size);
}

void *calloc(size_t num, size_t size) {
  allocations++;
  return __libc_calloc(num, size);
}

void *realloc(void *ptr, size_t size) {
  allocations++;
  return __libc_realloc(ptr, size);
}

static void die(const char *what, int rc) {
  fprintf(stderr, "bench: %s: %s\n", what, strerror(-rc));
  exit(1);
}

static void load_programs(void) {
  struct rlimit limit = {PROGRAMS + 1000, PROGRAMS + 1000};
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = 0; i < PROGRAMS; i++) {
    char name[64];
    /* Every other one has a name that BTF completes. */
    snprintf(name, sizeof(name),
             i % 2 == 0 ? "bench_%d" : "bench_of_a_longer_name_%d", i);
    int fd = prog_load(BPF_PROG_TYPE_XDP, name, PROG_RETURNS);
    if (fd < 0)
      die("loading programs", fd);
  }
}

/* The shortest loop over bpf(2) that sees the counters. Returns their sum. */
static uint64_t shortest_loop(void) {
  uint64_t sum = 0;
  uint32_t id = 0;
  while (bpf_prog_get_next_id(id, &id) == 0) {
    int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0)
      continue;
    struct bpf_prog_info info = {0};
    uint32_t info_len = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &info_len) == 0)
      sum += info.run_cnt;
    close(fd);
  }
  return sum;
}

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t num) {
  qsort(values, num, sizeof(*values), compare_doubles);
  return values[num / 2];
}

/* Everything that a read does up to the values. Returns how many there are. */
static size_t read_all(struct source *source, struct groups *groups) {
  struct prog_snapshot snapshot;
  int rc = source_snapshot(source, &snapshot);
  if (rc == 0)
    rc = groups_update(groups, &snapshot);
  if (rc != 0)
    die("reading", rc);
  struct metrics_read read = {
      .host = groups_host(groups), .snapshot = &snapshot, .coverage = 1.0};
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  size_t values_num = 0;
  for (const struct group *group = groups_next(groups, NULL); group != NULL;
       group = groups_next(groups, group))
    for (size_t i = 0; i < metrics_num; i++) {
      union metric_value value;
      if ((metrics_default() >> i & 1) != 0 &&
          metrics[i].compute(&read, group, &value))
        values_num++;
    }
  return values_num;
}

static void print_machine(void) {
  struct utsname name;
  uname(&name);
  printf("machine: Linux %s %s, %ld CPUs; libbpf %s\n", name.release,
         name.machine, sysconf(_SC_NPROCESSORS_ONLN), libbpf_version_string());
}

static struct groups *new_groups(const struct selector *selector) {
  struct groups_options options = {
      .selector = selector,
      .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .groups_max = 2 * PROGRAMS,
  };
  return groups_new(&options);
}

int main(void) {
  load_programs();
  struct selector *selector = selector_new();
  struct groups *groups = selector == NULL ? NULL : new_groups(selector);
  struct source *source = NULL;
  int rc = source_syscall_new(false, &source);
  if (rc != 0 || groups == NULL)
    die("starting", rc != 0 ? rc : -ENOMEM);

  /* The first read resolves names and makes groups. */
  uint64_t begin_ns = boottime_ns();
  unsigned long before_first = allocations;
  read_all(source, groups);
  unsigned long first = allocations - before_first;
  double first_us = (double)(boottime_ns() - begin_ns) / 1e3;

  /* Alternately, so that what else the machine does hits all alike. */
  static double loop_us[ROUNDS], snapshot_us[ROUNDS], read_us[ROUNDS];
  size_t values_num = 0;
  for (int i = 0; i < ROUNDS; i++) {
    uint64_t t0 = boottime_ns();
    shortest_loop();
    uint64_t t1 = boottime_ns();
    struct prog_snapshot snapshot;
    rc = source_snapshot(source, &snapshot);
    uint64_t t2 = boottime_ns();
    if (rc != 0)
      die("reading", rc);
    values_num = read_all(source, groups);
    uint64_t t3 = boottime_ns();
    loop_us[i] = (double)(t1 - t0) / 1e3;
    snapshot_us[i] = (double)(t2 - t1) / 1e3;
    read_us[i] = (double)(t3 - t2) / 1e3;
  }
  unsigned long before = allocations;
  for (int i = 0; i < STEADY_READS; i++)
    read_all(source, groups);
  unsigned long steady = allocations - before;

  double loop = median(loop_us, ROUNDS);
  double snapshot = median(snapshot_us, ROUNDS);
  double read = median(read_us, ROUNDS);
  print_machine();
  printf("%d programs, median of %d rounds          us   ratio\n", PROGRAMS,
         ROUNDS);
  printf("shortest loop of syscalls             %8.0f    1.00\n", loop);
  printf("snapshot by the syscall source        %8.0f    %4.2f  (limit %.2f)\n",
         snapshot, snapshot / loop, ratio_max);
  printf("whole read, %zu values              %8.0f    %4.2f\n", values_num,
         read, read / loop);
  printf("first read, with all names            %8.0f    %4.2f\n", first_us,
         first_us / loop);
  printf("heap allocations in the first read    %8lu\n", first);
  printf("heap allocations in %d steady reads   %8lu          (limit 0)\n",
         STEADY_READS, steady);
  source_free(source);
  groups_free(groups);
  selector_free(selector);
  /* A counter that never counts would prove nothing. */
  return snapshot / loop <= ratio_max && first > 0 && steady == 0 ? 0 : 1;
}
