/* SPDX-License-Identifier: MIT */
/* bench: what a read costs, against the shortest possible way to the same
 * numbers, side by side in one run on real programs. Needs root.
 *
 * Exits with 1 when a limit is exceeded that the project promises. */
#include "../live/progs.h"
#include "table.h"

#include "bpf_load.h"
#include "clocks.h"
#include "metrics.h"
#include "owners.h"
#include "prog_record.h"
#include "reader.h"
#ifdef HAVE_BPF_PROGRAMS
#include "prog_iter.skel.h"
#endif

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
  FEW = 1000,
  MANY = 10000,
  ROUNDS = 101, /* odd, for the median */
  CACHES_SIZE_BYTES = 64 << 20,
  CACHE_LINE_BYTES = 64,
  SCRIPT_ROUNDS = 5,
  STEADY_READS = 100,
};

/* What the project promises, as ratios. How an iterator compares with a loop of
 * system calls depends on what these cost on the machine; how it compares with
 * an iterator that does nothing depends on us alone. */
static const double syscall_per_loop_max = 1.15;
static const double iterator_per_loop_max = 0.30;
static const double cpus_per_loop_max = 1.0;
static const double iterator_per_walk_max = 2.0;
static const double iterator_per_walk_many_max = 3.0;
static const double cpu_per_bpftool_max = 0.04;
static const double steady_allocations_max = 0.0;
/* 2 ms where the loop takes 4.2, once for each program; and nothing after. */
static const double owners_per_loop_max = 0.48;
static const double read_with_owners_max = 1.15;

static const char to_loop[] = "shortest loop";
static const char to_walk[] = "an iterator that only walks";
static const char to_read[] = "whole read without owners";
static const char to_bpftool[] = "bpftool -j prog show, CPU";

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

/* A source alone, and as a part of all that comes after it. */
struct way {
  struct source *source;
  struct reader *reader;
};

/* Reads up to the values. Returns how many of them the groups have. */
static size_t read_all(struct way *way) {
  const struct reading *reading;
  int rc = reader_read(way->reader, &reading);
  if (rc != 0)
    die(reading->reason, rc);
  size_t metrics_num = 0;
  const struct metric *metrics = metrics_all(&metrics_num);
  const metric_set set = metrics_default();
  size_t values_num = 0;
  for (const struct group *group = reader_next_group(way->reader, NULL);
       group != NULL; group = reader_next_group(way->reader, group))
    for (size_t i = 0; i < metrics_num; i++) {
      union metric_value value;
      if ((set >> i & 1) != 0 && metrics[i].compute(reading, group, &value))
        values_num++;
    }
  return values_num;
}

static double clock_us(clockid_t clock) {
  return (double)clock_ns(clock) / 1e3;
}

static struct selector *selector;

static void way_init(struct way *way, struct source *source,
                     enum source_kind kind, bool owners) {
  struct reader_options options = {
      .source = {.kind = kind},
      .owners = owners,
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
                 .groups_max = 2 * MANY}};
  *way = (struct way){.source = source, .reader = reader_new(&options)};
  if (way->reader == NULL)
    die("starting", -ENOMEM);
}

static void snapshot_once(struct source *source) {
  struct prog_snapshot snapshot;
  int rc = source_snapshot(source, &snapshot);
  if (rc != 0)
    die("reading", rc);
}

/* Returns the CPU time of a command, in us. */
static double run_command(const char *command) {
  struct rusage before, after;
  getrusage(RUSAGE_CHILDREN, &before);
  int status = system(command);
  getrusage(RUSAGE_CHILDREN, &after);
  if (status != 0)
    die(command, -EIO);
  return (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
                  after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
             1e6 +
         (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
                  after.ru_stime.tv_usec - before.ru_stime.tv_usec);
}

/* Also checks that nothing is allocated in steady state. */
static void count_allocations(struct way *way, const char *what) {
  unsigned long before = allocations;
  read_all(way); /* names and groups */
  unsigned long first = allocations - before;
  read_all(way); /* both buffers of each pair grow to their size */
  read_all(way);
  before = allocations;
  for (int i = 0; i < STEADY_READS; i++)
    read_all(way);
  unsigned long steady = allocations - before;
  table_ratio(what, (double)steady, "", "those of the first read",
              (double)first, &steady_allocations_max);
  /* A counter that never counts would prove nothing. */
  if (first == 0)
    die("counting allocations", -EINVAL);
}

/* Of this thread: what runs beside it costs it nothing. */
static double cpu_us(void) { return clock_us(CLOCK_THREAD_CPUTIME_ID); }

/* Fills the caches with something else, as whatever a host does between two
 * reads, and what runs beside this. Returns the time by then. */
static double cool_down(void) {
  static volatile char other[CACHES_SIZE_BYTES];
  for (size_t i = 0; i < CACHES_SIZE_BYTES; i += CACHE_LINE_BYTES)
    other[i]++;
  return cpu_us();
}

static void walk(int link_fd) {
  char buffer[64 * 1024];
  int fd = bpf_iter_create(link_fd);
  if (fd < 0)
    die("walking", fd);
  while (read(fd, buffer, sizeof(buffer)) > 0)
    ;
  close(fd);
}

static struct {
  double loop[ROUNDS], by_syscall[ROUNDS];
  double walk[ROUNDS], by_iterator[ROUNDS], read[ROUNDS];
} us;

/* Takes the walks alternately, so that what else the machine does hits all
 * alike. Returns how many values a read has. */
static size_t take_walks(struct way *by_syscall, struct way *by_iterator) {
  int walk_link_fd = by_iterator == NULL ? -1 : other_iterator_load();
  size_t values_num = 0;
  for (int i = 0; i < ROUNDS; i++) {
    double begin = cool_down();
    shortest_loop();
    us.loop[i] = cpu_us() - begin;
    begin = cool_down();
    snapshot_once(by_syscall->source);
    us.by_syscall[i] = cpu_us() - begin;
    if (by_iterator == NULL)
      continue;
    begin = cool_down();
    walk(walk_link_fd);
    us.walk[i] = cpu_us() - begin;
    begin = cool_down();
    snapshot_once(by_iterator->source);
    us.by_iterator[i] = cpu_us() - begin;
    begin = cool_down();
    values_num = read_all(by_iterator);
    us.read[i] = cpu_us() - begin;
  }
  if (walk_link_fd >= 0)
    close(walk_link_fd);
  return values_num;
}

static void compare_walks(struct way *by_syscall, struct way *by_iterator) {
  size_t values_num = take_walks(by_syscall, by_iterator);
  table_value("shortest loop of system calls", median(us.loop, ROUNDS), "us");
  table_ratio_of_rounds("snapshot by system calls", us.by_syscall, "us",
                        to_loop, us.loop, ROUNDS, &syscall_per_loop_max);
  if (by_iterator == NULL)
    return;
  table_ratio_of_rounds("an iterator that only walks", us.walk, "us", to_loop,
                        us.loop, ROUNDS, NULL);
  table_ratio_of_rounds("snapshot by the iterator", us.by_iterator, "us",
                        to_loop, us.loop, ROUNDS, &iterator_per_loop_max);
  table_ratio_of_rounds("snapshot by the iterator", us.by_iterator, "us",
                        to_walk, us.walk, ROUNDS, &iterator_per_walk_max);
  char what[64];
  snprintf(what, sizeof(what), "whole read by the iterator, %zu values",
           values_num);
  table_ratio_of_rounds(what, us.read, "us", to_loop, us.loop, ROUNDS, NULL);
}

/* CPU time of a snapshot against that of what one would run instead, by
 * collectd's exec plugin. */
static void compare_script(struct way *by_iterator) {
  static const char bpftool[] = "${BPFTOOL:-bpftool} -j prog show >/dev/null";
  static const char script[] =
      "${BPFTOOL:-bpftool} -j prog show | jq -r '.[] | \"PUTVAL host/"
      "bpf_stats-\\(.name)/invocations interval=10 N:\\(.run_cnt // 0)\"' "
      ">/dev/null";
  double bpftool_us[SCRIPT_ROUNDS], script_us[SCRIPT_ROUNDS];
  double snapshot_us[SCRIPT_ROUNDS], read_us[SCRIPT_ROUNDS];
  for (int i = 0; i < SCRIPT_ROUNDS; i++) {
    bpftool_us[i] = run_command(bpftool);
    script_us[i] = run_command(script);
    double t0 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int j = 0; j < STEADY_READS; j++)
      snapshot_once(by_iterator->source);
    double t1 = clock_us(CLOCK_PROCESS_CPUTIME_ID);
    for (int j = 0; j < STEADY_READS; j++)
      read_all(by_iterator);
    snapshot_us[i] = (t1 - t0) / STEADY_READS;
    read_us[i] = (clock_us(CLOCK_PROCESS_CPUTIME_ID) - t1) / STEADY_READS;
  }
  table_value("bpftool -j prog show, CPU", median(bpftool_us, SCRIPT_ROUNDS),
              "us");
  table_ratio_of_rounds("bpftool -j prog show | jq, CPU", script_us, "us",
                        to_bpftool, bpftool_us, SCRIPT_ROUNDS, NULL);
  table_ratio_of_rounds("snapshot by the iterator, CPU", snapshot_us, "us",
                        to_bpftool, bpftool_us, SCRIPT_ROUNDS,
                        &cpu_per_bpftool_max);
  table_ratio_of_rounds("whole read by the iterator, CPU", read_us, "us",
                        to_bpftool, bpftool_us, SCRIPT_ROUNDS, NULL);
}

/* The same for ten times as many programs. */
static void compare_many(struct way *by_iterator) {
  static double many_us[ROUNDS], walk_us[ROUNDS];
  int walk_link_fd = other_iterator_load();
  snapshot_once(by_iterator->source);
  for (int i = 0; i < ROUNDS; i++) {
    double begin = cool_down();
    walk(walk_link_fd);
    walk_us[i] = cpu_us() - begin;
    begin = cool_down();
    snapshot_once(by_iterator->source);
    many_us[i] = cpu_us() - begin;
  }
  close(walk_link_fd);
  table_value("an iterator that only walks", median(walk_us, ROUNDS), "us");
  table_ratio_of_rounds("snapshot by the iterator", many_us, "us", to_walk,
                        walk_us, ROUNDS, &iterator_per_walk_many_max);
  char to_few[32];
  snprintf(to_few, sizeof(to_few), "%d programs", FEW);
  table_ratio("snapshot by the iterator", median(many_us, ROUNDS), "us", to_few,
              median(us.by_iterator, ROUNDS), NULL);
}

#ifdef HAVE_BPF_PROGRAMS
/* Returns the iterator by plain loads, told of as many CPUs as it has room for,
 * which all have the counters of those that there are; NULL before 6.2. */
static struct prog_iter *load_iterator(void) {
  struct prog_iter *iterator = prog_iter__open_and_load();
  if (iterator == NULL)
    return NULL;
  int rc = bpf_load_find_cpus(iterator->progs.bpf_stats_cpus,
                              bpf_map__fd(iterator->maps.anchor));
  if (rc == 0)
    rc = prog_iter__attach(iterator);
  if (rc != 0)
    die("loading the iterator", rc);
  const uint32_t own_num = iterator->bss->cpu_offsets_num;
  for (uint32_t i = own_num; i < PROG_RECORD_CPUS_MAX; i++)
    iterator->bss->cpu_offsets[i] = iterator->bss->cpu_offsets[i % own_num];
  return iterator;
}

/* What possible CPUs that idle add to a walk. */
static void compare_cpus(void) {
  static const uint32_t cpus_nums[] = {2, 128, 512};
  enum { NUM = sizeof(cpus_nums) / sizeof(cpus_nums[0]) };
  static double loop_us[ROUNDS], walk_us[NUM][ROUNDS];
  struct prog_iter *iterator = load_iterator();
  if (iterator == NULL) {
    table_section("this kernel takes probe reads");
    return;
  }
  const int link_fd = bpf_link__fd(iterator->links.bpf_stats_iter);
  for (int i = 0; i < ROUNDS; i++) {
    double begin = cool_down();
    shortest_loop();
    loop_us[i] = cpu_us() - begin;
    for (int j = 0; j < NUM; j++) {
      iterator->bss->cpu_offsets_num = cpus_nums[j];
      begin = cool_down();
      walk(link_fd);
      walk_us[j][i] = cpu_us() - begin;
    }
  }
  prog_iter__destroy(iterator);
  for (int j = 0; j < NUM; j++) {
    char what[64];
    snprintf(what, sizeof(what), "walk of the iterator, %u possible CPUs",
             cpus_nums[j]);
    table_ratio_of_rounds(what, walk_us[j], "us", to_loop, loop_us, ROUNDS,
                          &cpus_per_loop_max);
  }
}
#else
static void compare_cpus(void) {}
#endif

/* Finds the owners of all programs, as if all had just been loaded. Returns how
 * long that took. */
static double find_owners(const struct prog_snapshot *snapshot) {
  struct owners *owners = owners_new(NULL);
  if (owners == NULL)
    die("finding owners", -ENOMEM);
  owners_open(owners);
  const double begin = cool_down();
  owners_find(owners, snapshot, NULL);
  const double end_us = cpu_us();
  owners_free(owners);
  return end_us - begin;
}

/* What owners cost once for each program, and at each read. */
static void compare_owners(struct way *by_iterator) {
  static double loop_us[ROUNDS], find_us[ROUNDS];
  static double without_us[ROUNDS], with_us[ROUNDS];
  struct way with_owners;
  way_init(&with_owners, NULL, SOURCE_ITERATOR, true);
  read_all(&with_owners);
  for (int i = 0; i < ROUNDS; i++) {
    double begin = cool_down();
    shortest_loop();
    loop_us[i] = cpu_us() - begin;
    struct prog_snapshot snapshot;
    if (source_snapshot(by_iterator->source, &snapshot) != 0)
      die("reading", -EIO);
    find_us[i] = find_owners(&snapshot);
    begin = cool_down();
    read_all(by_iterator);
    without_us[i] = cpu_us() - begin;
    begin = cool_down();
    read_all(&with_owners);
    with_us[i] = cpu_us() - begin;
  }
  reader_free(with_owners.reader);
  table_ratio_of_rounds("owners of as many new programs", find_us, "us",
                        to_loop, loop_us, ROUNDS, &owners_per_loop_max);
  table_value("whole read without owners", median(without_us, ROUNDS), "us");
  table_ratio_of_rounds("whole read with owners", with_us, "us", to_read,
                        without_us, ROUNDS, &read_with_owners_max);
}

/* All that is a matter of time. */
static void compare(struct way *by_syscall, struct way *by_iterator) {
  int times = 0;
  do {
    table_section("%d programs, CPU time, medians of %d rounds", FEW, ROUNDS);
    compare_walks(by_syscall, by_iterator);
  } while (table_once_more(&times));
  if (by_iterator == NULL)
    return;
  times = 0;
  do {
    table_section("%d programs, by possible CPUs", FEW);
    compare_cpus();
  } while (table_once_more(&times));
  times = 0;
  do {
    table_section("%d programs, who loaded them", FEW);
    compare_owners(by_iterator);
  } while (table_once_more(&times));
  times = 0;
  do {
    table_section("%d programs, beside bpftool", FEW);
    compare_script(by_iterator);
  } while (table_once_more(&times));
  load_programs(FEW, MANY);
  times = 0;
  do {
    table_section("%d programs, CPU time, medians of %d rounds", MANY, ROUNDS);
    compare_many(by_iterator);
  } while (table_once_more(&times));
}

/* Starts a process that holds all programs as their loader does, until this one
 * ends: it is the one to be found. */
static void start_holder(void) {
  int ends[2];
  if (pipe(ends) != 0)
    die("starting a process", -errno);
  pid_t pid = fork();
  if (pid < 0)
    die("starting a process", -errno);
  if (pid != 0) { /* the other end stays open */
    close(ends[0]);
    return;
  }
  close(ends[1]);
  char byte;
  _exit(read(ends[0], &byte, 1) != 0);
}

int main(void) {
  table_head();
  load_programs(0, FEW);
  start_holder();
  selector = selector_new();
  struct way by_syscall, by_iterator;
  struct source *source = NULL;
  int rc = source_syscall_new(false, &source);
  if (rc != 0 || selector == NULL)
    die("starting", rc != 0 ? rc : -ENOMEM);
  table_section("%d programs: heap allocations of %d reads in steady state",
                FEW, STEADY_READS);
  way_init(&by_syscall, source, SOURCE_SYSCALL, false);
  count_allocations(&by_syscall, "by system calls");
  char reason[400];
  bool has_iterator =
      source_iterator_new(0, &source, reason, sizeof(reason)) == 0;
  if (has_iterator) {
    way_init(&by_iterator, source, SOURCE_ITERATOR, false);
    count_allocations(&by_iterator, "by the iterator");
  } else {
    table_section("no iterator: %s", reason);
  }
  compare(&by_syscall, has_iterator ? &by_iterator : NULL);
  return table_exceeded() ? 1 : 0;
}
