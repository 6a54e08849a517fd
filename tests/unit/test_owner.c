/* SPDX-License-Identifier: MIT */
/* Unit tests of owner: paths of control groups, ordinary and hostile ones, and
 * the names that come of them. */
#include "suites.h"

#include "owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define USER "/user.slice/user-1000.slice/"
#define MANAGER USER "user@1000.service/"

/* NAME: NULL for OWNER_NONE. */
static const struct named {
  const char *path;
  const char *command;
  const char *name;
  enum owner_rank rank;
} named[] = {
    {"/system.slice/falco.service", "falco", "falco.service", OWNER_FULL},
    {"/system.slice/falco.service", NULL, "falco.service", OWNER_FULL},
    {"/system.slice/system-foo.slice/foo@x.service", "foo", "foo@.service",
     OWNER_FULL},
    {"/system.slice/run-u12.service", "a", "run.service", OWNER_FULL},
    {"/system.slice/run-p3-i4.service", "a", "run.service", OWNER_FULL},
    {"/system.slice/run-r0123456789abcdef0123456789abcdef.scope", "a",
     "run.scope", OWNER_FULL},
    {"/system.slice/run-parts.service", "a", "run-parts.service", OWNER_FULL},
    {"/system.slice/run-u.service", "a", "run-u.service", OWNER_FULL},
    {"/system.slice/tool-12.scope", "a", "tool.scope", OWNER_FULL},
    {"/system.slice/tool-12.service", "a", "tool-12.service", OWNER_FULL},
    {"/system.slice/12.scope", "a", "12.scope", OWNER_FULL},
    {"/init.scope", "systemd", "systemd", OWNER_FULL},
    /* users */
    {USER "session-3.scope", "bash", "user-1000", OWNER_FULL},
    {USER, "bash", "user-1000", OWNER_SLICE},
    {MANAGER "init.scope", "systemd", "user-1000", OWNER_FULL},
    {MANAGER, "x", "user-1000", OWNER_FULL},
    {MANAGER "app.slice", "x", "user-1000", OWNER_FULL},
    {MANAGER "app.slice/foo.service", "x", "user/foo.service", OWNER_FULL},
    {MANAGER "app.slice/foo@1.service", "x", "user/foo@.service", OWNER_FULL},
    {MANAGER "app.slice/app-foo-77.scope", "x", "user/app-foo.scope",
     OWNER_FULL},
    {MANAGER "falco.service/sshd.service", "x", "user/falco.service",
     OWNER_FULL},
    {MANAGER "_unknown", "x", "user/_unknown", OWNER_FULL},
    {MANAGER "uid-0", "x", "user/uid-0", OWNER_FULL},
    /* what a unit makes below itself says nothing */
    {"/system.slice/a.service/falco.service", "x", "a.service", OWNER_FULL},
    {"/system.slice/a.service/docker-" ID ".scope", "x", "a.service",
     OWNER_FULL},
    {"/system.slice/a.service/user@0.service/b.service", "x", "a.service",
     OWNER_FULL},
    {"/system.slice/a.service/init.scope", "x", "a.service", OWNER_FULL},
    {"/system.slice/docker-" ID ".scope/falco.service", "x", "container/x",
     OWNER_FULL},
    {USER "session-3.scope/falco.service", "x", "user-1000", OWNER_FULL},
    /* containers */
    {"/system.slice/docker-" ID ".scope", "falco", "container/falco",
     OWNER_FULL},
    {"/system.slice/docker-" ID ".scope", NULL, "container", OWNER_FULL},
    {"/machine.slice/libpod-" ID ".scope", "x", "container/x", OWNER_FULL},
    {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/"
     "cri-containerd-" ID ".scope",
     "agent", "container/agent", OWNER_FULL},
    {"/kubepods.slice/kubepods-burstable.slice", NULL, "container", OWNER_FULL},
    {"/kubepods/burstable/pod1/" ID, "agent", "container/agent", OWNER_FULL},
    {"/docker/" ID, "agent", "container/agent", OWNER_FULL},
    {"/docker", NULL, "container", OWNER_FULL},
    {"/" ID, "agent", "container/agent", OWNER_FULL},
    {"/runtime/x/" ID, "agent", "container/agent", OWNER_FULL},
    {"/docker/" ID, "_unknown", "container/_unknown", OWNER_FULL},
    {"/system.slice/docker-" ID "0.scope", "x", "docker-" ID "0.scope",
     OWNER_FULL},
    /* groups that nobody has a word for */
    {"/agents", "x", "agents", OWNER_FULL},
    {"/agents/falco.service", "x", "agents", OWNER_FULL},
    {"/two\nlines", "x", "two\nlines", OWNER_FULL},
    {"/system.slice", "x", "system.slice", OWNER_SLICE},
    {"/", "bpftool", "bpftool", OWNER_FULL},
    {"/", NULL, NULL, OWNER_NONE},
    {"/", "", NULL, OWNER_NONE},
    /* names that are made here, and nowhere else */
    {"/_unknown", "x", "x", OWNER_FULL},
    {"/_other", "x", "x", OWNER_FULL},
    {"/_brief", "x", "x", OWNER_FULL},
    {"/_unknown", NULL, NULL, OWNER_NONE},
    {"/uid-5", "x", "x", OWNER_FULL},
    {"/uid-5", "uid-6", NULL, OWNER_NONE},
    {"/uid-5a", "x", "uid-5a", OWNER_FULL},
    {"/user-5", "x", "x", OWNER_FULL},
    {"/user", "x", "x", OWNER_FULL},
    {"/container", "x", "x", OWNER_FULL},
    {"/systemd", "x", "x", OWNER_FULL},
    {"/system.slice/_unknown", "x", "system.slice", OWNER_SLICE},
    {"/system.slice/init.scope", "x", "init.scope", OWNER_FULL},
    {"/", "_unknown", NULL, OWNER_NONE},
    {"/", "uid-0", NULL, OWNER_NONE},
    {"/", "user-0", NULL, OWNER_NONE},
    {"/", "systemd", NULL, OWNER_NONE},
    {"/", "container", NULL, OWNER_NONE},
    {"/", "container/falco", NULL, OWNER_NONE},
    {"/", "user/a.service", NULL, OWNER_NONE},
    {"/", "falco.service", NULL, OWNER_NONE},
    {"/", "a.scope", NULL, OWNER_NONE},
    {"/", "system.slice", NULL, OWNER_NONE},
    {"/_x.slice", "x", NULL, OWNER_NONE},
};

/* Splits PATH in TEXT, which it overwrites. */
static struct owner_path split(char *text) {
  struct owner_path path = {.num = 0};
  char *rest = NULL;
  for (char *name = strtok_r(text, "/", &rest); name != NULL;
       name = strtok_r(NULL, "/", &rest))
    path.names[path.num++] = name;
  return path;
}

START_TEST(owner_name__path_and_command__is_the_owner) {
  const struct named *given = &named[_i];
  char text[512];
  snprintf(text, sizeof(text), "%s", given->path);
  const struct owner_path path = split(text);
  char name[OWNER_NAME_SIZE] = "before";
  enum owner_rank rank = owner_name(&path, given->command, name);
  ck_assert_str_eq(name, given->name == NULL ? "" : given->name);
  ck_assert_int_eq(rank, given->rank);
}
END_TEST

/* With a name of LEN characters that ends in END, directly below the root. */
static enum owner_rank name_long(size_t len, const char *end,
                                 char name[OWNER_NAME_SIZE]) {
  char group[300];
  memset(group, 'a', len);
  memcpy(group + len - strlen(end), end, strlen(end) + 1);
  struct owner_path path = {.names = {group}, .num = 1};
  return owner_name(&path, NULL, name);
}

START_TEST(owner_name__may_have_been_cut__is_none) {
  char name[OWNER_NAME_SIZE];
  ck_assert_int_eq(name_long(126, ".service", name), OWNER_FULL);
  ck_assert_uint_eq(strlen(name), 126);
  ck_assert_int_eq(name_long(127, ".service", name), OWNER_NONE);
  ck_assert_int_eq(name_long(127, "", name), OWNER_NONE);
  ck_assert_int_eq(name_long(256, "", name), OWNER_NONE);
  ck_assert_str_eq(name, "");
}
END_TEST

START_TEST(owner_name__long_unit_of_a_user__fits_or_is_the_user) {
  char unit[OWNER_LEVEL_SIZE];
  memset(unit, 'a', sizeof(unit));
  struct owner_path path = {
      .names = {"user.slice", "user-7.slice", "user@7.service", unit},
      .num = 4};
  char name[OWNER_NAME_SIZE];
  unit[126] = '\0';
  ck_assert_int_eq(owner_name(&path, NULL, name), OWNER_FULL);
  ck_assert_uint_eq(strlen(name), strlen("user/") + 126);
  unit[126] = 'a';
  unit[127] = '\0';
  ck_assert_int_eq(owner_name(&path, NULL, name), OWNER_FULL);
  ck_assert_str_eq(name, "user-7");
}
END_TEST

START_TEST(owner_name_uid__any__is_a_number) {
  char name[OWNER_NAME_SIZE];
  owner_name_uid(0, name);
  ck_assert_str_eq(name, "uid-0");
  owner_name_uid(UINT32_MAX, name);
  ck_assert_str_eq(name, "uid-4294967295");
}
END_TEST

Suite *owner_suite(void) {
  Suite *suite = suite_create("owner");
  TCase *tests = tcase_create("owner");
  tcase_add_loop_test(tests, owner_name__path_and_command__is_the_owner, 0,
                      sizeof(named) / sizeof(named[0]));
  tcase_add_test(tests, owner_name__may_have_been_cut__is_none);
  tcase_add_test(tests, owner_name__long_unit_of_a_user__fits_or_is_the_user);
  tcase_add_test(tests, owner_name_uid__any__is_a_number);
  suite_add_tcase(suite, tests);
  return suite;
}
