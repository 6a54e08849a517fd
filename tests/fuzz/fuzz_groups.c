/* SPDX-License-Identifier: MIT */
/* fuzz_groups: anything that may happen to programs, at any moment of a read.
 *
 * Input: how many groups there may be and whether unloads are watched, then
 * what happens, one after the other: an event, or a read with events in it. */
#include "groups_check.h"

#include <stdlib.h>

/* Room for each program once, also when it is loaded anew during the walk. */
enum { SAMPLES_MAX = 64, AGE_MAX = 5 };

static struct prog_sample samples[SAMPLES_MAX];
static struct prog_sample finals[KERNEL_RING_MAX];
static struct prog_snapshot snapshot;
static struct unloads unloads;
static struct kernel kernel;
static struct trial trial;
static bool watched;

static bool flip(uint8_t flags, unsigned bit) {
  return (flags >> bit & 1) != 0;
}

/* What of a read's first byte is which. */
enum {
  READ_BUSY,
  READ_CUT,
  READ_UNREADABLE,
  READ_WINDOW,
  READ_TURN_WATCH,
  READ_LAST,
  READ_HOUR_LATER
};

/* Something happens while a read is on. */
static void meanwhile(struct input *input, uint8_t flags) {
  if (!flip(flags, READ_BUSY))
    return;
  for (unsigned num = take_byte(input) % 4; num > 0; num--)
    kernel_happen(&kernel, input);
}

/* Walks as the kernel does: from each id to the next. */
static void walk(struct input *input, uint8_t flags) {
  uint8_t cut = flip(flags, READ_CUT) ? take_byte(input) % 8 : 255;
  uint8_t unreadable = flip(flags, READ_UNREADABLE) ? take_byte(input) : 0;
  struct kernel_prog *prog;
  uint32_t id = 0;
  snapshot = (struct prog_snapshot){.time_ns = ++kernel.now_ns,
                                    .awake_ns = kernel.now_ns,
                                    .samples = samples,
                                    .own_ids = kernel.own_ids,
                                    .own_ids_num = KERNEL_OWN_IDS};
  kernel_walk(&kernel);
  while ((prog = kernel_next(&kernel, id)) != NULL) {
    size_t i = snapshot.samples_num;
    if (i == cut || i == SAMPLES_MAX)
      return;
    id = prog->id;
    /* Not one whose id was another's: while it cannot be read, nobody knows
     * which of them it is. Ids come again after 2^31 loads. */
    bool fails =
        flip(unreadable, (unsigned)(prog - kernel.progs)) && !prog->takes_id;
    samples[i] = kernel_sample(&kernel, prog, fails);
    snapshot.read_errors += fails;
    snapshot.samples_num++;
    meanwhile(input, flags);
  }
  snapshot.complete = true;
}

static int compare_finals(const void *a, const void *b) {
  const struct prog_sample *first = a;
  const struct prog_sample *second = b;
  if (first->id != second->id)
    return first->id < second->id ? -1 : 1;
  return first->load_time_ns < second->load_time_ns ? -1 : 1;
}

static void empty_ring(void) {
  memcpy(finals, kernel.ring, kernel.ring_num * sizeof(finals[0]));
  unloads.samples = finals;
  unloads.samples_num = kernel.ring_num;
  kernel.ring_num = 0;
  qsort(finals, unloads.samples_num, sizeof(finals[0]), compare_finals);
}

static void take_counts(void) {
  unloads = kernel.counts;
  kernel.counts = (struct unloads){0};
  trial.loaded += unloads.loaded;
  trial.unloaded += unloads.unloaded;
  trial.lost += unloads.lost;
}

/* Makes a beginning: what dies meanwhile may be from before it. */
static void begin(bool first) {
  kernel_bury(&kernel, 0);
  if (first)
    kernel_begin(&kernel);
  kernel_watch(&kernel);
}

static void update(enum part part) {
  snapshot.unloads = watched ? &unloads : NULL;
  int rc = groups_update(trial.groups, part, &snapshot);
  demand(rc == 0, "memory");
  trial.part = part;
}

static void estimate(struct input *input) {
  uint64_t delta_ns = take_u64(input);
  struct span span = {.last_ns = trial.last_ns,
                      .now_ns = snapshot.awake_ns,
                      .is_whole = delta_ns % 8 == 7,
                      .begin_ns = take_u64(input) % (kernel.now_ns + 1),
                      .delta_ns = delta_ns};
  groups_bring_up(trial.groups, &span);
  trial_check_beginnings(&trial);
  trial.last_ns = snapshot.awake_ns;
}

static enum part part_of(uint8_t flags) {
  if (flip(flags, READ_LAST))
    return flip(flags, READ_WINDOW) ? PART_AFTER_WINDOW : PART_BEFORE_WINDOW;
  return flip(flags, READ_WINDOW) ? PART_WINDOW : PART_WHOLE;
}

static void read_all(struct input *input) {
  uint8_t flags = take_byte(input);
  bool first = trial.reads == 0;
  bool turns = trial.mode == TRIAL_CHANGING && flip(flags, READ_TURN_WATCH);
  watched = turns ? !watched : watched;
  bool begins = first || (turns && watched);
  kernel_bury(&kernel, AGE_MAX);
  /* Not while the end of a program is awaited, or one may be missed: that is
   * given up after less than an hour. */
  if (flip(flags, READ_HOUR_LATER) && trial.whole &&
      !kernel_has_dying(&kernel)) {
    kernel.now_ns += GROUP_IDLE_MIN_NS;
    flags &=
        (uint8_t) ~(1u << READ_CUT | 1u << READ_UNREADABLE | 1u << READ_BUSY);
  }
  if (begins) {
    flags &= (uint8_t) ~(1u << READ_BUSY);
    begin(first);
  }
  meanwhile(input, flags);
  take_counts();
  meanwhile(input, flags);
  walk(input, flags);
  meanwhile(input, flags);
  kernel_walked(&kernel, &snapshot);
  empty_ring();
  update(part_of(flags));
  trial.at_rest = !flip(flags, READ_BUSY) && !kernel_has_dying(&kernel);
  trial_check(&trial, &kernel, &snapshot);
  if (trial.part == PART_AFTER_WINDOW)
    estimate(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const size_t groups_max[] = {0, 1, 2, 3, 1000};
  struct input input = {data, size};
  uint8_t mode = take_byte(&input);
  struct groups_options options = {
      .selector = selector_new(),
      .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .groups_max = groups_max[mode / 4 % 5],
  };
  trial = (struct trial){.mode = mode % 4 % TRIAL_MODES,
                         .groups_max = options.groups_max,
                         .groups = groups_new(&options)};
  watched = trial.mode == TRIAL_WATCHED;
  kernel_init(&kernel);
  while (input.size > 0) {
    for (unsigned num = take_byte(&input) % 8; num > 0; num--)
      kernel_happen(&kernel, &input);
    read_all(&input);
  }
  groups_free(trial.groups);
  selector_free((struct selector *)options.selector);
  return 0;
}
