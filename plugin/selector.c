/* SPDX-License-Identifier: MIT */
/* selector: matches program names and types against the operator's lists. */
#include "selector.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
  struct entry *next;
  char *exact; /* NULL: regex is compiled */
  regex_t regex;
};

struct selector {
  struct entry *programs;
  struct entry *types;
  bool ignore_selected;
};

struct selector *selector_new(void) {
  return calloc(1, sizeof(struct selector));
}

static void entry_free(struct entry *entry) {
  if (entry->exact == NULL)
    regfree(&entry->regex);
  free(entry->exact);
  free(entry);
}

static void list_free(struct entry *list) {
  while (list != NULL) {
    struct entry *next = list->next;
    entry_free(list);
    list = next;
  }
}

void selector_free(struct selector *selector) {
  if (selector == NULL)
    return;
  list_free(selector->programs);
  list_free(selector->types);
  free(selector);
}

static int add_exact(struct entry **list, const char *text) {
  struct entry *entry = calloc(1, sizeof(*entry));
  char *exact = strdup(text);
  if (entry == NULL || exact == NULL) {
    free(entry);
    free(exact);
    return -ENOMEM;
  }
  *entry = (struct entry){.next = *list, .exact = exact};
  *list = entry;
  return 0;
}

/* Returns what follows the bracket expression that begins at P, or the end of a
 * pattern in which it has no end. */
static const char *skip_brackets(const char *p) {
  p += p[1] == '^' ? 2 : 1;
  p += *p == ']' ? 1 : 0; /* the first is one of the characters */
  while (*p != '\0' && *p != ']') {
    char kind = '\0';
    if (*p == '[')
      kind = p[1];
    p++;
    if (kind == ':' || kind == '.' || kind == '=') {
      const char end[] = {kind, ']', '\0'};
      const char *found = strstr(p + 1, end);
      p = found != NULL ? found + 2 : p;
    }
  }
  return *p == '\0' ? p : p + 1;
}

/* Returns what follows the character, or bracket expression, at P. */
static const char *skip_one(const char *p) {
  if (*p == '[')
    return skip_brackets(p);
  return *p == '\\' && p[1] != '\0' ? p + 2 : p + 1;
}

/* Returns how often the C library writes out what the repetition {n,m} at P is
 * of, at least once and at most just above the limit. */
static size_t count_copies(const char *p) {
  size_t copies = 1;
  for (p++; *p == ',' || (*p >= '0' && *p <= '9'); p++) {
    size_t number = *p == ',' ? 0 : strtoul(p, NULL, 10);
    copies = number > copies ? number : copies;
  }
  if (p[-1] == ',') /* and once more for the rest */
    copies++;
  return copies > SELECTOR_EXPANDED_MAX ? SELECTOR_EXPANDED_MAX + 1 : copies;
}

/* The C library writes repetitions out before it looks at anything, and tries
 * back-references in every way: either can take all memory, or hours. Returns
 * NULL for a pattern that is bounded, else what is wrong with it. */
static const char *find_explosion(const char *pattern) {
  size_t expanded = strlen(pattern); /* at most so many characters */
  bool again = false; /* what was before was repeated, or a group */
  for (const char *p = pattern; *p != '\0'; p = skip_one(p)) {
    if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
      return "back-references are not allowed";
    if (*p == '{')
      expanded *= count_copies(p);
    else if (*p == '+' &&
             again) /* x+ is xx*; of one character that is little */
      expanded *= 2;
    if (expanded > SELECTOR_EXPANDED_MAX)
      return "its repetitions are too many";
    again = strchr("*+?})", *p) != NULL;
  }
  return NULL;
}

/* TEXT is the LEN bytes between the slashes. */
static int add_regex(struct entry **list, const char *text, size_t len,
                     char *reason, size_t reason_size) {
  if (len == 0 || len > SELECTOR_REGEX_MAX) {
    snprintf(reason, reason_size, "a regex has 1 to %d characters",
             SELECTOR_REGEX_MAX);
    return -EINVAL;
  }
  char pattern[SELECTOR_REGEX_MAX + 1];
  memcpy(pattern, text, len);
  pattern[len] = '\0';
  const char *explosion = find_explosion(pattern);
  if (explosion != NULL) {
    snprintf(reason, reason_size, "%s", explosion);
    return -EINVAL;
  }

  struct entry *entry = calloc(1, sizeof(*entry));
  if (entry == NULL)
    return -ENOMEM;
  int status = regcomp(&entry->regex, pattern, REG_EXTENDED | REG_NOSUB);
  if (status != 0) {
    regerror(status, &entry->regex, reason, reason_size);
    free(entry);
    return status == REG_ESPACE ? -ENOMEM : -EINVAL;
  }
  entry->next = *list;
  *list = entry;
  return 0;
}

int selector_add_program(struct selector *selector, const char *entry,
                         char *reason, size_t reason_size) {
  size_t len = strlen(entry);
  if (len == 0) {
    snprintf(reason, reason_size, "it is empty");
    return -EINVAL;
  }
  if (entry[0] != '/')
    return add_exact(&selector->programs, entry);
  if (len == 1 || entry[len - 1] != '/') {
    snprintf(reason, reason_size, "the slash at its end is missing");
    return -EINVAL;
  }
  return add_regex(&selector->programs, entry + 1, len - 2, reason,
                   reason_size);
}

int selector_add_type(struct selector *selector, const char *type_name) {
  return add_exact(&selector->types, type_name);
}

void selector_ignore_selected(struct selector *selector, bool ignore) {
  selector->ignore_selected = ignore;
}

static bool list_matches(const struct entry *list, const char *text) {
  if (list == NULL)
    return true;
  for (const struct entry *entry = list; entry != NULL; entry = entry->next) {
    bool matches = entry->exact != NULL
                       ? strcmp(entry->exact, text) == 0
                       : regexec(&entry->regex, text, 0, NULL, 0) == 0;
    if (matches)
      return true;
  }
  return false;
}

bool selector_matches(const struct selector *selector, const char *name,
                      const char *type_name) {
  if (selector->programs == NULL && selector->types == NULL)
    return true;
  bool selected = list_matches(selector->programs, name) &&
                  list_matches(selector->types, type_name);
  return selected != selector->ignore_selected;
}
