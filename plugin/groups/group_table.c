/* SPDX-License-Identifier: MIT */
/* group_table: a search tree for names, and a list each of active and idle. */
#include "group_table.h"

#include "group_name.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

/* How many idle groups are kept when groups are not limited: as many as the
 * default of MaxInstances. */
enum { IDLE_MAX = 1000 };

struct node {
  struct group group; /* first, so that a group is its node */
  TAILQ_ENTRY(node) link;
  bool idle;
  bool touched; /* in this interval */
  char name[GROUP_NAME_SIZE];
};

TAILQ_HEAD(nodes, node);

struct group_table {
  void *tree; /* of struct node, by name; other is in it as well */
  struct nodes active;
  struct nodes idle; /* the one idle for longest first */
  size_t active_num;
  size_t idle_num;
  size_t groups_max;
  struct node other;
};

static int compare_names(const void *a, const void *b) {
  return strcmp(((const struct group *)a)->name,
                ((const struct group *)b)->name);
}

static void set_name(struct node *node, const char *name) {
  snprintf(node->name, sizeof(node->name), "%s", name);
  node->group.name = node->name;
}

static void push_idle(struct group_table *table, struct node *node) {
  node->idle = true;
  /* "_other" takes nobody's room, so it is never forgotten. */
  if (node == &table->other)
    return;
  TAILQ_INSERT_TAIL(&table->idle, node, link);
  table->idle_num++;
}

static void remove_idle(struct group_table *table, struct node *node) {
  node->idle = false;
  if (node == &table->other)
    return;
  TAILQ_REMOVE(&table->idle, node, link);
  table->idle_num--;
}

static void forget_oldest(struct group_table *table) {
  struct node *node = TAILQ_FIRST(&table->idle);
  remove_idle(table, node);
  tdelete(node, &table->tree, compare_names);
  free(node);
}

struct group_table *group_table_new(size_t groups_max) {
  struct group_table *table = calloc(1, sizeof(*table));
  if (table == NULL)
    return NULL;
  TAILQ_INIT(&table->active);
  TAILQ_INIT(&table->idle);
  table->groups_max = groups_max;
  set_name(&table->other, "_other");
  push_idle(table, &table->other);
  if (tsearch(&table->other, &table->tree, compare_names) == NULL) {
    free(table);
    return NULL;
  }
  return table;
}

void group_table_free(struct group_table *table) {
  if (table == NULL)
    return;
  group_table_begin(table, PART_WHOLE);
  group_table_settle(table);
  while (table->idle_num > 0)
    forget_oldest(table);
  tdelete(&table->other, &table->tree, compare_names);
  free(table);
}

struct group *group_table_find(struct group_table *table, const char *name) {
  struct group key = {.name = name};
  struct group **found = tfind(&key, &table->tree, compare_names);
  return found == NULL ? NULL : *found;
}

/* Whether a new group can be had, if need be for an idle one. */
static bool make_room(struct group_table *table) {
  if (table->groups_max == 0 ||
      table->active_num + table->idle_num < table->groups_max)
    return true;
  if (table->idle_num == 0)
    return false;
  forget_oldest(table);
  return true;
}

int group_table_create(struct group_table *table, const char *name,
                       struct group **ret_group) {
  if (!make_room(table))
    return -ENOSPC;
  struct node *node = calloc(1, sizeof(*node));
  if (node == NULL)
    return -ENOMEM;
  set_name(node, name);
  if (tsearch(node, &table->tree, compare_names) == NULL) {
    free(node);
    return -ENOMEM;
  }
  push_idle(table, node);
  *ret_group = &node->group;
  return 0;
}

struct group *group_table_other(struct group_table *table) {
  return &table->other.group;
}

struct prog_stats group_estimated_total(const struct group *group) {
  return estimate_total(&group->estimate, group->total);
}

void group_begin(struct group *group, enum part part) {
  group->memory_bytes = 0;
  group->memory_unknown = false;
  group->programs = 0;
  group->unread = 0;
  if (part == PART_AFTER_WINDOW)
    return;
  group->delta = (struct prog_stats){0};
  group->unmeasured = 0;
}

void group_measure(struct group *group, enum part part,
                   struct prog_stats advance) {
  if (part == PART_WHOLE || part == PART_WINDOW)
    group->delta = prog_stats_add(group->delta, advance);
}

void group_miss(struct group *group, enum part part, bool is_read) {
  group->unread += !is_read;
  if (part != PART_AFTER_WINDOW)
    group->unmeasured++;
}

void group_bring_up(struct group *group, const struct span *span) {
  const bool is_read = group->unread == 0;
  const bool is_estimated = span->delta_ns != 0 && is_read &&
                            group->unmeasured == 0 &&
                            group->current_ns <= span->begin_ns;
  group->is_current = span->is_whole || is_estimated;
  if (!group->is_current || !is_read)
    return; /* what was not read is part of what is yet to come */
  if (!span->is_whole)
    estimate_add(&group->estimate, group->delta, span->delta_ns, group->counted,
                 span->now_ns - group->current_ns);
  group->counted = (struct prog_stats){0};
  group->current_ns = span->now_ns;
}

void group_table_begin(struct group_table *table, enum part part) {
  struct node *node;
  TAILQ_FOREACH(node, &table->active, link) {
    group_begin(&node->group, part);
    if (part == PART_WHOLE || part == PART_BEFORE_WINDOW)
      node->touched = false;
  }
}

void group_table_touch(struct group_table *table, struct group *group,
                       uint64_t since_ns) {
  struct node *node = (struct node *)group;
  node->touched = true;
  if (!node->idle)
    return;
  group->current_ns = since_ns;
  remove_idle(table, node);
  TAILQ_INSERT_TAIL(&table->active, node, link);
  if (node != &table->other)
    table->active_num++;
}

void group_table_settle(struct group_table *table) {
  struct node *next;
  for (struct node *node = TAILQ_FIRST(&table->active); node != NULL;
       node = next) {
    next = TAILQ_NEXT(node, link);
    if (node->touched)
      continue;
    TAILQ_REMOVE(&table->active, node, link);
    if (node != &table->other)
      table->active_num--;
    /* What it counted would be of long ago. */
    group_begin(&node->group, PART_WHOLE);
    node->group.counted = (struct prog_stats){0};
    push_idle(table, node);
  }
  while (table->groups_max == 0 && table->idle_num > IDLE_MAX)
    forget_oldest(table);
}

void group_table_bring_up(struct group_table *table, const struct span *span) {
  struct node *node;
  TAILQ_FOREACH(node, &table->active, link)
  group_bring_up(&node->group, span);
}

const struct group *group_table_next(const struct group_table *table,
                                     const struct group *group) {
  const struct node *next = group == NULL
                                ? TAILQ_FIRST(&table->active)
                                : TAILQ_NEXT((const struct node *)group, link);
  return next == NULL ? NULL : &next->group;
}
