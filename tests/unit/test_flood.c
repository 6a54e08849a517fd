/* SPDX-License-Identifier: MIT */
/* Unit test of groups in a flood of names: hours of a small host, watched, read
 * each second, in which a tenant loads 300 programs a second, each under a name
 * of its own, or for an owner of its own. Half of them live for three reads,
 * half for none. */
#include "suites.h"

#include "groups_fixture.h"

#include <stdio.h>
#include <string.h>

enum {
  PLACES = 50,
  HONEST = 20,
  LATE = HONEST, /* this one comes in the flood, and finds no place */
  HONEST_ALL,
  FLOOD = HONEST_ALL,
  FLOOD_A_SECOND = 300,
  FLOOD_READS = 3,
  LIVE_MAX = 1000,
  NAMES_MAX = 200,
};

static const uint64_t second_ns = 1000000000;
static const unsigned hour = 3600;

struct live {
  uint32_t id;
  uint64_t load_time_ns;
  unsigned owner; /* of the honest, or FLOOD */
  unsigned dies;  /* before the read of that number */
  uint64_t cnt;
  char name[24];
};

static struct {
  unsigned now; /* reads so far, one a second */
  uint32_t last_id;
  struct live live[LIVE_MAX]; /* by id */
  size_t live_num;
  uint64_t honest[HONEST_ALL]; /* what the programs of each name counted */
  bool is_loaded[HONEST_ALL];
  uint64_t brief;
  uint64_t all;
} world;

/* When each name was last shown, as number of the read. */
static struct {
  char name[GROUP_NAME_SIZE];
  unsigned last;
} shown[NAMES_MAX];
static size_t shown_num;

static bool is_by_owner;

static struct prog_sample finals[SAMPLES_MAX];
static struct unloads unloads;

static void name_of(unsigned owner, char name[24]) {
  snprintf(name, 24, "honest_%u", owner);
}

static struct live make(unsigned owner, uint64_t cnt) {
  struct live live = {.id = ++world.last_id,
                      .load_time_ns = world.now * second_ns + second_ns / 2,
                      .owner = owner,
                      .dies = UINT32_MAX,
                      .cnt = cnt};
  if (owner == FLOOD)
    snprintf(live.name, sizeof(live.name), "flood_%u", live.id);
  else
    name_of(owner, live.name);
  unloads.loaded++;
  return live;
}

static void run(struct live *live, uint64_t cnt) {
  live->cnt += cnt;
  world.all += cnt;
  if (live->owner != FLOOD)
    world.honest[live->owner] += cnt;
}

static void load(unsigned owner, unsigned reads) {
  struct live *live = &world.live[world.live_num++];
  *live = make(owner, 0);
  if (owner == FLOOD)
    live->dies = world.now + reads;
  else
    world.is_loaded[owner] = true;
}

/* Has NAME be that of the program, or of its owner. */
static void name_sample(struct prog_sample *sample, const char *name) {
  sample->name = is_by_owner ? "program" : name;
  sample->owner = name;
  sample->is_owned = true;
}

static void end(const struct live *live) {
  struct prog_sample *final = &finals[unloads.samples_num++];
  *final = make_sample(live->id, live->load_time_ns, live->name, live->cnt);
  name_sample(final, live->name);
  unloads.unloaded++;
  if (live->owner != FLOOD)
    world.is_loaded[live->owner] = false;
}

/* All run on; some die after that. */
static void live_on(void) {
  size_t num = 0;
  for (size_t i = 0; i < world.live_num; i++) {
    struct live *live = &world.live[i];
    run(live, 10 + live->owner);
    if (live->dies <= world.now)
      end(live);
    else
      world.live[num++] = *live;
  }
  world.live_num = num;
}

static void unload_honest(unsigned owner) {
  for (size_t i = 0; i < world.live_num; i++)
    if (world.live[i].owner == owner)
      world.live[i].dies = world.now;
}

static void flood(void) {
  static char names[FLOOD_A_SECOND][24]; /* until they are told */
  for (int i = 0; i < FLOOD_A_SECOND; i++) {
    if (i % 2 == 0) {
      load(FLOOD, FLOOD_READS);
      continue;
    }
    struct live brief = make(FLOOD, 7);
    world.brief += 7;
    world.all += 7;
    memcpy(names[i], brief.name, sizeof(names[i]));
    end(&brief);
    name_sample(&finals[unloads.samples_num - 1], names[i]);
  }
}

/* No hour has more names than there are places. */
static void note_shown(const char *name) {
  size_t i = 0;
  while (i < shown_num && strcmp(shown[i].name, name) != 0)
    i++;
  ck_assert_uint_lt(i, NAMES_MAX);
  if (i == shown_num)
    snprintf(shown[shown_num++].name, sizeof(shown[0].name), "%s", name);
  shown[i].last = world.now;
}

static void check_names(void) {
  size_t of_this_hour = 0;
  for (const struct group *group = groups_next(groups, NULL); group != NULL;
       group = groups_next(groups, group))
    if (group->name[0] != '_')
      note_shown(group->name);
  for (size_t i = 0; i < shown_num; i++)
    of_this_hour += shown[i].last + hour > world.now;
  ck_assert_uint_le(of_this_hour, PLACES);
}

static void check_honest(unsigned owner) {
  char name[24];
  name_of(owner, name);
  const struct group *group = find_group(name);
  if (!world.is_loaded[owner]) /* one that died since is shown once more */
    return;
  ck_assert_msg(group != NULL, "no group %s at %u s", name, world.now);
  ck_assert_uint_eq(group->programs, 1);
  check_stats(group->total, world.honest[owner]);
}

static void check_world(void) {
  for (unsigned i = 0; i < HONEST; i++)
    check_honest(i);
  check_names();
  const struct group *brief = find_group("_brief");
  ck_assert_uint_eq(brief == NULL ? 0 : brief->total.cnt, world.brief);
  check_stats(groups_host(groups)->group.total, world.all);
  ck_assert_uint_eq(groups_host(groups)->group.programs, world.live_num);
}

/* Lets a second pass, and reads. */
static void pass(bool is_flooded) {
  if (world.now > 0)
    live_on();
  if (is_flooded)
    flood();
  world.now++;
  begin_snapshot(world.now * second_ns);
  for (size_t i = 0; i < world.live_num; i++) {
    const struct live *live = &world.live[i];
    name_sample(program(live->id, live->load_time_ns, NULL, live->cnt),
                live->name);
  }
  unloads.samples = finals;
  unloads.begins = world.now == 1;
  snapshot.unloads = &unloads;
  ck_assert_int_eq(groups_update(groups, PART_WHOLE, &snapshot), 0);
  check_world();
  unloads = (struct unloads){0};
}

START_TEST(groups_update__flood_of_names__costs_the_others_nothing) {
  memset(&world, 0, sizeof(world));
  shown_num = 0;
  unloads = (struct unloads){0};
  is_by_owner = _i == 1;
  groups_start(PLACES, is_by_owner ? "owner" : "name");
  for (unsigned i = 0; i < HONEST; i++)
    load(i, 0);
  pass(false);
  for (unsigned t = 1; t <= 600; t++) {
    if (t == 30)
      load(LATE, 0);
    for (unsigned i = 0; i < HONEST; i++) {
      if (t == 60 + 10 * i || (i == 3 && t == 200))
        unload_honest(i);
      /* Reloaded before the next read, or much later. */
      else if (i == 3 ? t == 500 : t == 61 + 10 * i)
        load(i, 0);
    }
    pass(true);
    ck_assert_ptr_null(find_group("honest_20"));
    ck_assert_uint_gt(groups_host(groups)->folded_programs, 0);
  }
  /* It came into all places that were free at its first read, and its names
   * have been idle since the fourth. */
  const unsigned first = 2;
  while (world.now < first + FLOOD_READS + hour - 1) {
    pass(false);
    ck_assert_ptr_null(find_group("honest_20"));
  }
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 1);
  pass(false);
  pass(false);
  ck_assert_uint_eq(groups_host(groups)->folded_programs, 0);
  check_honest(LATE);
  /* The next hour has no more names than the first. */
  for (unsigned t = 0; t < 60; t++) {
    pass(true);
    check_honest(LATE);
  }
}
END_TEST

Suite *flood_suite(void) {
  Suite *suite = suite_create("flood");
  TCase *tests = tcase_create("flood");
  tcase_add_checked_fixture(tests, groups_setup, groups_teardown);
  tcase_add_loop_test(
      tests, groups_update__flood_of_names__costs_the_others_nothing, 0, 2);
  suite_add_tcase(suite, tests);
  return suite;
}
