/* SPDX-License-Identifier: MIT */
/* samples: two lists that change places with each snapshot. */
#include "samples.h"

#include "prog_record.h"
#include "prog_type.h"
#include "reserve.h"

#include <linux/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Far above any real host; bounds a walk that would never end. */
enum { PROGRAMS_MAX = 1 << 20 };

void sample_list_clear(struct sample_list *list) {
  for (size_t i = 0; i < list->num; i++)
    free((char *)list->items[i].name);
  list->num = 0;
}

int sample_list_reserve(struct sample_list *list, size_t num) {
  struct prog_sample *items =
      reserve(list->items, num, &list->capacity, sizeof(*items));
  if (items == NULL)
    return -ENOMEM;
  list->items = items;
  return 0;
}

void samples_begin(struct samples *samples) {
  struct sample_list recycled = samples->previous;
  samples->previous = samples->current;
  samples->current = recycled;
  samples->cursor = 0;
  samples->read_errors = 0;
}

/* Appends a sample, which the caller then fills in. */
static int append(struct samples *samples, uint32_t id,
                  struct prog_sample **ret_sample) {
  struct sample_list *list = &samples->current;
  uint32_t last_id = list->num == 0 ? 0 : list->items[list->num - 1].id;
  if (id <= last_id || list->num == PROGRAMS_MAX)
    return -ELOOP;
  int rc = sample_list_reserve(list, list->num + 1);
  if (rc != 0)
    return rc;
  *ret_sample = &list->items[list->num++];
  return 0;
}

static struct prog_sample *find_previous(struct samples *samples, uint32_t id) {
  const struct sample_list *list = &samples->previous;
  while (samples->cursor < list->num && list->items[samples->cursor].id < id)
    samples->cursor++;
  bool found =
      samples->cursor < list->num && list->items[samples->cursor].id == id;
  return found ? &list->items[samples->cursor] : NULL;
}

/* Takes what may change while a program lives. */
static void take_flags(struct prog_sample *sample, uint32_t type,
                       unsigned flags) {
  sample->misses = prog_type_misses(type, flags);
  sample->is_elsewhere =
      type == BPF_PROG_TYPE_EXT || (flags & PROG_RECORD_CALLED) != 0;
}

int sample_describe(struct prog_sample *sample, uint32_t type, unsigned flags,
                    const uint8_t tag[8]) {
  take_flags(sample, type, flags);
  const char *type_name = prog_type_name(type);
  int rc = type_name == NULL && errno != ENOENT ? -errno : 0;
  if (type_name != NULL)
    snprintf(sample->type_name, sizeof(sample->type_name), "%s", type_name);
  else
    snprintf(sample->type_name, sizeof(sample->type_name), "type_%u", type);
  for (size_t i = 0; i < 8; i++)
    snprintf(&sample->tag[2 * i], 3, "%02x", tag[i]);
  return rc;
}

int samples_add(struct samples *samples, uint32_t id, uint64_t load_time_ns,
                uint32_t type, unsigned flags, const uint8_t tag[8],
                struct prog_sample **ret_sample) {
  struct prog_sample *sample = NULL;
  int rc = append(samples, id, &sample);
  if (rc != 0)
    return rc;
  *ret_sample = sample;
  struct prog_sample *known = find_previous(samples, id);
  if (known != NULL && known->name != NULL &&
      known->load_time_ns == load_time_ns) {
    *sample = *known;
    take_flags(sample, type, flags);
    known->name = NULL; /* it has moved */
    return 0;
  }
  *sample = (struct prog_sample){.id = id, .load_time_ns = load_time_ns};
  return sample_describe(sample, type, flags, tag);
}

int samples_add_unreadable(struct samples *samples, uint32_t id) {
  struct sample_list *list = &samples->current;
  struct prog_sample *sample = NULL;
  if (list->num > 0 && list->items[list->num - 1].id == id) {
    sample = &list->items[list->num - 1];
    free((char *)sample->name);
  } else {
    int rc = append(samples, id, &sample);
    if (rc != 0)
      return rc;
  }
  *sample = (struct prog_sample){.id = id, .unreadable = true};
  samples->read_errors++;
  return 0;
}

int samples_end(struct samples *samples, int walk_error, int read_error,
                struct prog_snapshot *ret) {
  sample_list_clear(&samples->previous);
  const struct sample_list *list = &samples->current;
  ret->error = walk_error;
  if (walk_error == 0 && samples->read_errors > 0)
    ret->error = read_error;
  if (list->num == samples->read_errors && ret->error != 0)
    return ret->error; /* none was readable */
  ret->samples = list->items;
  ret->samples_num = list->num;
  ret->read_errors = samples->read_errors;
  ret->complete = walk_error == 0;
  return 0;
}

void samples_clear(struct samples *samples) {
  sample_list_clear(&samples->current);
  sample_list_clear(&samples->previous);
  free(samples->current.items);
  free(samples->previous.items);
  *samples = (struct samples){0};
}
