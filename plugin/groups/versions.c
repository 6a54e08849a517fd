/* SPDX-License-Identifier: MIT */
/* versions: a short list for each group, the newest first. */
#include "versions.h"

#include <stdio.h>
#include <stdlib.h>

void versions_clear(struct versions *versions) {
  struct version *next;
  for (struct version *version = versions->newest; version != NULL;
       version = next) {
    next = version->next;
    free(version);
  }
  *versions = (struct versions){0};
}

void versions_begin(struct versions *versions, enum part part) {
  versions->is_crowded = false;
  for (struct version *version = versions->newest; version != NULL;
       version = version->next)
    group_begin(&version->sum, part);
}

struct version *versions_find(const struct versions *versions, uint64_t tag) {
  struct version *version = versions->newest;
  while (version != NULL && version->tag != tag)
    version = version->next;
  return version;
}

/* Whether nothing needs the version any more: it has no program, and is no part
 * of what the last deploy is about. */
static bool can_forget(const struct versions *versions,
                       const struct version *version) {
  return !version->is_active && !version->is_current && !version->has_joined &&
         version != versions->deployed && version != versions->replaced;
}

/* Takes the version that was first seen earliest, of those that nothing needs,
 * off the list, and returns it; or NULL. */
static struct version *take_off(struct versions *versions) {
  struct version **found = NULL;
  for (struct version **link = &versions->newest; *link != NULL;
       link = &(*link)->next)
    if (can_forget(versions, *link))
      found = link;
  if (found == NULL)
    return NULL;
  struct version *version = *found;
  *found = version->next;
  versions->num--;
  return version;
}

/* Returns a version with that tag, or NULL when there is no place for it. */
static struct version *add(struct versions *versions, uint64_t tag) {
  struct version *version = versions->num < VERSIONS_MAX
                                ? malloc(sizeof(*version))
                                : take_off(versions);
  versions->is_crowded |= version == NULL;
  if (version == NULL)
    return NULL;
  *version =
      (struct version){.next = versions->newest, .tag = tag, .sum.name = ""};
  versions->newest = version;
  versions->num++;
  return version;
}

/* What a version counted before it was replaced is not part of its next life.
 */
static void begin_anew(struct version *version) {
  version->sum = (struct group){.name = ""};
  version->intervals = 0;
}

static void take_newest(struct version *version,
                        const struct version_program *program) {
  if (program->load_time_ns < version->load_time_ns)
    return;
  version->load_time_ns = program->load_time_ns;
  snprintf(version->owner, sizeof(version->owner), "%s",
           program->owner != NULL ? program->owner : "");
}

static bool has_current(const struct versions *versions) {
  for (const struct version *version = versions->newest; version != NULL;
       version = version->next)
    if (version->is_current)
      return true;
  return false;
}

struct version *versions_join(struct versions *versions,
                              const struct version_program *program) {
  const bool is_load =
      program->is_load && (!program->is_moved || has_current(versions));
  struct version *version = versions_find(versions, program->tag);
  if (version == NULL)
    version = add(versions, program->tag);
  if (version == NULL)
    return NULL;
  if (is_load && !version->is_current && !version->is_active)
    begin_anew(version);
  if (!version->is_active)
    version->sum.current_ns = program->since_ns;
  version->is_active = true;
  version->has_joined |= is_load;
  version->is_current |= !is_load;
  take_newest(version, program);
  return version;
}

void versions_rest(struct versions *versions) {
  for (struct version *version = versions->newest; version != NULL;
       version = version->next) {
    group_begin(&version->sum, PART_WHOLE);
    version->sum.counted = (struct prog_stats){0};
    version->is_active = false;
  }
}

void version_take_mean(struct version *version, double ns_per_call) {
  version->means[version->intervals % VERSION_MEANS_NUM] = (float)ns_per_call;
  version->intervals++;
}

/* Of those the newest that is loaded no more, or else the newest. */
static bool is_rather_old(const struct version *version,
                          const struct version *other) {
  const bool is_gone = version->sum.programs == 0;
  const bool other_is_gone = other->sum.programs == 0;
  return is_gone != other_is_gone ? is_gone
                                  : version->load_time_ns > other->load_time_ns;
}

static void find_deploy(struct versions *versions) {
  struct version *deployed = NULL;
  struct version *replaced = NULL;
  size_t num = 0;
  for (struct version *version = versions->newest; version != NULL;
       version = version->next) {
    if (version->is_current) {
      if (replaced == NULL || is_rather_old(version, replaced))
        replaced = version;
    } else if (version->has_joined) {
      num++;
      if (deployed == NULL || version->load_time_ns > deployed->load_time_ns)
        deployed = version;
    }
  }
  versions->is_deployed = deployed != NULL && !versions->is_crowded;
  if (!versions->is_deployed)
    return;
  versions->deployed = deployed;
  versions->replaced = replaced;
  versions->looks = 0;
  versions->untold_deploys += num;
}

/* The group is seen with what is loaded now; or, while nothing is, with what
 * was loaded last. */
static void see(struct versions *versions) {
  bool is_loaded = false;
  bool has_joined = false;
  for (const struct version *version = versions->newest; version != NULL;
       version = version->next) {
    is_loaded |= version->sum.programs > 0;
    has_joined |= version->has_joined;
  }
  for (struct version *version = versions->newest; version != NULL;
       version = version->next) {
    if (is_loaded)
      version->is_current = version->sum.programs > 0;
    else if (has_joined)
      version->is_current = version->has_joined;
    version->is_active = version->sum.programs > 0;
    version->has_joined = false;
  }
}

/* The first deploy is told of at once, those that come soon after it together.
 */
static void find_told(struct versions *versions) {
  versions->told_deploys = 0;
  versions->told_intervals++;
  if (versions->told_intervals > 2 * versions->quiet_intervals)
    versions->quiet_intervals = 0;
  if (versions->untold_deploys == 0 ||
      versions->told_intervals <= versions->quiet_intervals)
    return;
  versions->told_deploys = versions->untold_deploys;
  versions->untold_deploys = 0;
  versions->told_intervals = 0;
  versions->quiet_intervals = versions->quiet_intervals == 0
                                  ? VERSIONS_QUIET_MIN
                                  : 2 * versions->quiet_intervals;
  if (versions->quiet_intervals > VERSIONS_QUIET_MAX)
    versions->quiet_intervals = VERSIONS_QUIET_MAX;
}

static bool has_run_enough(const struct version *version) {
  return version->intervals >= VERSION_INTERVALS_MIN &&
         group_estimated_total(&version->sum).cnt >= VERSION_RUNS_MIN;
}

static void look(struct versions *versions) {
  const struct version *deployed = versions->deployed;
  const struct version *replaced = versions->replaced;
  versions->is_looked = deployed != NULL && replaced != NULL &&
                        deployed->sum.delta.cnt != 0 &&
                        has_run_enough(deployed) && has_run_enough(replaced);
  versions->looks += versions->is_looked;
}

void versions_bring_up(struct versions *versions, const struct span *span) {
  for (struct version *version = versions->newest; version != NULL;
       version = version->next) {
    group_bring_up(&version->sum, span);
    if (version->sum.delta.cnt != 0)
      version_take_mean(version, prog_stats_ns_per_call(version->sum.delta));
  }
  find_deploy(versions);
  see(versions);
  find_told(versions);
  look(versions);
}

double version_ns_per_call(const struct version *version) {
  return prog_stats_ns_per_call(group_estimated_total(&version->sum));
}

size_t version_intervals(const struct version *version, size_t max) {
  const size_t known = version->intervals < VERSION_MEANS_NUM
                           ? version->intervals
                           : VERSION_MEANS_NUM;
  return known < max ? known : max;
}

/* What a run cost in the interval that is so many before the next, in ns. */
static float mean_of(const struct version *version, size_t ago) {
  return version->means[(version->intervals - ago) % VERSION_MEANS_NUM];
}

static int compare_means(const void *a, const void *b) {
  const float first = *(const float *)a;
  const float second = *(const float *)b;
  return (first > second) - (first < second);
}

double version_median_ns(const struct version *version, size_t max) {
  const size_t num = version_intervals(version, max);
  float means[VERSION_MEANS_NUM] = {0};
  for (size_t i = 0; i < num; i++)
    means[i] = mean_of(version, i + 1);
  qsort(means, num, sizeof(means[0]), compare_means);
  return (double)means[num / 2];
}

double versions_share_above(const struct versions *versions, double percent) {
  const struct version *deployed = versions->deployed;
  const struct version *replaced = versions->replaced;
  if (deployed == NULL || replaced == NULL)
    return 0.0;
  const size_t new_num = version_intervals(deployed, VERSIONS_NEW_INTERVALS);
  const size_t old_num = version_intervals(replaced, VERSION_MEANS_NUM);
  const double factor = 1.0 + percent / 100.0;
  size_t above = 0;
  for (size_t i = 1; i <= new_num; i++)
    for (size_t j = 1; j <= old_num; j++)
      above +=
          (double)mean_of(deployed, i) > (double)mean_of(replaced, j) * factor;
  const size_t pairs = new_num * old_num;
  return pairs == 0 ? 0.0 : (double)above / (double)pairs;
}
