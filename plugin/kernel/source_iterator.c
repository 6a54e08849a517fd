/* SPDX-License-Identifier: MIT */
/* source_iterator: snapshots through the iterator, a few reads for all
 * programs, loaded by this process or pinned by another. */
#include "bpf_load.h"
#include "kernel_error.h"
#include "pins.h"
#include "prog_name.h"
#include "prog_stream.h"
#include "samples.h"
#include "self_check.h"
#include "source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_BPF_PROGRAMS
#include "prog_iter.skel.h"
#include "prog_iter_probe.skel.h"
#else
struct prog_iter;
#endif

struct source_iterator {
  struct source base;
  struct prog_iter *skeleton; /* of prog_iter.bpf.c; NULL: pin */
  char *pin;                  /* path */
  uint64_t page_size_bytes;
  bool knows_elsewhere;
  uint32_t names_from; /* programs with a lower id have no full names */
  bool lacks_name;     /* the walk has met one of these that is not known */
  enum statistics statistics;
  struct samples samples;
  struct prog_stream stream;
};

#ifdef HAVE_BPF_PROGRAMS

/* PROBES: with the object for kernels that refuse the skeleton's own, of the
 * same source. */
static int load_and_attach(struct prog_iter *skeleton, bool probes) {
  struct bpf_object_skeleton *object = skeleton->skeleton;
  if (probes)
    object->data = (void *)prog_iter_probe__elf_bytes(&object->data_sz);
  int rc = bpf_object__open_skeleton(object, NULL);
  if (rc == 0)
    rc = prog_iter__load(skeleton);
  if (rc == 0)
    rc = bpf_load_find_cpus(skeleton->progs.bpf_stats_cpus,
                            bpf_map__fd(skeleton->maps.anchor));
  return rc == 0 ? prog_iter__attach(skeleton) : rc;
}

static void destroy(struct source_iterator *source) {
  prog_iter__destroy(source->skeleton);
}

static int load_object(struct source_iterator *source, char *reason,
                       size_t reason_size) {
  source->skeleton = calloc(1, sizeof(*source->skeleton));
  if (source->skeleton == NULL)
    return -ENOMEM;
  bpf_load_begin();
  int rc = prog_iter__create_skeleton(source->skeleton);
  if (rc == 0)
    rc = load_and_attach(source->skeleton, source->base.probes);
  bpf_load_end(rc, "iterator", NULL, reason, reason_size);
  return rc;
}

static int load(struct source_iterator *source, char *reason,
                size_t reason_size) {
  if (load_object(source, reason, reason_size) == 0)
    return 0;
  destroy(source);
  source->base.probes = true;
  return load_object(source, reason, reason_size);
}

/* Begins a walk. Returns an fd to read the stream from, or -errno. */
static int open_own(const struct source_iterator *source) {
  return bpf_iter_create(bpf_link__fd(source->skeleton->links.bpf_stats_iter));
}

static void set_names_from(struct source_iterator *source, uint32_t id) {
  if (source->skeleton != NULL)
    source->names_from = source->skeleton->bss->names_from = id;
}

int source_iterator_pin(const struct source *source,
                        struct prog_record_siblings siblings,
                        const char *path) {
  const struct prog_iter *skeleton =
      ((const struct source_iterator *)source)->skeleton;
  skeleton->bss->siblings = siblings;
  skeleton->bss->names_from = 0;
  return bpf_obj_pin(bpf_link__fd(skeleton->links.bpf_stats_iter), path);
}

#else

static int load(struct source_iterator *source, char *reason,
                size_t reason_size) {
  (void)source;
  snprintf(reason, reason_size, "this build has no iterator");
  return -ENOTSUP;
}

static int open_own(const struct source_iterator *source) {
  (void)source;
  return -ENOTSUP;
}

static void destroy(struct source_iterator *source) { (void)source; }

static void set_names_from(struct source_iterator *source, uint32_t id) {
  (void)source;
  (void)id;
}

#endif

/* Whether its full name may have been left out. */
static bool is_unnamed(const struct source_iterator *source,
                       const struct prog_record *record) {
  return record->id < source->names_from &&
         record->short_name[PROG_RECORD_SHORT_NAME_SIZE - 2] != '\0';
}

static int add_record(struct source_iterator *source,
                      const struct prog_record *record, const char *full_name) {
  struct samples *samples = &source->samples;
  if ((record->flags & PROG_RECORD_UNREADABLE) != 0)
    return samples_add_unreadable(samples, record->id);
  struct prog_sample *sample = NULL;
  int rc = samples_add(samples, record->id, record->load_time_ns, record->type,
                       record->flags, record->tag, &sample);
  if (rc == 0 && sample->name == NULL && is_unnamed(source, record))
    source->lacks_name = true;
  else if (rc == 0 && sample->name == NULL)
    rc = prog_name_make(record->short_name, full_name, record->tag,
                        (char **)&sample->name);
  if (kernel_error_may_pass(rc))
    return samples_add_unreadable(samples, record->id);
  if (rc != 0)
    return rc;
  sample->uid = record->uid;
  sample->memory_bytes = record->pages * source->page_size_bytes;
  sample->stats = (struct prog_stats){
      .cnt = record->cnt,
      .nsecs = record->nsecs,
      .misses = record->misses,
  };
  source->knows_elsewhere = (record->flags & PROG_RECORD_HAS_CALLED) != 0;
  return 0;
}

/* The iterator runs once for each program, and is one itself: the kernel has
 * counted each run since it came to itself, or none; or statistics were turned
 * on or off meanwhile. */
static enum statistics find_statistics(const struct sample_list *samples,
                                       const struct prog_record *own) {
  size_t i = samples->num;
  while (i > 0 && samples->items[i - 1].id > own->id)
    i--;
  if (own->id == 0 || (own->flags & PROG_RECORD_UNREADABLE) != 0 || i == 0 ||
      samples->items[i - 1].id != own->id || samples->items[i - 1].unreadable)
    return STATISTICS_UNKNOWN;
  const uint64_t made = samples->num - i + 1;
  const uint64_t counted = own->cnt - samples->items[i - 1].stats.cnt;
  if (counted == 0)
    return STATISTICS_OFF;
  return counted >= made ? STATISTICS_ON : STATISTICS_MIXED;
}

/* Takes in the whole stream. Returns 0 when it ended in the kernel's own
 * end of the list; else -errno, -ENODATA when that is missing. */
static int walk(struct source_iterator *source) {
  for (;;) {
    struct prog_record record;
    const char *full_name = NULL;
    int rc = prog_stream_next(&source->stream, &record, &full_name);
    if (rc <= 0)
      return rc == 0 ? -ENODATA : rc;
    if ((record.flags & PROG_RECORD_END) != 0) {
      source->statistics = find_statistics(&source->samples.current, &record);
      source->base.own_id = record.id;
      source->base.siblings = record.siblings;
      return 0;
    }
    rc = add_record(source, &record, full_name);
    if (rc != 0)
      return rc;
  }
}

/* Whether a stream cannot be trusted at all. */
static bool is_foreign(int error) {
  return error == -EPROTO || error == -ESTALE || error == -EPROTONOSUPPORT ||
         error == -EBADMSG;
}

static int take_walk(struct source_iterator *source,
                     struct prog_snapshot *ret) {
  int fd = source->pin != NULL ? pins_open(source->pin) : open_own(source);
  if (fd < 0)
    return fd;
  size_t read_size = source->stream.read_size;
  prog_stream_init(&source->stream, fd);
  source->stream.read_size = read_size;
  samples_begin(&source->samples);
  source->statistics = STATISTICS_UNKNOWN;
  source->lacks_name = false;
  int walk_error = walk(source);
  close(fd);
  int rc = samples_end(&source->samples, walk_error, -EFAULT, ret);
  ret->knows_elsewhere = source->knows_elsewhere;
  ret->statistics = source->statistics;
  return is_foreign(walk_error) ? walk_error : rc;
}

/* The kernel gives ids out in ascending order, so that new programs come after
 * those that are known. One that does not, as when they begin anew after 2^31
 * or it could not be read before, takes a second walk. */
static int iterator_snapshot(struct source *base, struct prog_snapshot *ret) {
  struct source_iterator *source = (struct source_iterator *)base;
  const struct sample_list *known = &source->samples.current;
  const uint32_t last_id =
      known->num == 0 ? 0 : known->items[known->num - 1].id;
  set_names_from(source, last_id + 1);
  int rc = take_walk(source, ret);
  if (source->lacks_name) {
    set_names_from(source, 0);
    rc = take_walk(source, ret);
  }
  return rc;
}

static void iterator_source_free(struct source *base) {
  struct source_iterator *source = (struct source_iterator *)base;
  samples_clear(&source->samples);
  destroy(source);
  free(source->pin);
  free(source);
}

static struct source_iterator *new_source(size_t read_size) {
  struct source_iterator *source = calloc(1, sizeof(*source));
  if (source == NULL)
    return NULL;
  source->base = (struct source){.name = "iterator",
                                 .snapshot = iterator_snapshot,
                                 .free = iterator_source_free,
                                 .needs = PRIVILEGE_NONE};
  source->page_size_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
  prog_stream_init(&source->stream, -1);
  if (read_size != 0)
    source->stream.read_size = read_size;
  return source;
}

static int check(struct source *source, char *reason, size_t reason_size) {
  struct self_check check;
  struct prog_snapshot snapshot = {0};
  int rc = self_check_begin(&check, "the iterator", reason, reason_size);
  if (rc != 0)
    return rc;
  rc = source_snapshot(source, &snapshot);
  return self_check_end(&check, rc, snapshot.samples, snapshot.samples_num);
}

int source_iterator_new(size_t read_size, struct source **ret_source,
                        char *reason, size_t reason_size) {
  struct source_iterator *source = new_source(read_size);
  if (source == NULL) {
    snprintf(reason, reason_size, "no memory for the iterator");
    return -ENOMEM;
  }
  int rc = load(source, reason, reason_size);
  if (rc == 0)
    rc = check(&source->base, reason, reason_size);
  if (rc != 0) {
    iterator_source_free(&source->base);
    return rc;
  }
  *ret_source = &source->base;
  return 0;
}

int source_pinned_new(const char *pin, struct source **ret_source, char *reason,
                      size_t reason_size) {
  struct source_iterator *source = new_source(0);
  char *path = strdup(pin);
  if (source == NULL || path == NULL) {
    free(source);
    free(path);
    return -ENOMEM;
  }
  source->pin = path;
  /* One walk on trial, so that a wrong file is found now. */
  struct prog_snapshot snapshot = {0};
  int rc = iterator_snapshot(&source->base, &snapshot);
  if (rc == 0 && !snapshot.complete)
    rc = -ENODATA;
  if (rc != 0) {
    snprintf(reason, reason_size, "%s: %s", pin,
             source_explain(&source->base, rc));
    iterator_source_free(&source->base);
    return rc;
  }
  *ret_source = &source->base;
  return 0;
}
