/* SPDX-License-Identifier: MIT */
/* name_pattern: what may stand in the option Program: an exact name, or a POSIX
 * extended regular expression between slashes.
 *
 * Refuses what can match no program's name, and what could take all time or
 * memory. What the C library says of a regex comes later, at regcomp(). */
#ifndef BPF_STATS_NAME_PATTERN_H
#define BPF_STATS_NAME_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

enum {
  /* Longest regex that is taken, in bytes without the slashes. */
  NAME_PATTERN_REGEX_MAX = 1000,
  /* Its characters times its repetitions: see find_explosion(). */
  NAME_PATTERN_EXPANDED_MAX = 10000,
};

/* Returns whether the text begins with a slash: then it has to be a regex. */
bool name_pattern_is_regex(const char *text);

/* Returns 0; or -EINVAL, and then writes into REASON of REASON_SIZE bytes why
 * the text is not valid. A regex that is valid ends in a slash. */
int name_pattern_check(const char *text, char *reason, size_t reason_size);

#endif
