/* SPDX-License-Identifier: MIT */
/* groups: what each program has counted since it was last read goes to the
 * totals of its group and of the host.
 *
 * Whatever can fail comes before the first change of a total. */
#include "groups.h"

#include "host.h"
#include "programs.h"

#include <errno.h>
#include <stdlib.h>

struct groups {
  struct groups_options options;
  struct group_table *table;
  struct programs programs;
  struct host host;
  bool has_versions; /* the programs of a group have one name */
};

struct groups *groups_new(const struct groups_options *options) {
  struct groups *groups = calloc(1, sizeof(*groups));
  struct group_table *table =
      group_table_new(options->groups_max, options->shows_idle);
  if (groups == NULL || table == NULL) {
    free(groups);
    group_table_free(table);
    return NULL;
  }
  groups->options = *options;
  groups->table = table;
  groups->has_versions = group_name_has(&options->name_format, GROUP_NAME_NAME);
  groups->host.group.name = "";
  groups->host.group.has_run = groups->host.group.has_begun = true;
  return groups;
}

void groups_free(struct groups *groups) {
  if (groups == NULL)
    return;
  group_table_free(groups->table);
  programs_clear(&groups->programs);
  free(groups);
}

void groups_begin_after(struct groups *groups, uint32_t id,
                        uint64_t load_time_ns) {
  churn_see(&groups->host.churn, id, load_time_ns, false);
}

/* Whether the program was loaded since the first snapshot. */
static bool is_load(const struct groups *groups,
                    const struct program *program) {
  const uint64_t first_time_ns = groups->programs.first_time_ns;
  return (program->is_new && program->measured) ||
         (first_time_ns != 0 && program->load_time_ns > first_time_ns);
}

/* Takes note of a program that is first seen. WATCHED: loads are counted by the
 * kernel. */
static void meet(struct groups *groups, const struct program *program,
                 bool watched) {
  churn_see(&groups->host.churn, program->id, program->load_time_ns,
            is_load(groups, program) && !watched);
}

static bool is_own(const struct prog_snapshot *snapshot, uint32_t id) {
  for (size_t i = 0; i < snapshot->own_ids_num; i++)
    if (snapshot->own_ids[i] == id)
      return true;
  return false;
}

/* Whether the owner of a known program was found since. From the begin of an
 * interval on it counts where its owner does; what it has counted stays where
 * it was, so that all groups together are what the host is. An advance that is
 * of more than one interval would be too much for its new group. */
static bool is_claimed(const struct program *program, enum part part) {
  return !program->is_new && !program->is_owned && program->sample != NULL &&
         program->sample->is_owned && program->measured && !program->ended &&
         (part == PART_WHOLE || part == PART_BEFORE_WINDOW);
}

/* Takes note of the owner. Returns whether the program is selected. */
static bool select_program(struct groups *groups, struct program *program,
                           const struct prog_snapshot *snapshot) {
  const struct prog_sample *sample = program->sample;
  program->is_owned = sample->is_owned || is_own(snapshot, program->id);
  return selector_matches(groups->options.selector, sample->name,
                          sample->type_name, prog_sample_owner(sample));
}

/* Finds the group of a program that is selected; NULL: it is yet to be made. */
static struct group *find_group(const struct groups *groups,
                                const struct program *program,
                                const struct prog_snapshot *snapshot,
                                char name[GROUP_NAME_SIZE]) {
  if (is_own(snapshot, program->id))
    return group_table_reserved(groups->table, GROUP_OWN);
  group_name_of(&groups->options.name_format, program->sample, name);
  struct group *group = group_table_find(groups->table, name);
  if (group == NULL && program->ended)
    group = group_table_reserved(groups->table, GROUP_BRIEF);
  return group;
}

/* Makes the group of a program, or finds the one that was made for another just
 * now. Returns 0; or -ENOMEM for a program that is new: one that has counted is
 * folded, as it must not be forgotten. */
static int make_group(struct groups *groups, struct program *program,
                      const struct prog_snapshot *snapshot) {
  char name[GROUP_NAME_SIZE];
  program->group = find_group(groups, program, snapshot, name);
  if (program->group != NULL)
    return 0;
  int rc = group_table_create(groups->table, name, snapshot->awake_ns,
                              &program->group);
  if (rc == 0 || (rc == -ENOMEM && program->is_new))
    return rc;
  program->folded = true;
  program->group = group_table_reserved(groups->table, GROUP_OTHER);
  return 0;
}

/* Without memory for its group a program is as if it had not been read, and is
 * tried again at the next update. */
static void forget(struct groups *groups, struct program *program) {
  groups->host.read_errors++;
  if (!program->ended)
    *program = (struct program){.id = program->id};
}

/* Since when a group counts that this program brings to life, or its version.
 */
static uint64_t since_of(const struct groups *groups,
                         const struct program *program,
                         const struct prog_snapshot *snapshot) {
  if (!program->measured || program->load_time_ns > snapshot->time_ns)
    return snapshot->awake_ns;
  if (!program->is_new)
    return groups->programs.last_awake_ns;
  const uint64_t age_ns = snapshot->time_ns - program->load_time_ns;
  return age_ns < snapshot->awake_ns ? snapshot->awake_ns - age_ns : 0;
}

static void touch(struct groups *groups, const struct program *program,
                  const struct prog_snapshot *snapshot) {
  group_table_touch(groups->table, program->group,
                    since_of(groups, program, snapshot));
}

/* Has the program join the group that was found for it. */
static void join(struct groups *groups, struct program *program,
                 const struct prog_snapshot *snapshot) {
  program->has_joined = true;
  touch(groups, program, snapshot);
  group_join(program->group, program->load_time_ns);
}

/* Gives programs that are folded groups of their own, as long as there is
 * place. What they counted up to the snapshot before stays part of "_other",
 * and is part of a new group as well: so it shows what the kernel does, and no
 * rate is told twice. */
static void unfold(struct groups *groups,
                   const struct prog_snapshot *snapshot) {
  const struct program_list *list = &groups->programs.list;
  if (groups->host.folded_programs == 0)
    return;
  for (size_t i = 0; i < list->num; i++) {
    struct program *program = &list->items[i];
    if (!program->folded || program->sample == NULL || program->ended)
      continue;
    char name[GROUP_NAME_SIZE];
    struct group *group = find_group(groups, program, snapshot, name);
    if (group == NULL && group_table_create(groups->table, name,
                                            snapshot->awake_ns, &group) != 0)
      continue;
    if (group->is_new)
      group->total = prog_stats_add(
          group->total, prog_stats_sub(program->counted, program->advance));
    program->group = group;
    program->folded = false;
    join(groups, program, snapshot);
  }
}

/* Finds out whether the program wants a group that it does not have yet, and
 * touches the one that it has. */
static void decide(struct groups *groups, struct program *program,
                   const struct prog_snapshot *snapshot, enum part part) {
  const bool claimed = is_claimed(program, part);
  program->wants_group = program->has_joined = false;
  if (program->is_new)
    meet(groups, program, snapshot->unloads != NULL);
  if (program->group != NULL)
    touch(groups, program, snapshot);
  if (!program->is_new && !claimed)
    return;
  program->group = NULL;
  program->folded = false;
  program->wants_group = select_program(groups, program, snapshot);
}

/* Finds the group of each program. Groups that live on are touched before room
 * is made for others, so that a reload cannot lose its group; also the group
 * that a program leaves, which is shown once more. */
static void assign(struct groups *groups, const struct prog_snapshot *snapshot,
                   enum part part) {
  struct program_list *list = &groups->programs.list;
  char name[GROUP_NAME_SIZE];
  group_table_begin(groups->table, part);
  for (size_t i = 0; i < list->num; i++) {
    struct program *program = &list->items[i];
    decide(groups, program, snapshot, part);
    if (program->wants_group)
      program->group = find_group(groups, program, snapshot, name);
    if (program->wants_group && program->group != NULL)
      join(groups, program, snapshot);
  }
  group_table_settle(groups->table, snapshot->awake_ns);
  unfold(groups, snapshot);
  for (size_t i = 0; i < list->num; i++) {
    struct program *program = &list->items[i];
    if (!program->wants_group || program->group != NULL)
      continue;
    if (make_group(groups, program, snapshot) == 0)
      join(groups, program, snapshot);
    else
      forget(groups, program);
  }
}

/* Returns the version of a program, or NULL. Of a program that has joined its
 * group in another update, without a place for its version, nobody knows any
 * more whether that was a load. */
static struct version *find_version(const struct groups *groups,
                                    const struct program *program,
                                    const struct prog_snapshot *snapshot) {
  struct versions *versions = group_table_versions(program->group);
  if (versions == NULL || !groups->has_versions || program->load_time_ns == 0)
    return NULL;
  struct version *version = versions_find(versions, program->tag);
  if (version != NULL && !program->has_joined)
    return version;
  const struct prog_sample *sample = program->sample;
  const struct version_program joining = {
      .tag = program->tag,
      .load_time_ns = program->load_time_ns,
      .owner = sample != NULL ? sample->owner : NULL,
      .is_load = program->has_joined && is_load(groups, program),
      .is_moved = !program->is_new,
      .since_ns = since_of(groups, program, snapshot),
  };
  return versions_join(versions, &joining);
}

static void add_up(struct groups *groups, const struct prog_snapshot *snapshot,
                   enum part part) {
  const struct program_list *list = &groups->programs.list;
  for (size_t i = 0; i < list->num; i++) {
    const struct program *program = &list->items[i];
    if (program->group == NULL)
      continue;
    program_add_up(program, program->group, part);
    struct version *version = find_version(groups, program, snapshot);
    if (version != NULL)
      program_add_up(program, &version->sum, part);
  }
}

int groups_update(struct groups *groups, enum part part,
                  const struct prog_snapshot *snapshot) {
  int rc = programs_update(&groups->programs, snapshot);
  if (rc != 0)
    return rc;
  assign(groups, snapshot, part);
  add_up(groups, snapshot, part);
  host_update(&groups->host, &groups->programs, snapshot, part);
  programs_settle(&groups->programs, snapshot);
  return 0;
}

void groups_bring_up(struct groups *groups, const struct span *span) {
  group_table_bring_up(groups->table, span);
  group_bring_up(&groups->host.group, span);
}

const struct host *groups_host(const struct groups *groups) {
  return &groups->host;
}

const struct versions *groups_versions(const struct group *group) {
  return group_table_versions(group);
}

const struct group *groups_next(const struct groups *groups,
                                const struct group *group) {
  return group_table_next(groups->table, group);
}
