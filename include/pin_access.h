/* SPDX-License-Identifier: MIT */
/* pin_access: who may use a pin. */
#ifndef BPF_STATS_PIN_ACCESS_H
#define BPF_STATS_PIN_ACCESS_H

#include <sys/types.h>

/* Gives the pin at PATH to root and that group, with that mode. A symlink in
 * its place is not followed. Returns 0 or -errno. */
int pin_access_give(const char *path, gid_t gid, mode_t mode);

#endif
