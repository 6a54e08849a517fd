/* SPDX-License-Identifier: MIT */
/* owner: the name of who loaded a program, from the control group and the
 * command of the process that did.
 *
 * The name stays the same over restarts and on all hosts of a fleet. It is
 * found as systemd finds the unit of a process: from the root down, slices are
 * passed over, and what comes next is the unit. Only systemd makes control
 * groups there; what is below a unit can be made by whoever the unit runs, and
 * has any name that he likes. Hence names of groups below a unit say nothing,
 * except below that of a user's systemd, and all of these begin with "user/".
 *
 *   /system.slice/falco.service             falco.service
 *   /system.slice/foo@x.service             foo@.service
 *   /system.slice/run-u12.service           run.service
 *   /init.scope                             systemd
 *   /user.slice/user-1000.slice/session-3.scope            user-1000
 *   /user.slice/user-1000.slice/user@1000.service/app.slice/foo.service
 *                                           user/foo.service
 *   /system.slice/docker-<64 hex digits>.scope, below kubepods or docker
 *                                           container/<command>, or container
 *   /agents/any                             agents
 *   /                                       the command
 *   /system.slice                           system.slice, as OWNER_SLICE
 *
 * A group directly below the root or a slice, or a command, that is called like
 * one of the names that are made here, as "uid-5", "user-5", "systemd" or
 * "container", begins with '_' as "_unknown" does, or has a '/', says nothing
 * either: it is as if the process were in the group above, or there were no
 * command. A command that ends like a unit is none. */
#ifndef BPF_STATS_OWNER_H
#define BPF_STATS_OWNER_H

#include "owner_record.h"

#include <stddef.h>
#include <stdint.h>

/* The names of control groups from below the root on, as many as are known. */
struct owner_path {
  const char *names[OWNER_LEVELS_MAX];
  size_t num;
};

enum {
  OWNER_NAME_SIZE = sizeof("user/") + OWNER_LEVEL_SIZE,
};

/* How much a name says. */
enum owner_rank {
  OWNER_NONE,  /* nothing */
  OWNER_SLICE, /* it is somebody in there */
  OWNER_FULL,
};

/* Writes into NAME who that is; with OWNER_NONE, "". COMMAND, of the leader of
 * the process's threads: NULL or "" when it is not known. */
enum owner_rank owner_name(const struct owner_path *path, const char *command,
                           char name[OWNER_NAME_SIZE]);

/* The same for a record: with what is said of its path and its command. */
enum owner_rank owner_record_name(const struct owner_record *record,
                                  const struct owner_path *path,
                                  char name[OWNER_NAME_SIZE]);

/* Writes "uid-N": the name of an owner of whom only the user is known. */
void owner_name_uid(uint32_t uid, char name[OWNER_NAME_SIZE]);

/* Of whom nothing is known. */
extern const char owner_unknown[];

#endif
