/* SPDX-License-Identifier: MIT */
/* bench_sampling: what the kernel's statistics add to a run of an XDP program
 * when they are on all the time, and with windows of 1 % and of 10 % of the
 * interval, side by side in one run. Needs root.
 *
 * Exits with 1 when a limit is exceeded that the project promises. */
#include "../live/progs.h"
#include "table.h"

#include "accounting.h"
#include "clocks.h"
#include "groups.h"
#include "sampler.h"
#include "source_choice.h"

#include <stdio.h>
#include <unistd.h>

enum {
  ROUNDS = 9, /* odd, for the median */
  RUNS = 20000000,
};

static uint64_t interval_ns; /* what so many runs took the last time */

/* The share of what statistics cost that a window of 1 % may cost. */
static const double added_at_1_percent_max = 0.02;

enum mode { MODE_OFF, MODE_ON, MODE_1_PERCENT, MODE_10_PERCENT, MODES_NUM };

static struct accounting accounting;
static struct source *source;
static struct groups *groups;
static int prog_fd;

static void take_snapshot(enum part part) {
  struct prog_snapshot snapshot;
  int rc = source_snapshot(source, &snapshot);
  if (rc == 0)
    rc = groups_update(groups, part, &snapshot);
  if (rc != 0)
    die("reading", rc);
}

/* As the plugin does it. */
static void begin_window(void) {
  take_snapshot(PART_FIRST);
  accounting_begin_window(&accounting);
  if (accounting.error != 0)
    die("turning statistics on", accounting.error);
}

static void end_window(void) {
  accounting_end_window(&accounting);
  take_snapshot(PART_WINDOW);
}

/* Runs the program in one call: each one takes the kernel some milliseconds to
 * set up. Returns ns per run, of CPU time: what else the machine does makes the
 * interval longer, and with it what a window is a share of. */
static double run_interval(struct sampler *sampler) {
  uint64_t begin_ns = monotonic_ns();
  uint64_t begin_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  if (sampler != NULL)
    sampler_begin_interval(sampler, begin_ns);
  int rc = prog_run(prog_fd, RUNS);
  uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_cpu_ns;
  if (rc != 0)
    die("running", rc);
  if (sampler != NULL) {
    sampler_wait(sampler);
    take_snapshot(PART_LAST);
  } else {
    interval_ns = monotonic_ns() - begin_ns;
  }
  return (double)cpu_ns / RUNS;
}

static double run_mode(enum mode mode) {
  const struct sampler_work work = {begin_window, end_window};
  struct sampler *sampler = NULL;
  accounting_init(&accounting, mode == MODE_ON);
  accounting_update(&accounting, boottime_ns());
  if (mode == MODE_1_PERCENT || mode == MODE_10_PERCENT) {
    int rc = sampler_new(interval_ns,
                         interval_ns / (mode == MODE_1_PERCENT ? 100 : 10),
                         &work, &sampler);
    if (rc != 0)
      die("starting", rc);
  }
  double ns_per_run = run_interval(sampler);
  sampler_free(sampler);
  accounting_clear(&accounting);
  return ns_per_run;
}

/* What is added is the difference to the runs just before with statistics off,
 * as the speed of a shared machine drifts. */
static void compare(void) {
  static const char *const titles[] = {
      [MODE_ON] = "statistics on, added",
      [MODE_1_PERCENT] = "SampleWindow, 1 % of the interval, added",
      [MODE_10_PERCENT] = "SampleWindow, 10 % of the interval, added",
  };
  static double off[ROUNDS];
  static double added[MODES_NUM][ROUNDS];
  for (int round = 0; round < ROUNDS; round++)
    for (enum mode mode = MODE_ON; mode < MODES_NUM; mode++) {
      off[round] = run_mode(MODE_OFF);
      added[mode][round] = run_mode(mode) - off[round];
    }
  table_section("the smallest XDP program, run back to back, CPU time a run");
  table_value("statistics off", median(off, ROUNDS), "ns");
  for (enum mode mode = MODE_ON; mode < MODES_NUM; mode++)
    table_ratio_of_rounds(
        titles[mode], added[mode], "ns", "statistics on", added[MODE_ON],
        ROUNDS, mode == MODE_1_PERCENT ? &added_at_1_percent_max : NULL);
}

int main(void) {
  struct source_options options = {.kind = SOURCE_AUTO};
  struct source_note note;
  int rc = source_choose(&options, &source, &note);
  if (rc != 0)
    die(note.text, rc);
  struct selector *selector = selector_new();
  groups = groups_new(&(struct groups_options){
      .selector = selector,
      .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}});
  prog_fd = prog_load(BPF_PROG_TYPE_XDP, "bench_xdp", PROG_RETURNS);
  if (groups == NULL || prog_fd < 0)
    die("loading", prog_fd);
  int times = 0;
  do
    compare();
  while (table_once_more(&times));
  close(prog_fd);
  groups_free(groups);
  selector_free(selector);
  source_free(source);
  return table_exceeded() ? 1 : 0;
}
