/* SPDX-License-Identifier: MIT */
/* selector: which programs the operator wants to see as series of their own.
 *
 * The conventions are those of collectd's ignorelist: an entry is an exact
 * string, or a POSIX extended regular expression between slashes; with no
 * entry at all everything is selected, whatever IgnoreSelected says. */
#ifndef BPF_STATS_SELECTOR_H
#define BPF_STATS_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

struct selector;

/* Selects everything. Returns NULL when out of memory. */
struct selector *selector_new(void);

/* Accepts NULL. */
void selector_free(struct selector *selector);

/* Adds an entry for the full name: an exact name, or "/regex/", see
 * name_pattern. Returns 0; -ENOMEM; or -EINVAL, and then writes into REASON of
 * REASON_SIZE bytes why the entry is not valid. */
int selector_add_program(struct selector *selector, const char *text,
                         char *reason, size_t reason_size);

/* The same for the owner, whose name may have any bytes. */
int selector_add_owner(struct selector *selector, const char *text,
                       char *reason, size_t reason_size);

/* Adds an entry for the type's name, always exact. Returns 0 or -ENOMEM. */
int selector_add_type(struct selector *selector, const char *type_name);

/* Turns the choice around: everything is wanted but what the lists select. */
void selector_ignore_selected(struct selector *selector, bool ignore);

/* Whether the program is wanted: it matches every list that is not empty. The
 * entries that have selected it take note. */
bool selector_matches(struct selector *selector, const char *name,
                      const char *type_name, const char *owner);

/* Whether it depends on owners which programs are wanted. */
bool selector_needs_owner(const struct selector *selector);

/* OPTION is the list's, ENTRY as it was given. */
typedef void (*selector_tell)(const char *option, const char *entry);

/* Tells each entry that has selected no program so far, in their order. With
 * IgnoreSelected it has ignored none. */
void selector_tell_unused(const struct selector *selector, selector_tell tell);

#endif
