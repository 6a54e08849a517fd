/* SPDX-License-Identifier: MIT */
/* group_name: builds safe, bounded group names out of what programs are. */
#include "group_name.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const part_words[GROUP_NAME_PARTS] = {
    [GROUP_NAME_NAME] = "name",   [GROUP_NAME_TYPE] = "type",
    [GROUP_NAME_TAG] = "tag",     [GROUP_NAME_ID] = "id",
    [GROUP_NAME_OWNER] = "owner",
};

const char *const group_name_reserved[GROUP_RESERVED_NUM] = {
    [GROUP_OTHER] = "_other",
    [GROUP_BRIEF] = "_brief",
    [GROUP_OWN] = "bpf_stats",
};

static const char separators[] = " \t-";

bool group_name_has(const struct group_name_format *format,
                    enum group_name_part part) {
  for (size_t i = 0; i < format->parts_num; i++)
    if (format->parts[i] == part)
      return true;
  return false;
}

/* Appends the part that is the LEN bytes of WORD. */
static int add_part(struct group_name_format *format, const char *word,
                    size_t len) {
  for (size_t part = 0; part < GROUP_NAME_PARTS; part++) {
    if (strlen(part_words[part]) != len ||
        strncmp(part_words[part], word, len) != 0)
      continue;
    if (group_name_has(format, (enum group_name_part)part))
      return -EINVAL;
    format->parts[format->parts_num++] = (enum group_name_part)part;
    return 0;
  }
  return -EINVAL;
}

int group_name_format_parse(const char *text,
                            struct group_name_format *ret_format) {
  struct group_name_format format = {.parts_num = 0};
  for (const char *word = text + strspn(text, separators); *word != '\0';) {
    size_t len = strcspn(word, separators);
    int rc = add_part(&format, word, len);
    if (rc != 0)
      return rc;
    word += len;
    word += strspn(word, separators);
  }
  if (format.parts_num == 0)
    return -EINVAL;
  *ret_format = format;
  return 0;
}

/* A name under construction: as much as fits, and the hash of all of it. */
struct builder {
  char *name;
  size_t len; /* of the whole, also of what did not fit */
  uint64_t hash;
};

static const uint64_t fnv1a_offset = 0xcbf29ce484222325;
static const uint64_t fnv1a_prime = 0x100000001b3;

static char safe_char(char c) {
  bool is_safe = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                 (c >= '0' && c <= '9') || c == '_' || c == '-';
  if (is_safe)
    return c;
  return '_';
}

/* "-" stands between parts, so an owner has none. */
static char safe_owner_char(char c) {
  if (c == '-')
    return '_';
  return safe_char(c);
}

/* Adds the text by its characters as SAFE makes them. The hash takes the bytes
 * as they were, so that long names that differ only in an unsafe byte stay
 * apart. */
static void builder_add(struct builder *builder, const char *text,
                        char (*safe)(char)) {
  for (; *text != '\0'; text++) {
    if (builder->len < GROUP_NAME_SIZE - 1)
      builder->name[builder->len] = safe(*text);
    builder->len++;
    builder->hash = (builder->hash ^ (unsigned char)*text) * fnv1a_prime;
  }
}

/* Returns what follows in the owner if, made safe, it begins so; or NULL. */
static const char *skip_safe(const char *owner, const char *begin) {
  for (; *begin != '\0'; owner++, begin++)
    if (*owner == '\0' || safe_owner_char(*owner) != *begin)
      return NULL;
  return owner;
}

/* Whether the owner, made safe, is the name of programs that have none. */
static bool seems_unowned(const char *owner) {
  const char *rest = skip_safe(owner, "_unknown");
  if (rest != NULL)
    return *rest == '\0';
  rest = skip_safe(owner, "uid_");
  return rest != NULL && rest[strspn(rest, "0123456789")] == '\0';
}

static void builder_add_owner(struct builder *builder,
                              const struct prog_sample *sample) {
  const char *owner = prog_sample_owner(sample);
  if (sample->is_owned && seems_unowned(owner))
    builder_add(builder, "_", safe_char);
  builder_add(builder, owner, safe_owner_char);
}

static bool is_reserved(const char *name) {
  for (size_t i = 0; i < GROUP_RESERVED_NUM; i++)
    if (strcmp(name, group_name_reserved[i]) == 0)
      return true;
  return false;
}

static void builder_finish(struct builder *builder) {
  enum { HASH_SIZE = sizeof("-0123456789abcdef") };
  const size_t len_max = GROUP_NAME_SIZE - HASH_SIZE;
  const bool fits = builder->len < GROUP_NAME_SIZE;
  if (fits)
    builder->name[builder->len] = '\0';
  if (!fits || is_reserved(builder->name))
    snprintf(builder->name + (fits ? builder->len : len_max), HASH_SIZE,
             "-%016" PRIx64, builder->hash);
}

void group_name_of(const struct group_name_format *format,
                   const struct prog_sample *sample,
                   char name[GROUP_NAME_SIZE]) {
  char id[16];
  snprintf(id, sizeof(id), "%" PRIu32, sample->id);
  const char *const texts[] = {
      [GROUP_NAME_NAME] = sample->name,
      [GROUP_NAME_TYPE] = sample->type_name,
      [GROUP_NAME_TAG] = sample->tag,
      [GROUP_NAME_ID] = id,
  };
  struct builder builder = {.hash = fnv1a_offset};
  builder.name = name;
  for (size_t i = 0; i < format->parts_num; i++) {
    const enum group_name_part part = format->parts[i];
    if (i > 0)
      builder_add(&builder, "-", safe_char);
    if (part == GROUP_NAME_OWNER)
      builder_add_owner(&builder, sample);
    else
      builder_add(&builder, texts[part], safe_char);
  }
  builder_finish(&builder);
}
