/* SPDX-License-Identifier: MIT */
/* selector: matches names, types and owners against the operator's lists. */
#include "selector.h"

#include "name_pattern.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct entry {
  TAILQ_ENTRY(entry) link;
  bool is_regex;
  bool matches;      /* the program that is asked about */
  bool has_selected; /* a program, some time */
  regex_t regex;
  char text[]; /* as it was given */
};

TAILQ_HEAD(list, entry);

struct selector {
  struct list programs;
  struct list types;
  struct list owners;
  bool ignore_selected;
};

struct selector *selector_new(void) {
  struct selector *selector = calloc(1, sizeof(*selector));
  if (selector == NULL)
    return NULL;
  TAILQ_INIT(&selector->programs);
  TAILQ_INIT(&selector->types);
  TAILQ_INIT(&selector->owners);
  return selector;
}

static void list_free(struct list *list) {
  while (!TAILQ_EMPTY(list)) {
    struct entry *entry = TAILQ_FIRST(list);
    TAILQ_REMOVE(list, entry, link);
    if (entry->is_regex)
      regfree(&entry->regex);
    free(entry);
  }
}

void selector_free(struct selector *selector) {
  if (selector == NULL)
    return;
  list_free(&selector->programs);
  list_free(&selector->types);
  list_free(&selector->owners);
  free(selector);
}

/* Returns an entry in no list, or NULL when out of memory. */
static struct entry *entry_new(const char *text) {
  const size_t size = strlen(text) + 1;
  struct entry *entry = calloc(1, sizeof(*entry) + size);
  if (entry != NULL)
    memcpy(entry->text, text, size);
  return entry;
}

/* Compiles what is between the slashes. Returns 0, -ENOMEM or -EINVAL. */
static int compile(struct entry *entry, char *reason, size_t reason_size) {
  char *end_slash = &entry->text[strlen(entry->text) - 1];
  *end_slash = '\0';
  int status =
      regcomp(&entry->regex, entry->text + 1, REG_EXTENDED | REG_NOSUB);
  *end_slash = '/';
  entry->is_regex = status == 0;
  if (status == 0)
    return 0;
  regerror(status, &entry->regex, reason, reason_size);
  return status == REG_ESPACE ? -ENOMEM : -EINVAL;
}

static int add_pattern(struct list *list, enum name_kind kind, const char *text,
                       char *reason, size_t reason_size) {
  int rc = name_pattern_check(kind, text, reason, reason_size);
  if (rc != 0)
    return rc;
  struct entry *entry = entry_new(text);
  if (entry == NULL)
    return -ENOMEM;
  if (name_pattern_is_regex(text))
    rc = compile(entry, reason, reason_size);
  if (rc == 0)
    TAILQ_INSERT_TAIL(list, entry, link);
  else
    free(entry);
  return rc;
}

int selector_add_program(struct selector *selector, const char *text,
                         char *reason, size_t reason_size) {
  return add_pattern(&selector->programs, NAME_OF_PROGRAM, text, reason,
                     reason_size);
}

int selector_add_owner(struct selector *selector, const char *text,
                       char *reason, size_t reason_size) {
  return add_pattern(&selector->owners, NAME_OF_OWNER, text, reason,
                     reason_size);
}

int selector_add_type(struct selector *selector, const char *type_name) {
  struct entry *entry = entry_new(type_name);
  if (entry == NULL)
    return -ENOMEM;
  TAILQ_INSERT_TAIL(&selector->types, entry, link);
  return 0;
}

void selector_ignore_selected(struct selector *selector, bool ignore) {
  selector->ignore_selected = ignore;
}

static bool entry_matches(const struct entry *entry, const char *text) {
  return entry->is_regex ? regexec(&entry->regex, text, 0, NULL, 0) == 0
                         : strcmp(entry->text, text) == 0;
}

/* Asks all entries, so that each knows whether it was of use. */
static bool list_matches(struct list *list, const char *text) {
  bool any = TAILQ_EMPTY(list);
  struct entry *entry;
  TAILQ_FOREACH(entry, list, link) {
    entry->matches = entry_matches(entry, text);
    any |= entry->matches;
  }
  return any;
}

static void mark_matching(struct list *list) {
  struct entry *entry;
  TAILQ_FOREACH(entry, list, link) { entry->has_selected |= entry->matches; }
}

bool selector_needs_owner(const struct selector *selector) {
  return !TAILQ_EMPTY(&selector->owners);
}

bool selector_matches(struct selector *selector, const char *name,
                      const char *type_name, const char *owner) {
  if (TAILQ_EMPTY(&selector->programs) && TAILQ_EMPTY(&selector->types) &&
      TAILQ_EMPTY(&selector->owners))
    return true;
  bool selected = list_matches(&selector->types, type_name) &&
                  list_matches(&selector->owners, owner) &&
                  list_matches(&selector->programs, name);
  if (selected) {
    mark_matching(&selector->programs);
    mark_matching(&selector->types);
    mark_matching(&selector->owners);
  }
  return selected != selector->ignore_selected;
}

static void tell_unused(const struct list *list, const char *option,
                        selector_tell tell) {
  const struct entry *entry;
  TAILQ_FOREACH(entry, list, link) {
    if (!entry->has_selected)
      tell(option, entry->text);
  }
}

void selector_tell_unused(const struct selector *selector, selector_tell tell) {
  tell_unused(&selector->programs, "Program", tell);
  tell_unused(&selector->types, "ProgramType", tell);
  tell_unused(&selector->owners, "Owner", tell);
}
