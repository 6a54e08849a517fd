/* SPDX-License-Identifier: MIT */
/* bench: what a read costs, against the shortest possible way to the same
 * numbers, side by side in one run on real programs. Needs root.
 *
 * Exits with 1 when a limit is exceeded that the project promises. */
#include "../live/progs.h"

#include "groups.h"
#include "metrics.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
  FEW = 1000,
  MANY = 10000,
  ROUNDS = 101, /* odd, for the median */
  SCRIPT_ROUNDS = 5,
  STEADY_READS = 100,
};

/* What the project promises, as ratios. How an iterator compares with a loop of
 * system calls depends on what these cost on the machine; how it compares with
 * an iterator that does nothing depends on us alone. */
static const double syscall_per_loop_max = 1.15;
static const double iterator_per_loop_max = 0.30;
static const double iterator_per_walk_max = 2.0;
static const double iterator_per_walk_many_max = 3.0;
static const double cpu_per_script_max = 0.01;

static bool failed;

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

/* Loads programs number FROM to TO - 1. */
static void load_programs(int from, int to) {
  struct rlimit limit = {MANY + 1000, MANY + 1000};
  setrlimit(RLIMIT_NOFILE, &limit);
  for (int i = from; i < to; i++) {
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

/* A source with all that comes after it, up to the values. */
struct reader {
  struct source *source;
  struct groups *groups;
};

/* Returns how many values the groups have. */
static size_t read_all(struct reader *reader) {
  struct prog_snapshot snapshot;
  int rc = source_snapshot(reader->source, &snapshot);
  if (rc == 0)
    rc = groups_update(reader->groups, &snapshot, NULL);
  if (rc != 0)
    die("reading", rc);
  struct metrics_read read = {
      .host = groups_host(reader->groups),
      .snapshot = &snapshot,
      .measurement = {.coverage = 1.0, .measured_ns = 1}};
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  const metric_set set = metrics_default();
  size_t values_num = 0;
  for (const struct group *group = groups_next(reader->groups, NULL);
       group != NULL; group = groups_next(reader->groups, group))
    for (size_t i = 0; i < metrics_num; i++) {
      union metric_value value;
      if ((set >> i & 1) != 0 && metrics[i].compute(&read, group, &value))
        values_num++;
    }
  return values_num;
}

static double now_us(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static struct selector *selector;

static void reader_init(struct reader *reader, struct source *source) {
  struct groups_options options = {
      .selector = selector,
      .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .groups_max = 2 * MANY,
  };
  *reader = (struct reader){.source = source, .groups = groups_new(&options)};
  if (reader->groups == NULL)
    die("starting", -ENOMEM);
}

static void snapshot_once(struct source *source) {
  struct prog_snapshot snapshot;
  int rc = source_snapshot(source, &snapshot);
  if (rc != 0)
    die("reading", rc);
}

static void print_row(const char *what, double us, double ratio, double limit) {
  printf("%-44s %9.0f %8.3f", what, us, ratio);
  if (limit > 0.0)
    printf("  limit %g%s", limit, ratio <= limit ? "" : "  EXCEEDED");
  printf("\n");
  failed |= limit > 0.0 && ratio > limit;
}

/* What a collectd exec plugin would run instead. Returns its CPU time in us. */
static double run_script(void) {
  static const char script[] =
      "${BPFTOOL:-bpftool} -j prog show | jq -r '.[] | \"PUTVAL host/"
      "bpf_stats-\\(.name)/invocations interval=10 N:\\(.run_cnt // 0)\"' "
      ">/dev/null";
  struct rusage before, after;
  getrusage(RUSAGE_CHILDREN, &before);
  int status = system(script);
  getrusage(RUSAGE_CHILDREN, &after);
  if (status != 0)
    die("running bpftool and jq", -EIO);
  return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                  after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
             1e6 +
         (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                  after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

static void count_allocations(struct reader *reader, const char *what) {
  unsigned long before = allocations;
  read_all(reader); /* names and groups */
  unsigned long first = allocations - before;
  read_all(reader); /* both buffers of each pair grow to their size */
  read_all(reader);
  before = allocations;
  for (int i = 0; i < STEADY_READS; i++)
    read_all(reader);
  unsigned long steady = allocations - before;
  printf("heap allocations, %s source: %lu in the first read, %lu in %d steady "
         "reads (limit 0)\n",
         what, first, steady, STEADY_READS);
  /* A counter that never counts would prove nothing. */
  failed |= first == 0 || steady != 0;
}

/* The least that any iterator takes: its program writes four bytes. */
static void walk_only(int link_fd) {
  char buffer[64 * 1024];
  int fd = bpf_iter_create(link_fd);
  if (fd < 0)
    die("walking", fd);
  while (read(fd, buffer, sizeof(buffer)) > 0)
    ;
  close(fd);
}

/* Times the walks alternately, so that what else the machine does hits all
 * alike. Returns the iterator's median, in us; 0 without an iterator. */
static double compare_walks(struct reader *by_syscall,
                            struct reader *by_iterator) {
  static double loop_us[ROUNDS], syscall_us[ROUNDS], iterator_us[ROUNDS];
  static double walk_us[ROUNDS], read_us[ROUNDS];
  int walk_link_fd = by_iterator == NULL ? -1 : other_iterator_load();
  size_t values_num = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double t0 = now_us(CLOCK_MONOTONIC);
    shortest_loop();
    double t1 = now_us(CLOCK_MONOTONIC);
    snapshot_once(by_syscall->source);
    double t2 = now_us(CLOCK_MONOTONIC);
    loop_us[i] = t1 - t0;
    syscall_us[i] = t2 - t1;
    if (by_iterator == NULL)
      continue;
    snapshot_once(by_iterator->source);
    double t3 = now_us(CLOCK_MONOTONIC);
    values_num = read_all(by_iterator);
    double t4 = now_us(CLOCK_MONOTONIC);
    walk_only(walk_link_fd);
    iterator_us[i] = t3 - t2;
    read_us[i] = t4 - t3;
    walk_us[i] = now_us(CLOCK_MONOTONIC) - t4;
  }
  double loop = median(loop_us, ROUNDS);
  print_row("shortest loop of system calls", loop, 1.0, 0.0);
  double by_syscall_us = median(syscall_us, ROUNDS);
  print_row("snapshot, syscall source", by_syscall_us, by_syscall_us / loop,
            syscall_per_loop_max);
  if (by_iterator == NULL)
    return 0.0;
  double snapshot = median(iterator_us, ROUNDS);
  print_row("snapshot, iterator source", snapshot, snapshot / loop,
            iterator_per_loop_max);
  double walk = median(walk_us, ROUNDS);
  print_row("an iterator that only walks", walk, walk / loop, 0.0);
  print_row("  snapshot, iterator source, to that", snapshot, snapshot / walk,
            iterator_per_walk_max);
  close(walk_link_fd);
  double read = median(read_us, ROUNDS);
  char what[64];
  snprintf(what, sizeof(what), "whole read, iterator source, %zu values",
           values_num);
  print_row(what, read, read / loop, 0.0);
  return snapshot;
}

/* CPU time of a snapshot against that of a script around bpftool. */
static void compare_script(struct reader *by_iterator) {
  double script_us[SCRIPT_ROUNDS], snapshot_us[SCRIPT_ROUNDS];
  double read_us[SCRIPT_ROUNDS];
  for (int i = 0; i < SCRIPT_ROUNDS; i++) {
    script_us[i] = run_script();
    double t0 = now_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int j = 0; j < STEADY_READS; j++)
      snapshot_once(by_iterator->source);
    double t1 = now_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int j = 0; j < STEADY_READS; j++)
      read_all(by_iterator);
    snapshot_us[i] = (t1 - t0) / STEADY_READS;
    read_us[i] = (now_us(CLOCK_PROCESS_CPUTIME_ID) - t1) / STEADY_READS;
  }
  double script = median(script_us, SCRIPT_ROUNDS);
  double read = median(read_us, SCRIPT_ROUNDS);
  print_row("CPU time of bpftool -j prog show | jq", script, 1.0, 0.0);
  double snapshot = median(snapshot_us, SCRIPT_ROUNDS);
  print_row("CPU time of a snapshot, iterator source", snapshot,
            snapshot / script, cpu_per_script_max);
  print_row("CPU time of a whole read, iterator source", read, read / script,
            0.0);
}

/* The same number of programs ten times over. */
static void compare_many(struct reader *by_iterator, double few_us) {
  static double many_us[ROUNDS], walk_us[ROUNDS];
  int walk_link_fd = other_iterator_load();
  load_programs(FEW, MANY);
  snapshot_once(by_iterator->source);
  for (int i = 0; i < ROUNDS; i++) {
    double t0 = now_us(CLOCK_MONOTONIC);
    snapshot_once(by_iterator->source);
    double t1 = now_us(CLOCK_MONOTONIC);
    walk_only(walk_link_fd);
    many_us[i] = t1 - t0;
    walk_us[i] = now_us(CLOCK_MONOTONIC) - t1;
  }
  close(walk_link_fd);
  double many = median(many_us, ROUNDS);
  double walk = median(walk_us, ROUNDS);
  printf("%d programs%33s us %8s\n", MANY, "", "ratio");
  print_row("an iterator that only walks", walk, 1.0, 0.0);
  print_row("  snapshot, iterator source, to that", many, many / walk,
            iterator_per_walk_many_max);
  print_row("  snapshot, iterator source, to 1,000 programs", many,
            many / few_us, 0.0);
}

int main(void) {
  struct utsname name;
  uname(&name);
  printf("machine: Linux %s %s, %ld CPUs; libbpf %s\n", name.release,
         name.machine, sysconf(_SC_NPROCESSORS_ONLN), libbpf_version_string());
  load_programs(0, FEW);
  selector = selector_new();
  struct reader by_syscall, by_iterator;
  struct source *source = NULL;
  int rc = source_syscall_new(false, &source);
  if (rc != 0 || selector == NULL)
    die("starting", rc != 0 ? rc : -ENOMEM);
  reader_init(&by_syscall, source);
  count_allocations(&by_syscall, "syscall");
  char reason[400];
  bool has_iterator =
      source_iterator_new(0, &source, reason, sizeof(reason)) == 0;
  if (has_iterator) {
    reader_init(&by_iterator, source);
    count_allocations(&by_iterator, "iterator");
  } else {
    printf("no iterator: %s\n", reason);
  }
  printf("%d programs, medians of %d rounds%15s us %8s\n", FEW, ROUNDS, "",
         "ratio");
  double few_us =
      compare_walks(&by_syscall, has_iterator ? &by_iterator : NULL);
  if (has_iterator) {
    compare_script(&by_iterator);
    compare_many(&by_iterator, few_us);
  }
  return failed ? 1 : 0;
}
