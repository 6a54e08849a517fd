/* SPDX-License-Identifier: MIT */
/* host: adds up all programs, loads and unloads. */
#include "host.h"

#include <stdlib.h>

static void add_up(struct host *host, const struct programs *programs,
                   enum part part) {
  host->folded_programs = host->elsewhere = host->unowned = 0;
  group_begin(&host->group, part);
  for (size_t i = 0; i < programs->list.num; i++) {
    const struct program *program = &programs->list.items[i];
    if (program_is_loaded(program)) {
      host->folded_programs += program->folded;
      host->elsewhere += program->is_elsewhere;
      host->unowned += !program->is_owned;
    }
    program_add_up(program, &host->group, part);
  }
}

static int compare_ids(const void *id, const void *program) {
  const uint32_t other = ((const struct program *)program)->id;
  return (*(const uint32_t *)id > other) - (*(const uint32_t *)id < other);
}

static uint64_t count_own_runs(const struct programs *programs,
                               const struct prog_snapshot *snapshot) {
  const struct program_list *list = &programs->list;
  uint64_t runs = 0;
  for (size_t i = 0; i < snapshot->own_ids_num && list->num > 0; i++) {
    const struct program *own =
        bsearch(&snapshot->own_ids[i], list->items, list->num,
                sizeof(list->items[0]), compare_ids);
    if (own != NULL && own->measured)
      runs += own->advance.cnt;
  }
  return runs;
}

static void count_churn(struct host *host, const struct programs *programs,
                        const struct prog_snapshot *snapshot) {
  const struct unloads *unloads = snapshot->unloads;
  struct churn *churn = &host->churn;
  if (unloads != NULL) {
    churn_count(churn, unloads->loaded, unloads->unloaded);
    host->lost += unloads->lost;
  } else if (snapshot->complete) {
    uint64_t unloaded = churn->unloaded;
    churn_settle(churn, host->group.programs);
    host->unwatched += churn->unloaded - unloaded;
  }
  /* A watch that loses a record says so; one that is not there any more, or has
   * another reader, does not. */
  uint64_t given_up = programs->given_up;
  host->unwatched_unloads =
      host->unwatched + (host->lost > given_up ? host->lost : given_up);
}

static void set_delta_ns(struct host *host, const struct programs *programs,
                         const struct prog_snapshot *snapshot, enum part part) {
  if (part == PART_AFTER_WINDOW)
    return; /* the deltas are still those of the window */
  host->delta_ns = 0;
  host->own_runs = count_own_runs(programs, snapshot);
  if (part != PART_BEFORE_WINDOW && programs->first_time_ns != 0)
    host->delta_ns = snapshot->awake_ns - programs->last_awake_ns;
}

void host_update(struct host *host, const struct programs *programs,
                 const struct prog_snapshot *snapshot, enum part part) {
  add_up(host, programs, part);
  count_churn(host, programs, snapshot);
  set_delta_ns(host, programs, snapshot, part);
  /* Each read counts what it could not read once, whatever its window found. */
  if (part == PART_WHOLE || part == PART_AFTER_WINDOW)
    host->read_errors += snapshot->read_errors;
}
