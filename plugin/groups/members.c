/* SPDX-License-Identifier: MIT */
/* members: merges the known programs with a snapshot and with what the watch on
 * unloads has found. All three are in ascending order of ids: one pass. */
#include "members.h"

#include <errno.h>
#include <stdlib.h>

/* For how many complete snapshots the final counters of a program that has
 * vanished are awaited. They are handed over before its id is free, mostly
 * within microseconds, but the kernel may leave that to a work queue. Given up
 * too early, they would be taken for those of a program never seen before. */
enum { ABSENT_MAX = 10 };

void members_clear(struct members *members) {
  free(members->list.items);
  free(members->next.items);
  *members = (struct members){0};
}

static int reserve(struct member_list *list, size_t num) {
  if (num <= list->capacity)
    return 0;
  size_t capacity = num + num / 2;
  struct member *items = reallocarray(list->items, capacity, sizeof(*items));
  if (items == NULL)
    return -ENOMEM;
  list->items = items;
  list->capacity = capacity;
  return 0;
}

/* What is known of one id, and what was found. */
struct found {
  struct member *known; /* more than one when the id was given out again */
  size_t known_num;
  const struct prog_sample *sample; /* of the snapshot; NULL: it has none */
  const struct prog_sample *finals;
  size_t finals_num;
  bool complete; /* snapshot */
  bool watched;
};

/* Finds the member that such a sample is of, or else one that was there but not
 * read the last time, or never, so that it may be. NULL: there is none. */
static struct member *claim(struct found *found, uint64_t load_time_ns) {
  struct member *unread = NULL;
  struct member *member = NULL;
  for (size_t i = 0; i < found->known_num && member == NULL; i++) {
    struct member *known = &found->known[i];
    if (known->id == 0)
      continue; /* it was taken before */
    if (known->load_time_ns == load_time_ns)
      member = known;
    else if (!known->read && (known->absent == 0 || known->load_time_ns == 0))
      unread = known;
  }
  return member != NULL ? member : unread;
}

/* A program was born in this interval when it was loaded after the previous
 * snapshot, or when that one was complete and did not have it: load_time is
 * taken before verification, which can take longer than an interval. */
static bool is_born(const struct members *members,
                    const struct prog_sample *sample, bool was_unread) {
  if (members->first_time_ns == 0)
    return false;
  return sample->load_time_ns > members->last_time_ns ||
         (members->last_complete && !was_unread);
}

/* Adds the program of a sample that can be read to the next list. */
static struct member *add(struct members *members, struct found *found,
                          const struct prog_sample *sample) {
  struct member *next = &members->next.items[members->next.num++];
  struct member *known = claim(found, sample->load_time_ns);
  if (known != NULL && known->load_time_ns == sample->load_time_ns) {
    *next = *known;
    next->has_delta = known->read;
    next->is_new = false;
  } else {
    *next = (struct member){
        .id = sample->id,
        .load_time_ns = sample->load_time_ns,
        .is_new = true,
        .has_delta = is_born(members, sample, known != NULL),
    };
  }
  if (known != NULL)
    known->id = 0;
  next->memory_bytes = sample->memory_bytes;
  next->read = true;
  next->absent = 0;
  next->sample = sample;
  next->seen = true;
  return next;
}

/* Adds the unloaded programs. Before the first snapshot they are of no
 * interest, unless that still had them. */
static void add_finals(struct members *members, struct found *found) {
  for (size_t i = 0; i < found->finals_num; i++) {
    const struct prog_sample *final = &found->finals[i];
    if (i > 0 && final[-1].load_time_ns == final->load_time_ns)
      continue;
    const struct prog_sample *sample = found->sample;
    bool seen = sample != NULL && (sample->unreadable ||
                                   sample->load_time_ns == final->load_time_ns);
    if (seen)
      found->sample = NULL;
    if (members->first_time_ns == 0 && !seen)
      continue;
    struct member *member = add(members, found, final);
    member->gone = true;
    member->seen = seen;
  }
}

/* Adds a program that was not read this time. */
static void add_unread(struct members *members, struct member member,
                       bool seen) {
  member.read = false;
  member.sample = NULL;
  member.seen = seen;
  member.is_new = false;
  member.has_delta = false;
  members->next.items[members->next.num++] = member;
}

static void add_unreadable(struct members *members, struct found *found) {
  struct member unread = {.id = found->sample->id};
  for (size_t i = 0; i < found->known_num; i++) {
    struct member *known = &found->known[i];
    if (known->id == 0 || known->absent > 0)
      continue;
    unread = *known;
    known->id = 0;
  }
  add_unread(members, unread, true);
}

/* Adds the rest of what is known: a snapshot that was cut short may have missed
 * it, and of what a complete one has not the end may still come. */
static void add_missed(struct members *members, const struct found *found) {
  for (size_t i = 0; i < found->known_num; i++) {
    struct member member = found->known[i];
    if (member.id == 0 || (found->complete && !found->watched))
      continue;
    if (found->complete && ++member.absent > ABSENT_MAX)
      members->given_up++;
    else
      add_unread(members, member, false);
  }
}

static void merge_id(struct members *members, struct found *found) {
  add_finals(members, found);
  if (found->sample != NULL && found->sample->unreadable)
    add_unreadable(members, found);
  else if (found->sample != NULL)
    add(members, found, found->sample);
  add_missed(members, found);
}

static uint32_t min_id(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Fills the next list, which has room for all. */
static void merge(struct members *members,
                  const struct prog_snapshot *snapshot) {
  static const struct unloads none;
  const struct unloads *unloads = snapshot->unloads;
  struct member_list *known = &members->list;
  const struct unloads *ends = unloads != NULL ? unloads : &none;
  size_t k = 0;
  size_t s = 0;
  size_t e = 0;
  members->next.num = 0;
  while (k < known->num || s < snapshot->samples_num || e < ends->samples_num) {
    uint32_t id = UINT32_MAX;
    if (k < known->num)
      id = min_id(id, known->items[k].id);
    if (s < snapshot->samples_num)
      id = min_id(id, snapshot->samples[s].id);
    if (e < ends->samples_num)
      id = min_id(id, ends->samples[e].id);
    struct found found = {.complete = snapshot->complete,
                          .watched = unloads != NULL};
    for (; k < known->num && known->items[k].id == id; k++)
      if (found.known_num++ == 0)
        found.known = &known->items[k];
    for (; e < ends->samples_num && ends->samples[e].id == id; e++)
      if (found.finals_num++ == 0)
        found.finals = &ends->samples[e];
    if (s < snapshot->samples_num && snapshot->samples[s].id == id)
      found.sample = &snapshot->samples[s++];
    merge_id(members, &found);
  }
}

int members_update(struct members *members,
                   const struct prog_snapshot *snapshot) {
  const struct unloads *unloads = snapshot->unloads;
  size_t num = members->list.num + snapshot->samples_num +
               (unloads != NULL ? unloads->samples_num : 0);
  int rc = reserve(&members->next, num);
  if (rc != 0)
    return rc;
  merge(members, snapshot);
  struct member_list recycled = members->list;
  members->list = members->next;
  members->next = recycled;
  return 0;
}

void members_settle(struct members *members,
                    const struct prog_snapshot *snapshot) {
  struct member_list *list = &members->list;
  size_t num = 0;
  for (size_t i = 0; i < list->num; i++) {
    list->items[i].sample = NULL;
    if (!list->items[i].gone)
      list->items[num++] = list->items[i];
  }
  list->num = num;
  if (members->first_time_ns == 0)
    members->first_time_ns = snapshot->time_ns;
  members->last_time_ns = snapshot->time_ns;
  members->last_complete = snapshot->complete;
}
