/* SPDX-License-Identifier: MIT */
/* groups_check: what holds after any read, and what holds while all that the
 * kernel said was true. */
#include "groups_check.h"

/* Of one check. */
struct check {
  struct trial *trial;
  const struct kernel *kernel;
  const struct prog_snapshot *snapshot;
  bool whole;
  size_t programs[TRIAL_GROUPS]; /* loaded, as far as the read can tell */
  size_t programs_num;
};

static bool at_most(struct prog_stats a, struct prog_stats b) {
  return a.cnt <= b.cnt && a.nsecs <= b.nsecs && a.misses <= b.misses;
}

static bool equal(struct prog_stats a, struct prog_stats b) {
  return at_most(a, b) && at_most(b, a);
}

static struct prog_stats minus(struct prog_stats a, struct prog_stats b) {
  return (struct prog_stats){a.cnt - b.cnt, a.nsecs - b.nsecs,
                             a.misses - b.misses};
}

/* Whether no group can be forgotten, or be counted under "_other". */
static bool keeps_all(const struct trial *trial) {
  return trial->groups_max == 0 || trial->groups_max >= KERNEL_NAMES;
}

static size_t number_of(const char *name) {
  for (size_t i = 0; i < KERNEL_GROUPS; i++)
    if (strcmp(kernel_group_name(i), name) == 0)
      return i;
  if (strcmp(name, "_other") == 0)
    return TRIAL_OTHER;
  if (strcmp(name, "_brief") == 0)
    return TRIAL_BRIEF;
  demand(false, "a group has the name of a program");
  return 0;
}

static bool has_ended(const struct unloads *unloads,
                      const struct prog_sample *sample) {
  for (size_t i = 0; unloads != NULL && i < unloads->samples_num; i++)
    if (unloads->samples[i].id == sample->id &&
        (sample->unreadable ||
         unloads->samples[i].load_time_ns == sample->load_time_ns))
      return true;
  return false;
}

/* Counts the programs that the snapshot has, and that had no end since. */
static void count_programs(struct check *check) {
  for (size_t i = 0; i < check->snapshot->samples_num; i++) {
    const struct prog_sample *sample = &check->snapshot->samples[i];
    if (has_ended(check->snapshot->unloads, sample))
      continue;
    check->programs_num++;
    if (!sample->unreadable)
      check->programs[kernel_group_of(sample->id, sample->name)]++;
  }
}

/* What it has counted since the last read, as far as it knows. */
static struct prog_stats delta_of(const struct check *check,
                                  const struct group *group,
                                  const struct trial_group *before) {
  if (check->trial->part == PART_WHOLE || check->trial->part == PART_WINDOW)
    return group->delta;
  if (group->current_ns != before->current_ns)
    return group->counted; /* it was idle, or it was brought up */
  demand(at_most(before->counted, group->counted), "what is counted adds up");
  return minus(group->counted, before->counted);
}

/* What holds of any group, also of the host. KNOWN: it cannot have been
 * forgotten since it was last seen. */
static void check_any(const struct check *check, const struct group *group,
                      const struct trial_group *before, bool known) {
  struct prog_stats estimated = group_estimated_total(group);
  demand(at_most(group->delta, group->total), "a delta is part of its total");
  demand(at_most(group->total, estimated), "an estimate adds to the total");
  demand(at_most(group->skipping, group->delta), "what misses is a part");
  if ((group->misses & 1U << MISSES_UNCOUNTED) == 0)
    demand(equal(group->skipping, group->delta), "what misses is all");
  if (!known)
    return;
  demand(at_most(before->total, group->total), "a total does not fall");
  demand(at_most(before->estimated, estimated), "an estimate does not fall");
  struct prog_stats rise = minus(group->total, before->total);
  bool is_host = group->name[0] == '\0';
  if (check->kernel->exact && (!is_host || check->trial->whole))
    demand(at_most(delta_of(check, group, before), rise),
           "a delta is part of the rise");
  if (check->trial->reads == 0)
    demand(equal(group->delta, (struct prog_stats){0}), "no delta at first");
}

/* Polled, a delta is of the programs that were read twice, or born since. */
static void check_delta(const struct check *check, const struct group *group,
                        struct prog_stats measured) {
  const bool has_delta =
      check->trial->part == PART_WHOLE || check->trial->part == PART_WINDOW;
  if (has_delta && check->trial->mode == TRIAL_POLLED && check->kernel->exact)
    demand(equal(group->delta, measured),
           "polled, a delta is what is measured");
}

/* What its versions have counted, and how many programs they have, are its own,
 * as long as each has a place. */
static void check_versions(const struct check *check,
                           const struct group *group) {
  const struct versions *versions = groups_versions(group);
  struct prog_stats delta = {0};
  size_t programs = 0, num = 0;
  if (versions == NULL)
    return;
  for (const struct version *version = versions->newest; version != NULL;
       version = version->next) {
    delta = prog_stats_add(delta, version->sum.delta);
    programs += version->sum.programs;
    num++;
  }
  demand(num == versions->num && num <= VERSIONS_MAX, "places for versions");
  demand(at_most(delta, group->delta), "versions are a part of their group");
  if (versions->is_crowded || check->snapshot->read_errors > 0)
    return;
  demand(programs == group->programs, "each program is of a version");
  const bool has_delta =
      check->trial->part == PART_WHOLE || check->trial->part == PART_WINDOW;
  if (check->kernel->exact && has_delta)
    demand(equal(delta, group->delta), "versions are all of their group");
}

static void remember(struct trial_group *seen, const struct group *group) {
  const unsigned tags = seen->tags;
  *seen = (struct trial_group){.shown = true,
                               .has_place = true,
                               .total = group->total,
                               .estimated = group_estimated_total(group),
                               .counted = group->counted,
                               .current_ns = group->current_ns,
                               .tags = tags};
}

/* A group that is not shown keeps its place for an hour. */
static void keep_place(struct trial_group *seen, uint64_t now_ns) {
  if (seen->shown)
    seen->idle_since_ns = now_ns;
  seen->shown = false;
  seen->counted = (struct prog_stats){0};
  if (now_ns - seen->idle_since_ns >= GROUP_IDLE_MIN_NS)
    seen->has_place = false;
}

/* No hour has more names than there are places; and nobody is folded while
 * there is one. */
static void check_places(const struct check *check) {
  const struct trial *trial = check->trial;
  size_t places = 0;
  for (size_t i = 0; i < KERNEL_NAMES; i++)
    places += trial->seen[i].has_place;
  if (trial->groups_max != 0)
    demand(places <= trial->groups_max, "MaxInstances");
  if (check->whole && groups_host(trial->groups)->folded_programs > 0)
    demand(places == trial->groups_max, "folded while there is a place");
}

/* Goes over the groups. Returns how many programs they have. */
static size_t check_walk(struct check *check) {
  struct trial *trial = check->trial;
  const uint64_t now_ns = check->snapshot->awake_ns;
  bool shown[TRIAL_GROUPS] = {false};
  size_t programs = 0;
  for (const struct group *group = groups_next(trial->groups, NULL);
       group != NULL; group = groups_next(trial->groups, group)) {
    size_t i = number_of(group->name);
    struct trial_group *seen = &trial->seen[i];
    demand(!shown[i], "a group is there once");
    shown[i] = true;
    programs += group->programs;
    /* It was there in the last hour, or takes no place, or none is short. */
    const bool is_known =
        i >= KERNEL_NAMES || keeps_all(trial) || seen->shown ||
        (seen->has_place && now_ns - seen->idle_since_ns < GROUP_IDLE_MIN_NS);
    check_any(check, group, seen, is_known);
    check_versions(check, group);
    if (keeps_all(trial) && i < KERNEL_GROUPS)
      check_delta(check, group, check->kernel->deltas[i]);
    if ((keeps_all(trial) || is_known) && check->whole && i != TRIAL_OTHER)
      demand(group->programs == check->programs[i], "programs of a group");
    remember(seen, group);
  }
  for (size_t i = 0; i < TRIAL_GROUPS; i++)
    if (!shown[i])
      keep_place(&trial->seen[i], now_ns);
  check_places(check);
  return programs;
}

static void compare(const struct check *check, struct prog_stats total,
                    struct prog_stats ever, struct prog_stats polled,
                    struct prog_stats lacks) {
  const struct trial *trial = check->trial;
  if (trial->mode == TRIAL_POLLED)
    demand(equal(total, polled), "polled, it is what was read");
  demand(at_most(total, ever), "no more than there was");
  if (trial->mode == TRIAL_WATCHED && trial->at_rest && check->whole)
    demand(at_most(minus(ever, lacks), total), "watched, nothing is missing");
}

/* Totals, as long as all that the kernel said was true. */
static void compare_totals(const struct check *check) {
  const struct trial *trial = check->trial;
  const struct kernel *kernel = check->kernel;
  struct prog_stats sum = {0};
  compare(check, trial->seen_host.total, kernel_sum(kernel->ever),
          kernel_sum(kernel->polled), kernel_sum(kernel->lacks));
  if (!keeps_all(trial))
    return;
  for (size_t i = 0; i < TRIAL_GROUPS; i++)
    sum = prog_stats_add(sum, trial->seen[i].total);
  demand(equal(sum, trial->seen_host.total), "groups are all of the host");
  for (size_t i = 0; i < KERNEL_GROUPS; i++)
    compare(check, trial->seen[i].total, kernel->ever[i], kernel->polled[i],
            prog_stats_add(kernel->lacks[i], kernel->brief[i]));
  demand(at_most(trial->seen[TRIAL_BRIEF].total, kernel_sum(kernel->brief)),
         "brief programs alone");
}

static void check_counts(const struct check *check, const struct host *host) {
  const struct trial *trial = check->trial;
  const struct host *before = &trial->host;
  demand(host->churn.loaded >= before->churn.loaded, "loads do not fall");
  demand(host->churn.unloaded >= before->churn.unloaded, "unloads do not fall");
  demand(host->unwatched_unloads >= before->unwatched_unloads,
         "unwatched unloads do not fall");
  bool ends_interval =
      trial->part == PART_WHOLE || trial->part == PART_AFTER_WINDOW;
  demand(host->read_errors ==
             before->read_errors +
                 (ends_interval ? check->snapshot->read_errors : 0),
         "read errors add up, once a read");
  if (keeps_all(trial))
    demand(host->folded_programs == 0, "nothing is folded");
  demand(host->unowned <= host->group.programs, "unowned ones are programs");
  if (check->snapshot->complete)
    demand(host->group.programs == check->programs_num, "programs of the host");
  if (trial->mode == TRIAL_WATCHED) {
    demand(host->churn.loaded == trial->loaded, "loads, watched");
    demand(host->churn.unloaded == trial->unloaded, "unloads, watched");
    demand(host->unwatched_unloads == trial->lost, "unwatched is what is lost");
  } else if (trial->mode == TRIAL_POLLED && !check->kernel->reuses_ids) {
    demand(host->churn.loaded <= check->kernel->last_id, "loads, polled");
  }
}

void trial_check(struct trial *trial, struct kernel *kernel,
                 const struct prog_snapshot *snapshot) {
  const struct host *host = groups_host(trial->groups);
  struct check check = {.trial = trial,
                        .kernel = kernel,
                        .snapshot = snapshot,
                        .whole =
                            snapshot->complete && snapshot->read_errors == 0};
  count_programs(&check);
  size_t programs = check_walk(&check);
  demand(programs <= host->group.programs, "groups are part of the host");
  if (check.whole)
    demand(programs == host->group.programs, "groups are all of the host");
  check_any(&check, &host->group, &trial->seen_host, true);
  check_delta(&check, &host->group, kernel_sum(kernel->deltas));
  remember(&trial->seen_host, &host->group);
  if (kernel->exact)
    compare_totals(&check);
  check_counts(&check, host);
  for (size_t i = 0; i < KERNEL_GROUPS; i++)
    kernel->has_group[i] = trial->seen[i].shown || kernel->has_group[i];
  trial->host = *host;
  trial->whole = check.whole;
  trial->reads++;
}

static void remember_time(struct trial_group *seen, const struct group *group) {
  seen->counted = group->counted;
  seen->current_ns = group->current_ns;
}

/* A deploy is one of a tag that the group was not last seen with, and it is
 * seen with what is loaded. */
static void check_deploy(const struct trial *trial, struct trial_group *seen,
                         const struct group *group) {
  const struct versions *versions = groups_versions(group);
  if (versions == NULL)
    return;
  unsigned loaded = 0, current = 0;
  for (const struct version *version = versions->newest; version != NULL;
       version = version->next) {
    loaded |= (version->sum.programs > 0) * 1u << version->tag;
    current |= version->is_current * 1u << version->tag;
  }
  if (versions->is_deployed && keeps_all(trial))
    demand((seen->tags >> versions->deployed->tag & 1) == 0,
           "a deploy is of another tag");
  demand(loaded == 0 || loaded == current, "a group is seen as it is");
  seen->tags = current;
}

void trial_check_beginnings(struct trial *trial) {
  remember_time(&trial->seen_host, &groups_host(trial->groups)->group);
  for (const struct group *group = groups_next(trial->groups, NULL);
       group != NULL; group = groups_next(trial->groups, group)) {
    const struct prog_stats estimated = group_estimated_total(group);
    remember_time(&trial->seen[number_of(group->name)], group);
    check_deploy(trial, &trial->seen[number_of(group->name)], group);
    const bool has_run = estimated.cnt != 0 || estimated.misses != 0;
    demand(!group->has_begun || has_run, "what has begun has run");
    if (group->is_current && group->unread == 0)
      demand(group->has_begun == has_run, "what has run has begun");
    demand(group->zero_ns <= trial->last_ns, "it was 0 before this read");
    if (group->zero_ns != 0)
      demand(group->has_begun, "what was 0 has begun");
  }
}
