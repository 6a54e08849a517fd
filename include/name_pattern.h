/* SPDX-License-Identifier: MIT */
/* name_pattern: what may stand in the options Program and Owner: an exact name,
 * or a POSIX extended regular expression between slashes.
 *
 * Refuses what can match no name, and what could take all time or memory. What
 * the C library says of a regex comes later, at regcomp(). */
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

/* What the names are of: the kernel allows but some bytes in those of programs,
 * owners have any. */
enum name_kind { NAME_OF_PROGRAM, NAME_OF_OWNER };

/* Returns 0; or -EINVAL, and then writes into REASON of REASON_SIZE bytes why
 * the text is not valid. A regex that is valid ends in a slash. */
int name_pattern_check(enum name_kind kind, const char *text, char *reason,
                       size_t reason_size);

#endif
