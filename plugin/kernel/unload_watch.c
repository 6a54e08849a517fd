/* SPDX-License-Identifier: MIT */
/* unload_watch: reads the ring and the counters that unload_watch.bpf.c fills.
 */
#include "unload_watch.h"

#include "kernel_error.h"
#include "prog_name.h"
#include "prog_record.h"
#include "prog_stream.h"
#include "samples.h"
#include "self_check.h"
#include "unload_maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one read takes from the ring at most, so that programs that come and go
 * without end cannot keep it: more than fits into any ring of a sane size. */
enum { RECORDS_MAX = 1 << 20 };

struct unload_watch {
  struct unload_maps *maps;
  struct ring_buffer *ring;
  struct ring_buffer *owner_ring; /* NULL: not wanted */
  owner_take take_owner;          /* while that is read */
  void *owner_context;
  uint32_t prog_ids[UNLOAD_PROGRAMS_NUM];
  bool has_taken;                 /* anything at all */
  struct unload_counters taken;   /* up to what was taken in */
  struct unload_counters current; /* of the last begin */
  struct unload_counters before;  /* of the begin before that */
  /* Of the ring, not taken in yet. */
  struct sample_list samples;
  uint64_t unusable;   /* records */
  size_t records_left; /* that this read may still take */
  /* Since the watch was opened. */
  uint64_t records;      /* taken out of the ring */
  uint64_t others;       /* the most that others can have taken before it */
  uint64_t stolen;       /* the least that others have taken since then */
  uint64_t stolen_taken; /* stolen ones that are taken in already */
};

/* Makes a sample of a record. Returns whether that could be done. */
static bool make_sample(const void *data, size_t size,
                        struct prog_sample *ret_sample) {
  struct prog_record record;
  const char *full_name = NULL;
  ssize_t record_size = prog_record_parse(data, size, &record, &full_name);
  if (record_size < 0 || (size_t)record_size > size || record.id == 0)
    return false;
  *ret_sample = (struct prog_sample){
      .id = record.id,
      .load_time_ns = record.load_time_ns,
      .uid = record.uid,
      .stats = {.cnt = record.cnt,
                .nsecs = record.nsecs,
                .misses = record.misses},
  };
  sample_describe(ret_sample, record.type, record.flags, record.tag);
  return prog_name_make(record.short_name, full_name, record.tag,
                        (char **)&ret_sample->name) == 0;
}

/* Takes one record from the ring. Returns 0, or -EAGAIN to stop after it. */
static int take_record(void *context, void *data, size_t size) {
  struct unload_watch *watch = context;
  struct sample_list *list = &watch->samples;
  struct prog_sample sample;
  watch->records++;
  if (sample_list_reserve(list, list->num + 1) == 0 &&
      make_sample(data, size, &sample))
    list->items[list->num++] = sample;
  else
    watch->unusable++;
  return --watch->records_left == 0 ? -EAGAIN : 0;
}

static void drain(struct unload_watch *watch) {
  watch->records_left = RECORDS_MAX;
  ring_buffer__consume(watch->ring);
}

static int take_owner_record(void *context, void *data, size_t size) {
  struct unload_watch *watch = context;
  struct owner_record record;
  struct owner_path path;
  ssize_t record_size = owner_record_parse(data, size, &record, &path);
  if (record_size >= 0 && (size_t)record_size <= size)
    watch->take_owner(watch->owner_context, &record, &path);
  return --watch->records_left == 0 ? -EAGAIN : 0;
}

void unload_watch_read_owners(struct unload_watch *watch, owner_take take,
                              void *context) {
  if (watch->owner_ring == NULL)
    return;
  watch->take_owner = take;
  watch->owner_context = context;
  watch->records_left = RECORDS_MAX;
  ring_buffer__consume(watch->owner_ring);
}

/* Checks that the watch tells the truth about a program that is unloaded. */
static int check(struct unload_watch *watch, char *reason, size_t reason_size) {
  struct self_check check;
  struct unloads unloads = {0};
  int rc =
      self_check_begin(&check, "the watch on unloads", reason, reason_size);
  if (rc != 0)
    return rc;
  rc = unload_watch_read_counts(watch);
  self_check_unload(&check);
  if (rc == 0)
    unload_watch_read_records(watch, &unloads);
  return self_check_end(&check, rc, unloads.samples, unloads.samples_num);
}

static int open_ring(struct unload_watch *watch, char *reason,
                     size_t reason_size) {
  const int owners_fd = unload_maps_owners_fd(watch->maps);
  watch->ring = ring_buffer__new(unload_maps_ring_fd(watch->maps), take_record,
                                 watch, NULL);
  if (watch->ring != NULL && owners_fd >= 0)
    watch->owner_ring =
        ring_buffer__new(owners_fd, take_owner_record, watch, NULL);
  if (watch->ring != NULL && (owners_fd < 0 || watch->owner_ring != NULL))
    return 0;
  int rc = -errno;
  snprintf(reason, reason_size, "the ring of unloads does not open: %s",
           kernel_error_text(rc));
  return rc;
}

int unload_watch_new(const char *pin_dir, size_t ring_size_bytes, bool owners,
                     struct unload_watch **ret_watch, char *reason,
                     size_t reason_size) {
  snprintf(reason, reason_size, "out of memory");
  struct unload_watch *watch = calloc(1, sizeof(*watch));
  if (watch == NULL)
    return -ENOMEM;
  watch->others = UINT64_MAX;
  int rc =
      pin_dir != NULL
          ? unload_maps_open(pin_dir, owners, &watch->maps, reason, reason_size)
          : unload_maps_load(ring_size_bytes, owners, &watch->maps, reason,
                             reason_size);
  if (rc == 0)
    rc = open_ring(watch, reason, reason_size);
  if (rc == 0 && pin_dir == NULL)
    rc = check(watch, reason, reason_size);
  if (rc == 0)
    *ret_watch = watch;
  else
    unload_watch_free(watch);
  return rc;
}

void unload_watch_free(struct unload_watch *watch) {
  if (watch == NULL)
    return;
  ring_buffer__free(watch->ring);
  ring_buffer__free(watch->owner_ring);
  unload_maps_free(watch->maps);
  sample_list_clear(&watch->samples);
  free(watch->samples.items);
  free(watch);
}

/* How many records the ring had been given when these were counted. */
static uint64_t records_of(const struct unload_counters *counters) {
  return counters->unloads - counters->lost;
}

static int read_counters(struct unload_watch *watch) {
  const int fd = unload_maps_counters_fd(watch->maps);
  uint32_t key = UNLOAD_SHARED_COUNTERS;
  union unload_shared shared;
  int rc = bpf_map_lookup_elem(fd, &key, &shared);
  if (rc != 0)
    return rc;
  watch->current = shared.counters;
  key = UNLOAD_SHARED_PROGRAMS;
  if (bpf_map_lookup_elem(fd, &key, &shared) == 0)
    memcpy(watch->prog_ids, shared.prog_ids, sizeof(watch->prog_ids));
  return 0;
}

/* What the ring was given and this watch has not taken out is either still in
 * the ring, or others have taken it. So the smallest such difference bounds
 * what others took before the watch was opened. */
static void bound_others(struct unload_watch *watch) {
  uint64_t others = records_of(&watch->current) - watch->records;
  if (others < watch->others)
    watch->others = others;
}

/* Before the first commit: what happened before the first read is dropped. */
static int begin_first(struct unload_watch *watch) {
  int rc = read_counters(watch);
  if (rc != 0)
    return rc;
  bound_others(watch);
  drain(watch);
  sample_list_clear(&watch->samples);
  watch->unusable = 0;
  /* Once more, as what was counted has to be in the ring from here on. */
  rc = read_counters(watch);
  watch->taken = watch->current;
  watch->before = watch->current;
  return rc;
}

int unload_watch_read_counts(struct unload_watch *watch) {
  int stale = unload_maps_check(watch->maps);
  if (!watch->has_taken)
    return stale != 0 ? stale : begin_first(watch);
  watch->before = watch->current;
  if (read_counters(watch) == 0) /* else the next read makes up for it */
    bound_others(watch);
  return stale;
}

void unload_watch_take_over(struct unload_watch *watch,
                            struct unload_watch *old) {
  if (!old->has_taken)
    return;
  drain(old);
  watch->has_taken = true;
  watch->samples = old->samples;
  old->samples = (struct sample_list){0};
  watch->unusable = old->unusable + old->stolen - old->stolen_taken;
  watch->taken = old->taken;
  read_counters(watch);
  if (unload_maps_ring_id(watch->maps) == unload_maps_ring_id(old->maps))
    return;
  /* The counts of the new one begin at 0, and those of the old one have a rest.
   * All differences are modulo 2^64. */
  const struct unload_counters *end = &old->current;
  watch->taken.loads -= end->loads;
  watch->taken.unloads -= end->unloads;
  watch->taken.lost -= end->lost;
}

/* A task that is preempted while it writes a record keeps all that come after
 * it in the ring. */
static bool is_empty(const struct unload_watch *watch) {
  struct pollfd ring = {.fd = unload_maps_ring_fd(watch->maps),
                        .events = POLLIN};
  return poll(&ring, 1, 0) == 0;
}

/* Somebody else who reads the ring takes records away from us, and only the
 * number of unloads shows that. A record is in the ring before its unload is
 * counted: so the counts of the previous read are compared, once the ring is
 * empty. */
static void find_stolen(struct unload_watch *watch) {
  if (watch->others == UINT64_MAX || !is_empty(watch))
    return; /* the counts were never read, or records are still to come */
  uint64_t expected = records_of(&watch->before) - watch->others;
  int64_t missing = (int64_t)(expected - watch->records);
  if (missing > 0 && (uint64_t)missing > watch->stolen)
    watch->stolen = (uint64_t)missing;
}

static int compare_samples(const void *a, const void *b) {
  const struct prog_sample *first = a;
  const struct prog_sample *second = b;
  if (first->id != second->id)
    return first->id < second->id ? -1 : 1;
  if (first->load_time_ns != second->load_time_ns)
    return first->load_time_ns < second->load_time_ns ? -1 : 1;
  return 0;
}

void unload_watch_read_records(struct unload_watch *watch,
                               struct unloads *ret_unloads) {
  drain(watch);
  find_stolen(watch);
  struct sample_list *list = &watch->samples;
  if (list->num > 1)
    qsort(list->items, list->num, sizeof(list->items[0]), compare_samples);
  const struct unload_counters *now = &watch->current;
  const struct unload_counters *then = &watch->taken;
  const uint64_t stolen = watch->stolen - watch->stolen_taken;
  *ret_unloads = (struct unloads){
      .begins = !watch->has_taken,
      .loaded = now->loads - then->loads,
      .unloaded = now->unloads - then->unloads,
      .lost = now->lost - then->lost + watch->unusable + stolen,
      .stolen = stolen,
      .samples = list->items,
      .samples_num = list->num,
  };
}

const uint32_t *unload_watch_prog_ids(const struct unload_watch *watch) {
  return watch->prog_ids;
}

void unload_watch_commit(struct unload_watch *watch) {
  watch->has_taken = true;
  watch->taken = watch->current;
  watch->unusable = 0;
  watch->stolen_taken = watch->stolen;
  sample_list_clear(&watch->samples);
}
