/* SPDX-License-Identifier: MIT */
/* groups_kernel: what happens to programs, and the books about it. */
#include "groups_kernel.h"

#include "group_name.h"

/* Exact as long as no counter reaches this; all of them together cannot. */
static const uint64_t exact_max = 1ull << 60;

static char longest[301];
static char group_names[KERNEL_NAMES][GROUP_NAME_SIZE];

/* Every so many ids one is the plugin's own. */
enum { OWN_ID = 8 };

static const struct {
  const char *name;
  size_t group;
  enum misses misses;
} names[] = {{"a", 0, MISSES_OF_ITSELF},   {"b", 1, MISSES_UNCOUNTED},
             {"x/y", 2, MISSES_OF_CPU},    {"x.y", 2, MISSES_UNCOUNTED},
             {"_other", 3, MISSES_OF_CPU}, {"_brief", 4, MISSES_UNCOUNTED},
             {longest, 5, MISSES_OF_CPU},  {"bpf_stats", 6, MISSES_OF_ITSELF}};

void kernel_init(struct kernel *kernel) {
  *kernel = (struct kernel){.now_ns = 1000, .exact = true};
  memset(longest, 'n', sizeof(longest) - 1);
  const struct group_name_format format = {.parts = {GROUP_NAME_NAME},
                                           .parts_num = 1};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const struct prog_sample sample = {.name = names[i].name};
    group_name_of(&format, &sample, group_names[names[i].group]);
  }
  for (uint32_t i = 0; i < KERNEL_OWN_IDS; i++)
    kernel->own_ids[i] = i * OWN_ID; /* 0 is none */
}

const char *kernel_group_name(size_t group) {
  return group == KERNEL_OWN ? "bpf_stats" : group_names[group];
}

static size_t number_of(const char *name) {
  size_t i = 0;
  while (strcmp(names[i].name, name) != 0)
    i++;
  return i;
}

size_t kernel_group_of(uint32_t id, const char *name) {
  const bool is_own = id % OWN_ID == 0 && id / OWN_ID < KERNEL_OWN_IDS;
  return is_own ? KERNEL_OWN : names[number_of(name)].group;
}

static size_t group_of(const struct kernel_prog *prog) {
  return kernel_group_of(prog->id, prog->name);
}

static void add(struct prog_stats *sum, struct prog_stats stats) {
  sum->cnt += stats.cnt;
  sum->nsecs += stats.nsecs;
  sum->misses += stats.misses;
}

struct prog_stats kernel_sum(const struct prog_stats stats[KERNEL_GROUPS]) {
  struct prog_stats sum = {0};
  for (size_t i = 0; i < KERNEL_GROUPS; i++)
    add(&sum, stats[i]);
  return sum;
}

static struct prog_sample describe(const struct kernel_prog *prog) {
  struct prog_sample sample = {
      .id = prog->id,
      .load_time_ns = prog->load_time_ns,
      .name = prog->name,
      .owner = prog->is_owned ? "found.service" : "uid-0",
      .is_owned = prog->is_owned,
      .type_name = "xdp",
      .memory_bytes = 4096,
      .misses = names[number_of(prog->name)].misses,
      .stats = prog->stats,
  };
  sample.tag[0] = (char)('1' + prog->load_time_ns % KERNEL_TAGS);
  return sample;
}

static void load(struct kernel *kernel, struct kernel_prog *prog, uint32_t id,
                 const char *name) {
  *prog = (struct kernel_prog){.state = KERNEL_LOADED,
                               .id = id,
                               .load_time_ns = kernel->now_ns,
                               .name = name};
  kernel->counts.loaded++;
}

/* How a program dies, as the input says: its record comes, or not, or twice. */
enum { DIES = 4, DIES_LOST = 5, DIES_TWICE = 6 };

static void die(struct kernel *kernel, struct kernel_prog *prog, uint8_t how) {
  prog->state = KERNEL_FREE;
  kernel->counts.unloaded++;
  const size_t group = group_of(prog);
  if (how != DIES_LOST && !prog->known_before && !kernel->has_group[group] &&
      group != KERNEL_OWN)
    add(&kernel->brief[group], prog->stats);
  if (how != DIES_LOST && kernel->ring_num < KERNEL_RING_MAX) {
    kernel->ring[kernel->ring_num++] = describe(prog);
    if (how == DIES_TWICE && kernel->ring_num < KERNEL_RING_MAX)
      kernel->ring[kernel->ring_num++] = describe(prog);
    return;
  }
  kernel->counts.lost++;
  add(&kernel->lacks[group], prog->stats);
}

static void run(struct kernel *kernel, struct kernel_prog *prog,
                struct prog_stats runs) {
  add(&prog->stats, runs);
  add(&kernel->ever[group_of(prog)], runs);
}

/* What no kernel does, but a pinned stream may say. */
static void set_stats(struct kernel *kernel, struct kernel_prog *prog,
                      struct input *input) {
  prog->stats = (struct prog_stats){.cnt = take_u64(input),
                                    .nsecs = take_u64(input),
                                    .misses = take_u64(input)};
  kernel->exact = false;
}

/* Another of its name, or of its id as well, takes its place. */
static void reload(struct kernel *kernel, struct kernel_prog *prog,
                   bool with_id) {
  const char *name = prog->name != NULL ? prog->name : names[0].name;
  if (prog->state != KERNEL_FREE)
    die(kernel, prog, DIES);
  kernel->reuses_ids |= with_id && prog->id != 0;
  uint32_t id = with_id && prog->id != 0 ? prog->id : ++kernel->last_id;
  load(kernel, prog, id, name);
  prog->takes_id = with_id;
}

static void happen_to_loaded(struct kernel *kernel, struct kernel_prog *prog,
                             uint8_t what, struct input *input) {
  uint8_t num = 0;
  switch (what) {
  case 0:
  case 1:
    prog->is_owned |= what == 1;
    num = take_byte(input);
    run(kernel, prog, (struct prog_stats){.cnt = num, .nsecs = num * 10ull});
    break;
  case 2:
    run(kernel, prog, (struct prog_stats){.misses = take_byte(input)});
    break;
  case 3:
    prog->state = KERNEL_DYING;
    break;
  case DIES:
  case DIES_LOST:
    die(kernel, prog, what);
    break;
  case 6: /* much, but far from saturation */
    run(kernel, prog,
        (struct prog_stats){.cnt = take_byte(input) * 1ull << 40});
    kernel->exact &= prog->stats.cnt < exact_max;
    break;
  default:
    set_stats(kernel, prog, input);
  }
}

void kernel_happen(struct kernel *kernel, struct input *input) {
  uint8_t what = take_byte(input);
  struct kernel_prog *prog = &kernel->progs[what % KERNEL_PROGS];
  what /= KERNEL_PROGS;
  kernel->now_ns++;
  if (what >= 30)
    reload(kernel, prog, what == 31);
  else if (prog->state == KERNEL_FREE)
    load(kernel, prog, ++kernel->last_id, names[what % 8].name);
  else if (prog->state == KERNEL_DYING)
    die(kernel, prog, what % 8);
  else
    happen_to_loaded(kernel, prog, what % 8, input);
}

void kernel_bury(struct kernel *kernel, unsigned reads_min) {
  for (size_t i = 0; i < KERNEL_PROGS; i++) {
    struct kernel_prog *prog = &kernel->progs[i];
    if (prog->state == KERNEL_DYING && prog->reads++ >= reads_min)
      die(kernel, prog, DIES);
  }
}

bool kernel_has_dying(const struct kernel *kernel) {
  for (size_t i = 0; i < KERNEL_PROGS; i++)
    if (kernel->progs[i].state == KERNEL_DYING)
      return true;
  return false;
}

void kernel_begin(struct kernel *kernel) {
  memset(kernel->ever, 0, sizeof(kernel->ever));
  memset(kernel->lacks, 0, sizeof(kernel->lacks));
  memset(kernel->brief, 0, sizeof(kernel->brief));
  for (size_t i = 0; i < KERNEL_PROGS; i++)
    if (kernel->progs[i].state == KERNEL_LOADED)
      add(&kernel->ever[group_of(&kernel->progs[i])], kernel->progs[i].stats);
}

void kernel_watch(struct kernel *kernel) {
  kernel->counts = (struct unloads){.begins = true};
  kernel->ring_num = 0;
}

struct kernel_prog *kernel_next(struct kernel *kernel, uint32_t id) {
  struct kernel_prog *next = NULL;
  for (size_t i = 0; i < KERNEL_PROGS; i++) {
    struct kernel_prog *prog = &kernel->progs[i];
    if (prog->state == KERNEL_LOADED && prog->id > id &&
        (next == NULL || prog->id < next->id))
      next = prog;
  }
  return next;
}

void kernel_walk(struct kernel *kernel) {
  memset(kernel->deltas, 0, sizeof(kernel->deltas));
  for (size_t i = 0; i < KERNEL_PROGS; i++) {
    kernel->progs[i].before = kernel->progs[i].now;
    kernel->progs[i].now = KERNEL_MISSED;
  }
}

void kernel_walked(struct kernel *kernel,
                   const struct prog_snapshot *snapshot) {
  kernel->has_polled = true;
  kernel->polled_ns = snapshot->time_ns;
  kernel->polled_complete = snapshot->complete;
  for (size_t i = 0; i < KERNEL_PROGS; i++)
    kernel->progs[i].known_before = kernel->progs[i].known;
}

/* Whether all that it counted since it was last read was in this interval. */
static bool is_measured(const struct kernel *kernel,
                        const struct kernel_prog *prog) {
  if (prog->before == KERNEL_READ)
    return true;
  bool is_new = prog->load_time_ns > kernel->polled_ns ||
                (kernel->polled_complete && prog->before == KERNEL_MISSED);
  return kernel->has_polled && !prog->known && is_new;
}

struct prog_sample kernel_sample(struct kernel *kernel,
                                 struct kernel_prog *prog, bool unreadable) {
  prog->now = unreadable ? KERNEL_UNREADABLE : KERNEL_READ;
  if (unreadable)
    return (struct prog_sample){.id = prog->id, .unreadable = true};
  size_t group = group_of(prog);
  struct prog_stats advance = {
      .cnt = prog->stats.cnt - prog->read.cnt,
      .nsecs = prog->stats.nsecs - prog->read.nsecs,
      .misses = prog->stats.misses - prog->read.misses,
  };
  add(&kernel->polled[group], advance);
  if (is_measured(kernel, prog))
    add(&kernel->deltas[group], advance);
  prog->read = prog->stats;
  prog->known = true;
  return describe(prog);
}
