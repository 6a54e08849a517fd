/* SPDX-License-Identifier: MIT */
/* programs: merges the known programs with a snapshot and with what the watch
 * on unloads has found. All three are in ascending order of ids: one pass. */
#include "programs.h"

#include "reserve.h"

#include <errno.h>
#include <stdlib.h>

void programs_clear(struct programs *programs) {
  free(programs->list.items);
  free(programs->next.items);
  *programs = (struct programs){0};
}

static int make_room(struct program_list *list, size_t num) {
  struct program *items =
      reserve(list->items, num + 1, &list->capacity, sizeof(*items));
  if (items == NULL)
    return -ENOMEM;
  list->items = items;
  return 0;
}

/* What is known of one id, and what was found. */
struct found {
  struct program *known; /* more than one when the id was given out again */
  size_t known_num;
  const struct prog_sample *sample; /* of the snapshot; NULL: it has none */
  const struct prog_sample *finals;
  size_t finals_num;
  uint64_t map_bytes; /* its share of maps */
  uint64_t time_ns;   /* of the snapshot */
  bool complete;      /* the snapshot */
  bool watched;
};

/* Finds the known program with that load time; or else a program that was not
 * read the last time, or never, and so may be the same one. Or returns NULL. */
static struct program *find_known(struct found *found, uint64_t load_time_ns) {
  struct program *unread = NULL;
  struct program *program = NULL;
  for (size_t i = 0; i < found->known_num && program == NULL; i++) {
    struct program *known = &found->known[i];
    if (known->id == 0)
      continue; /* it was taken before */
    if (known->load_time_ns == load_time_ns)
      program = known;
    else if (!known->in_snapshot &&
             (known->missing_since_ns == 0 || known->load_time_ns == 0))
      unread = known;
  }
  return program != NULL ? program : unread;
}

/* A program was born since the previous snapshot when it was loaded after that,
 * or when that one was complete and did not have it: load_time is taken before
 * verification, which can take longer than an interval. */
static bool is_born(const struct programs *programs,
                    const struct prog_sample *sample, bool was_unread) {
  if (programs->first_time_ns == 0)
    return false;
  return sample->load_time_ns > programs->last_time_ns ||
         (programs->last_complete && !was_unread);
}

/* Adds the program of a sample that can be read to the next list. */
static struct program *add(struct programs *programs, struct found *found,
                           const struct prog_sample *sample) {
  struct program *next = &programs->next.items[programs->next.num++];
  struct program *known = find_known(found, sample->load_time_ns);
  if (known != NULL && known->load_time_ns == sample->load_time_ns) {
    *next = *known;
    next->measured = known->in_snapshot;
    next->is_new = false;
  } else {
    *next = (struct program){
        .id = sample->id,
        .load_time_ns = sample->load_time_ns,
        .tag = strtoull(sample->tag, NULL, 16),
        .is_new = true,
        .measured = is_born(programs, sample, known != NULL),
    };
  }
  if (known != NULL)
    known->id = 0;
  next->memory_bytes = sample->memory_bytes;
  next->map_bytes = found->map_bytes;
  next->misses = sample->misses;
  next->is_elsewhere = sample->is_elsewhere;
  next->in_snapshot = true;
  next->missing_since_ns = 0;
  next->missing_before = false;
  next->sample = sample;
  next->advance = prog_stats_sub(sample->stats, next->counted);
  next->counted = prog_stats_add(next->counted, next->advance);
  return next;
}

/* Whether that is the end of a program which is not to be counted: it was
 * unloaded before the first snapshot; or it is so old that it was known, and
 * its end was awaited in vain, so that the totals have it already. */
static bool is_too_late(const struct programs *programs,
                        const struct found *found,
                        const struct prog_sample *final) {
  if (programs->first_time_ns == 0)
    return true;
  for (size_t i = 0; i < found->known_num; i++)
    if (found->known[i].id != 0)
      return false;
  return programs->last_time_ns > PROGRAM_AWAITED_MAX_NS &&
         final->load_time_ns < programs->last_time_ns - PROGRAM_AWAITED_MAX_NS;
}

/* Adds the unloaded programs. */
static void add_finals(struct programs *programs, struct found *found) {
  for (size_t i = 0; i < found->finals_num; i++) {
    const struct prog_sample *final = &found->finals[i];
    if (i > 0 && final[-1].load_time_ns == final->load_time_ns)
      continue;
    const struct prog_sample *sample = found->sample;
    bool in_snapshot =
        sample != NULL &&
        (sample->unreadable || sample->load_time_ns == final->load_time_ns);
    if (in_snapshot)
      found->sample = NULL;
    if (!in_snapshot && is_too_late(programs, found, final))
      continue;
    add(programs, found, final)->ended = true;
  }
}

/* Adds a program that was not read this time. */
static void add_unread(struct programs *programs, struct program program) {
  program.in_snapshot = false;
  program.sample = NULL;
  program.advance = (struct prog_stats){0};
  program.is_new = false;
  program.measured = false;
  programs->next.items[programs->next.num++] = program;
}

static void add_unreadable(struct programs *programs, struct found *found) {
  struct program unread = {.id = found->sample->id};
  for (size_t i = 0; i < found->known_num; i++) {
    struct program *known = &found->known[i];
    if (known->id == 0 || known->missing_since_ns != 0)
      continue;
    unread = *known;
    known->id = 0;
  }
  add_unread(programs, unread);
}

/* Adds the rest of what is known: a snapshot that was cut short may have missed
 * it, and of what a complete one has not the end may still come. */
static void add_missed(struct programs *programs, const struct found *found) {
  for (size_t i = 0; i < found->known_num; i++) {
    struct program program = found->known[i];
    if (program.id == 0 || (found->complete && !found->watched))
      continue;
    program.missing_before = program.missing_since_ns != 0;
    if (found->complete && !program.missing_before)
      program.missing_since_ns = found->time_ns;
    if (program.missing_since_ns != 0 &&
        found->time_ns - program.missing_since_ns > PROGRAM_AWAITED_MAX_NS)
      programs->given_up++;
    else
      add_unread(programs, program);
  }
}

static void merge_id(struct programs *programs, struct found *found) {
  add_finals(programs, found);
  if (found->sample != NULL && found->sample->unreadable)
    add_unreadable(programs, found);
  else if (found->sample != NULL)
    add(programs, found, found->sample);
  add_missed(programs, found);
}

static uint32_t min_id(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Goes on from share M to that of the program with this id. */
static uint64_t next_share(const struct prog_snapshot *snapshot, size_t *m,
                           uint32_t id) {
  const struct map_share *shares = snapshot->map_shares;
  while (*m < snapshot->map_shares_num && shares[*m].prog_id < id)
    (*m)++;
  return *m < snapshot->map_shares_num && shares[*m].prog_id == id
             ? shares[*m].bytes
             : 0;
}

/* Fills the next list, which has room for all. */
static void merge(struct programs *programs,
                  const struct prog_snapshot *snapshot) {
  static const struct unloads none;
  const struct unloads *unloads = snapshot->unloads;
  struct program_list *known = &programs->list;
  const struct unloads *ends = unloads != NULL ? unloads : &none;
  size_t k = 0;
  size_t s = 0;
  size_t e = 0;
  size_t m = 0;
  programs->next.num = 0;
  while (k < known->num || s < snapshot->samples_num || e < ends->samples_num) {
    uint32_t id = UINT32_MAX;
    if (k < known->num)
      id = min_id(id, known->items[k].id);
    if (s < snapshot->samples_num)
      id = min_id(id, snapshot->samples[s].id);
    if (e < ends->samples_num)
      id = min_id(id, ends->samples[e].id);
    struct found found = {.time_ns = snapshot->time_ns,
                          .complete = snapshot->complete,
                          .watched = unloads != NULL,
                          .map_bytes = next_share(snapshot, &m, id)};
    for (; k < known->num && known->items[k].id == id; k++)
      if (found.known_num++ == 0)
        found.known = &known->items[k];
    for (; e < ends->samples_num && ends->samples[e].id == id; e++)
      if (found.finals_num++ == 0)
        found.finals = &ends->samples[e];
    if (s < snapshot->samples_num && snapshot->samples[s].id == id)
      found.sample = &snapshot->samples[s++];
    merge_id(programs, &found);
  }
}

int programs_update(struct programs *programs,
                    const struct prog_snapshot *snapshot) {
  const struct unloads *unloads = snapshot->unloads;
  size_t num = programs->list.num + snapshot->samples_num +
               (unloads != NULL ? unloads->samples_num : 0);
  int rc = make_room(&programs->next, num);
  if (rc != 0)
    return rc;
  merge(programs, snapshot);
  struct program_list recycled = programs->list;
  programs->list = programs->next;
  programs->next = recycled;
  return 0;
}

bool program_is_loaded(const struct program *program) {
  return !program->ended && program->missing_since_ns == 0;
}

void program_add_up(const struct program *program, struct group *group,
                    enum part part) {
  if (program_is_loaded(program)) {
    group->programs++;
    group->memory_bytes += program->memory_bytes;
    group->map_bytes += program->map_bytes;
    group->memory_unknown |= program->memory_bytes == 0;
  }
  if (program->load_time_ns != 0)
    group->misses |= 1U << program->misses;
  if (program->measured)
    group_measure(group, part, program->advance, program->misses);
  else if (!program->missing_before)
    group_miss(group, part, program->sample != NULL);
  if (program->measured || !program->is_new)
    group->counted = prog_stats_add(group->counted, program->advance);
  group->total = prog_stats_add(group->total, program->advance);
}

void programs_settle(struct programs *programs,
                     const struct prog_snapshot *snapshot) {
  struct program_list *list = &programs->list;
  size_t num = 0;
  for (size_t i = 0; i < list->num; i++) {
    list->items[i].sample = NULL;
    if (!list->items[i].ended)
      list->items[num++] = list->items[i];
  }
  list->num = num;
  if (programs->first_time_ns == 0)
    programs->first_time_ns = snapshot->time_ns;
  programs->last_time_ns = snapshot->time_ns;
  programs->last_awake_ns = snapshot->awake_ns;
  programs->last_complete = snapshot->complete;
}
