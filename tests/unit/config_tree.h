/* SPDX-License-Identifier: MIT */
/* config_tree: builds the tree that collectd makes of a <Plugin> block. */
#ifndef BPF_STATS_TESTS_CONFIG_TREE_H
#define BPF_STATS_TESTS_CONFIG_TREE_H

#include "collectd/liboconfig/oconfig.h"

enum { TREE_ITEMS_MAX = 16, TREE_VALUES_MAX = 8 };

struct config_tree {
  oconfig_item_t block;
  oconfig_item_t items[TREE_ITEMS_MAX];
  oconfig_value_t values[TREE_ITEMS_MAX][TREE_VALUES_MAX];
};

static inline void tree_init(struct config_tree *tree) {
  *tree = (struct config_tree){.block = {.key = "Plugin"}};
  tree->block.children = tree->items;
}

/* Begins an option; the values follow. KEY is borrowed, as are strings. */
static inline oconfig_item_t *tree_option(struct config_tree *tree,
                                          const char *key) {
  int i = tree->block.children_num++;
  tree->items[i] =
      (oconfig_item_t){.key = (char *)key, .values = tree->values[i]};
  return &tree->items[i];
}

static inline void tree_string(oconfig_item_t *item, const char *string) {
  item->values[item->values_num++] = (oconfig_value_t){
      .type = OCONFIG_TYPE_STRING, .value.string = (char *)string};
}

static inline void tree_number(oconfig_item_t *item, double number) {
  item->values[item->values_num++] =
      (oconfig_value_t){.type = OCONFIG_TYPE_NUMBER, .value.number = number};
}

static inline void tree_boolean(oconfig_item_t *item, int boolean) {
  item->values[item->values_num++] =
      (oconfig_value_t){.type = OCONFIG_TYPE_BOOLEAN, .value.boolean = boolean};
}

#endif
