/* SPDX-License-Identifier: MIT */
/* bench_sampling: what the kernel's statistics add to a run of an XDP program
 * when they are on all the time, and with windows of 1 % and of 10 % of the
 * interval, side by side in one run. Needs root.
 *
 * Exits with 1 when a limit is exceeded that the project promises. */
#include "../live/progs.h"
#include "table.h"

#include "clocks.h"
#include "reader.h"

#include <errno.h>
#include <unistd.h>

enum {
  ROUNDS = 9,       /* odd, for the median */
  RUNS = 100000000, /* half a second, at least */
};

static uint64_t interval_ns; /* what so many runs took the last time */

/* The share of what statistics cost that a window of 1 % may cost. */
static const double added_at_1_percent_max = 0.02;

enum mode { MODE_OFF, MODE_ON, MODE_1_PERCENT, MODE_10_PERCENT, MODES_NUM };

static struct selector *selector;
static int prog_fd;

/* Runs the program in one call: each one takes the kernel some milliseconds to
 * set up. Returns ns per run, of CPU time: what else the machine does makes the
 * interval longer, and with it what a window is a share of. */
static double run_interval(struct reader *reader) {
  const struct reading *reading;
  int rc = reader_read(reader, &reading);
  if (rc == 0)
    rc = reading->statistics_error;
  if (rc != 0)
    die("reading", rc);
  reader_resume(reader);
  uint64_t begin_ns = monotonic_ns();
  uint64_t begin_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  rc = prog_run(prog_fd, RUNS);
  uint64_t cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_cpu_ns;
  if (rc == 0)
    rc = reader_read(reader, &reading);
  if (rc != 0)
    die("running", rc);
  interval_ns = monotonic_ns() - begin_ns;
  return (double)cpu_ns / RUNS;
}

static uint64_t window_ns_of(enum mode mode) {
  switch (mode) {
  case MODE_1_PERCENT:
    return interval_ns / 100;
  case MODE_10_PERCENT:
    return interval_ns / 10;
  default:
    return 0;
  }
}

static double run_mode(enum mode mode) {
  struct reader_options options = {
      .source = {.kind = SOURCE_AUTO},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .enable_stats = mode != MODE_OFF,
      .interval_ns = interval_ns,
      .window_ns = window_ns_of(mode)};
  struct reader *reader = reader_new(&options);
  if (reader == NULL)
    die("starting", -ENOMEM);
  double ns_per_run = run_interval(reader);
  reader_free(reader);
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
  selector = selector_new();
  prog_fd = prog_load(BPF_PROG_TYPE_XDP, "bench_xdp", PROG_RETURNS);
  if (selector == NULL || prog_fd < 0)
    die("loading", prog_fd);
  int times = 0;
  do
    compare();
  while (table_once_more(&times));
  close(prog_fd);
  selector_free(selector);
  return table_exceeded() ? 1 : 0;
}
