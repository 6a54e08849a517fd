/* SPDX-License-Identifier: MIT */
/* name_pattern: looks at a pattern before the C library does. */
#include "name_pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool name_pattern_is_regex(const char *text) { return text[0] == '/'; }

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* What the kernel allows in names, in bpf_obj_name_cpy() and btf_name_valid().
 * Its isalnum() is that of Latin-1. */
static bool is_name_byte(char c) {
  const unsigned char byte = (unsigned char)c;
  return is_letter(c) || is_digit(c) || c == '_' || c == '.' ||
         (byte >= 0xc0 && byte != 0xd7 && byte != 0xf7);
}

/* Of a program. */
static int check_exact(const char *name, char *reason, size_t reason_size) {
  while (*name != '\0' && is_name_byte(*name))
    name++;
  if (*name == '\0')
    return 0;
  char what[16];
  if (*name >= ' ' && *name <= '~')
    snprintf(what, sizeof(what), "'%c'", *name);
  else
    snprintf(what, sizeof(what), "byte 0x%02x", (unsigned char)*name);
  snprintf(reason, reason_size,
           "no program's name has a %s; a regex is written like \"/^xdp_/\"",
           what);
  return -EINVAL;
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
  for (p++; *p == ',' || is_digit(*p); p++) {
    size_t number = *p == ',' ? 0 : strtoul(p, NULL, 10);
    copies = number > copies ? number : copies;
  }
  if (p[-1] == ',') /* and once more for the rest */
    copies++;
  return copies > NAME_PATTERN_EXPANDED_MAX ? NAME_PATTERN_EXPANDED_MAX + 1
                                            : copies;
}

/* The C library writes repetitions out before it looks at anything, and tries
 * back-references in every way: either can take all memory, or hours. Returns
 * NULL for a pattern that is bounded, else what is wrong with it. */
static const char *find_explosion(const char *pattern) {
  size_t expanded = strlen(pattern); /* characters, at most */
  bool again = false; /* what was before was repeated, or a group */
  for (const char *p = pattern; *p != '\0'; p = skip_one(p)) {
    if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
      return "back-references are not allowed";
    if (*p == '{')
      expanded *= count_copies(p);
    else if (*p == '+' &&
             again) /* x+ is xx*; of one character that is little */
      expanded *= 2;
    if (expanded > NAME_PATTERN_EXPANDED_MAX)
      return "its repetitions are too many";
    again = strchr("*+?})", *p) != NULL;
  }
  return NULL;
}

/* Returns the escape in a bracket expression, up to END, or NULL: there a
 * backslash stands for itself, and the letter behind it as well. */
static const char *find_escape_in_brackets(const char *p, const char *end) {
  for (; p < end; p++)
    if (*p == '\\' && is_letter(p[1]))
      return p;
  return NULL;
}

/* Finds an escape that means something elsewhere, such as \d in Perl: the C
 * library silently takes it for the letter itself. Returns 0 or -EINVAL. */
static int check_escapes(enum name_kind kind, const char *pattern, char *reason,
                         size_t reason_size) {
  static const char known[] = "wWsSbB"; /* to the C library; \< is no letter */
  for (const char *p = pattern; *p != '\0'; p = skip_one(p)) {
    const char *bad = find_escape_in_brackets(p, *p == '[' ? skip_one(p) : p);
    if (bad != NULL) {
      snprintf(reason, reason_size,
               "in brackets, \\%c is a backslash or the letter; a digit is "
               "[0-9], a letter [a-z]",
               bad[1]);
      return -EINVAL;
    }
    if (kind == NAME_OF_PROGRAM && *p == '\\' && p[1] == '\\') {
      snprintf(reason, reason_size, "no program's name has a backslash");
      return -EINVAL;
    }
    if (*p == '\\' && (is_letter(p[1]) || is_digit(p[1])) &&
        strchr(known, p[1]) == NULL) {
      snprintf(reason, reason_size,
               "POSIX knows no \\%c; a digit is [0-9], a letter [a-z]", p[1]);
      return -EINVAL;
    }
  }
  return 0;
}

static int check_regex(enum name_kind kind, const char *text, char *reason,
                       size_t reason_size) {
  const size_t len = strlen(text);
  if (len == 1 || text[len - 1] != '/') {
    snprintf(reason, reason_size, "the slash at its end is missing");
    return -EINVAL;
  }
  char pattern[NAME_PATTERN_REGEX_MAX + 1];
  if (len == 2 || len - 2 > NAME_PATTERN_REGEX_MAX) {
    snprintf(reason, reason_size, "a regex has 1 to %d characters",
             NAME_PATTERN_REGEX_MAX);
    return -EINVAL;
  }
  memcpy(pattern, text + 1, len - 2);
  pattern[len - 2] = '\0';
  const char *explosion = find_explosion(pattern);
  if (explosion == NULL)
    return check_escapes(kind, pattern, reason, reason_size);
  snprintf(reason, reason_size, "%s", explosion);
  return -EINVAL;
}

int name_pattern_check(enum name_kind kind, const char *text, char *reason,
                       size_t reason_size) {
  if (text[0] == '\0') {
    snprintf(reason, reason_size, "it is empty");
    return -EINVAL;
  }
  if (name_pattern_is_regex(text))
    return check_regex(kind, text, reason, reason_size);
  return kind == NAME_OF_OWNER ? 0 : check_exact(text, reason, reason_size);
}
