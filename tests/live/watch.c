/* SPDX-License-Identifier: MIT */
/* Live tests of the watch on unloads, on real programs in this kernel: what
 * came and went between two reads, from all CPUs at once. Needs root.
 *
 * LIVE_FENTRY says that the kernel allows fentry; elsewhere the one test is
 * that the watch says why it does not load. */
#include "../open_fds.h"
#include "../tap.h"
#include "progs.h"

#include "groups.h"
#include "reader.h"
#include "unload_watch.h"

#include <bpf/bpf.h>
#include <check.h>

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct selector *selector;
static struct reader *reader;
static const struct reading *reading;

static void start(enum source_kind kind) {
  selector = selector_new();
  struct reader_options options = {
      .source = {.kind = kind},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .enable_stats = true,
      .watch_unload = true};
  reader = reader_new(&options);
  ck_assert_ptr_nonnull(reader);
  int rc = reader_open(reader, &reading);
  ck_assert_msg(rc == 0, "%s", reading->reason);
  ck_assert_str_eq(reading->unwatched_reason, "");
}

static void stop(void) {
  reader_free(reader);
  selector_free(selector);
}

static void read_once(void) {
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  ck_assert(reading->snapshot->complete);
}

static struct prog_stats total_of(const char *name) {
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group))
    if (strcmp(group->name, name) == 0)
      return group->total;
  return (struct prog_stats){0};
}

/* The runs of all programs but our own, which count like any other. */
static uint64_t host_runs(void) {
  return reading->host->group.total.cnt - total_of("bpf_stats").cnt;
}

/* Runs a program that lives for but a moment. */
static void run_brief(enum bpf_prog_type type, const char *name,
                      uint32_t runs) {
  int fd = prog_load(type, name, PROG_RETURNS);
  ck_assert_msg(fd >= 0, "loading %s: %s", name, strerror(-fd));
  ck_assert_int_eq(prog_run(fd, runs), 0);
  close(fd);
}

/* Reads until nothing has been loaded or unloaded for a while: the kernel may
 * leave the end of a program to later, also of those of a test before. */
static void read_until_quiet(void) {
  const struct churn *churn = &reading->host->churn;
  struct churn last = *churn;
  for (int quiet = 0; quiet < 25; quiet++) {
    usleep(20000);
    ck_assert(progs_wait_unloaded());
    read_once();
    if (churn->loaded != last.loaded || churn->unloaded != last.unloaded)
      quiet = 0;
    last = *churn;
  }
}

/* Begins to watch. The first program that a process loads makes libbpf try out
 * the kernel with one more: that is to be over. */
static void warm_up(void) {
  read_once();
  run_brief(BPF_PROG_TYPE_XDP, "watch_warm_up", 1);
  read_until_quiet();
}

START_TEST(watch__lived_between_two_reads__is_counted_whole) {
  start(_i == 0 ? SOURCE_SYSCALL : SOURCE_ITERATOR);
  warm_up();
  int fd = prog_load(BPF_PROG_TYPE_XDP, "watch_known", PROG_RETURNS);
  ck_assert_int_ge(fd, 0);
  read_once();
  const struct churn churn_before = reading->host->churn;
  const uint64_t before = host_runs();
  const struct prog_stats brief = total_of("_brief");
  run_brief(BPF_PROG_TYPE_XDP, "watch_known", 777);
  run_brief(BPF_PROG_TYPE_XDP, "watch_known", 23);
  run_brief(BPF_PROG_TYPE_XDP, "watch_brief", 40);
  run_brief(BPF_PROG_TYPE_CGROUP_SKB, "watch_brief_of_a_longer_name", 5);
  ck_assert(progs_wait_unloaded());
  read_once();
  ck_assert_uint_eq(total_of("watch_known").cnt, 800);
  ck_assert_uint_gt(total_of("watch_known").nsecs, 0);
  ck_assert_uint_eq(total_of("_brief").cnt - brief.cnt, 45);
  ck_assert_uint_gt(total_of("_brief").nsecs, brief.nsecs);
  ck_assert_uint_eq(total_of("watch_brief").cnt, 0);
  const struct host *host = reading->host;
  ck_assert_uint_eq(host_runs() - before, 845);
  ck_assert_uint_eq(host->churn.loaded - churn_before.loaded, 4);
  ck_assert_uint_eq(host->churn.unloaded - churn_before.unloaded, 4);
  ck_assert_uint_eq(host->unwatched_unloads, 0);
  close(fd);
  stop();
}
END_TEST

static const struct versions *versions_of(const char *name) {
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group))
    if (strcmp(group->name, name) == 0)
      return groups_versions(group);
  ck_abort_msg("no group %s", name);
}

/* Of a version of that many clock readings, which is in the kernel for but a
 * moment. */
static void run_version(unsigned clock_reads, uint32_t runs) {
  int fd = prog_load_slow("watch_version", clock_reads);
  ck_assert_int_ge(fd, 0);
  ck_assert_int_eq(prog_run(fd, runs), 0);
  close(fd);
}

START_TEST(watch__version_lived_between_two_reads__is_a_deploy) {
  start(_i == 0 ? SOURCE_SYSCALL : SOURCE_ITERATOR);
  warm_up();
  int fd = prog_load_slow("watch_version", 1);
  ck_assert_int_ge(fd, 0);
  read_once();
  ck_assert(versions_of("watch_version")->is_deployed); /* its first load */
  run_version(1, 5);
  ck_assert(progs_wait_unloaded());
  read_once();
  ck_assert(!versions_of("watch_version")->is_deployed);
  run_version(2, 23);
  ck_assert(progs_wait_unloaded());
  read_once();
  const struct versions *versions = versions_of("watch_version");
  ck_assert(versions->is_deployed);
  ck_assert_uint_eq(versions->deployed->sum.total.cnt, 23);
  ck_assert_uint_eq(versions->deployed->sum.programs, 0);
  ck_assert_uint_eq(versions->replaced->sum.total.cnt, 5);
  ck_assert_uint_eq(versions->replaced->sum.programs, 1);
  close(fd);
  stop();
}
END_TEST

START_TEST(watch__ran_on_after_a_read__is_counted_whole) {
  start(_i == 0 ? SOURCE_SYSCALL : SOURCE_ITERATOR);
  warm_up();
  const uint64_t unloaded = reading->host->churn.unloaded;
  int fd = prog_load(BPF_PROG_TYPE_XDP, "watch_last", PROG_RETURNS);
  ck_assert_int_eq(prog_run(fd, 100), 0);
  read_once();
  ck_assert_int_eq(prog_run(fd, 11), 0);
  close(fd);
  ck_assert(progs_wait_unloaded());
  read_once();
  ck_assert_uint_eq(total_of("watch_last").cnt, 111);
  read_once();
  ck_assert_uint_eq(total_of("watch_last").cnt, 0); /* not shown any more */
  ck_assert_uint_eq(reading->host->churn.unloaded, unloaded + 1);
  stop();
}
END_TEST

/* Four on each CPU: more than eight could block all programs of the watch. */
enum { CHURNERS_PER_CPU = 4, CHURNERS_MAX = 16, CHURN_RUNS = 2 };

struct churner {
  pthread_t thread;
  int number;
  unsigned programs;
};

static void *churn(void *context) {
  struct churner *churner = context;
  const size_t cpus_num = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET((size_t)churner->number % cpus_num, &cpus);
  pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
  for (unsigned i = 0; i < churner->programs; i++) {
    char name[32];
    if (i % 2 == 0)
      snprintf(name, sizeof(name), "churn_same");
    else
      snprintf(name, sizeof(name), "churn_%d_%u", churner->number, i);
    run_brief(BPF_PROG_TYPE_SOCKET_FILTER, name, CHURN_RUNS);
  }
  return NULL;
}

/* Lets so many programs come and go on all CPUs, each run CHURN_RUNS times,
 * with reads meanwhile if READS. */
static void churn_all(unsigned programs, bool reads) {
  struct churner churners[CHURNERS_MAX] = {0};
  int num = CHURNERS_PER_CPU * (int)sysconf(_SC_NPROCESSORS_ONLN);
  if (num > CHURNERS_MAX)
    num = CHURNERS_MAX;
  for (int i = 0; i < num; i++) {
    churners[i].number = i;
    churners[i].programs = programs / (unsigned)num;
    ck_assert_int_eq(
        pthread_create(&churners[i].thread, NULL, churn, &churners[i]), 0);
  }
  uint64_t host_cnt = 0;
  for (int i = 0; i < num; i++) {
    while (reads && pthread_tryjoin_np(churners[i].thread, NULL) == EBUSY) {
      read_once();
      ck_assert_uint_ge(reading->host->group.total.cnt, host_cnt);
      host_cnt = reading->host->group.total.cnt;
      usleep(20000);
    }
    if (!reads)
      pthread_join(churners[i].thread, NULL);
  }
}

START_TEST(watch__churn_on_all_cpus_while_reading__all_is_exact) {
  start(_i == 0 ? SOURCE_SYSCALL : SOURCE_ITERATOR);
  warm_up();
  const struct host *host = reading->host;
  const struct host before = *host;
  const uint64_t runs_before = host_runs();
  churn_all(3200, true);
  read_until_quiet();
  ck_assert_uint_eq(host_runs() - runs_before, 3200 * CHURN_RUNS);
  ck_assert_uint_eq(host->churn.loaded - before.churn.loaded, 3200);
  ck_assert_uint_eq(host->churn.unloaded - before.churn.unloaded, 3200);
  ck_assert_uint_eq(host->unwatched_unloads, 0);
  ck_assert_uint_eq(host->group.programs, before.group.programs);
  stop();
}
END_TEST

/* The ten of the watch, and the iterator. */
START_TEST(watch__programs_of_the_plugin__are_one_group) {
  start(_i == 0 ? SOURCE_SYSCALL : SOURCE_ITERATOR);
  read_once();
  size_t programs = 0;
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group)) {
    if (strcmp(group->name, "bpf_stats") == 0)
      programs = group->programs;
    else
      ck_assert_msg(strncmp(group->name, "bpf_stats", 9) != 0, "%s",
                    group->name);
  }
  ck_assert_uint_eq(programs, UNLOAD_PROGRAMS_NUM + (unsigned)_i);
  stop();
}
END_TEST

START_TEST(watch__ring_too_small__says_how_many_have_no_record) {
  char reason[400] = "";
  struct unload_watch *watch = NULL;
  struct unloads unloads;
  int rc = unload_watch_new(NULL, (size_t)sysconf(_SC_PAGESIZE), true, &watch,
                            reason, sizeof(reason));
  ck_assert_msg(rc == 0, "%s", reason);
  run_brief(BPF_PROG_TYPE_XDP, "watch_warm_up", 1);
  ck_assert(progs_wait_unloaded());
  ck_assert_int_eq(unload_watch_read_counts(watch), 0);
  unload_watch_read_records(watch, &unloads);
  unload_watch_commit(watch);
  churn_all(400, false);
  ck_assert(progs_wait_unloaded());
  ck_assert_int_eq(unload_watch_read_counts(watch), 0);
  unload_watch_read_records(watch, &unloads);
  ck_assert_uint_eq(unloads.unloaded, 400);
  printf("# %" PRIu64 " of 400 unloads without a record\n", unloads.lost);
  ck_assert_uint_gt(unloads.lost, 300);
  ck_assert_uint_eq(unloads.samples_num, 400 - unloads.lost);
  unload_watch_free(watch);
}
END_TEST

START_TEST(watch__stopped__leaves_no_fd) {
  int before = count_open_fds();
  start(SOURCE_SYSCALL);
  read_once();
  stop();
  ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

START_TEST(watch__kernel_refuses_fentry__says_why) {
  char reason[400] = "";
  int before = count_open_fds();
  struct unload_watch *watch = NULL;
  int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, true, &watch, reason,
                            sizeof(reason));
  ck_assert_int_lt(rc, 0);
  printf("# %s\n", reason);
  ck_assert_ptr_nonnull(strstr(reason, "watch"));
  ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

int main(void) {
  if (geteuid() != 0) {
    printf("1..0 # SKIP needs root\n");
    return 0;
  }
  tap_begin();
  Suite *suite = suite_create("watch");
  TCase *tests = tcase_create("watch");
  if (getenv("LIVE_FENTRY") != NULL) {
    tcase_add_loop_test(tests, watch__lived_between_two_reads__is_counted_whole,
                        0, 2);
    tcase_add_loop_test(
        tests, watch__version_lived_between_two_reads__is_a_deploy, 0, 2);
    tcase_add_loop_test(tests, watch__ran_on_after_a_read__is_counted_whole, 0,
                        2);
    tcase_add_loop_test(
        tests, watch__churn_on_all_cpus_while_reading__all_is_exact, 0, 2);
    tcase_add_loop_test(tests, watch__programs_of_the_plugin__are_one_group, 0,
                        2);
    tcase_add_test(tests, watch__ring_too_small__says_how_many_have_no_record);
    tcase_add_test(tests, watch__stopped__leaves_no_fd);
  } else {
    tcase_add_test(tests, watch__kernel_refuses_fentry__says_why);
  }
  suite_add_tcase(suite, tests);
  return tap_run(srunner_create(suite));
}
