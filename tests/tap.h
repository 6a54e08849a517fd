/* SPDX-License-Identifier: MIT */
/* tap: what all programs of check tests have in common: their results as TAP,
 * and an end to a test that hangs, as a failure.
 *
 * The limits are for what would never end; no test is to be that slow anywhere.
 * Where a test is about something that must not wait, it lets it wait for
 * longer than that. */
#ifndef BPF_STATS_TESTS_TAP_H
#define BPF_STATS_TESTS_TAP_H

#include <check.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Of all tests of a program, where they are not forked. */
enum { TAP_UNFORKED_MAX_S = 1800 };

/* To be called before any test case is made. */
static inline void tap_begin(void) {
  setenv("CK_DEFAULT_TIMEOUT", "600", 0); /* s, of one test that is forked */
  setvbuf(stdout, NULL, _IOLBF, 0); /* so that the last line tells where */
}

static void tap_bail_out(int signal_number) {
  static const char line[] = "Bail out! The test after the last one above has "
                             "not come to its end\n";
  (void)signal_number;
  if (write(STDOUT_FILENO, line, sizeof(line) - 1) < 0)
    _exit(2);
  _exit(1);
}

/* Not by SIGALRM, which check takes for itself. */
static inline void tap_limit(time_t seconds) {
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
                           .sigev_signo = SIGVTALRM};
  const struct itimerspec end = {.it_value = {.tv_sec = seconds}};
  timer_t timer;
  signal(SIGVTALRM, tap_bail_out);
  if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0 ||
      timer_settime(timer, 0, &end, NULL) != 0)
    abort();
}

/* Runs and frees. Returns the exit status of the program. */
static inline int tap_run(SRunner *runner) {
  srunner_set_tap(runner, "-");
  if (srunner_fork_status(runner) == CK_NOFORK)
    tap_limit(TAP_UNFORKED_MAX_S);
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed == 0 ? 0 : 1;
}

#endif
