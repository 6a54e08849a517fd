/* SPDX-License-Identifier: MIT */
/* windows: random schedules of all that may come between the plugin and the
 * truth
 * - others who turn statistics on and off, pauses of the daemon, windows that
 * are refused, late, or no longer than a walk, reads that fail - against a
 * model that knows the truth. Every value that is dispatched is within its
 * stated error of the truth, or it is not dispatched.
 *
 * Arguments: how many schedules, and the number of the first. */
#include "model.h"

#include "../unit/fake_libbpf.h"

#include "groups.h"
#include "metrics.h"
#include "reader.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  READS = 30,
  SCHEDULES_PER_TEST = 1000,
  UNREADABLE = 1, /* the program that cannot be read now and then */
};

static const uint64_t ms = 1000000;
static const uint64_t interval_ns = 1000000000;

/* --- chance ----------------------------------------------------------------
 */

static uint64_t seed;

static uint64_t dice(uint64_t sides) { /* splitmix64 */
  seed += 0x9e3779b97f4a7c15;
  uint64_t z = seed;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % sides;
}

static bool percent(unsigned share) { return dice(100) < share; }

static uint64_t one_of(const uint64_t *values, size_t num) {
  return values[dice(num)];
}
#define ONE_OF(values) one_of(values, sizeof(values) / sizeof((values)[0]))

/* --- the schedule ----------------------------------------------------------
 */

/* How others turn statistics on and off. */
enum others { OTHERS_NONE, OTHERS_ALWAYS, OTHERS_AGENT, OTHERS_RANDOM };

static struct {
  uint64_t number;
  bool pinned;
  bool enable_stats;
  uint64_t window_ns;   /* 0: none by hand */
  double limit_percent; /* 0: none */
  enum others others;
  uint64_t next_toggle_ns;
} schedule;

static const uint64_t periods_ns[] = {0,       20000,    200000,
                                      1000000, 30000000, 700000000};

static void plan(uint64_t number) {
  static const uint64_t windows_ns[] = {5000000, 10000000, 50000000, 100000000,
                                        500000000};
  static const double limits_percent[4] = {0.0, 0.003, 0.1, 0.6};
  static const uint64_t walks_ns[] = {10000, 100000, 1000000, 5000000,
                                      20000000};
  seed = number;
  schedule.number = number;
  schedule.pinned = percent(50);
  schedule.enable_stats = percent(85);
  schedule.window_ns =
      schedule.enable_stats && percent(80) ? ONE_OF(windows_ns) : 0;
  schedule.limit_percent = 0.0;
  if (schedule.enable_stats && schedule.window_ns == 0)
    schedule.limit_percent = limits_percent[dice(4)];
  schedule.others = (enum others)dice(4);
  model_start(schedule.pinned);
  schedule.next_toggle_ns = model.now_ns;
  model.walk_ns = ONE_OF(walks_ns);
  for (size_t i = 0; i < MODEL_PROGS; i++) {
    struct model_prog *prog = &model.progs[i];
    prog->period_ns = ONE_OF(periods_ns);
    prog->ns_per_run = 1 + dice(prog->period_ns / 2 + 1);
    if (percent(50))
      prog->miss_period_ns = ONE_OF(periods_ns);
  }
}

static void toggle(void) {
  const uint64_t agent_ns = 100 * ms;
  bool *on = &fake_libbpf.statistics_on;
  switch (schedule.others) {
  case OTHERS_NONE:
  case OTHERS_ALWAYS:
    *on = schedule.others == OTHERS_ALWAYS;
    schedule.next_toggle_ns = UINT64_MAX;
    return;
  case OTHERS_AGENT:
    *on = !*on;
    schedule.next_toggle_ns += *on ? agent_ns : interval_ns - agent_ns;
    return;
  case OTHERS_RANDOM:
    *on = !*on;
    schedule.next_toggle_ns += ms * (1 + dice(3000));
    return;
  }
}

/* Lets time pass, with what others do in it. */
static void pass_until(uint64_t time_ns) {
  while (schedule.next_toggle_ns <= time_ns) {
    model_pass_until(schedule.next_toggle_ns);
    toggle();
  }
  model_pass_until(time_ns);
}

static void pass(uint64_t time_ns) { pass_until(model.now_ns + time_ns); }

/* What befalls the next walk. */
static void plan_walk(void) {
  if (percent(10))
    model.walk_more_ns = dice(30 * ms);
  model.toggles_in_walk = schedule.others == OTHERS_RANDOM && percent(10);
  fake_libbpf.next_id_error = percent(4) ? -ENOMEM : 0;
  model_set_readable(UNREADABLE, schedule.pinned || percent(95));
}

/* An interval up to its read; it has a window if its thread comes to that. */
static void live_interval(void) {
  static const unsigned early = 5, late = 10;
  uint64_t length_ns = interval_ns - dice(2 * ms);
  if (percent(early))
    length_ns = dice(interval_ns);
  if (percent(late))
    length_ns += dice(3 * interval_ns);
  const uint64_t end_ns = model.now_ns + length_ns;
  fake_libbpf.enable_stats_error = percent(5) ? -EPERM : 0;
  if (model_window_is_ahead()) {
    uint64_t place = dice(interval_ns / model_window_ns());
    uint64_t open_ns = model.now_ns + place * model_window_ns();
    if (percent(5)) /* its thread is late */
      open_ns += dice(interval_ns);
    if (open_ns < end_ns) {
      pass_until(open_ns);
      plan_walk();
      model_open_window();
    }
  }
  if (model_window_is_open()) {
    uint64_t window_end_ns = model.now_ns + model_window_ns();
    if (percent(5)) /* the daemon is stopped meanwhile */
      window_end_ns += dice(2 * interval_ns);
    if (window_end_ns < end_ns) {
      pass_until(window_end_ns);
      plan_walk();
      model_end_window();
    }
  }
  pass_until(end_ns);
  plan_walk();
}

/* --- what is demanded ------------------------------------------------------
 */

/* What is known from the reads before. */
struct shown {
  bool has_counters;
  double cnt;
  double nsecs;
  struct prog_stats truth; /* when these were dispatched */
  uint64_t time_ns;
  uint64_t walk_max_ns; /* since then */
  bool lapsed;          /* statistics, in an interval since then */
  double slack; /* of all estimates since the last debt was paid, runs */
  double rest;  /* runs by which a change of pace right after it blurs it */
  double debt;  /* what an estimate thought to have been too much, runs */
};

static struct {
  struct reader *reader;
  const struct reading *reading;
  bool is_sampled;           /* the interval that is read */
  bool is_told[MODEL_PROGS]; /* up to the last read */
  struct shown shown[MODEL_PROGS];
  uint64_t read_errors;
  uint64_t now_ns; /* of the last reading; 0: there was none */
  uint64_t on_ns;
} trial;

static const double hundredth = 0.01;

__attribute__((format(printf, 2, 3))) static void
demand(bool holds, const char *format, ...) {
  if (holds)
    return;
  printf("# schedule %" PRIu64 ", at %" PRIu64 " ms: ", schedule.number,
         model.now_ns / ms);
  va_list args;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  printf("\n");
  exit(1);
}

static bool value_of(const char *key, const struct group *group,
                     double *ret_value) {
  size_t num = 0;
  const struct metric *metrics = metrics_all(&num);
  for (size_t i = 0; i < num; i++) {
    union metric_value value;
    if (strcmp(metrics[i].key, key) != 0)
      continue;
    if (!metrics[i].compute(trial.reading, group, &value))
      return false;
    *ret_value =
        metrics[i].kind == METRIC_DERIVE ? (double)value.derive : value.gauge;
    return true;
  }
  demand(false, "no metric %s", key);
  return false;
}

/* On throughout, as far as anybody can know who looks now and then, but not in
 * truth. */
static bool seems_whole(void) {
  return model.looked_on &&
         model.walk_on_ns - trial.on_ns < model.walk_now_ns - trial.now_ns;
}

/* The time that an interval's deltas are of, for the errors that depend on it.
 */
static double delta_ns(void) { return (double)trial.reading->host->delta_ns; }

/* How far a rate may be off for the walks at the ends of the time it is of. */
static double walk_share(void) {
  return delta_ns() == 0 ? 1 : (double)model.walk_max_ns / delta_ns();
}

static void check_rise(const struct group *group, size_t i) {
  struct shown *shown = &trial.shown[i];
  const struct prog_stats truth = model.read[i];
  const bool has_begun = group->has_begun || !group->is_current;
  double cnt = 0, nsecs = 0; /* which it is until it begins */
  if (model.walk_max_ns > shown->walk_max_ns)
    shown->walk_max_ns = model.walk_max_ns;
  shown->lapsed |= trial.reading->coverage.share < 1 || seems_whole();
  if (has_begun && !value_of("invocations", group, &cnt))
    return;
  demand(!has_begun || value_of("run_time_ns", group, &nsecs), "no run time");
  if (i == UNREADABLE && trial.reading->snapshot->read_errors != 0)
    return; /* what it has not been asked for comes with the next value */
  const double rise = cnt - shown->cnt;
  const double true_rise = (double)(truth.cnt - shown->truth.cnt);
  double slack = 0;
  demand(rise >= 0, "%s falls", group->name);
  const bool counted_all =
      !trial.is_sampled || trial.reading->coverage.is_whole;
  if (trial.is_sampled && !counted_all &&
      trial.reading->statistics_error == 0 && shown->has_counters) {
    /* The window, the truth and the value are of whole runs, and each is of
     * walks of its own length. */
    const double since_ns = (double)(model.walk_now_ns - shown->time_ns);
    const double period_ns = (double)model.progs[i].period_ns;
    slack =
        since_ns / delta_ns() + 2 + 2 * walk_share() * true_rise + shown->rest;
    if (period_ns != 0)
      slack += (double)shown->walk_max_ns / period_ns;
    demand(rise <= true_rise + slack,
           "%s: %.0f runs, in truth %.0f, at most %.1f more", group->name, rise,
           true_rise, slack);
    demand(rise >= true_rise - slack - shown->debt,
           "%s: %.0f runs, in truth %.0f, at most %.1f less", group->name, rise,
           true_rise, slack + shown->debt);
  } else if (shown->has_counters && schedule.enable_stats &&
             !trial.is_sampled && trial.reading->statistics_error == 0) {
    demand(rise == true_rise || shown->lapsed,
           "%s: %.0f runs, in truth %.0f, held", group->name, rise, true_rise);
  }
  const double debt = fmax(0, -group->estimate.cnt_balance);
  slack += shown->debt > 0 ? shown->slack : 0;
  demand(debt <= slack + shown->debt, "%s: a debt of %.1f, at most %.1f",
         group->name, debt, slack + shown->debt);
  *shown = (struct shown){.has_counters = true,
                          .cnt = cnt,
                          .nsecs = nsecs,
                          .truth = truth,
                          .time_ns = model.walk_now_ns,
                          .slack = slack,
                          .debt = debt};
}

static void check_gauges(const struct group *group, size_t i) {
  const struct model_prog *prog = &model.progs[i];
  const double cnt = (double)group->delta.cnt;
  const double attempts = cnt + (double)group->delta.misses;
  const double runs_s =
      prog->period_ns == 0 ? 0 : 1e9 / (double)prog->period_ns;
  const double misses_s =
      prog->miss_period_ns == 0 ? 0 : 1e9 / (double)prog->miss_period_ns;
  double value;
  if (value_of("ns_per_call", group, &value))
    demand(fabs(value - (double)prog->ns_per_run) < 1e-6,
           "%s: %.3f ns a run, in truth %" PRIu64, group->name, value,
           prog->ns_per_run);
  if (trial.reading->coverage.is_whole && seems_whole())
    return; /* others may have had them off unseen */
  if (runs_s + misses_s > 0 && value_of("miss_rate", group, &value)) {
    const double truth = misses_s / (runs_s + misses_s);
    demand(fabs(value - truth) <=
               (2 + trial.shown[i].rest) / attempts + hundredth * truth,
           "%s: miss rate %.4f, in truth %.4f of %.0f", group->name, value,
           truth, attempts);
  }
  if (value_of("cpu_percent", group, &value)) {
    const double truth = 100 * runs_s * (double)prog->ns_per_run / 1e9;
    const double one_run = 100 * (double)prog->ns_per_run / delta_ns();
    const double runs = 1 + trial.shown[i].rest;
    demand(fabs(value - truth) <=
               runs * one_run + (walk_share() + hundredth) * truth,
           "%s: %.4f percent, in truth %.4f, %.0f runs in %.3f ms, walks of "
           "%.3f ms",
           group->name, value, truth, cnt, delta_ns() / 1e6,
           (double)model.walk_max_ns / 1e6);
  }
}

static void check_coverage(void) {
  double share;
  if (!value_of("coverage", &trial.reading->host->group, &share))
    return;
  const double elapsed_ns = (double)(model.walk_now_ns - trial.now_ns);
  const double on_ns = (double)(model.walk_on_ns - trial.on_ns);
  /* Statistics are on for both walks of a window, which are not part of it. */
  const double slack = 2 * (double)model.walk_max_ns / elapsed_ns + 1e-9;
  demand(share <= on_ns / elapsed_ns + slack || seems_whole(),
         "coverage %.6f, in truth %.6f", share, on_ns / elapsed_ns);
  demand(share >= on_ns / elapsed_ns - slack || model.looked_off,
         "coverage %.6f, in truth %.6f", share, on_ns / elapsed_ns);
}

static const struct group *group_of(size_t i) {
  const char name[] = {(char)('a' + i), '\0'};
  const struct group *group = reader_next_group(trial.reader, NULL);
  while (group != NULL && strcmp(group->name, name) != 0)
    group = reader_next_group(trial.reader, group);
  demand(group != NULL, "no group %s", name);
  return group;
}

/* The programs of this host are one version each, which has counted what its
 * group has. */
static void check_version(const struct group *group) {
  const struct versions *versions = groups_versions(group);
  demand(versions->num == 1, "%s: %zu versions", group->name, versions->num);
  const struct group *sum = &versions->newest->sum;
  const struct prog_stats of_group = group_estimated_total(group);
  const struct prog_stats of_version = group_estimated_total(sum);
  demand(of_group.cnt == of_version.cnt && of_group.nsecs == of_version.nsecs &&
             group->delta.cnt == sum->delta.cnt,
         "%s: its version has %" PRIu64 " runs, and the group %" PRIu64,
         group->name, of_version.cnt, of_group.cnt);
  demand(!versions->is_deployed, "%s: nothing was deployed", group->name);
}

static void check_reading(void) {
  for (size_t i = 0; i < MODEL_PROGS; i++) {
    const struct group *group = group_of(i);
    const double rest = trial.shown[i].rest;
    check_rise(group, i);
    check_version(group);
    trial.is_told[i] = trial.shown[i].time_ns == model.walk_now_ns;
    trial.shown[i].rest = rest; /* gauges are of that interval as well */
    if (trial.now_ns != 0)
      check_gauges(group, i);
    if (trial.is_told[i])
      trial.shown[i].rest = 0;
  }
  if (trial.now_ns != 0)
    check_coverage();
  const uint64_t read_errors = trial.reading->host->read_errors;
  demand(read_errors - trial.read_errors ==
             trial.reading->snapshot->read_errors,
         "read errors count once");
  demand(trial.reading->snapshot->awake_ns == model.walk_now_ns,
         "the values' time is that of their snapshot");
  trial.read_errors = read_errors;
  trial.now_ns = model.walk_now_ns;
  trial.on_ns = model.walk_on_ns;
  model.walk_max_ns = model.walk_took_ns;
}

static void read_once(void) {
  const uint64_t now_ns = model.now_ns;
  const uint64_t walks_max_ns =
      2 * (model.walk_ns + model.walk_more_ns + 30 * ms);
  int rc = reader_read(trial.reader, &trial.reading);
  memset(trial.is_told, 0, sizeof(trial.is_told));
  demand(model.now_ns - now_ns <= walks_max_ns, "a read waits");
  if (rc == 0) {
    check_reading();
    /* What was seen now is seen at the begin of the next interval. */
    model.looked_on = model.last_on;
    model.looked_off = model.last_off;
  }
  reader_resume(trial.reader);
  trial.is_sampled = model_window_is_ahead();
}

/* Loads change between two intervals, if all is told of those up to now. */
static void change_loads(void) {
  for (size_t i = 0; i < MODEL_PROGS; i++)
    if (!trial.is_told[i] || !percent(20))
      return;
  for (size_t i = 0; i < MODEL_PROGS; i++) {
    model.progs[i].period_ns = ONE_OF(periods_ns);
    /* From its place in the walk to the end of that it had the old pace. */
    trial.shown[i].rest = (double)(model.truth[i].cnt - model.read[i].cnt);
    if (model.progs[i].period_ns != 0)
      trial.shown[i].rest +=
          (double)model.walk_took_ns / (double)model.progs[i].period_ns;
  }
}

static void try(uint64_t number, struct selector *selector) {
  plan(number);
  struct reader_options options = {
      .source = {.kind = schedule.pinned ? SOURCE_ITERATOR : SOURCE_SYSCALL,
                 .iterator_pin = schedule.pinned ? "/model/iterator" : NULL},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .enable_stats = schedule.enable_stats,
      .interval_ns = interval_ns,
      .window_ns = schedule.window_ns,
      .overhead_limit_percent = schedule.limit_percent};
  memset(&trial, 0, sizeof(trial));
  trial.reader = reader_new(&options);
  demand(trial.reader != NULL, "memory");
  pass(0);
  for (int i = 0; i < READS; i++) {
    read_once();
    change_loads();
    live_interval();
  }
  reader_free(trial.reader);
}

/* --- a load that rises and falls --------------------------------------------
 */

/* An interval with its window, up to its read. Returns what statistics cost in
 * it, in percent of one CPU. */
static double cost_of_interval(void) {
  const uint64_t end_ns = model.now_ns + interval_ns;
  const uint64_t runs = fake_libbpf.progs[0].run_cnt;
  if (model_window_is_ahead()) {
    model_pass_until(model.now_ns + interval_ns / 3);
    model_open_window();
    model_pass_until(model.now_ns + model_window_ns());
    model_end_window();
  }
  model_pass_until(end_ns);
  demand(reader_read(trial.reader, &trial.reading) == 0, "no reading");
  reader_resume(trial.reader);
  return (double)(fake_libbpf.progs[0].run_cnt - runs) *
         (double)fake_libbpf.cost_ns / (double)interval_ns * 100.0;
}

/* From 1,000 runs a second to 5 million and back. */
static void rise_and_fall(struct selector *selector) {
  static const uint64_t calm_ns = 1000000, busy_ns = 200;
  const double limit_percent = 1.0;
  const struct reader_options options = {
      .source = {.kind = SOURCE_SYSCALL},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .enable_stats = true,
      .interval_ns = interval_ns,
      .overhead_limit_percent = limit_percent};
  memset(&schedule, 0, sizeof(schedule));
  memset(&trial, 0, sizeof(trial));
  model_start(false);
  model.progs[0] = (struct model_prog){.period_ns = calm_ns, .ns_per_run = 50};
  trial.reader = reader_new(&options);
  for (int i = 0; i < 5; i++)
    cost_of_interval();
  demand(!trial.reading->is_limited, "windows of a calm load");
  model.progs[0].period_ns = busy_ns;
  cost_of_interval(); /* it rises */
  demand(trial.reading->is_limited, "no windows of a busy load");
  for (int i = 0; i < 30; i++) {
    const double percent = cost_of_interval();
    double shown = 0.0;
    demand(percent < limit_percent, "costs %.3f %%", percent);
    demand(value_of("statistics_percent", &trial.reading->host->group, &shown),
           "no statistics_percent");
    demand(fabs(shown - percent) < hundredth + 0.1 * percent,
           "costs %.3f %%, and shows %.3f %%", percent, shown);
  }
  model.progs[0].period_ns = calm_ns;
  int intervals = 0;
  while (trial.reading->is_limited && intervals < READS) {
    cost_of_interval();
    intervals++;
  }
  demand(intervals >= 10 && intervals <= 20, "%d intervals to go back",
         intervals);
  for (int i = 0; i < 5; i++) {
    cost_of_interval();
    demand(!trial.reading->is_limited && trial.reading->coverage.is_whole,
           "not on all the time again");
  }
  double cnt = 0.0;
  demand(value_of("invocations", group_of(0), &cnt), "no runs");
  const double truth = (double)model.read[0].cnt;
  demand(fabs(cnt - truth) <= hundredth * truth, "%.0f runs, in truth %.0f",
         cnt, truth);
  reader_free(trial.reader);
}

int main(int argc, char **argv) {
  uint64_t num = argc > 1 ? strtoull(argv[1], NULL, 10) : 12000;
  uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  struct selector *selector = selector_new();
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("1..%" PRIu64 "\n",
         (num + SCHEDULES_PER_TEST - 1) / SCHEDULES_PER_TEST + 1);
  for (uint64_t i = 0; i < num; i++) {
    try(first + i, selector);
    if ((i + 1) % SCHEDULES_PER_TEST == 0 || i + 1 == num)
      printf("ok %" PRIu64 " schedules up to %" PRIu64
             ": every value is true or left out\n",
             i / SCHEDULES_PER_TEST + 1, first + i);
  }
  rise_and_fall(selector);
  printf("ok %" PRIu64 " a load that rises and falls: statistics cost less "
         "than their limit\n",
         (num + SCHEDULES_PER_TEST - 1) / SCHEDULES_PER_TEST + 1);
  selector_free(selector);
  return 0;
}
