/* SPDX-License-Identifier: MIT */
/* bench_deploys: how often RegressionThreshold is wrong.
 *
 * Real programs run for a while: of each kind two that are identical, and one
 * that does twice as much. Each interval of that while is then taken for the
 * moment of a deploy: of the identical twin, where any alarm is a false one,
 * and of the one that does twice as much, which has to be found. The same is
 * done with intervals of a made-up machine, which is off by a factor for a
 * while now and then. Needs root.
 *
 * Argument: for how many seconds the programs run; 0: not at all. */
#include "../live/progs.h"
#include "table.h"

#include "clocks.h"
#include "versions.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
  KINDS = 3,
  INTERVAL_MS = 200,
  INTERVALS_MAX = 20000,
  RUNS = 10, /* of each program, a round */
  SIMULATED_INTERVALS = 20000,
};

static const double percents[] = {10, 25, 40, 50};
enum { PERCENTS = sizeof(percents) / sizeof(percents[0]) };

/* What a run cost in each interval. */
struct course {
  double ns[INTERVALS_MAX];
  size_t num;
};

enum twin { TWIN_OLD, TWIN_SAME, TWIN_DOUBLE, TWINS };

static struct course courses[KINDS][TWINS];

/* --- the rule --------------------------------------------------------------
 */

/* A version that ran in the NUM intervals up to END of a course. */
static struct version lived(const struct course *course, size_t end,
                            size_t num) {
  struct version version = {0};
  for (size_t i = end - num; i < end; i++)
    version_take_mean(&version, course->ns[i]);
  return version;
}

/* Returns whether a deploy at AT makes an alarm. */
static bool makes_alarm(const struct course *old, const struct course *new,
                        size_t at, double percent) {
  struct version before = lived(old, at, VERSION_MEANS_NUM);
  for (unsigned n = VERSION_INTERVALS_MIN; n <= VERSIONS_NEW_INTERVALS; n++) {
    struct version after = lived(new, at + n, n);
    const struct versions versions = {.replaced = &before, .deployed = &after};
    if (versions_share_above(&versions, percent) >= VERSIONS_SHARE_RAISED)
      return true;
  }
  return false;
}

struct rates {
  double false_alarms; /* in 1,000 deploys */
  double found;        /* share of doublings, 0..1 */
};

/* Adds the deploys at each interval of the courses of one kind. */
static struct rates find_rates(struct course (*kinds)[TWINS], size_t kinds_num,
                               double percent) {
  size_t deploys = 0, alarms = 0, found = 0;
  for (size_t k = 0; k < kinds_num; k++) {
    const struct course *twins = kinds[k];
    for (size_t at = VERSION_MEANS_NUM;
         at + VERSIONS_NEW_INTERVALS <= twins[TWIN_OLD].num; at++) {
      deploys++;
      alarms += makes_alarm(&twins[TWIN_OLD], &twins[TWIN_SAME], at, percent);
      found += makes_alarm(&twins[TWIN_OLD], &twins[TWIN_DOUBLE], at, percent);
    }
  }
  if (deploys == 0)
    die("too few intervals", -EINVAL);
  return (struct rates){.false_alarms =
                            1000.0 * (double)alarms / (double)deploys,
                        .found = (double)found / (double)deploys};
}

static void show_rates(struct course (*kinds)[TWINS], size_t kinds_num) {
  for (size_t i = 0; i < PERCENTS; i++) {
    const struct rates rates = find_rates(kinds, kinds_num, percents[i]);
    char what[80];
    snprintf(what, sizeof(what), "RegressionThreshold %g: false alarms",
             percents[i]);
    table_value(what, rates.false_alarms, "in 1,000 deploys");
    snprintf(what, sizeof(what), "RegressionThreshold %g: doublings found",
             percents[i]);
    table_value(what, 100.0 * rates.found, "%, in 10 intervals");
  }
}

/* --- real programs ---------------------------------------------------------
 */

struct prog {
  int fd;
  uint64_t cnt, nsecs;
};

static struct prog progs[KINDS][TWINS];

static int load(size_t kind, enum twin twin) {
  static const unsigned clock_reads[KINDS] = {10, 30, 90};
  return prog_load_slow("bench_deploy",
                        clock_reads[kind] * (twin == TWIN_DOUBLE ? 2 : 1));
}

static void load_all(void) {
  for (size_t k = 0; k < KINDS; k++)
    for (size_t t = 0; t < TWINS; t++) {
      progs[k][t].fd = load(k, (enum twin)t);
      if (progs[k][t].fd < 0)
        die("loading a program", progs[k][t].fd);
    }
}

static void run_all(void) {
  for (size_t k = 0; k < KINDS; k++)
    for (size_t t = 0; t < TWINS; t++) {
      int rc = prog_run(progs[k][t].fd, RUNS);
      if (rc != 0)
        die("running a program", rc);
    }
}

/* Ends an interval of one program. */
static void take_interval(struct prog *prog, struct course *course) {
  struct bpf_prog_info info = {0};
  __u32 len = sizeof(info);
  if (bpf_obj_get_info_by_fd(prog->fd, &info, &len) != 0)
    die("reading a program", -errno);
  const uint64_t cnt = info.run_cnt - prog->cnt;
  const uint64_t nsecs = info.run_time_ns - prog->nsecs;
  prog->cnt = info.run_cnt;
  prog->nsecs = info.run_time_ns;
  if (cnt != 0 && course->num < INTERVALS_MAX)
    course->ns[course->num++] = (double)nsecs / (double)cnt;
}

static void measure(uint64_t seconds) {
  const struct timespec pause = {.tv_nsec = 2000000};
  const uint64_t begin_ns = monotonic_ns();
  uint64_t next_ns = begin_ns;
  load_all();
  while (monotonic_ns() - begin_ns < seconds * 1000000000) {
    run_all();
    nanosleep(&pause, NULL);
    if (monotonic_ns() < next_ns)
      continue;
    next_ns += (uint64_t)INTERVAL_MS * 1000000;
    for (size_t k = 0; k < KINDS; k++)
      for (size_t t = 0; t < TWINS; t++)
        take_interval(&progs[k][t], &courses[k][t]);
  }
}

/* --- a made-up machine -----------------------------------------------------
 */

static uint64_t seed = 1;

static double chance(void) { /* splitmix64, 0..1 */
  seed += 0x9e3779b97f4a7c15;
  uint64_t z = seed;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (double)((z ^ (z >> 31)) >> 11) / 9007199254740992.0;
}

static double normal(void) {
  return sqrt(-2.0 * log(1.0 - chance())) * cos(6.283185307179586 * chance());
}

/* Programs of 300 ns, each interval of which is off by SPREAD; the machine is
 * slower by up to 40 % for some 20 intervals now and then, and one interval in
 * 50 costs up to five times as much. */
static void make_up(double spread, struct course twins[TWINS]) {
  double slower = 1.0;
  for (size_t t = 0; t < TWINS; t++)
    twins[t].num = SIMULATED_INTERVALS;
  for (size_t i = 0; i < SIMULATED_INTERVALS; i++) {
    if (chance() < 0.05)
      slower = chance() < 0.5 ? 1.0 : 1.0 + 0.4 * chance();
    for (size_t t = 0; t < TWINS; t++) {
      const double outlier = chance() < 0.02 ? 1.0 + 4.0 * chance() : 1.0;
      twins[t].ns[i] = (t == TWIN_DOUBLE ? 600.0 : 300.0) * slower * outlier *
                       exp(spread * normal());
    }
  }
}

static void show_real(uint64_t seconds) {
  const int statistics_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (statistics_fd < 0)
    die("turning statistics on", statistics_fd);
  measure(seconds);
  close(statistics_fd);
  table_section("deploys of real programs, identical or twice as dear, in %zu "
                "intervals of %d ms",
                courses[0][TWIN_OLD].num, INTERVAL_MS);
  show_rates(courses, KINDS);
}

int main(int argc, char **argv) {
  static const double spreads[] = {0.02, 0.1, 0.2, 0.3};
  const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 60;
  if (seconds > 0)
    show_real(seconds);
  for (size_t i = 0; i < sizeof(spreads) / sizeof(spreads[0]); i++) {
    table_section("deploys on a made-up machine, with a spread of %.0f %%",
                  100.0 * spreads[i]);
    make_up(spreads[i], courses[0]);
    show_rates(courses, 1);
  }
  return 0;
}
