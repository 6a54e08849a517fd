/* SPDX-License-Identifier: MIT */
/* Live tests: the pipeline up to the metrics, on real programs in this kernel.
 *
 * Needs root. Other programs may be loaded; each test looks at its own. */
#include "../open_fds.h"
#include "../tap.h"
#include "progs.h"

#include "clocks.h"
#include "metrics.h"
#include "prog_type.h"
#include "reader.h"
#include "self_check.h"
#include "source_choice.h"

#include <bpf/bpf.h>
#include <check.h>

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

static struct selector *selector;
static struct reader *reader;
static enum source_kind kind;
static const struct reading *reading;

static struct source *open_source(enum source_kind other_kind) {
  char reason[400] = "";
  struct source *opened = NULL;
  int rc = other_kind == SOURCE_ITERATOR
               ? source_iterator_new(0, &opened, reason, sizeof(reason))
               : source_syscall_new(true, &opened);
  ck_assert_msg(rc == 0, "opening the source: %s %s", strerror(-rc), reason);
  return opened;
}

static void setup_with(bool enable_stats) {
  struct reader_options options = {
      .source = {.kind = kind, .memory = true},
      .groups = {.selector = selector_new(),
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .enable_stats = enable_stats};
  selector = options.groups.selector;
  reader = reader_new(&options);
  ck_assert_ptr_nonnull(reader);
  int rc = reader_open(reader, &reading);
  ck_assert_msg(rc == 0, "%s", reading->reason);
  ck_assert_int_eq(reading->statistics_error, 0);
}

static void setup_iterator(void) {
  kind = SOURCE_ITERATOR;
  setup_with(true);
}

static void setup_syscall(void) {
  kind = SOURCE_SYSCALL;
  setup_with(true);
}

static void setup_iterator_off(void) {
  kind = SOURCE_ITERATOR;
  setup_with(false);
}

static void setup_syscall_off(void) {
  kind = SOURCE_SYSCALL;
  setup_with(false);
}

static void teardown(void) {
  reader_free(reader);
  selector_free(selector);
}

static void read_once(void) {
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  ck_assert(reading->snapshot->complete);
  ck_assert_uint_eq(reading->snapshot->read_errors, 0);
}

static int load(enum bpf_prog_type type, const char *name) {
  int fd = prog_load(type, name, PROG_RETURNS);
  ck_assert_msg(fd >= 0, "loading %s: %s", name, strerror(-fd));
  return fd;
}

static const struct prog_sample *find_sample(uint32_t id) {
  const struct prog_snapshot *snapshot = reading->snapshot;
  for (size_t i = 0; i < snapshot->samples_num; i++)
    if (snapshot->samples[i].id == id)
      return &snapshot->samples[i];
  return NULL;
}

static const struct prog_sample *sample_of(int prog_fd) {
  const struct prog_sample *sample = find_sample(prog_id(prog_fd));
  ck_assert_ptr_nonnull(sample);
  return sample;
}

static const struct group *group_of(const char *name) {
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group))
    if (strcmp(group->name, name) == 0)
      return group;
  return NULL;
}

static bool has_value(const char *key, const struct group *group) {
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  for (size_t i = 0; i < num; i++) {
    union metric_value value;
    if (strcmp(metrics[i].key, key) == 0)
      return metrics[i].compute(reading, group, &value);
  }
  ck_abort_msg("no metric %s", key);
}

/* Whether this kernel is of that version or later. */
static bool kernel_is(int major, int minor) {
  struct utsname name;
  int found_major = 0, found_minor = 0;
  uname(&name);
  sscanf(name.release, "%d.%d", &found_major, &found_minor);
  return found_major > major || (found_major == major && found_minor >= minor);
}

/* From 6.1 on raw tracepoints have a guard against recursion; before, such a
 * program locks the kernel up. */
static bool has_recursion_guard(void) { return kernel_is(6, 1); }

START_TEST(source__program_ran_n_times__counts_n) {
  static const enum bpf_prog_type types[] = {
      BPF_PROG_TYPE_XDP, BPF_PROG_TYPE_SOCKET_FILTER, BPF_PROG_TYPE_SCHED_CLS,
      BPF_PROG_TYPE_CGROUP_SKB};
  static const char *const names[] = {"xdp", "socket_filter", "sched_cls",
                                      "cgroup_skb"};
  for (size_t i = 0; i < 4; i++) {
    int fd = load(types[i], "live_exact");
    ck_assert_int_eq(prog_run(fd, 12345), 0);
    read_once();
    const struct prog_sample *sample = sample_of(fd);
    ck_assert_uint_eq(sample->stats.cnt, 12345);
    ck_assert_uint_gt(sample->stats.nsecs, 0);
    ck_assert_uint_eq(sample->stats.misses, 0);
    ck_assert_str_eq(sample->type_name, names[i]);
    /* Nothing skips them, so there is nothing to count. */
    ck_assert_int_eq(sample->misses, MISSES_UNCOUNTED);
    ck_assert(!has_value("recursion_misses", group_of("live_exact")));
    ck_assert(has_value("invocations", group_of("live_exact")));
    close(fd);
  }
}
END_TEST

/* In any time namespace. */
START_TEST(source__program_just_loaded__load_time_is_of_the_plugins_clock) {
  uint64_t before_ns = boottime_ns();
  int fd = load(BPF_PROG_TYPE_XDP, "live_now");
  uint64_t after_ns = boottime_ns();
  read_once();
  ck_assert_uint_ge(sample_of(fd)->load_time_ns, before_ns);
  ck_assert_uint_le(sample_of(fd)->load_time_ns, after_ns);
  close(fd);
}
END_TEST

START_TEST(groups__between_two_reads__delta_is_what_ran) {
  int fd = load(BPF_PROG_TYPE_XDP, "live_delta");
  ck_assert_int_eq(prog_run(fd, 100), 0);
  read_once();
  ck_assert_int_eq(prog_run(fd, 23), 0);
  read_once();
  const struct group *group = group_of("live_delta");
  ck_assert_uint_eq(group->delta.cnt, 23);
  ck_assert_uint_eq(group->total.cnt, 123);
  ck_assert_uint_eq(group->total.nsecs, sample_of(fd)->stats.nsecs);
  close(fd);
}
END_TEST

/* Compares the sample with what bpftool says of the same program at rest. */
static void compare_with_bpftool(int prog_fd) {
  const struct prog_sample *sample = sample_of(prog_fd);
  const char *bpftool = getenv("BPFTOOL");
  ck_assert_ptr_nonnull(bpftool);
  char command[1024];
  snprintf(command, sizeof(command),
           "%s -j prog show id %" PRIu32
           " | jq -r '[.type, .tag, .name // \"-\", .run_cnt // 0, "
           ".run_time_ns // 0, .recursion_misses // 0, .bytes_memlock] | "
           "map(tostring) | join(\" \")'",
           bpftool, sample->id);
  FILE *pipe = popen(command, "r");
  ck_assert_ptr_nonnull(pipe);
  char line[1024] = "";
  ck_assert_ptr_nonnull(fgets(line, sizeof(line), pipe));
  ck_assert_int_eq(pclose(pipe), 0);

  char expected[1024];
  bool unnamed = strncmp(sample->name, "bpf_prog_", 9) == 0;
  snprintf(expected, sizeof(expected),
           "%s %s %s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
           sample->type_name, sample->tag, unnamed ? "-" : sample->name,
           sample->stats.cnt, sample->stats.nsecs, sample->stats.misses,
           sample->memory_bytes);
  ck_assert_str_eq(line, expected);
}

START_TEST(source__programs_at_rest__are_as_bpftool_shows_them) {
  int fds[] = {
      load(BPF_PROG_TYPE_XDP, "live_a"),
      load(BPF_PROG_TYPE_SCHED_CLS, "live_a_name_of_more_than_15_characters"),
      load(BPF_PROG_TYPE_CGROUP_SKB, NULL),
      load(BPF_PROG_TYPE_SOCKET_FILTER, "live_never_ran"),
  };
  for (int i = 0; i < 3; i++)
    ck_assert_int_eq(prog_run(fds[i], 1000 * (uint32_t)(i + 1)), 0);
  read_once();
  for (int i = 0; i < 4; i++) {
    compare_with_bpftool(fds[i]);
    close(fds[i]);
  }
}
END_TEST

START_TEST(source__recursion_at_rest__is_as_bpftool_shows_it) {
  struct recursion recursion;
  ck_assert_int_eq(
      recursion_start(&recursion, "live_recursion", "live_feeder", PROG_PRINTS),
      0);
  ck_assert_int_eq(recursion_run(&recursion, 50), 0);
  read_once();
  compare_with_bpftool(recursion.prog_fd);
  compare_with_bpftool(recursion.feeder_fd);
  recursion_stop(&recursion);
}
END_TEST

/* Kernels before 5.12 do not count misses at all. */
START_TEST(source__raw_tracepoint_in_a_kernel_without_misses__has_no_series) {
  struct recursion recursion;
  ck_assert_int_eq(recursion_start(&recursion, "live_no_misses", "live_feeder",
                                   PROG_RETURNS),
                   0);
  read_once();
  ck_assert_int_eq(recursion_run(&recursion, 10), 0);
  read_once();
  const struct group *group = group_of("live_no_misses");
  ck_assert_uint_eq(group->delta.cnt, 10);
  ck_assert(!has_value("recursion_misses", group));
  ck_assert(!has_value("miss_rate", group));
  recursion_stop(&recursion);
}
END_TEST

static bool has_misses(const char *name) {
  const bool has = has_value("recursion_misses", group_of(name));
  ck_assert(has == has_value("miss_rate", group_of(name)));
  return has;
}

/* Where a guard is shared, newer kernels count, and older ones skip without a
 * trace. */
static void check_probe(const char *name, int prog_fd, uint64_t runs,
                        uint64_t skipped) {
  const bool is_counted = kernel_is(6, 7);
  const struct prog_stats delta = group_of(name)->delta;
  compare_with_bpftool(prog_fd);
  ck_assert_uint_eq(delta.cnt, runs);
  ck_assert_uint_eq(delta.misses, is_counted ? skipped : 0);
  ck_assert_int_eq(sample_of(prog_fd)->misses,
                   is_counted ? MISSES_OF_CPU : MISSES_UNCOUNTED);
  ck_assert(has_misses(name) == is_counted);
}

/* Whether one kprobe program can be linked to several functions: in Debian's
 * kernels it cannot on 6.1, nor on arm64 before 6.14. */
static bool has_multi(void) {
#ifdef __aarch64__
  return kernel_is(6, 14);
#else
  return kernel_is(6, 7);
#endif
}

START_TEST(groups__probes_that_are_skipped__have_what_the_kernel_counts) {
  struct probes probes;
  int rc = probes_start(&probes, has_multi());
  ck_assert_msg(rc == 0, "probes: %s", strerror(-rc));
  read_once();
  ck_assert_int_eq(probes_run(&probes, 50), 0);
  ck_assert_int_eq(probes_skip(&probes, 100), 0);
  read_once();
  check_probe("probe_kprobe", probes.prog_fds[PROBES_KPROBE], 50, 100);
  check_probe("probe_tracepoint", probes.prog_fds[PROBES_TRACEPOINT], 0, 50);
  if (has_multi())
    check_probe("probe_multi", probes.prog_fds[PROBES_MULTI], 50, 100);
  probes_stop(&probes);
}
END_TEST

static void check_elsewhere(int prog_fd, bool is_elsewhere, uint64_t runs) {
  ck_assert(sample_of(prog_fd)->is_elsewhere == is_elsewhere);
  ck_assert_uint_eq(sample_of(prog_fd)->stats.cnt, runs);
}

/* The iterator alone knows of calls. */
START_TEST(host__programs_whose_cost_stands_elsewhere__are_counted) {
  read_once();
  const size_t before = reading->host->elsewhere;
  struct elsewhere elsewhere;
  const bool replaces = getenv("LIVE_FENTRY") != NULL;
  int rc = elsewhere_start(&elsewhere, replaces);
  ck_assert_msg(rc == 0, "%s", strerror(-rc));
  ck_assert_int_eq(prog_run(elsewhere.caller_fd, 100), 0);
  ck_assert_int_eq(prog_run(elsewhere.replaced_fd, 200), 0);
  read_once();
  ck_assert(has_value("uncounted_programs", &reading->host->group));
  ck_assert_uint_eq(reading->host->elsewhere, before + 1 + replaces);
  check_elsewhere(elsewhere.caller_fd, false, 100);
  check_elsewhere(elsewhere.called_fd, true, 0);
  check_elsewhere(elsewhere.replaced_fd, false, 200);
  if (replaces)
    check_elsewhere(elsewhere.replacing_fd, true, 0);
  elsewhere_stop(&elsewhere);
}
END_TEST

START_TEST(groups__programs_of_the_plugin__are_one_group) {
  read_once();
  const struct group *group = group_of("bpf_stats");
  ck_assert_ptr_nonnull(group);
  ck_assert_uint_ge(group->programs, 1);
  ck_assert_uint_gt(group->total.cnt, 0);
  ck_assert(
      !has_value("recursion_misses", group)); /* an iterator has no guard */
  ck_assert_ptr_null(group_of("bpf_stats_iter"));
}
END_TEST

/* Only where fentry is allowed: the environment says so. */
START_TEST(groups__fentry_recursion__misses_are_exact) {
  struct fentry_recursion recursion;
  int rc = fentry_recursion_start(&recursion, "live_fentry");
  ck_assert_msg(rc == 0, "fentry: %s", strerror(-rc));
  read_once();
  ck_assert_int_eq(fentry_recursion_run(&recursion, 1234), 0);
  read_once();
  const struct group *group = group_of("live_fentry");
  ck_assert_uint_eq(group->delta.cnt, 1234);
  ck_assert_uint_eq(group->delta.misses, 1234);
  ck_assert_double_eq(prog_stats_miss_rate(group->delta), 0.5);
  ck_assert(has_value("recursion_misses", group));
  ck_assert_int_eq(sample_of(recursion.prog_fd)->misses, MISSES_OF_ITSELF);
  fentry_recursion_stop(&recursion);
}
END_TEST

START_TEST(groups__two_programs_of_one_name__sum) {
  int first = load(BPF_PROG_TYPE_XDP, "live_twin");
  int second = load(BPF_PROG_TYPE_SCHED_CLS, "live_twin");
  ck_assert_int_eq(prog_run(first, 10), 0);
  ck_assert_int_eq(prog_run(second, 5), 0);
  read_once();
  const struct group *group = group_of("live_twin");
  ck_assert_uint_eq(group->total.cnt, 15);
  ck_assert_uint_eq(group->programs, 2);
  close(first);
  close(second);
}
END_TEST

START_TEST(source__name_of_any_length__is_whole) {
  static const size_t lens[] = {1, 14, 15, 16, 127, 128, PROG_NAME_MAX};
  /* KSYM_NAME_LEN, which bounds names in BTF, was 128 before. */
  const size_t len_max = kernel_is(6, 1) ? PROG_NAME_MAX : 127;
  for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
    if (lens[i] > len_max)
      break;
    char name[PROG_NAME_MAX + 1];
    memset(name, 'n', lens[i]);
    name[lens[i]] = '\0';
    int fd = load(BPF_PROG_TYPE_XDP, name);
    read_once();
    ck_assert_str_eq(sample_of(fd)->name, name);
    close(fd);
  }
}
END_TEST

START_TEST(source__program_without_a_name__is_called_by_its_tag) {
  int fd = load(BPF_PROG_TYPE_XDP, NULL);
  read_once();
  const struct prog_sample *sample = sample_of(fd);
  char expected[64];
  snprintf(expected, sizeof(expected), "bpf_prog_%s", sample->tag);
  ck_assert_str_eq(sample->name, expected);
  ck_assert_uint_eq(strlen(sample->tag), 16);
  close(fd);
}
END_TEST

START_TEST(groups__recursion__misses_and_their_rate_are_exact) {
  struct recursion recursion;
  ck_assert_int_eq(
      recursion_start(&recursion, "live_hot", "live_feeder", PROG_PRINTS), 0);
  read_once();
  ck_assert_int_eq(recursion_run(&recursion, 400), 0);
  read_once();
  const struct group *group = group_of("live_hot");
  ck_assert_uint_eq(group->delta.cnt, 400);
  ck_assert_uint_eq(group->delta.misses, 400);
  ck_assert_double_eq(prog_stats_miss_rate(group->delta), 0.5);
  ck_assert(has_value("miss_rate", group));
  ck_assert_int_eq(sample_of(recursion.prog_fd)->misses, MISSES_OF_ITSELF);
  recursion_stop(&recursion);
}
END_TEST

START_TEST(groups__statistics_off__counters_stand_still_and_no_gauge) {
  struct recursion recursion;
  ck_assert_int_eq(
      recursion_start(&recursion, "live_off", "live_feeder", PROG_PRINTS), 0);
  read_once();
  ck_assert_int_eq(recursion_run(&recursion, 100), 0);
  read_once();
  const struct group *group = group_of("live_off");
  ck_assert_uint_eq(group->total.cnt, 0);
  ck_assert_uint_eq(group->total.nsecs, 0);
  /* The trap: misses are counted all the same. */
  ck_assert_uint_eq(group->delta.misses, 100);
  ck_assert(!has_value("miss_rate", group));
  ck_assert(!has_value("ns_per_call", group));
  ck_assert(!has_value("cpu_percent", group));
  recursion_stop(&recursion);
}
END_TEST

/* The iterator alone knows, whoever has turned them on. */
START_TEST(snapshot__statistics_on_or_off__iterator_knows) {
  const bool knows = kind == SOURCE_ITERATOR;
  for (int i = 0; i < 3; i++) {
    int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
    read_once();
    ck_assert_int_eq(reading->snapshot->statistics,
                     knows ? STATISTICS_ON : STATISTICS_UNKNOWN);
    close(fd);
    read_once();
    ck_assert_int_eq(reading->snapshot->statistics,
                     knows ? STATISTICS_OFF : STATISTICS_UNKNOWN);
  }
}
END_TEST

START_TEST(reader__freed__statistics_are_off_again) {
  int fd = load(BPF_PROG_TYPE_XDP, "live_clear");
  ck_assert_int_eq(prog_run(fd, 7), 0);
  teardown();
  ck_assert_int_eq(prog_run(fd, 1000), 0);
  setup_with(false);
  read_once();
  ck_assert_uint_eq(sample_of(fd)->stats.cnt, 7);
  close(fd);
}
END_TEST

START_TEST(groups__reloaded_again_and_again__total_is_the_sum_of_all_runs) {
  uint64_t expected = 0;
  int fd = load(BPF_PROG_TYPE_XDP, "live_reload");
  for (uint32_t i = 1; i <= 50; i++) {
    ck_assert_int_eq(prog_run(fd, i), 0);
    expected += i;
    read_once();
    ck_assert_uint_eq(group_of("live_reload")->total.cnt, expected);
    close(fd);
    fd = load(BPF_PROG_TYPE_XDP, "live_reload");
  }
  close(fd);
}
END_TEST

/* Loads, runs and unloads programs of a few names as fast as it can, in a
 * process of its own, until it is killed. */
static pid_t start_churn(void) {
  pid_t pid = fork();
  ck_assert_int_ge(pid, 0);
  if (pid > 0)
    return pid;
  for (unsigned i = 0;; i++) {
    char name[32];
    snprintf(name, sizeof(name), "live_churn_%u", i % 3);
    int fd = prog_load(BPF_PROG_TYPE_XDP, name, PROG_RETURNS);
    if (fd < 0 || prog_run(fd, 10) != 0)
      _exit(1);
    close(fd);
  }
}

START_TEST(groups__programs_come_and_go_while_reading__totals_never_fall) {
  int fd = load(BPF_PROG_TYPE_XDP, "live_steady");
  pid_t churner = start_churn();
  uint64_t host_cnt = 0;
  uint64_t cnts[3] = {0};
  const uint64_t end_ns = boottime_ns() + 2000000000;
  for (uint32_t runs = 1; boottime_ns() < end_ns; runs++) {
    ck_assert_int_eq(prog_run(fd, 1), 0);
    read_once();
    ck_assert_uint_eq(group_of("live_steady")->total.cnt, runs);
    ck_assert_uint_ge(reading->host->group.total.cnt, host_cnt);
    host_cnt = reading->host->group.total.cnt;
    for (int n = 0; n < 3; n++) {
      char name[32];
      snprintf(name, sizeof(name), "live_churn_%d", n);
      const struct group *group = group_of(name);
      if (group == NULL)
        continue;
      ck_assert_uint_ge(group->total.cnt, cnts[n]);
      cnts[n] = group->total.cnt;
    }
  }
  kill(churner, SIGKILL);
  int status = 0;
  ck_assert_int_eq(waitpid(churner, &status, 0), churner);
  ck_assert(WIFSIGNALED(status)); /* it did not give up before */
  ck_assert_uint_gt(reading->host->churn.loaded, 0);
  close(fd);
}
END_TEST

START_TEST(groups__programs_came_and_went_between_reads__count_as_churn) {
  /* Ids count from a program that is there at the start. */
  int first = load(BPF_PROG_TYPE_XDP, "live_first");
  read_once();
  for (int i = 0; i < 9; i++)
    close(load(BPF_PROG_TYPE_XDP, "live_brief"));
  int fd = load(BPF_PROG_TYPE_XDP, "live_last");
  read_once();
  /* Others may load programs as well, so: at least. */
  ck_assert_uint_ge(reading->host->churn.loaded, 10);
  ck_assert_uint_ge(reading->host->churn.unloaded, 9);
  close(fd);
  close(first);
}
END_TEST

START_TEST(source__after_a_snapshot__no_fd_is_left) {
  int fds[] = {load(BPF_PROG_TYPE_XDP, "live_fd"),
               load(BPF_PROG_TYPE_XDP, "live_fd_of_a_program_with_btf")};
  int before = count_open_fds();
  for (int i = 0; i < 10; i++)
    read_once();
  ck_assert_int_eq(count_open_fds(), before);
  close(fds[0]);
  close(fds[1]);
}
END_TEST

START_TEST(source__owner_lets_go__program_is_not_kept_alive) {
  int fd = load(BPF_PROG_TYPE_XDP, "live_released_by_its_owner");
  read_once();
  uint32_t id = prog_id(fd);
  ck_assert_uint_ne(id, 0);
  ck_assert_ptr_nonnull(find_sample(id));
  close(fd);
  ck_assert(progs_wait_unloaded());
  ck_assert_int_eq(bpf_prog_get_fd_by_id(id), -ENOENT);
  read_once();
  ck_assert_ptr_null(find_sample(id));
}
END_TEST

/* Loads programs of every kind that the sources have to tell apart. */
static size_t load_all_kinds(int fds[12], struct recursion *recursion) {
  char longest[PROG_NAME_MAX + 1];
  memset(longest, 'n', PROG_NAME_MAX);
  longest[PROG_NAME_MAX] = '\0';
  char chunk[256 + 1];
  memset(chunk, 'c', 256);
  size_t num = 0;
  fds[num++] = load(BPF_PROG_TYPE_XDP, "live_kind");
  fds[num++] = load(BPF_PROG_TYPE_SCHED_CLS, "live_kind");
  fds[num++] = load(BPF_PROG_TYPE_CGROUP_SKB, NULL);
  fds[num++] = load(BPF_PROG_TYPE_SOCKET_FILTER, "live_kind_of_a_longer_name");
  fds[num++] = load(BPF_PROG_TYPE_XDP, longest);
  fds[num++] = load(BPF_PROG_TYPE_XDP, "live_reloaded");
  close(fds[--num]);
  fds[num++] = load(BPF_PROG_TYPE_XDP, "live_reloaded");
  /* About the size of the parts in which the iterator reads names. */
  for (size_t len = 254; len <= 257 - 1; len++) {
    chunk[len] = '\0';
    fds[num++] = load(BPF_PROG_TYPE_XDP, chunk);
    chunk[len] = 'c';
  }
  for (size_t i = 0; i < num; i++)
    ck_assert_int_eq(prog_run(fds[i], 100 * (uint32_t)(i + 1)), 0);
  ck_assert_int_eq(
      recursion_start(recursion, "live_hot", "live_feeder", PROG_PRINTS), 0);
  ck_assert_int_eq(recursion_run(recursion, 50), 0);
  fds[num++] = recursion->prog_fd;
  fds[num++] = recursion->feeder_fd;
  return num;
}

static void compare_samples(const struct prog_sample *a,
                            const struct prog_sample *b) {
  ck_assert_uint_eq(a->id, b->id);
  ck_assert_int_eq(a->unreadable, b->unreadable);
  ck_assert_uint_eq(a->load_time_ns, b->load_time_ns);
  ck_assert_str_eq(a->name, b->name);
  ck_assert_str_eq(a->type_name, b->type_name);
  ck_assert_str_eq(a->tag, b->tag);
  ck_assert_uint_eq(a->stats.cnt, b->stats.cnt);
  ck_assert_uint_eq(a->stats.nsecs, b->stats.nsecs);
  ck_assert_uint_eq(a->stats.misses, b->stats.misses);
  ck_assert_uint_eq(a->memory_bytes, b->memory_bytes);
  ck_assert_int_eq(a->misses, b->misses);
}

START_TEST(sources__same_programs__give_equal_samples_field_by_field) {
  int fds[12];
  struct recursion recursion;
  size_t num = load_all_kinds(fds, &recursion);
  struct source *other = open_source(SOURCE_SYSCALL);
  struct prog_snapshot other_snapshot;
  ck_assert_int_eq(source_snapshot(other, &other_snapshot), 0);
  read_once();
  ck_assert_uint_eq(reading->snapshot->samples_num, other_snapshot.samples_num);
  for (size_t i = 0; i < num; i++) {
    const struct prog_sample *sample = sample_of(fds[i]);
    for (size_t j = 0; j < other_snapshot.samples_num; j++)
      if (other_snapshot.samples[j].id == sample->id)
        compare_samples(sample, &other_snapshot.samples[j]);
    if (strlen(sample->name) < 128) /* bpftool cuts longer ones */
      compare_with_bpftool(fds[i]);
  }
  source_free(other);
  for (size_t i = 0; i < num - 2; i++)
    close(fds[i]);
  recursion_stop(&recursion);
}
END_TEST

/* There is no memory for a copy of that. */
static const char *refused_text;
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__wrap_strdup(const char *text) {
  const bool refused = refused_text != NULL && strcmp(text, refused_text) == 0;
  return refused ? NULL : __real_strdup(text);
}

/* Full names are asked for from the newest known id on. */
START_TEST(iterator__name_below_the_newest_id_unknown__comes_all_the_same) {
  static const char name[] = "live_of_a_longer_name";
  read_once();
  int fd = load(BPF_PROG_TYPE_XDP, name);
  int newer_fd = load(BPF_PROG_TYPE_XDP, "live_newer_one_as_well");
  refused_text = name;
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  ck_assert_uint_eq(reading->snapshot->read_errors, 1);
  refused_text = NULL;
  for (int i = 0; i < 2; i++) {
    read_once();
    ck_assert_str_eq(sample_of(fd)->name, name);
    ck_assert_str_eq(sample_of(newer_fd)->name, "live_newer_one_as_well");
  }
  close(fd);
  close(newer_fd);
}
END_TEST

START_TEST(iterator__any_read_size__gives_equal_samples) {
  static const size_t read_sizes[] = {1, 13, 96, 1000, 4096, 32768};
  int fds[12];
  struct recursion recursion;
  size_t num = load_all_kinds(fds, &recursion);
  for (int i = 0; i < 400; i++) /* more than one read of the kernel's buffer */
    load(BPF_PROG_TYPE_XDP, "live_of_a_name_that_makes_long_records");
  read_once();
  for (size_t i = 0; i < sizeof(read_sizes) / sizeof(read_sizes[0]); i++) {
    char reason[400];
    struct source *other = NULL;
    struct prog_snapshot other_snapshot;
    ck_assert_int_eq(
        source_iterator_new(read_sizes[i], &other, reason, sizeof(reason)), 0);
    ck_assert_int_eq(source_snapshot(other, &other_snapshot), 0);
    ck_assert(other_snapshot.complete);
    for (size_t j = 0; j < num; j++) {
      const struct prog_sample *sample = sample_of(fds[j]);
      size_t found = 0;
      for (size_t k = 0; k < other_snapshot.samples_num; k++)
        if (other_snapshot.samples[k].id == sample->id) {
          compare_samples(sample, &other_snapshot.samples[k]);
          found++;
        }
      ck_assert_uint_eq(found, 1);
    }
    source_free(other);
  }
  recursion_stop(&recursion);
  for (int fd = 3; fd < 600; fd++) /* all that this test has opened */
    if (prog_id(fd) != 0)
      close(fd);
}
END_TEST

/* Walks so often, and returns how many programs could not be read meanwhile. */
static size_t count_unreadable(struct source *source, int walks) {
  size_t unreadable = 0;
  for (int i = 0; i < walks; i++) {
    struct prog_snapshot walked = {0};
    unreadable += source_snapshot(source, &walked) != 0;
    unreadable += walked.read_errors;
  }
  return unreadable;
}

/* As two collectds with one pin do. */
START_TEST(iterator__kernel_has_bpf_rdonly_cast__takes_no_probe_reads) {
  struct source *other = open_source(SOURCE_ITERATOR);
  ck_assert_int_eq(other->probes, !kernel_is(6, 2));
  source_free(other);
}
END_TEST

START_TEST(iterator__two_readers_at_once__each_reads_all_programs) {
  enum { WALKS = 4000 };
  struct source *source = open_source(SOURCE_ITERATOR);
  pid_t other = fork();
  if (other == 0)
    _exit(count_unreadable(source, WALKS) != 0);
  ck_assert_uint_eq(count_unreadable(source, WALKS), 0);
  source_free(source);
  int status = 0;
  ck_assert_int_eq(waitpid(other, &status, 0), other);
  ck_assert_int_eq(status, 0);
}
END_TEST

/* Checks the iterator, after the truth was changed by so many runs. */
static int check_iterator(uint64_t too_many, char *reason, size_t reason_size) {
  struct self_check check;
  ck_assert_int_eq(
      self_check_begin(&check, "the iterator", reason, reason_size), 0);
  read_once();
  check.info.run_cnt -= too_many;
  return self_check_end(&check, 0, reading->snapshot->samples,
                        reading->snapshot->samples_num);
}

START_TEST(self_check__on_this_kernel__finds_no_difference) {
  char reason[400] = "";
  ck_assert_msg(check_iterator(0, reason, sizeof(reason)) == 0, "%s", reason);
}
END_TEST

START_TEST(self_check__one_run_too_many__is_refused) {
  char reason[400] = "";
  ck_assert_int_eq(check_iterator(1, reason, sizeof(reason)), -EILSEQ);
  ck_assert_ptr_nonnull(strstr(reason, "wrong numbers"));
}
END_TEST

/* libbpf's table, and the kernel's enum in its BTF. */
START_TEST(prog_type__known_to_libbpf_and_kernel__have_one_name) {
  unsigned both = 0;
  const char *name;
  for (unsigned type = 1; (name = prog_type_name(type)) != NULL; type++) {
    const char *kernel_name = prog_type_kernel_name(type);
    if (kernel_name == NULL) /* libbpf is newer than the kernel */
      continue;
    ck_assert_str_eq(name, kernel_name);
    both++;
  }
  ck_assert_uint_ge(both, 30); /* as many as Linux 5.10 has */
  ck_assert_str_eq(prog_type_kernel_name(BPF_PROG_TYPE_XDP), "xdp");
}
END_TEST

START_TEST(source_choose__auto__takes_the_iterator_and_says_nothing) {
  struct source_options options = {.kind = SOURCE_AUTO};
  struct source_note note;
  struct source *other = NULL;
  ck_assert_int_eq(source_choose(&options, &other, &note), 0);
  ck_assert_str_eq(other->name, "iterator");
  ck_assert_str_eq(note.text, "");
  source_free(other);
}
END_TEST

/* Leaves room for so many more descriptors. Returns the limit that was. */
static struct rlimit limit_fds(rlim_t num) {
  struct rlimit before;
  ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
  int lowest = dup(STDOUT_FILENO);
  close(lowest);
  struct rlimit limit = {(rlim_t)lowest + num, before.rlim_max};
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  return before;
}

START_TEST(source_choice__few_descriptors_at_start__has_the_iterator_later) {
  struct source_choice choice = {.options = {.kind = SOURCE_AUTO}};
  struct source_note note;
  struct rlimit before = limit_fds(1); /* enough for system calls */
  ck_assert_int_eq(source_choice_update(&choice, &note), 0);
  ck_assert_str_eq(choice.source->name, "syscall");
  struct prog_snapshot snapshot;
  ck_assert_int_eq(source_snapshot(choice.source, &snapshot), 0);
  ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
  for (int i = 0; i < 3 && strcmp(choice.source->name, "syscall") == 0; i++)
    ck_assert_int_eq(source_choice_update(&choice, &note), 0);
  ck_assert_str_eq(choice.source->name, "iterator");
  ck_assert_str_eq(note.text, "reading by the iterator now");
  ck_assert_int_eq(source_choice_update(&choice, &note), 0);
  ck_assert_str_eq(note.text, "");
  source_choice_clear(&choice);
}
END_TEST

/* What holds for every source. */
static void add_common(Suite *suite, const char *name, void (*begin)(void),
                       const char *off_name, void (*begin_off)(void)) {
  TCase *tests = tcase_create(name);
  tcase_add_checked_fixture(tests, begin, teardown);
  tcase_add_test(tests, source__program_ran_n_times__counts_n);
  tcase_add_test(
      tests, source__program_just_loaded__load_time_is_of_the_plugins_clock);
  tcase_add_test(tests, groups__between_two_reads__delta_is_what_ran);
  tcase_add_test(tests, source__programs_at_rest__are_as_bpftool_shows_them);
  tcase_add_test(tests, groups__two_programs_of_one_name__sum);
  tcase_add_test(tests, source__name_of_any_length__is_whole);
  tcase_add_test(tests, source__program_without_a_name__is_called_by_its_tag);
  if (has_recursion_guard()) {
    tcase_add_test(tests, source__recursion_at_rest__is_as_bpftool_shows_it);
    tcase_add_test(tests, groups__recursion__misses_and_their_rate_are_exact);
  }
  if (!kernel_is(5, 12))
    tcase_add_test(
        tests,
        source__raw_tracepoint_in_a_kernel_without_misses__has_no_series);
  if (getenv("LIVE_FENTRY") != NULL)
    tcase_add_test(tests, groups__fentry_recursion__misses_are_exact);
  if (getenv("LIVE_KPROBES") != NULL)
    tcase_add_test(
        tests, groups__probes_that_are_skipped__have_what_the_kernel_counts);
  tcase_add_test(tests, reader__freed__statistics_are_off_again);
  tcase_add_test(
      tests, groups__reloaded_again_and_again__total_is_the_sum_of_all_runs);
  tcase_add_test(tests,
                 groups__programs_come_and_go_while_reading__totals_never_fall);
  tcase_add_test(tests,
                 groups__programs_came_and_went_between_reads__count_as_churn);
  tcase_add_test(tests, source__after_a_snapshot__no_fd_is_left);
  tcase_add_test(tests, source__owner_lets_go__program_is_not_kept_alive);
  suite_add_tcase(suite, tests);

  if (!has_recursion_guard())
    return;
  TCase *off = tcase_create(off_name);
  tcase_add_checked_fixture(off, begin_off, teardown);
  tcase_add_test(off,
                 groups__statistics_off__counters_stand_still_and_no_gauge);
  tcase_add_test(off, snapshot__statistics_on_or_off__iterator_knows);
  suite_add_tcase(suite, off);
}

static void add_types(Suite *suite) {
  if (access("/sys/kernel/btf/vmlinux", R_OK) != 0)
    return;
  TCase *types = tcase_create("types");
  tcase_add_test(types, prog_type__known_to_libbpf_and_kernel__have_one_name);
  suite_add_tcase(suite, types);
}

static void add_iterator(Suite *suite) {
  add_common(suite, "iterator", setup_iterator, "iterator, statistics off",
             setup_iterator_off);
  TCase *tests = tcase_create("iterator alone");
  tcase_add_checked_fixture(tests, setup_iterator, teardown);
  tcase_add_test(tests,
                 sources__same_programs__give_equal_samples_field_by_field);
  tcase_add_test(tests, iterator__any_read_size__gives_equal_samples);
  tcase_add_test(
      tests, iterator__name_below_the_newest_id_unknown__comes_all_the_same);
  tcase_add_test(tests, iterator__two_readers_at_once__each_reads_all_programs);
  tcase_add_test(tests,
                 iterator__kernel_has_bpf_rdonly_cast__takes_no_probe_reads);
  tcase_add_test(tests,
                 host__programs_whose_cost_stands_elsewhere__are_counted);
  tcase_add_test(tests, groups__programs_of_the_plugin__are_one_group);
  tcase_add_test(tests, self_check__on_this_kernel__finds_no_difference);
  tcase_add_test(tests, self_check__one_run_too_many__is_refused);
  tcase_add_test(tests,
                 source_choose__auto__takes_the_iterator_and_says_nothing);
  tcase_add_test(
      tests, source_choice__few_descriptors_at_start__has_the_iterator_later);
  suite_add_tcase(suite, tests);
}

int main(void) {
  if (geteuid() != 0) {
    printf("1..0 # SKIP needs root\n");
    return 0;
  }
  tap_begin();
  Suite *suite = suite_create("live");
  add_common(suite, "syscall", setup_syscall, "syscall, statistics off",
             setup_syscall_off);
  add_types(suite);
#ifdef HAVE_BPF_PROGRAMS
  const bool has_iterator = kernel_is(5, 19);
#else
  const bool has_iterator = false;
#endif
  if (has_iterator)
    add_iterator(suite);
  return tap_run(srunner_create(suite));
}
