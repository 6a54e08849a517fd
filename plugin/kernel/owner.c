/* SPDX-License-Identifier: MIT */
/* owner: goes down a control group's path as systemd does. */
#include "owner.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const char owner_unknown[] = "_unknown";

static const char hex_digits[] = "0123456789abcdef";

static bool begins(const char *name, const char *beginning) {
  return strncmp(name, beginning, strlen(beginning)) == 0;
}

static bool ends(const char *name, const char *end) {
  const size_t len = strlen(name);
  return len > strlen(end) && strcmp(name + len - strlen(end), end) == 0;
}

/* Whether NAME is BEGINNING, a number, and END; *RET_LEN is the length of the
 * first two. */
static bool is_numbered(const char *name, const char *beginning,
                        const char *end, int *ret_len) {
  const size_t len = strlen(beginning);
  if (!begins(name, beginning))
    return false;
  const size_t digits = strspn(name + len, "0123456789");
  *ret_len = (int)(len + digits);
  return digits > 0 && strcmp(name + len + digits, end) == 0;
}

/* Whether a name that nobody has made here looks as if it were made here. */
static bool is_reserved(const char *name) {
  static const char *const words[] = {"systemd", "container", "user"};
  int len = 0;
  for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
    if (strcmp(name, words[i]) == 0)
      return true;
  return name[0] == '_' || strchr(name, '/') != NULL ||
         is_numbered(name, "uid-", "", &len) ||
         is_numbered(name, "user-", "", &len);
}

/* A name of that length may have been cut, and be that of several groups. */
static bool is_usable(const char *name) {
  return strlen(name) < OWNER_LEVEL_SIZE - 1 && !is_reserved(name);
}

static bool is_command(const char *command) {
  static const char *const unit_ends[] = {".service", ".scope", ".slice"};
  for (size_t i = 0; i < sizeof(unit_ends) / sizeof(unit_ends[0]); i++)
    if (ends(command, unit_ends[i]))
      return false;
  return command[0] != '\0' && !is_reserved(command);
}

/* As the runtimes of containers name them: an id, with something before it, as
 * in "docker-<id>.scope". Or where they put them. */
static bool is_container(const char *name) {
  enum { ID_LEN = 64 };
  const char *dash = strrchr(name, '-');
  const char *id = dash == NULL ? name : dash + 1;
  return begins(name, "kubepods") || strcmp(name, "docker") == 0 ||
         (strspn(id, hex_digits) == ID_LEN &&
          (id[ID_LEN] == '\0' || strcmp(id + ID_LEN, ".scope") == 0));
}

static enum owner_rank name_container(const char *command,
                                      char name[OWNER_NAME_SIZE]) {
  snprintf(name, OWNER_NAME_SIZE, "container");
  if (command[0] != '\0')
    snprintf(name, OWNER_NAME_SIZE, "container/%s", command);
  return OWNER_FULL;
}

/* The length of a unit's name without what differs between its instances, where
 * END begins. */
static int find_stem(const char *unit, const char *end) {
  const char *at = strchr(unit, '@');
  int len = (int)(strlen(unit) - strlen(end));
  /* "run-u12", "run-p34-i56", "run-r" and 32 hex digits: systemd-run's */
  if (begins(unit, "run-") && unit[4] != '\0' &&
      strchr("upr", unit[4]) != NULL &&
      (int)strspn(unit + 5, "0123456789abcdef-i") + 5 == len && len > 5)
    return 3;
  if (strcmp(end, ".scope") != 0)
    return at != NULL && at < unit + len ? (int)(at - unit) + 1 : len;
  int digits = 0; /* of "app-foo-1234.scope" */
  while (digits < len && strchr("0123456789", unit[len - 1 - digits]) != NULL)
    digits++;
  const bool is_counted =
      digits > 0 && len > digits + 1 && unit[len - 1 - digits] == '-';
  return is_counted ? len - 1 - digits : len;
}

static void name_unit(const char *prefix, const char *unit,
                      char name[OWNER_NAME_SIZE]) {
  const char *end = ends(unit, ".service") ? ".service"
                    : ends(unit, ".scope") ? ".scope"
                                           : "";
  snprintf(name, OWNER_NAME_SIZE, "%s%.*s%s", prefix, find_stem(unit, end),
           unit, end);
}

/* Passes over slices from LEVEL on. *RET_SLICE is the last of them, if any. */
static size_t pass_slices(const struct owner_path *path, size_t level,
                          const char **ret_slice) {
  while (level < path->num && ends(path->names[level], ".slice"))
    *ret_slice = path->names[level++];
  return level;
}

/* Who it is below a user's own systemd, which is at LEVEL. That makes as many
 * control groups as it likes, of any name. */
static void name_in_user(const struct owner_path *path, size_t level,
                         const char *user, int user_len,
                         char name[OWNER_NAME_SIZE]) {
  const char *slice = NULL;
  const size_t unit = pass_slices(path, level + 1, &slice);
  if (unit < path->num && strcmp(path->names[unit], "init.scope") != 0 &&
      strlen(path->names[unit]) < OWNER_LEVEL_SIZE - 1)
    name_unit("user/", path->names[unit], name);
  else
    snprintf(name, OWNER_NAME_SIZE, "user-%.*s", user_len, user);
}

static enum owner_rank name_slice(const char *slice, const char *command,
                                  char name[OWNER_NAME_SIZE]) {
  int len = 0;
  if (slice != NULL && is_numbered(slice, "user-", ".slice", &len)) {
    snprintf(name, OWNER_NAME_SIZE, "%.*s", len, slice);
    return OWNER_SLICE;
  }
  if (slice != NULL && is_usable(slice)) {
    snprintf(name, OWNER_NAME_SIZE, "%s", slice);
    return OWNER_SLICE;
  }
  if (slice == NULL && is_command(command)) {
    snprintf(name, OWNER_NAME_SIZE, "%s", command);
    return OWNER_FULL;
  }
  return OWNER_NONE;
}

/* Whether the group at LEVEL is a container, or, as systemd has not made it,
 * one for containers. */
static bool has_container(const struct owner_path *path, size_t level) {
  const bool is_unit = ends(path->names[level], ".service") ||
                       ends(path->names[level], ".scope");
  const size_t end = is_unit ? level + 1 : path->num;
  for (size_t i = level; i < end; i++)
    if (is_container(path->names[i]))
      return true;
  return false;
}

enum owner_rank owner_name(const struct owner_path *path, const char *command,
                           char name[OWNER_NAME_SIZE]) {
  if (command == NULL)
    command = "";
  name[0] = '\0';
  const char *slice = NULL;
  const size_t level = pass_slices(path, 0, &slice);
  if (slice != NULL && begins(slice, "kubepods"))
    return name_container(command, name);
  if (level == path->num)
    return name_slice(slice, command, name);
  const char *unit = path->names[level];
  int len = 0;
  if (strcmp(unit, "init.scope") == 0 && slice == NULL)
    snprintf(name, OWNER_NAME_SIZE, "systemd");
  else if (is_numbered(unit, "user@", ".service", &len))
    name_in_user(path, level, unit + strlen("user@"),
                 len - (int)strlen("user@"), name);
  else if (slice != NULL && is_numbered(slice, "user-", ".slice", &len))
    snprintf(name, OWNER_NAME_SIZE, "%.*s", len, slice); /* a session */
  else if (has_container(path, level))
    return name_container(command, name);
  else if (is_usable(unit))
    name_unit("", unit, name);
  else
    return name_slice(slice, command, name);
  return OWNER_FULL;
}

enum owner_rank owner_record_name(const struct owner_record *record,
                                  const struct owner_path *path,
                                  char name[OWNER_NAME_SIZE]) {
  name[0] = '\0';
  return (record->flags & OWNER_RECORD_NO_PATH) != 0
             ? OWNER_NONE
             : owner_name(path, record->command, name);
}

void owner_name_uid(uint32_t uid, char name[OWNER_NAME_SIZE]) {
  snprintf(name, OWNER_NAME_SIZE, "uid-%u", uid);
}
