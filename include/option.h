/* SPDX-License-Identifier: MIT */
/* option: the values of one option, and the one line about a wrong one.
 *
 * ALLOWED always completes the sentence "allowed is ...". */
#ifndef BPF_STATS_OPTION_H
#define BPF_STATS_OPTION_H

#include "collectd/liboconfig/oconfig.h"

#include <stdbool.h>

enum { OPTION_TEXT_SIZE = 128 };

/* Writes the string as the log shows it: quoted, in one line, cut if long. */
void option_quote(char text[OPTION_TEXT_SIZE], const char *string);

/* Logs that VALUE, NULL for none, is not allowed. Returns false. */
bool option_reject(const oconfig_item_t *item, const oconfig_value_t *value,
                   const char *allowed);

/* Logs a warning about a value that is taken. WHAT completes "value ...: ". */
void option_warn(const oconfig_item_t *item, const oconfig_value_t *value,
                 const char *what);

/* Returns the one value of the option, or rejects it and returns NULL. */
const oconfig_value_t *option_one_value(const oconfig_item_t *item,
                                        const char *allowed);

/* Sets *RET to the boolean, which may be quoted as elsewhere in collectd's
 * configuration. Returns false after it has rejected the value. */
bool option_boolean(const oconfig_item_t *item, bool *ret);

/* Sets *RET to the number, from 0 to MAX, which may be quoted: configuration
 * management often does. Returns false after it has rejected the value. */
bool option_number(const oconfig_item_t *item, const char *allowed, double max,
                   double *ret);

/* Calls ADD with each value of the option. There must be one, and all must be
 * strings. Returns false when it, or ADD, has rejected any. */
bool option_each_string(const oconfig_item_t *item, const char *allowed,
                        bool (*add)(void *context, const oconfig_item_t *item,
                                    const oconfig_value_t *value),
                        void *context);

#endif
