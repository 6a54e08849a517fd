/* SPDX-License-Identifier: MIT */
/* source_syscall: snapshots through bpf(2), one program after the other.
 *
 * The kernel walks ids upwards, so the previous snapshot, kept in the same
 * order, serves as the cache of what is resolved once per program. */
#include "prog_name.h"
#include "source.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far above any real host; bounds a walk that would never end. */
enum { PROGRAMS_MAX = 1 << 20 };

struct samples {
  struct prog_sample *items; /* each owns its name */
  size_t num;
  size_t capacity;
};

struct source_syscall {
  struct source base;
  bool memory;
  bool has_misses;
  struct samples current;
  struct samples previous;
  struct prog_name_cache name_cache; /* held only during a walk */
  /* Of the walk under way. */
  size_t read_errors;
  int last_error; /* -errno */
};

static void samples_clear(struct samples *samples) {
  for (size_t i = 0; i < samples->num; i++)
    free((char *)samples->items[i].name);
  samples->num = 0;
}

static int samples_reserve(struct samples *samples, size_t num) {
  if (num <= samples->capacity)
    return 0;
  size_t capacity = samples->capacity == 0 ? 64 : samples->capacity * 2;
  struct prog_sample *items =
      reallocarray(samples->items, capacity, sizeof(*items));
  if (items == NULL)
    return -ENOMEM;
  samples->items = items;
  samples->capacity = capacity;
  return 0;
}

/* Returns what bpftool shows as memlock, in bytes, or 0 when it cannot be had.
 */
static uint64_t read_memory_bytes(int prog_fd) {
  char path[64];
  snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", prog_fd);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  char text[2048];
  ssize_t len = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (len < 0)
    return 0;
  text[len] = '\0';
  static const char key[] = "memlock:";
  const char *line = strstr(text, key);
  return line == NULL ? 0 : strtoull(line + strlen(key), NULL, 10);
}

static int read_new(struct source_syscall *source, int prog_fd,
                    const struct bpf_prog_info *info,
                    struct prog_sample *sample) {
  const char *type_name = source_type_name(info->type);
  if (type_name != NULL)
    snprintf(sample->type_name, sizeof(sample->type_name), "%s", type_name);
  else
    snprintf(sample->type_name, sizeof(sample->type_name), "type_%u",
             info->type);
  for (size_t i = 0; i < sizeof(info->tag); i++)
    snprintf(&sample->tag[2 * i], 3, "%02x", info->tag[i]);
  return prog_name_resolve(&source->name_cache, prog_fd, info,
                           (char **)&sample->name);
}

/* Reads the program behind PROG_FD. KNOWN is the sample of that id in the
 * previous snapshot, or NULL; what it has resolved moves to *SAMPLE. */
static int read_program(struct source_syscall *source, int prog_fd,
                        struct prog_sample *known, struct prog_sample *sample) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  int rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_len);
  if (rc != 0)
    return rc;
  if (known != NULL && known->name != NULL &&
      known->load_time_ns == info.load_time) {
    *sample = *known;
    known->name = NULL;
  } else {
    rc = read_new(source, prog_fd, &info, sample);
    if (rc != 0)
      return rc;
    sample->load_time_ns = info.load_time;
  }
  /* It does not change while a program lives. */
  if (source->memory && sample->memory_bytes == 0)
    sample->memory_bytes = read_memory_bytes(prog_fd);
  sample->stats = (struct prog_stats){
      .cnt = info.run_cnt,
      .nsecs = info.run_time_ns,
      .misses = info.recursion_misses,
  };
  /* The kernel says how much of the struct it knows. */
  source->has_misses =
      info_len >= offsetof(struct bpf_prog_info, recursion_misses) +
                      sizeof(info.recursion_misses);
  return 0;
}

/* Appends the program of that id. Returns 0, also when it has vanished or is
 * unreadable, or -ENOMEM when there is no room for it. */
static int append(struct source_syscall *source, uint32_t id,
                  struct prog_sample *known) {
  int rc = samples_reserve(&source->current, source->current.num + 1);
  if (rc != 0)
    return rc;
  struct prog_sample sample = {.id = id};
  int prog_fd = bpf_prog_get_fd_by_id(id);
  if (prog_fd == -ENOENT)
    return 0; /* unloaded since the walk reached its id */
  rc = prog_fd;
  if (prog_fd >= 0) {
    rc = read_program(source, prog_fd, known, &sample);
    close(prog_fd); /* at once: an fd keeps an unloaded program alive */
  }
  if (rc < 0) {
    sample = (struct prog_sample){.id = id, .unreadable = true};
    source->read_errors++;
    source->last_error = rc;
  }
  source->current.items[source->current.num++] = sample;
  return 0;
}

/* Walks all ids. Returns 0 at the kernel's end of the list, else -errno. */
static int walk(struct source_syscall *source) {
  const struct samples *previous = &source->previous;
  size_t p = 0;
  for (uint32_t id = 0;;) {
    uint32_t next_id = 0;
    int rc = bpf_prog_get_next_id(id, &next_id);
    if (rc != 0)
      return rc == -ENOENT ? 0 : rc;
    if (next_id <= id || source->current.num == PROGRAMS_MAX)
      return -ELOOP;
    id = next_id;
    while (p < previous->num && previous->items[p].id < id)
      p++;
    bool known = p < previous->num && previous->items[p].id == id;
    rc = append(source, id, known ? &previous->items[p] : NULL);
    if (rc != 0)
      return rc;
  }
}

static int syscall_snapshot(struct source *base, struct prog_snapshot *ret) {
  struct source_syscall *source = (struct source_syscall *)base;
  struct samples recycled = source->previous;
  source->previous = source->current;
  source->current = recycled;
  source->read_errors = 0;
  source->last_error = 0;

  int rc = walk(source);
  samples_clear(&source->previous);
  prog_name_cache_clear(&source->name_cache);
  if (source->current.num == source->read_errors) { /* nothing was readable */
    rc = rc != 0 ? rc : source->last_error;
    if (rc != 0)
      return rc;
  }
  ret->samples = source->current.items;
  ret->samples_num = source->current.num;
  ret->complete = rc == 0;
  ret->has_misses = source->has_misses;
  ret->read_errors = source->read_errors;
  return 0;
}

static void syscall_free(struct source *base) {
  struct source_syscall *source = (struct source_syscall *)base;
  samples_clear(&source->current);
  free(source->current.items);
  free(source->previous.items);
  free(source);
}

int source_syscall_new(const struct source_options *options,
                       struct source **ret_source) {
  /* Fails now rather than at each read when bpf(2) or the privilege lacks. */
  uint32_t id = 0;
  int rc = bpf_prog_get_next_id(0, &id);
  if (rc != 0 && rc != -ENOENT)
    return rc;
  struct source_syscall *source = calloc(1, sizeof(*source));
  if (source == NULL)
    return -ENOMEM;
  source->base = (struct source){
      .name = "syscall", .snapshot = syscall_snapshot, .free = syscall_free};
  source->memory = options->memory;
  *ret_source = &source->base;
  return 0;
}
