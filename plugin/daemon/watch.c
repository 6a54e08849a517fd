/* SPDX-License-Identifier: MIT */
/* watch: opens, opens again, and closes a struct unload_watch. */
#include "watch.h"

#include "kernel_error.h"
#include "self_check.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void watch_stop(struct watch *watch) {
  unload_watch_free(watch->unloads);
  watch->unloads = NULL;
}

/* Opens a watch, in place of one that was open. Returns 0; or -errno, and
 * writes into REASON why; then the one that was open is still there. */
static int open_watch(struct watch *watch, char *reason, size_t reason_size) {
  const char *pin = watch->iterator_pin;
  struct unload_watch *opened = NULL;
  char *dir = NULL;
  if (pin != NULL) {
    dir = strndup(pin, (size_t)(strrchr(pin, '/') - pin));
    if (dir == NULL)
      return -ENOMEM;
  }
  int rc = unload_watch_new(dir, UNLOAD_RING_SIZE_BYTES, &opened, reason,
                            reason_size);
  free(dir);
  if (rc == 0 && pin == NULL)
    rc = self_check_watch(opened, reason, reason_size);
  if (rc == 0 && watch->unloads != NULL)
    unload_watch_take_over(opened, watch->unloads);
  if (rc == 0)
    rc = unload_watch_begin(opened);
  watch->may_pass = rc != 0 && (pin != NULL || kernel_error_may_pass(rc));
  if (rc != 0) {
    unload_watch_free(opened);
    return rc;
  }
  unload_watch_free(watch->unloads);
  watch->unloads = opened;
  watch->is_rest = false;
  return 0;
}

void watch_start(struct watch *watch, bool wanted, const char *iterator_pin,
                 struct report *report) {
  *watch = (struct watch){.wanted = wanted, .iterator_pin = iterator_pin};
  char reason[300] = "out of memory";
  if (!wanted || open_watch(watch, reason, sizeof(reason)) == 0)
    return;
  INFO(
      "bpf_stats: unloads are not watched: %s. What a program counts after its "
      "last read is not seen.",
      reason);
  report->watch_lost = true;
}

/* To look at a pin takes little time; to load a watch takes a thousand reads'.
 */
static bool is_worth_a_try(struct watch *watch) {
  return watch->iterator_pin != NULL ||
         (watch->may_pass && backoff_is_due(&watch->backoff));
}

void watch_begin(struct watch *watch, struct report *report) {
  const bool was_watching = watch->unloads != NULL && !watch->is_rest;
  int rc = -ENOENT;
  if (watch->unloads != NULL)
    rc = unload_watch_begin(watch->unloads);
  if (rc == 0 || !watch->wanted)
    return;
  char reason[300];
  snprintf(reason, sizeof(reason), "%s", kernel_error_text(rc));
  if (is_worth_a_try(watch))
    rc = open_watch(watch, reason, sizeof(reason));
  watch->is_rest = rc != 0;
  if (was_watching || rc == 0)
    report_watch(report, rc != 0, reason);
}

const struct unloads *watch_end(struct watch *watch, struct unloads *unloads,
                                struct report *report) {
  if (watch->unloads == NULL)
    return NULL;
  unload_watch_end(watch->unloads, unloads);
  if (unloads->stolen > 0)
    report_stolen(report);
  return unloads;
}

void watch_taken(struct watch *watch) {
  if (watch->unloads == NULL)
    return;
  unload_watch_taken(watch->unloads);
  if (watch->is_rest)
    watch_stop(watch);
}
