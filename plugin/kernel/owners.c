/* SPDX-License-Identifier: MIT */
/* owners: a list in the order of (id, load_time_ns). */
#include "owners.h"

#include "holders.h"
#include "owner_iter.h"
#include "owner_proc.h"
#include "reserve.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t gone_max_ns = 120ULL * 1000 * 1000 * 1000;
enum { ENTRIES_MAX = 1 << 20 };

/* By which way an owner was found, in the order of precedence. */
enum way { WAY_NONE, WAY_USER, WAY_SLICE, WAY_HOLDER, WAY_PAYER, WAY_LOAD };

struct entry {
  uint32_t id;
  uint64_t load_time_ns;
  uint64_t gone_ns; /* when it was first missed, CLOCK_BOOTTIME; 0: it is there
                     */
  enum way way;
  bool is_new; /* nobody was asked yet */
  char *name;  /* owned; NULL: to be made of the user */
  bool is_own;
};

struct owners {
  const char *pin; /* until it is opened */
  bool is_open;
  struct owner_iter *iter; /* NULL: none loads */
  struct entry *entries;
  size_t num;
  size_t max;
  size_t sorted_num; /* the rest was appended since */
};

static int compare_key(const struct entry *entry, uint32_t id,
                       uint64_t load_time_ns) {
  if (entry->id != id)
    return entry->id < id ? -1 : 1;
  if (entry->load_time_ns != load_time_ns)
    return entry->load_time_ns < load_time_ns ? -1 : 1;
  return 0;
}

static int compare(const void *a, const void *b) {
  const struct entry *second = b;
  return compare_key(a, second->id, second->load_time_ns);
}

static void sort(struct owners *owners) {
  if (owners->sorted_num != owners->num)
    qsort(owners->entries, owners->num, sizeof(owners->entries[0]), compare);
  owners->sorted_num = owners->num;
}

/* Returns the first of the sorted ones that does not come before that. */
static size_t find_place(const struct owners *owners, uint32_t id,
                         uint64_t load_time_ns) {
  size_t begin = 0;
  size_t end = owners->sorted_num;
  while (begin < end) {
    const size_t middle = begin + (end - begin) / 2;
    if (compare_key(&owners->entries[middle], id, load_time_ns) < 0)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

static struct entry *find(const struct owners *owners, uint32_t id,
                          uint64_t load_time_ns) {
  const size_t place = find_place(owners, id, load_time_ns);
  struct entry *entry = &owners->entries[place];
  return place < owners->sorted_num && compare_key(entry, id, load_time_ns) == 0
             ? entry
             : NULL;
}

/* The same for ascending (id, load time), from *CURSOR on, 0 at first. */
static struct entry *find_next(const struct owners *owners, size_t *cursor,
                               const struct prog_sample *sample) {
  const uint64_t load_time_ns = sample->load_time_ns;
  int order = -1;
  while (*cursor < owners->sorted_num &&
         (order = compare_key(&owners->entries[*cursor], sample->id,
                              load_time_ns)) < 0)
    ++*cursor;
  return order == 0 ? &owners->entries[*cursor] : NULL;
}

/* Returns the program that had the id last: where nothing but the id is known,
 * that is the program that is there. */
static struct entry *find_last(const struct owners *owners, uint32_t id) {
  const size_t place = find_place(owners, id, UINT64_MAX);
  struct entry *entry = place > 0 ? &owners->entries[place - 1] : NULL;
  return entry != NULL && entry->id == id ? entry : NULL;
}

static struct entry *append(struct owners *owners, uint32_t id,
                            uint64_t load_time_ns) {
  struct entry *entries = owners->num == ENTRIES_MAX
                              ? NULL
                              : reserve(owners->entries, owners->num + 1,
                                        &owners->max, sizeof(*entries));
  if (entries == NULL)
    return NULL;
  owners->entries = entries;
  struct entry *entry = &entries[owners->num++];
  *entry = (struct entry){.id = id, .load_time_ns = load_time_ns};
  return entry;
}

/* Without memory for the name it stays as it is. */
static void set(struct entry *entry, enum way way, const char *name) {
  char *copy = strdup(name);
  if (copy == NULL)
    return;
  free(entry->name);
  entry->name = copy;
  entry->way = way;
}

void owners_take_load(void *context, const struct owner_record *record,
                      const struct owner_path *path) {
  struct owners *owners = context;
  char name[OWNER_NAME_SIZE];
  const enum owner_rank rank = owner_record_name(record, path, name);
  struct entry *entry = find(owners, record->id, record->load_time_ns);
  if (entry == NULL)
    entry = append(owners, record->id, record->load_time_ns);
  if (entry == NULL)
    return;
  if (rank != OWNER_NONE) {
    set(entry, WAY_LOAD, name);
    return;
  }
  free(entry->name); /* the other ways would but guess */
  entry->name = NULL;
  entry->way = WAY_USER;
}

static void take_payer(void *context, const struct owner_record *record,
                       const struct owner_path *path) {
  struct owners *owners = context;
  char name[OWNER_NAME_SIZE];
  struct entry *entry = find(owners, record->id, record->load_time_ns);
  if (entry == NULL || !entry->is_new)
    return;
  const enum owner_rank rank = owner_record_name(record, path, name);
  if (rank != OWNER_NONE)
    set(entry, rank == OWNER_FULL ? WAY_PAYER : WAY_SLICE, name);
}

struct held {
  struct owners *owners;
  struct holders holders;
};

static void take_holder(void *context, const struct owner_record *record,
                        const struct owner_path *path) {
  struct held *held = context;
  const struct entry *entry =
      record->load_time_ns == 0
          ? find_last(held->owners, record->id)
          : find(held->owners, record->id, record->load_time_ns);
  if (entry != NULL)
    holders_add(&held->holders, entry->id, entry->load_time_ns, record, path);
}

static struct holders_claim what_is_known(void *context, uint32_t id,
                                          uint64_t load_time_ns) {
  const struct entry *entry = find(context, id, load_time_ns);
  return (struct holders_claim){.owner = entry->way >= WAY_HOLDER ? entry->name
                                                                  : NULL,
                                .is_own = entry->is_own};
}

static void set_holder(void *context, uint32_t id, uint64_t load_time_ns,
                       const char *owner) {
  struct entry *entry = find(context, id, load_time_ns);
  if (entry->is_new && entry->way < WAY_HOLDER)
    set(entry, WAY_HOLDER, owner);
}

static void mark_own(struct owners *owners,
                     const struct prog_snapshot *snapshot) {
  for (size_t i = 0; i < owners->num; i++)
    owners->entries[i].is_own = false;
  for (size_t i = 0; i < snapshot->own_ids_num; i++) {
    struct entry *entry = find_last(owners, snapshot->own_ids[i]);
    if (entry != NULL)
      entry->is_own = true;
  }
}

static void ask_holders(struct owners *owners) {
  struct held held = {.owners = owners};
  int rc =
      owners->iter == NULL
          ? -ENOTSUP
          : owner_iter_read(owners->iter, OWNER_ITER_FILES, take_holder, &held);
  if (rc != 0) {
    holders_clear(&held.holders);
    rc = owner_proc_read("/proc", take_holder, &held);
  }
  if (rc == 0)
    holders_judge(&held.holders, what_is_known, set_holder, owners);
  holders_clear(&held.holders);
}

/* Whether there is a new program for which the ways so far have no name that is
 * better than that of the next way. */
static bool is_open_question(const struct owners *owners) {
  for (size_t i = 0; i < owners->num; i++)
    if (owners->entries[i].is_new && owners->entries[i].way < WAY_HOLDER &&
        !owners->entries[i].is_own)
      return true;
  return false;
}

static void ask(struct owners *owners, const struct prog_snapshot *snapshot) {
  if (owners->iter != NULL)
    owner_iter_read(owners->iter, OWNER_ITER_PAYER, take_payer, owners);
  mark_own(owners, snapshot);
  if (is_open_question(owners))
    ask_holders(owners);
  for (size_t i = 0; i < owners->num; i++) {
    struct entry *entry = &owners->entries[i];
    if (entry->is_new && entry->way == WAY_NONE)
      entry->way = WAY_USER;
    entry->is_new = false;
  }
}

/* Adds those that are not known, as new ones if they ARE_THERE: of what is gone
 * nothing more can be asked. Returns whether there was any. */
static bool add_unknown(struct owners *owners,
                        const struct prog_sample *samples, size_t num,
                        bool are_there) {
  const size_t num_before = owners->num;
  size_t cursor = 0;
  for (size_t i = 0; i < num; i++) {
    if (samples[i].unreadable ||
        find_next(owners, &cursor, &samples[i]) != NULL)
      continue;
    struct entry *entry =
        append(owners, samples[i].id, samples[i].load_time_ns);
    if (entry != NULL) {
      entry->is_new = are_there;
      entry->way = are_there ? WAY_NONE : WAY_USER;
    }
  }
  sort(owners);
  return owners->num != num_before;
}

/* The samples belong to the source or the watch, which hand them out as
 * something that is not to be changed: this is part of how they are made. */
static void set_owner(struct prog_sample *sample, struct entry *entry) {
  sample->owner = owner_unknown;
  sample->is_owned = false;
  if (entry == NULL)
    return;
  if (entry->name == NULL && !sample->unreadable) {
    char name[OWNER_NAME_SIZE];
    owner_name_uid(sample->uid, name);
    set(entry, entry->way, name);
  }
  if (entry->name == NULL)
    return;
  sample->owner = entry->name;
  sample->is_owned = entry->way != WAY_USER;
}

static void assign(const struct owners *owners,
                   const struct prog_sample *samples, size_t num,
                   bool are_there) {
  size_t cursor = 0;
  for (size_t i = 0; i < num; i++) {
    struct entry *entry = samples[i].unreadable
                              ? find_last(owners, samples[i].id)
                              : find_next(owners, &cursor, &samples[i]);
    set_owner((struct prog_sample *)&samples[i], entry);
    if (entry != NULL && are_there)
      entry->gone_ns = UINT64_MAX;
  }
}

/* Those that are there have been marked. */
static void forget_gone(struct owners *owners,
                        const struct prog_snapshot *snapshot) {
  size_t num = 0;
  for (size_t i = 0; i < owners->num; i++) {
    struct entry *entry = &owners->entries[i];
    const uint64_t gone_ns = entry->gone_ns;
    if (gone_ns == UINT64_MAX)
      entry->gone_ns = 0;
    else if (gone_ns == 0 && snapshot->complete)
      entry->gone_ns = snapshot->time_ns;
    else if (gone_ns != 0 && snapshot->time_ns - gone_ns > gone_max_ns) {
      free(entry->name);
      continue;
    }
    owners->entries[num++] = *entry;
  }
  owners->num = owners->sorted_num = num;
}

struct owners *owners_new(const char *iterator_pin) {
  struct owners *owners = calloc(1, sizeof(*owners));
  if (owners != NULL)
    owners->pin = iterator_pin;
  return owners;
}

void owners_free(struct owners *owners) {
  if (owners == NULL)
    return;
  owner_iter_free(owners->iter);
  for (size_t i = 0; i < owners->num; i++)
    free(owners->entries[i].name);
  free(owners->entries);
  free(owners);
}

void owners_open(struct owners *owners) {
  if (!owners->is_open)
    owners->iter =
        owners->pin != NULL ? owner_iter_open(owners->pin) : owner_iter_load();
  owners->is_open = true;
}

void owners_ids(const struct owners *owners, uint32_t ids[OWNER_PROGRAMS_NUM]) {
  owner_iter_ids(owners->iter, ids);
}

void owners_find(struct owners *owners, const struct prog_snapshot *snapshot,
                 const struct unloads *unloads) {
  owners_open(owners);
  sort(owners);
  if (add_unknown(owners, snapshot->samples, snapshot->samples_num, true))
    ask(owners, snapshot);
  if (unloads != NULL)
    add_unknown(owners, unloads->samples, unloads->samples_num, false);
  assign(owners, snapshot->samples, snapshot->samples_num, true);
  if (unloads != NULL)
    assign(owners, unloads->samples, unloads->samples_num, false);
  forget_gone(owners, snapshot);
}
