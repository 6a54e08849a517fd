/* SPDX-License-Identifier: MIT */
/* pins: files on a bpffs, by which what one process has loaded serves others.
 */
#ifndef BPF_STATS_PINS_H
#define BPF_STATS_PINS_H

#include "refusal.h"

#include <sys/types.h>

enum { PINS_TEXT_SIZE = REFUSAL_TEXT_SIZE };

/* Gives the pin at PATH to root and that group, with that mode. A symlink in
 * its place is not followed. Returns 0 or -errno. */
int pins_give(const char *path, gid_t gid, mode_t mode);

/* Returns the directory of a pin, an absolute path, which the caller frees;
 * NULL when out of memory. */
char *pins_dir_of(const char *pin);

/* Pins what FD stands for as that file in DIR, in the place of what is there;
 * it has another name until all is right. Returns 0 or -errno. */
int pins_replace(int fd, const char *dir, const char *file, gid_t gid,
                 mode_t mode);

/* Takes the file away, and what pins_replace() may have left of it. Returns 0,
 * also when there is none, or -errno. */
int pins_remove(const char *dir, const char *file);

/* Opens a pinned iterator: each time is a walk of its own. Returns a descriptor
 * that the caller closes; -EMEDIUMTYPE when it is no file on a bpffs; -errno.
 */
int pins_open(const char *path);

/* Does the same with that file in DIR. */
int pins_open_in(const char *dir, const char *file);

/* Writes into TEXT what an error of opening or reading a pin means and, where
 * that is known, what helps: a part of a sentence. WHAT is pinned there, or
 * should be: "iterator" or "watch". */
void pins_explain(int error, const char *what, char text[PINS_TEXT_SIZE]);

#endif
