/* SPDX-License-Identifier: MIT */
/* map_fills: sorted by name to fold them, and then by fill. */
#include "map_fills.h"

#include "reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void map_fills_clear(struct map_fills *fills) {
  free(fills->fills);
  free(fills->places);
  *fills = (struct map_fills){0};
}

static void make_safe(char safe[MAP_NAME_SIZE],
                      const char name[MAP_NAME_SIZE]) {
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "abcdefghijklmnopqrstuvwxyz0123456789_-";
  size_t i = 0;
  for (; i < MAP_NAME_SIZE - 1 && name[i] != '\0'; i++) {
    safe[i] = name[i];
    if (strchr(allowed, name[i]) == NULL)
      safe[i] = '_';
  }
  safe[i] = '\0';
  if (i == 0)
    memcpy(safe, "_unnamed", sizeof("_unnamed"));
}

static int compare_fill(const void *a, const void *b) {
  const struct map_fill *first = a;
  const struct map_fill *second = b;
  if (first->fill != second->fill)
    return first->fill > second->fill ? -1 : 1;
  return strcmp(first->name, second->name);
}

static int compare_name(const void *a, const void *b) {
  const int order = strcmp(((const struct map_fill *)a)->name,
                           ((const struct map_fill *)b)->name);
  return order != 0 ? order : compare_fill(a, b);
}

static void sort(struct map_fills *fills,
                 int (*compare)(const void *a, const void *b)) {
  if (fills->fills_num > 1)
    qsort(fills->fills, fills->fills_num, sizeof(fills->fills[0]), compare);
}

static void collect(struct map_fills *fills, const struct map_snapshot *maps) {
  for (size_t i = 0; i < maps->samples_num; i++) {
    const struct map_sample *map = &maps->samples[i];
    if (!map->has_fill)
      continue;
    struct map_fill *fill = &fills->fills[fills->fills_num++];
    *fill = (struct map_fill){.fill = map_sample_fill(map),
                              .used = map->used,
                              .capacity = map->capacity,
                              .is_ring = map->is_ring};
    make_safe(fill->name, map->name);
  }
}

/* Of each name the fullest one stays. */
static void fold(struct map_fills *fills) {
  size_t num = 0;
  sort(fills, compare_name);
  for (size_t i = 0; i < fills->fills_num; i++)
    if (i == 0 || strcmp(fills->fills[i].name, fills->fills[i - 1].name) != 0)
      fills->fills[num++] = fills->fills[i];
  fills->fills_num = num;
}

static void forget_places(struct map_fills *fills, uint64_t now_ns) {
  size_t num = 0;
  for (size_t i = 0; i < fills->places_num; i++)
    if (now_ns - fills->places[i].shown_ns < MAP_FILLS_KEPT_NS)
      fills->places[num++] = fills->places[i];
  fills->places_num = num;
}

/* Returns the place of the name, or a new one; or NULL when there is none. */
static struct map_fills_place *find_place(struct map_fills *fills,
                                          const char *name) {
  for (size_t i = 0; i < fills->places_num; i++)
    if (strcmp(fills->places[i].name, name) == 0)
      return &fills->places[i];
  if (fills->places_max != 0 && fills->places_num == fills->places_max)
    return NULL;
  struct map_fills_place *places =
      reserve(fills->places, fills->places_num + 1, &fills->places_room,
              sizeof(*places));
  if (places == NULL)
    return NULL;
  fills->places = places;
  struct map_fills_place *place = &places[fills->places_num++];
  memcpy(place->name, name, sizeof(place->name));
  return place;
}

static void show(struct map_fills *fills, uint64_t now_ns) {
  size_t shown = 0;
  forget_places(fills, now_ns);
  for (size_t i = 0; i < fills->fills_num && shown < fills->top; i++) {
    struct map_fills_place *place = find_place(fills, fills->fills[i].name);
    if (place == NULL)
      continue;
    place->shown_ns = now_ns;
    fills->fills[i].is_shown = true;
    shown++;
  }
}

int map_fills_update(struct map_fills *fills, const struct map_snapshot *maps,
                     uint64_t now_ns) {
  fills->fills_num = 0;
  struct map_fill *list = reserve(fills->fills, maps->samples_num + 1,
                                  &fills->fills_max, sizeof(*list));
  if (list == NULL)
    return -ENOMEM;
  fills->fills = list;
  collect(fills, maps);
  fold(fills);
  sort(fills, compare_fill);
  show(fills, now_ns);
  return 0;
}
