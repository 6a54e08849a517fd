/* SPDX-License-Identifier: MIT */
/* model: what the reader asks of the world, answered by arithmetic. */
#include "model.h"

#include "../unit/fake_libbpf.h"

#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

struct model model;

enum { ITERATOR_ID = 5, FIRST_ID = 10 };

static bool is_pinned; /* then the plugin's iterator is the first program */

static struct fake_prog *fake_of(size_t i) {
  return &fake_libbpf.progs[i + is_pinned];
}

struct window {
  struct window_work work;
  uint64_t length_ns;
  bool is_ahead;
  bool is_open;
  bool works;
};

static struct window window;

/* --- time ------------------------------------------------------------------
 */

static uint64_t times(uint64_t period_ns, uint64_t from_ns, uint64_t to_ns) {
  return period_ns == 0 ? 0 : to_ns / period_ns - from_ns / period_ns;
}

void model_pass_until(uint64_t time_ns) {
  if (time_ns <= model.now_ns)
    return;
  const bool counted = fake_libbpf_is_counted();
  for (size_t i = 0; i < MODEL_PROGS; i++) {
    const struct model_prog *prog = &model.progs[i];
    struct fake_prog *fake = fake_of(i);
    uint64_t runs = times(prog->period_ns, model.now_ns, time_ns);
    uint64_t misses = times(prog->miss_period_ns, model.now_ns, time_ns);
    model.truth[i].cnt += runs;
    model.truth[i].nsecs += runs * prog->ns_per_run;
    model.truth[i].misses += misses;
    fake->recursion_misses += misses; /* always */
    if (!counted)
      continue;
    fake->run_cnt += runs;
    fake->run_time_ns += runs * prog->ns_per_run;
  }
  if (counted)
    model.on_ns += time_ns - model.now_ns;
  model.now_ns = time_ns;
}

/* Somebody looks from a moment to another. */
static void look(bool on_before, bool on_after) {
  model.last_on = on_before && on_after;
  model.last_off = !on_before && !on_after;
  model.looked_on &= model.last_on;
  model.looked_off &= model.last_off;
}

static void begin_walk(void) {
  model.walk_now_ns = model.now_ns;
  model.walk_on_ns = model.on_ns;
}

/* A pinned iterator sees whether all its runs since it came to itself, which is
 * first of all, are counted. */
static void end_walk(void) {
  model.walk_took_ns = model.now_ns - model.walk_now_ns;
  if (model.walk_took_ns > model.walk_max_ns)
    model.walk_max_ns = model.walk_took_ns;
  model.walk_more_ns = 0;
  const bool on_before = fake_libbpf_is_counted();
  if (model.toggles_in_walk)
    fake_libbpf.statistics_on = !fake_libbpf.statistics_on;
  model.toggles_in_walk = false;
  if (fake_libbpf_is_held()) {
    model.last_on = true; /* by the plugin itself: nothing of others shows */
    model.last_off = false;
  } else if (is_pinned) {
    look(on_before, fake_libbpf_is_counted());
  }
}

static void on_read(const struct fake_prog *prog) {
  if (prog == NULL) {
    look(fake_libbpf_is_counted(), fake_libbpf_is_counted());
    return;
  }
  const size_t num = fake_libbpf.progs_num;
  if (prog == &fake_libbpf.progs[0])
    begin_walk();
  model_pass_until(model.now_ns + (model.walk_ns + model.walk_more_ns) / num);
  for (size_t i = 0; i < MODEL_PROGS; i++)
    if (prog == fake_of(i))
      model.read[i] = model.truth[i];
  if (prog == &fake_libbpf.progs[num - 1])
    end_walk();
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret) {
  (void)id;
  *ret = (struct timespec){.tv_sec = (time_t)(model.now_ns / 1000000000),
                           .tv_nsec = (long)(model.now_ns % 1000000000)};
  return 0;
}

/* --- the thread ------------------------------------------------------------
 */

int window_new(uint64_t interval_ns, uint64_t window_ns,
               const struct window_work *work, struct window **ret_window) {
  (void)interval_ns;
  window = (struct window){.work = *work, .length_ns = window_ns};
  *ret_window = &window;
  return 0;
}

void window_set_length(struct window *set, uint64_t window_ns) {
  set->length_ns = window_ns;
}

void window_free(struct window *freed) {
  if (freed != NULL)
    window_close(freed);
}

void window_resume(struct window *resumed, uint64_t begin_ns) {
  (void)begin_ns;
  resumed->is_ahead = true;
}

void window_close(struct window *closed) {
  closed->is_ahead = false;
  if (closed->is_open)
    model_end_window();
}

uint64_t model_window_ns(void) { return window.length_ns; }

bool model_window_is_ahead(void) { return window.is_ahead; }

bool model_window_is_open(void) { return window.is_open; }

void model_open_window(void) {
  window.is_ahead = false;
  window.works = true;
  window.is_open = window.work.open(window.work.context) != 0;
  window.works = false;
}

void model_end_window(void) {
  window.works = true;
  window.work.end(window.work.context);
  window.works = window.is_open = false;
}

/* --- a pinned iterator -----------------------------------------------------
 */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  if (strstr(path, "/iterator") != NULL)
    return fake_libbpf.next_id_error != 0
               ? (errno = -fake_libbpf.next_id_error, -1)
               : fake_libbpf_open_iterator();
  va_list args;
  va_start(args, flags);
  int mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
  va_end(args);
  return __real_open(path, flags, mode);
}

int __real_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs(int fd, struct statfs *ret) {
  int rc = __real_fstatfs(fd, ret);
  if (rc == 0)
    ret->f_type = BPF_FS_MAGIC;
  return rc;
}

void model_set_readable(size_t i, bool readable) {
  fake_of(i)->fd_error = readable ? 0 : -EMFILE;
}

void model_start(bool pinned) {
  static const char *const names[MODEL_PROGS] = {"a", "b", "c"};
  const uint64_t hour_ns = 3600ULL * 1000000000;
  fake_libbpf_reset();
  is_pinned = pinned;
  model = (struct model){.now_ns = 100 * hour_ns, .walk_ns = 1000000};
  fake_libbpf.has_iterator = pinned;
  fake_libbpf.iterator_id = ITERATOR_ID;
  if (pinned)
    fake_libbpf_add(ITERATOR_ID, hour_ns, "iterator", 0);
  for (uint32_t i = 0; i < MODEL_PROGS; i++)
    fake_libbpf_add(FIRST_ID + i, hour_ns, names[i], 0);
  fake_libbpf.on_read = on_read;
}
