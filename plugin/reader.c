/* SPDX-License-Identifier: MIT */
/* reader: kernel -> snapshot -> groups -> one reading. */
#include "reader.h"

#include "clocks.h"
#include "maps.h"
#include "overhead.h"
#include "owners.h"
#include "self_check.h"
#include "stats_cost.h"
#include "stats_switch.h"
#include "watch_choice.h"
#include "window.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
  struct reader_options options;
  struct source_choice source;
  struct watch_choice watch;
  struct stats_switch stats_switch;
  struct stats_cost stats_cost;
  struct overhead overhead;
  struct groups *groups;
  struct owners *owners; /* NULL: not wanted */
  struct maps *maps;     /* NULL: not wanted */
  struct window *window; /* NULL: none */

  /* Of the last snapshot. */
  struct prog_snapshot snapshot;
  struct unloads unloads;
  uint32_t own_ids[UNLOAD_PROGRAMS_NUM + 3 +
                   2 * (OWNER_PROGRAMS_NUM + MAP_PROGRAMS_NUM)];

  /* Of the last time that maps were read. */
  struct map_snapshot map_snapshot;
  struct map_bill map_bill;
  int maps_error;
  size_t maps_age; /* reads since */
  enum { MAPS_BILLED, MAPS_READ, MAPS_NEW } maps_state;

  /* Of this interval. */
  bool is_sampled; /* statistics are on in its window alone, if at all */
  enum part part;  /* that the last snapshot has ended */
  uint64_t window_begin_ns; /* CLOCK_MONOTONIC */
  uint64_t walks_ns;        /* the longer walk at an end of the window */
  uint64_t begin_ns;        /* CLOCK_MONOTONIC */

  /* Of the last reading. CLOCK_MONOTONIC; 0: there was none. */
  uint64_t read_ns;
  struct reading reading;

  /* Whether statistics are on: at the last reading, and at each look from then
   * to the last one. */
  enum statistics at_reading;
  enum statistics at_look;
  enum statistics throughout;
};

/* How much longer than a walk a window is: each program is read at some moment
 * of the walks at its two ends, and they never take the same time. */
enum { WINDOW_WALKS_WANTED = 20, WINDOW_WALKS_MIN = 10 };

struct reader *reader_new(const struct reader_options *options) {
  struct reader *reader = calloc(1, sizeof(*reader));
  struct groups *groups = groups_new(&options->groups);
  struct owners *owners =
      options->owners ? owners_new(options->source.iterator_pin) : NULL;
  const bool by_id = options->source.kind == SOURCE_SYSCALL;
  const struct maps_options maps_options = {
      .iterator_pin = by_id ? NULL : options->source.iterator_pin,
      .by_id = by_id,
      .uses = options->map_shares,
      .owners = options->map_shares && options->owners};
  struct maps *maps = options->maps_every == 0 ? NULL : maps_new(&maps_options);
  if (reader == NULL || groups == NULL || (options->owners && owners == NULL) ||
      (options->maps_every != 0 && maps == NULL)) {
    free(reader);
    groups_free(groups);
    owners_free(owners);
    maps_free(maps);
    return NULL;
  }
  reader->options = *options;
  reader->groups = groups;
  reader->owners = owners;
  reader->maps = maps;
  reader->maps_error = -ENODATA;
  reader->source.options = options->source;
  reader->watch.wanted = options->watch_unload;
  reader->watch.owners = options->owners;
  reader->watch.iterator_pin = options->source.iterator_pin;
  const bool hold = options->enable_stats && options->window_ns == 0;
  reader->is_sampled = options->window_ns != 0;
  overhead_init(&reader->overhead,
                hold ? options->overhead_limit_percent : 0.0);
  stats_cost_init(&reader->stats_cost);
  stats_switch_init(&reader->stats_switch, hold);
  return reader;
}

void reader_free(struct reader *reader) {
  if (reader == NULL)
    return;
  window_free(reader->window); /* its thread uses all the others */
  groups_free(reader->groups);
  owners_free(reader->owners);
  maps_free(reader->maps);
  map_bill_clear(&reader->map_bill);
  source_choice_clear(&reader->source);
  watch_choice_clear(&reader->watch);
  stats_cost_clear(&reader->stats_cost);
  stats_switch_clear(&reader->stats_switch);
  free(reader);
}

/* The programs of the source, of what is pinned with it, of the switch, the
 * watch and the owners; 0 where one is not there or not known. */
static void set_own_ids(struct reader *reader) {
  struct prog_snapshot *snapshot = &reader->snapshot;
  const struct source *source = reader->source.source;
  uint32_t *ids = reader->own_ids;
  memset(ids, 0, sizeof(reader->own_ids));
  *ids++ = source->own_id;
  *ids++ = reader->stats_switch.canary_id;
  *ids++ = reader->stats_cost.prog_id;
  memcpy(ids, &source->siblings, sizeof(source->siblings));
  ids += sizeof(source->siblings) / sizeof(*ids);
  if (reader->owners != NULL)
    owners_ids(reader->owners, ids);
  ids += OWNER_PROGRAMS_NUM;
  if (reader->maps != NULL)
    maps_ids(reader->maps, ids);
  ids += MAP_PROGRAMS_NUM;
  if (reader->watch.watch != NULL)
    memcpy(ids, unload_watch_prog_ids(reader->watch.watch),
           UNLOAD_PROGRAMS_NUM * sizeof(ids[0]));
  snapshot->own_ids = reader->own_ids;
  snapshot->own_ids_num = sizeof(reader->own_ids) / sizeof(reader->own_ids[0]);
}

static void find_owners(struct reader *reader) {
  if (reader->owners == NULL)
    return;
  watch_choice_read_owners(&reader->watch, owners_take_load, reader->owners);
  owners_find(reader->owners, &reader->snapshot, reader->snapshot.unloads);
}

/* Hands out shares of what was read just before. */
static void bill_maps(struct reader *reader) {
  struct prog_snapshot *snapshot = &reader->snapshot;
  if (reader->maps_state == MAPS_READ) {
    reader->maps_error =
        map_bill_update(&reader->map_bill, &reader->map_snapshot, snapshot);
    reader->maps_state = MAPS_NEW;
  }
  snapshot->map_shares = reader->map_bill.shares;
  snapshot->map_shares_num =
      reader->maps_error == 0 ? reader->map_bill.shares_num : 0;
}

static int take_in(struct reader *reader, enum part part) {
  struct prog_snapshot *snapshot = &reader->snapshot;
  set_own_ids(reader);
  snapshot->unloads =
      watch_choice_read_records(&reader->watch, &reader->unloads);
  find_owners(reader);
  bill_maps(reader);
  int rc = groups_update(reader->groups, part, snapshot);
  if (rc != 0)
    return rc;
  watch_choice_commit(&reader->watch);
  reader->part = part;
  return 0;
}

/* From the kernel to the groups. Returns 0 or -errno. */
static int take_snapshot(struct reader *reader, enum part part) {
  watch_choice_read_counts(&reader->watch);
  int rc = source_snapshot(reader->source.source, &reader->snapshot);
  return rc != 0 ? rc : take_in(reader, part);
}

/* Whether it was turned on after the last reading, or just now. */
static bool is_held_anew(const struct reader *reader) {
  return reader->stats_switch.held_since_ns > reader->read_ns;
}

/* Looks whether statistics are on, most of all those of others: that they are
 * held anew tells nothing of the time before. SEEN: what a snapshot has seen.
 */
static void look(struct reader *reader, enum statistics seen) {
  reader->at_look = stats_switch_look(&reader->stats_switch, seen);
  if (reader->at_look != reader->throughout && !is_held_anew(reader))
    reader->throughout = STATISTICS_MIXED;
}

/* Before statistics are held again, whoever has them on can be seen. Where no
 * program of ours may be run that takes the snapshot. */
static void look_for_others(struct reader *reader) {
  if (reader->stats_switch.hold && reader->stats_switch.fd < 0 &&
      reader->read_ns != 0 && !reader->stats_switch.canary_refused)
    look(reader, STATISTICS_UNKNOWN);
}

/* Statistics are on while both snapshots at the ends of a window are taken, so
 * that between its two readings all that a program does is counted. */
static uint64_t open_window(void *context) {
  struct reader *reader = context;
  look(reader, STATISTICS_UNKNOWN);
  if (stats_switch_on(&reader->stats_switch) != 0)
    return 0;
  if (take_snapshot(reader, PART_BEFORE_WINDOW) != 0) {
    stats_switch_off(&reader->stats_switch);
    return 0;
  }
  reader->window_begin_ns = reader->snapshot.awake_ns;
  reader->walks_ns = reader->snapshot.duration_ns;
  return WINDOW_WALKS_WANTED * reader->walks_ns + 1;
}

static void end_window(void *context) {
  struct reader *reader = context;
  int rc = take_snapshot(reader, PART_WINDOW);
  if (rc == 0 && reader->snapshot.duration_ns > reader->walks_ns)
    reader->walks_ns = reader->snapshot.duration_ns;
  stats_switch_off(&reader->stats_switch);
  look(reader, STATISTICS_UNKNOWN);
}

static const uint64_t WINDOW_MIN_NS = 1000000;

static uint64_t window_ns_of(const struct reader *reader) {
  if (reader->options.window_ns != 0)
    return reader->options.window_ns;
  const uint64_t part_ns = reader->options.interval_ns / reader->overhead.parts;
  return part_ns > WINDOW_MIN_NS ? part_ns : WINDOW_MIN_NS;
}

/* Returns 0, also if it has been started before, or -errno. */
static int start_window(struct reader *reader) {
  const struct window_work work = {
      .open = open_window, .end = end_window, .context = reader};
  return reader->window != NULL
             ? 0
             : window_new(reader->options.interval_ns, window_ns_of(reader),
                          &work, &reader->window);
}

/* Our own tries of what this kernel allows must not count as loads. Where no
 * program can be loaded there were none. */
static void begin_groups(struct reader *reader) {
  uint32_t id = 0;
  uint64_t load_time_ns = 0;
  if (reader->watch.watch == NULL && reader->watch.iterator_pin == NULL &&
      self_check_newest_id(&id, &load_time_ns) == 0)
    groups_begin_after(reader->groups, id, load_time_ns);
}

/* Returns 0, or -errno and a note that says why. */
static int open_all(struct reader *reader, struct source_note *ret_note) {
  const bool has_windows = reader->options.window_ns != 0;
  const bool is_first = reader->source.source == NULL;
  /* Statistics have to be on while the source and the watch are checked. */
  if (has_windows && is_first)
    stats_switch_on(&reader->stats_switch);
  int rc = source_choice_update(&reader->source, ret_note);
  if (rc == 0 && is_first) {
    if (reader->owners != NULL)
      owners_open(reader->owners);
    if (reader->maps != NULL)
      maps_open(reader->maps);
    watch_choice_read_counts(&reader->watch);
    begin_groups(reader);
  }
  if (has_windows && is_first)
    stats_switch_off(&reader->stats_switch);
  if (rc == 0 && has_windows) {
    rc = start_window(reader);
    if (rc != 0)
      *ret_note = (struct source_note){.text = "memory or a thread is missing",
                                       .may_pass = true};
  }
  return rc;
}

int reader_open(struct reader *reader, const struct reading **ret_reading) {
  struct reading *reading = &reader->reading;
  *reading = (struct reading){.wants_owners = reader->options.owners,
                              .wants_watch = reader->options.watch_unload,
                              .unwatched_reason = reader->watch.reason};
  *ret_reading = reading;
  if (reader->options.enable_stats &&
      stats_cost_update(&reader->stats_cost, &reader->stats_switch))
    reader->throughout = STATISTICS_MIXED;
  look_for_others(reader);
  stats_switch_update(&reader->stats_switch);
  reading->error = open_all(reader, &reading->note);
  if (reading->error != 0)
    snprintf(reading->reason, sizeof(reading->reason), "%s",
             reading->note.text);
  reading->statistics_error = reader->stats_switch.error;
  return reading->error;
}

/* The time that the groups' deltas are of; 0 when that is not known, or when
 * the walks at the ends of a window were too long for it. */
static uint64_t delta_ns_of(const struct reader *reader) {
  const uint64_t delta_ns = groups_host(reader->groups)->delta_ns;
  const bool is_window = reader->part == PART_AFTER_WINDOW;
  return is_window && delta_ns < WINDOW_WALKS_MIN * reader->walks_ns ? 0
                                                                     : delta_ns;
}

static struct coverage_facts find_facts(const struct reader *reader) {
  return (struct coverage_facts){
      .begin_ns = reader->read_ns,
      .end_ns = reader->snapshot.awake_ns,
      .held_since_ns = reader->stats_switch.held_since_ns,
      .at_begin = reader->at_reading,
      .throughout = reader->throughout,
      .delta_ns = delta_ns_of(reader),
      .is_window = reader->part == PART_AFTER_WINDOW,
      .has_counted = groups_host(reader->groups)->group.delta.cnt != 0,
  };
}

/* Whether the counters tell everything that will ever be known of this
 * interval: they do without windows, and where windows are refused. */
static bool is_whole(const struct reader *reader,
                     const struct coverage *coverage) {
  return !reader->is_sampled || reader->read_ns == 0 || coverage->is_whole ||
         reader->stats_switch.error != 0;
}

/* What it costs to turn statistics on and off once in each interval, in percent
 * of one CPU. While the kernel patches its code one CPU does that, and another
 * that runs programs is caught at each run: as a rule these are not many. */
static double windows_percent(const struct reader *reader) {
  return 2.0 * reader->stats_cost.switch_ns /
         (double)reader->options.interval_ns * 100.0;
}

/* Weighs what statistics would have cost, had they been on all the time. The
 * plugin's own programs run as often as it reads: twice in each window. */
static void weigh(struct reader *reader) {
  const struct host *host = groups_host(reader->groups);
  const double runs = (double)(host->group.delta.cnt - host->own_runs);
  if (host->delta_ns != 0)
    overhead_update(&reader->overhead,
                    runs * reader->stats_cost.ns / (double)host->delta_ns *
                        100.0,
                    windows_percent(reader));
}

/* Before the snapshot, so that the next interval is counted from its begin on.
 */
static void weigh_window(struct reader *reader) {
  if (reader->options.window_ns != 0 || reader->stats_switch.hold ||
      reader->part != PART_WINDOW ||
      groups_host(reader->groups)->delta_ns <
          WINDOW_WALKS_MIN * reader->walks_ns)
    return;
  weigh(reader);
  reader->stats_switch.hold = reader->overhead.parts == 1;
}

/* After the snapshot, with which the interval ends that tells. */
static void weigh_interval(struct reader *reader) {
  if (reader->options.window_ns != 0 || !reader->stats_switch.hold)
    return;
  reader->is_sampled = false;
  if (reader->reading.coverage.is_whole &&
      reader->reading.coverage.measured_ns >= reader->options.interval_ns / 2)
    weigh(reader); /* a read that comes too soon tells little */
  if (reader->overhead.parts == 1 || start_window(reader) != 0)
    return; /* the next read tries to start it again */
  reader->is_sampled = true;
  reader->stats_switch.hold = false;
  stats_switch_off(&reader->stats_switch);
  reader->at_look =
      stats_switch_look(&reader->stats_switch, STATISTICS_UNKNOWN);
}

/* Finds out what the numbers are of. */
static void judge(struct reader *reader) {
  look(reader, reader->snapshot.statistics);
  const struct coverage_facts facts = find_facts(reader);
  const struct coverage coverage = coverage_find(&facts);
  const struct span span = {
      .last_ns = facts.begin_ns,
      .now_ns = facts.end_ns,
      .is_whole = is_whole(reader, &coverage),
      .begin_ns = reader->window_begin_ns,
      .delta_ns = facts.is_window ? facts.delta_ns : 0,
  };
  groups_bring_up(reader->groups, &span);
  reader->reading.coverage = coverage;
  reader->read_ns = facts.end_ns;
  weigh_interval(reader);
  reader->at_reading = reader->throughout = reader->at_look;
  reader->part = PART_WHOLE;
}

static void fill_maps(struct reader *reader) {
  struct reading *reading = &reader->reading;
  if (reader->maps == NULL)
    return;
  reading->maps_error = reader->maps_error;
  if (reader->maps_error != 0)
    snprintf(reading->maps_reason, sizeof(reading->maps_reason), "%s",
             maps_explain(reader->maps, reader->maps_error));
  else
    reading->map_bill = &reader->map_bill;
  if (reader->maps_error == 0 && reader->maps_state == MAPS_NEW)
    reading->maps = &reader->map_snapshot;
  if (reader->maps_state == MAPS_NEW)
    reader->maps_state = MAPS_BILLED;
}

static void fill(struct reader *reader, int error) {
  const struct prog_snapshot *snapshot = &reader->snapshot;
  struct reading *reading = &reader->reading;
  const int why = error != 0 ? error : snapshot->error;
  reading->error = error;
  if (why != 0)
    snprintf(reading->reason, sizeof(reading->reason), "%s",
             source_explain(reader->source.source, why));
  reading->statistics_cost_ns = reader->stats_cost.ns;
  reading->windows_percent = windows_percent(reader);
  reading->is_sampled = reader->is_sampled;
  reading->overhead_percent = reader->overhead.percent;
  reading->overhead_limit_percent = reader->overhead.limit_percent;
  reading->is_limited = reader->is_sampled && reader->options.window_ns == 0;
  reading->is_limit_kept = overhead_is_kept(&reader->overhead);
  reading->host = groups_host(reader->groups);
  reading->snapshot = snapshot;
  fill_maps(reader);
}

/* Before the snapshot, so that its programs pay for what is there. */
static void read_maps(struct reader *reader) {
  if (reader->maps == NULL)
    return;
  if (reader->maps_age == 0) {
    reader->maps_error = maps_read(reader->maps, &reader->map_snapshot);
    if (reader->maps_error == 0)
      reader->maps_state = MAPS_READ;
  }
  reader->maps_age = (reader->maps_age + 1) % reader->options.maps_every;
}

int reader_read(struct reader *reader, const struct reading **ret_reading) {
  reader->begin_ns = monotonic_ns();
  if (reader->window != NULL)
    window_close(reader->window);
  weigh_window(reader);
  int rc = reader_open(reader, ret_reading);
  if (rc != 0)
    return rc;
  read_maps(reader);
  const bool had_window =
      reader->part == PART_BEFORE_WINDOW || reader->part == PART_WINDOW;
  rc = take_snapshot(reader, had_window ? PART_AFTER_WINDOW : PART_WHOLE);
  if (rc == 0)
    judge(reader);
  else if (is_held_anew(reader))
    reader->throughout = STATISTICS_MIXED;
  if (rc != 0)
    reader->maps_age = 0; /* they may have failed for the same reason */
  fill(reader, rc);
  return rc;
}

const struct group *reader_next_group(const struct reader *reader,
                                      const struct group *group) {
  return groups_next(reader->groups, group);
}

void reader_resume(struct reader *reader) {
  if (reader->window == NULL || reader->stats_switch.hold)
    return;
  window_set_length(reader->window, window_ns_of(reader));
  window_resume(reader->window, reader->begin_ns);
}
