/* SPDX-License-Identifier: MIT */
/* watch_choice: opens, opens again, and closes a struct unload_watch. */
#include "watch_choice.h"

#include "kernel_error.h"
#include "pins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void watch_choice_clear(struct watch_choice *choice) {
  unload_watch_free(choice->watch);
  choice->watch = NULL;
}

/* Opens the watch that is pinned beside the iterator, or one of our own.
 * Returns 0; or -errno, and the choice says why. */
static int open_watch(struct watch_choice *choice,
                      struct unload_watch **ret_watch) {
  const char *pin = choice->iterator_pin;
  char *dir = NULL;
  snprintf(choice->reason, sizeof(choice->reason), "out of memory");
  if (pin != NULL) {
    dir = pins_dir_of(pin);
    if (dir == NULL)
      return -ENOMEM;
  }
  int rc = unload_watch_new(dir, UNLOAD_RING_SIZE_BYTES, choice->owners,
                            ret_watch, choice->reason, sizeof(choice->reason));
  free(dir);
  return rc;
}

/* Puts an opened watch in the place of one that was open, if that goes well.
 * Returns 0 or -errno. */
static int replace(struct watch_choice *choice) {
  struct unload_watch *opened = NULL;
  int rc = open_watch(choice, &opened);
  if (rc == 0 && choice->watch != NULL)
    unload_watch_take_over(opened, choice->watch);
  if (rc == 0) {
    rc = unload_watch_read_counts(opened);
    snprintf(choice->reason, sizeof(choice->reason), "%s",
             rc != 0 ? kernel_error_text(rc) : "");
  }
  choice->may_pass =
      rc != 0 && (choice->iterator_pin != NULL || kernel_error_may_pass(rc));
  if (rc != 0) {
    unload_watch_free(opened);
    return rc;
  }
  unload_watch_free(choice->watch);
  choice->watch = opened;
  return 0;
}

/* To look at a pin takes little time; to load a watch takes a thousand reads'.
 */
static bool is_worth_a_try(struct watch_choice *choice) {
  return !choice->started || choice->iterator_pin != NULL ||
         (choice->may_pass && backoff_is_due(&choice->backoff));
}

void watch_choice_read_counts(struct watch_choice *choice) {
  int rc = -ENOENT;
  if (choice->watch != NULL)
    rc = unload_watch_read_counts(choice->watch);
  if (rc == 0 || !choice->wanted)
    return;
  if (is_worth_a_try(choice))
    rc = replace(choice);
  else if (choice->reason[0] == '\0')
    snprintf(choice->reason, sizeof(choice->reason), "%s",
             kernel_error_text(rc));
  choice->is_rest = rc != 0;
  choice->started = true;
}

const struct unloads *watch_choice_read_records(struct watch_choice *choice,
                                                struct unloads *unloads) {
  if (choice->watch == NULL)
    return NULL;
  unload_watch_read_records(choice->watch, unloads);
  return unloads;
}

void watch_choice_read_owners(struct watch_choice *choice, owner_take take,
                              void *context) {
  if (choice->watch != NULL)
    unload_watch_read_owners(choice->watch, take, context);
}

void watch_choice_commit(struct watch_choice *choice) {
  if (choice->watch == NULL)
    return;
  unload_watch_commit(choice->watch);
  if (choice->is_rest)
    watch_choice_clear(choice);
}
