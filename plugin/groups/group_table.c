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

/* How many groups that have been idle for an hour are kept when groups are not
 * limited: as many as the default of MaxInstances. */
enum { IDLE_MAX = 1000 };

struct node {
  struct group group; /* first, so that a group is its node */
  struct versions versions;
  TAILQ_ENTRY(node) link;
  bool idle;
  bool touched;           /* in this interval */
  bool is_reserved;       /* it takes no place, and is in no tree */
  uint64_t idle_since_ns; /* CLOCK_MONOTONIC */
  char name[GROUP_NAME_SIZE];
};

TAILQ_HEAD(nodes, node);

struct group_table {
  void *tree; /* of struct node, by name */
  struct nodes active;
  struct nodes idle; /* the one idle for longest first */
  size_t places;     /* taken by groups, active or idle */
  size_t groups_max;
  bool shows_idle;
  struct node reserved[GROUP_RESERVED_NUM];
};

static int compare_names(const void *a, const void *b) {
  return strcmp(((const struct group *)a)->name,
                ((const struct group *)b)->name);
}

static void init_node(const struct group_table *table, struct node *node,
                      const char *name) {
  snprintf(node->name, sizeof(node->name), "%s", name);
  node->group.name = node->name;
  node->group.has_begun = table->shows_idle;
  node->group.is_new = true;
  node->idle = true;
}

static void forget_oldest(struct group_table *table) {
  struct node *node = TAILQ_FIRST(&table->idle);
  TAILQ_REMOVE(&table->idle, node, link);
  table->places--;
  tdelete(node, &table->tree, compare_names);
  versions_clear(&node->versions);
  free(node);
}

struct group_table *group_table_new(size_t groups_max, bool shows_idle) {
  struct group_table *table = calloc(1, sizeof(*table));
  if (table == NULL)
    return NULL;
  TAILQ_INIT(&table->active);
  TAILQ_INIT(&table->idle);
  table->groups_max = groups_max;
  table->shows_idle = shows_idle;
  for (size_t i = 0; i < GROUP_RESERVED_NUM; i++) {
    init_node(table, &table->reserved[i], group_name_reserved[i]);
    table->reserved[i].is_reserved = true;
  }
  return table;
}

/* Takes the group off the active ones. */
static void make_idle(struct group_table *table, struct node *node,
                      uint64_t now_ns) {
  TAILQ_REMOVE(&table->active, node, link);
  node->idle = true;
  node->idle_since_ns = now_ns;
  /* What it counted would be of long ago. */
  group_begin(&node->group, PART_WHOLE);
  node->group.counted = (struct prog_stats){0};
  versions_rest(&node->versions);
  if (!node->is_reserved)
    TAILQ_INSERT_TAIL(&table->idle, node, link);
}

void group_table_free(struct group_table *table) {
  if (table == NULL)
    return;
  while (!TAILQ_EMPTY(&table->active))
    make_idle(table, TAILQ_FIRST(&table->active), 0);
  while (!TAILQ_EMPTY(&table->idle))
    forget_oldest(table);
  free(table);
}

struct group *group_table_find(struct group_table *table, const char *name) {
  struct group key = {.name = name};
  struct group **found = tfind(&key, &table->tree, compare_names);
  return found == NULL ? NULL : *found;
}

/* Whether the group that has been idle for longest may be forgotten. */
static bool can_forget(const struct group_table *table, uint64_t now_ns) {
  const struct node *oldest = TAILQ_FIRST(&table->idle);
  return oldest != NULL && now_ns - oldest->idle_since_ns >= GROUP_IDLE_MIN_NS;
}

static bool is_full(const struct group_table *table) {
  return table->groups_max != 0 && table->places >= table->groups_max;
}

int group_table_create(struct group_table *table, const char *name,
                       uint64_t now_ns, struct group **ret_group) {
  if (is_full(table)) {
    if (!can_forget(table, now_ns))
      return -ENOSPC;
    forget_oldest(table);
  }
  struct node *node = calloc(1, sizeof(*node));
  if (node == NULL)
    return -ENOMEM;
  init_node(table, node, name);
  if (tsearch(node, &table->tree, compare_names) == NULL) {
    free(node);
    return -ENOMEM;
  }
  node->idle_since_ns = now_ns;
  TAILQ_INSERT_TAIL(&table->idle, node, link);
  table->places++;
  *ret_group = &node->group;
  return 0;
}

struct group *group_table_reserved(struct group_table *table,
                                   enum group_reserved which) {
  return &table->reserved[which].group;
}

struct versions *group_table_versions(const struct group *group) {
  struct node *node = (struct node *)group;
  return node->is_reserved ? NULL : &node->versions;
}

void group_table_begin(struct group_table *table, enum part part) {
  struct node *node;
  TAILQ_FOREACH(node, &table->active, link) {
    group_begin(&node->group, part);
    versions_begin(&node->versions, part);
    if (part_is_first(part))
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
  node->idle = false;
  if (!node->is_reserved)
    TAILQ_REMOVE(&table->idle, node, link);
  TAILQ_INSERT_TAIL(&table->active, node, link);
}

void group_table_settle(struct group_table *table, uint64_t now_ns) {
  struct node *next;
  for (struct node *node = TAILQ_FIRST(&table->active); node != NULL;
       node = next) {
    next = TAILQ_NEXT(node, link);
    if (!node->touched && node != &table->reserved[GROUP_BRIEF])
      make_idle(table, node, now_ns);
  }
  while (table->groups_max == 0 && table->places > IDLE_MAX &&
         can_forget(table, now_ns))
    forget_oldest(table);
}

void group_table_bring_up(struct group_table *table, const struct span *span) {
  struct node *node;
  TAILQ_FOREACH(node, &table->active, link) {
    group_bring_up(&node->group, span);
    versions_bring_up(&node->versions, span);
  }
}

const struct group *group_table_next(const struct group_table *table,
                                     const struct group *group) {
  const struct node *next = group == NULL
                                ? TAILQ_FIRST(&table->active)
                                : TAILQ_NEXT((const struct node *)group, link);
  return next == NULL ? NULL : &next->group;
}
