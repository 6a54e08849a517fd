/* SPDX-License-Identifier: MIT */
/* Live tests of owners, on real programs in this kernel, loaded by processes in
 * control groups of their own. Needs root, and a hierarchy of control groups:
 * the unified one, or that of the memory controller.
 *
 * LIVE_FENTRY says that the kernel allows fentry, and so that loads are seen.
 */
#include "../open_fds.h"
#include "../tap.h"
#include "progs.h"

#include "owner_proc.h"
#include "reader.h"

#include <bpf/bpf.h>
#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a reader has: all that this kernel allows, or no watch, or neither that
 * nor the iterator of programs. */
enum ways { ALL, NO_WATCH, SYSCALL, WAYS_NUM };

static const char *groups_dir;
static bool has_payers; /* the memory controller is in the hierarchy */
static bool has_watch;
static bool has_iterators;
static struct selector *selector;
static struct reader *reader;
static const struct reading *reading;

static void start(enum ways ways) {
  selector = selector_new();
  struct reader_options options = {
      .source = {.kind = ways == SYSCALL || !has_iterators ? SOURCE_SYSCALL
                                                           : SOURCE_ITERATOR},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .watch_unload = ways == ALL && has_watch,
      .owners = true};
  reader = reader_new(&options);
  ck_assert_ptr_nonnull(reader);
  int rc = reader_open(reader, &reading);
  ck_assert_msg(rc == 0, "%s", reading->reason);
}

static void stop(void) {
  reader_free(reader);
  selector_free(selector);
}

static const struct prog_sample *read_sample(uint32_t id) {
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  const struct prog_snapshot *snapshot = reading->snapshot;
  for (size_t i = 0; i < snapshot->samples_num; i++)
    if (snapshot->samples[i].id == id)
      return &snapshot->samples[i];
  ck_abort_msg("no program %u", id);
}

static void check_owner(uint32_t id, const char *owner) {
  const struct prog_sample *sample = read_sample(id);
  ck_assert_str_eq(sample->owner, owner);
  ck_assert_int_eq(sample->is_owned, strncmp(owner, "uid-", 4) != 0);
}

static void group_path(const char *group, const char *file,
                       char path[PATH_MAX]) {
  snprintf(path, PATH_MAX, "%s/%s/%s", groups_dir, group, file);
}

static void make_group(const char *group) {
  char path[PATH_MAX];
  group_path(group, "", path);
  int rc = mkdir(path, 0755);
  ck_assert_msg(rc == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
}

/* The kernel lets go of a process later than of its parent's wait. */
static void remove_group(const char *group) {
  char path[PATH_MAX];
  group_path(group, "", path);
  for (int i = 0; rmdir(path) != 0 && errno == EBUSY && i < 1000; i++)
    usleep(10000);
}

/* Of this process. */
static void enter_group(const char *group) {
  char path[PATH_MAX];
  group_path(group, "cgroup.procs", path);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "0", 1) != 1)
    _exit(2);
  close(fd);
}

/* A process that does what it is told. */
struct other {
  pid_t pid;
  int to; /* it reads from this one command after the other */
  int from;
};

enum command { LOAD, LOAD_WITH_MAP, LOAD_AND_LINK, LOOK, MOVE, PIN };

struct message {
  enum command command;
  uint32_t id;
  char text[300];
};

/* It holds all that it has got so far. */
static uint32_t obey(const struct message *message, int *held_fd) {
  switch (message->command) {
  case LOAD:
    *held_fd = prog_load(BPF_PROG_TYPE_XDP, message->text, PROG_RETURNS);
    break;
  case LOAD_WITH_MAP:
    *held_fd = prog_load_with_map(message->text);
    break;
  case LOAD_AND_LINK: {
    struct bpf_link_info info = {0};
    uint32_t info_len = sizeof(info);
    *held_fd = other_iterator_load();
    return bpf_obj_get_info_by_fd(*held_fd, &info, &info_len) == 0
               ? info.prog_id
               : 0;
  }
  case LOOK:
    *held_fd = bpf_prog_get_fd_by_id(message->id);
    break;
  case MOVE:
    enter_group(message->text);
    return 1;
  case PIN: {
    int rc = bpf_obj_pin(*held_fd, message->text);
    if (rc != 0)
      printf("# pinning: %s\n", strerror(-rc));
    return rc == 0;
  }
  }
  return prog_id(*held_fd);
}

/* Starts it in GROUP, as COMMAND; NULL: as it is. */
static struct other start_other(const char *group, const char *command) {
  int to[2], from[2];
  ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
  ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
  pid_t pid = fork();
  if (pid != 0) {
    close(to[0]);
    close(from[1]);
    return (struct other){.pid = pid, .to = to[1], .from = from[0]};
  }
  for (int fd = 3; fd < 1000; fd++) /* also what the reader has loaded */
    if (fd != to[0] && fd != from[1])
      close(fd);
  enter_group(group);
  if (command != NULL)
    prctl(PR_SET_NAME, command, 0, 0, 0);
  struct message message;
  int held_fd = -1;
  while (read(to[0], &message, sizeof(message)) == sizeof(message)) {
    uint32_t answer = obey(&message, &held_fd);
    if (write(from[1], &answer, sizeof(answer)) != sizeof(answer))
      break;
  }
  _exit(0);
}

static uint32_t tell(const struct other *other, enum command command,
                     uint32_t id, const char *text) {
  struct message message = {.command = command, .id = id};
  snprintf(message.text, sizeof(message.text), "%s", text);
  uint32_t answer = 0;
  ck_assert_int_eq(write(other->to, &message, sizeof(message)),
                   sizeof(message));
  ck_assert_int_eq(read(other->from, &answer, sizeof(answer)), sizeof(answer));
  ck_assert_uint_ne(answer, 0);
  return answer;
}

static void stop_other(struct other *other) {
  close(other->to);
  close(other->from);
  waitpid(other->pid, NULL, 0);
}

static const char pin_path[] = "/sys/fs/bpf/live_owned";

/* By whom a program is to be found that was loaded by somebody who is gone. */
static const char *expected(enum ways ways, bool has_map, const char *owner) {
  const bool is_seen = ways == ALL && has_watch;
  const bool is_paid = has_map && has_payers && has_iterators;
  return is_seen || is_paid ? owner : "uid-0";
}

struct found {
  uint32_t id;
  size_t num;
  char name[OWNER_NAME_SIZE];
};

static void take_found(void *context, const struct owner_record *record,
                       const struct owner_path *path) {
  struct found *found = context;
  if (record->id != found->id)
    return;
  found->num++;
  owner_name(path, record->command, found->name);
}

START_TEST(owners__loaded_in_a_group__has_that_owner) {
  make_group("live_a");
  struct other before = start_other("live_a", NULL);
  uint32_t early = tell(&before, LOAD, 0, "live_early");
  start((enum ways)_i);
  check_owner(early, "live_a"); /* who holds it */
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, LOAD, 0, "live_owned");
  check_owner(id, "live_a");
  check_owner(id, "live_a");
  check_owner(early, "live_a");
  stop_other(&other);
  stop_other(&before);
  stop();
  remove_group("live_a");
}
END_TEST

START_TEST(owners__held_by_a_link_alone__has_that_owner) {
  make_group("live_a");
  start(NO_WATCH);
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, LOAD_AND_LINK, 0, "");
  struct found found = {.id = id};
  ck_assert_int_eq(owner_proc_read("/proc", take_found, &found), 0);
  ck_assert_str_eq(found.name, "live_a");
  check_owner(id, "live_a");
  stop_other(&other);
  stop();
  remove_group("live_a");
}
END_TEST

START_TEST(owners__loader_is_gone__is_who_it_was_or_nobody) {
  const enum ways ways = (enum ways)(_i / 2);
  const bool has_map = _i % 2 != 0;
  make_group("live_a");
  start(ways);
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, has_map ? LOAD_WITH_MAP : LOAD, 0, "live_gone");
  tell(&other, PIN, 0, pin_path);
  stop_other(&other);
  check_owner(id, expected(ways, has_map, "live_a"));
  unlink(pin_path);
  stop();
  remove_group("live_a");
}
END_TEST

/* An exporter, or bpftool: it holds a descriptor for longer than the loader. */
START_TEST(owners__looker_outlives_the_loader__is_never_the_owner) {
  const enum ways ways = (enum ways)(_i / 2);
  const bool has_map = _i % 2 != 0;
  make_group("live_a");
  make_group("live_looker");
  struct other other = start_other("live_a", NULL);
  struct other second = start_other("live_a", NULL);
  start(ways);
  uint32_t id = tell(&other, has_map ? LOAD_WITH_MAP : LOAD, 0, "live_seen");
  uint32_t alive = tell(&second, LOAD, 0, "live_alive");
  struct other looker = start_other("live_looker", NULL);
  struct other looker_too = start_other("live_looker", NULL);
  tell(&looker, LOOK, id, "");
  tell(&looker_too, LOOK, alive, "");
  check_owner(alive, ways == ALL && has_watch ? "live_a" : "uid-0");
  check_owner(id, ways == ALL && has_watch ? "live_a"
                  : has_map                ? expected(ways, true, "live_a")
                                           : "uid-0");
  stop_other(&other);
  stop_other(&second);
  stop_other(&looker);
  stop_other(&looker_too);
  stop();
  remove_group("live_a");
  remove_group("live_looker");
}
END_TEST

/* It holds one program of a loader that is there, and one of a loader that is
 * gone. */
START_TEST(owners__looker_at_several__is_never_the_owner) {
  const enum ways ways = (enum ways)_i;
  make_group("live_a");
  make_group("live_b");
  make_group("live_looker");
  struct other other = start_other("live_a", NULL);
  struct other there = start_other("live_b", NULL);
  uint32_t id = tell(&other, LOAD, 0, "live_seen");
  uint32_t alive = tell(&there, LOAD, 0, "live_alive");
  struct other looker = start_other("live_looker", NULL);
  tell(&looker, LOOK, id, "");
  tell(&looker, LOOK, alive, "");
  stop_other(&other);
  start(ways);
  check_owner(id, "uid-0");
  check_owner(alive, "uid-0");
  stop_other(&looker);
  stop_other(&there);
  stop();
  remove_group("live_a");
  remove_group("live_b");
  remove_group("live_looker");
}
END_TEST

START_TEST(owners__loader_moves_after_the_load__is_who_it_was) {
  const enum ways ways = (enum ways)_i;
  make_group("live_a");
  make_group("live_b");
  start(ways);
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, LOAD_WITH_MAP, 0, "live_moved");
  tell(&other, MOVE, 0, "live_b");
  const bool is_known = strcmp(expected(ways, true, "live_a"), "live_a") == 0;
  check_owner(id, is_known ? "live_a" : "live_b");
  stop_other(&other);
  stop();
  remove_group("live_a");
  remove_group("live_b");
}
END_TEST

/* The hierarchy's root has the command for a name. */
START_TEST(owners__command_of_a_loader__is_no_unit_and_none_of_our_names) {
  static const char *const commands[] = {"falco.service", "_unknown", "uid-5",
                                         "user/a.service", "systemd"};
  start(ALL);
  for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
    struct other other = start_other("", commands[i]);
    check_owner(tell(&other, LOAD, 0, "live_renamed"), "uid-0");
    stop_other(&other);
  }
  struct other other = start_other("", "live_command");
  check_owner(tell(&other, LOAD, 0, "live_renamed"), "live_command");
  stop_other(&other);
  stop();
}
END_TEST

START_TEST(owners__hostile_group__is_bounded_and_nobody_elses_name) {
  const enum ways ways = (enum ways)_i;
  char longest[NAME_MAX + 1];
  memset(longest, 'a', NAME_MAX);
  longest[NAME_MAX] = '\0';
  char deep[PATH_MAX] = "live_deep";
  const char *const groups[] = {"_unknown", "uid-5", longest, deep};
  start(ways);
  make_group(deep);
  for (int i = 0; i < 30; i++) {
    strcat(deep, "/falco.service");
    make_group(deep);
  }
  for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
    make_group(groups[i]);
    struct other other = start_other(groups[i], "uid-7");
    uint32_t id = tell(&other, LOAD_WITH_MAP, 0, "live_hostile");
    const struct prog_sample *sample = read_sample(id);
    ck_assert_msg(strcmp(sample->owner, "uid-0") == 0 ||
                      strcmp(sample->owner, "live_deep") == 0,
                  "%s: %s", groups[i], sample->owner);
    stop_other(&other);
    remove_group(groups[i]);
  }
  while (strrchr(deep, '/') != NULL) {
    *strrchr(deep, '/') = '\0';
    remove_group(deep);
  }
  stop();
}
END_TEST

START_TEST(owners__came_and_went_between_two_reads__has_its_owner) {
  make_group("live_a");
  start(ALL);
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, LOAD, 0, "live_brief");
  stop_other(&other);
  ck_assert(progs_wait_unloaded());
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  const struct unloads *unloads = reading->snapshot->unloads;
  size_t found = 0;
  for (size_t i = 0; i < unloads->samples_num; i++)
    if (unloads->samples[i].id == id) {
      ck_assert_str_eq(unloads->samples[i].owner, "live_a");
      ck_assert(unloads->samples[i].is_owned);
      found++;
    }
  ck_assert_uint_eq(found, 1);
  stop();
  remove_group("live_a");
}
END_TEST

/* Without any capability, by what is pinned: all but who holds a descriptor
 * comes of what the kernel tells, so it takes none either. */
static void read_pinned(const char *pin_file, uint32_t id, const char *owner) {
  selector = selector_new();
  struct reader_options options = {
      .source = {.kind = SOURCE_ITERATOR, .iterator_pin = pin_file},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .watch_unload = has_watch,
      .owners = true};
  reader = reader_new(&options);
  const struct prog_sample *sample = read_sample(id);
  if (strcmp(sample->owner, owner) != 0)
    printf("# found: %s, true: %s\n", sample->owner, owner);
  size_t own = 0, strange = 0;
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group))
    if (strcmp(group->name, "bpf_stats") == 0)
      own = group->programs;
    else
      strange += strncmp(group->name, "bpf_stats", 9) == 0;
  if (own < 1 + OWNER_PROGRAMS_NUM || strange > 0)
    printf("# %zu programs of our own, %zu groups beside\n", own, strange);
  _exit(strcmp(sample->owner, owner) != 0 || own < 1 + OWNER_PROGRAMS_NUM ||
        strange > 0);
}

static void pin_all(const char *dir, const char *option) {
  const char *builddir = getenv("builddir");
  char command[2 * PATH_MAX];
  snprintf(command, sizeof(command),
           "PATH=%s/plugin:$PATH bpf_stats_pin %s --dir %s",
           builddir == NULL ? "." : builddir, option, dir);
  ck_assert_int_eq(system(command), 0);
}

START_TEST(owners__pinned_and_no_capability__are_found) {
  static const char *const names[] = {"live_pin_held", "live_pin_gone"};
  char dir[] = "/sys/fs/bpf/live_XXXXXX";
  char pin_file[PATH_MAX];
  ck_assert_ptr_nonnull(mkdtemp(dir));
  snprintf(pin_file, sizeof(pin_file), "%s/iterator", dir);
  chmod("/sys/fs/bpf", 0755);
  chmod(dir, 0755);
  pin_all(dir, "--group 65534");
  make_group("live_a");
  struct other other = start_other("live_a", NULL);
  uint32_t id = tell(&other, _i == 0 ? LOAD : LOAD_WITH_MAP, 0, names[_i]);
  if (_i == 1) {
    tell(&other, PIN, 0, pin_path);
    stop_other(&other);
  }
  const char *owner = _i == 0 ? "live_a" : expected(ALL, true, "live_a");
  fflush(stdout);
  pid_t nobody = fork();
  if (nobody == 0) {
    if (syscall(SYS_setgroups, 0, NULL) != 0 || setgid(65534) != 0 ||
        setuid(65534) != 0)
      _exit(3);
    read_pinned(pin_file, id, owner);
  }
  int status = 0;
  waitpid(nobody, &status, 0);
  if (_i == 0)
    stop_other(&other);
  unlink(pin_path);
  pin_all(dir, "--unpin");
  rmdir(dir);
  remove_group("live_a");
  ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(owner_proc__somebody_holds_a_program__is_told) {
  make_group("live_a");
  struct other other = start_other("live_a", NULL);
  struct found found = {.id = tell(&other, LOAD, 0, "live_held")};
  int own_fd = bpf_prog_get_fd_by_id(found.id);
  ck_assert_int_eq(owner_proc_read("/proc", take_found, &found), 0);
  ck_assert_uint_eq(found.num, 1);
  ck_assert_str_eq(found.name, "live_a");
  close(own_fd);
  stop_other(&other);
  remove_group("live_a");
}
END_TEST

START_TEST(owners__not_wanted__are_not_there) {
  selector = selector_new();
  struct reader_options options = {
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .watch_unload = has_watch};
  reader = reader_new(&options);
  int fd = prog_load(BPF_PROG_TYPE_XDP, "live_owned", PROG_RETURNS);
  ck_assert_ptr_null(read_sample(prog_id(fd))->owner);
  const struct prog_snapshot *snapshot = reading->snapshot;
  for (size_t i = 0; i < snapshot->samples_num; i++)
    for (size_t j = 0; j < snapshot->own_ids_num; j++)
      if (snapshot->samples[i].id == snapshot->own_ids[j])
        ck_assert_ptr_null(strstr("bpf_stats_payer bpf_stats_files",
                                  snapshot->samples[i].name));
  close(fd);
  stop();
}
END_TEST

START_TEST(owners__stopped__leave_no_fd) {
  int before = count_open_fds();
  start(ALL);
  ck_assert_int_eq(reader_read(reader, &reading), 0);
  stop();
  ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

/* Of the unified hierarchy, if it is all that there is; there is one with the
 * memory controller, or none. */
static void find_groups(void) {
  static const char unified[] = "/sys/fs/cgroup/cgroup.subtree_control";
  groups_dir = "/sys/fs/cgroup";
  int fd = open(unified, O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    has_payers = write(fd, "+memory", 7) == 7;
    close(fd);
    return;
  }
  groups_dir = "/sys/fs/cgroup/memory";
  has_payers = access(groups_dir, F_OK) == 0;
}

/* Linux 5.19, and a build with our BPF programs. */
static bool has_iterator(void) {
#ifdef HAVE_BPF_PROGRAMS
  struct utsname name;
  unsigned major = 0, minor = 0;
  return uname(&name) == 0 &&
         sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
         (major > 5 || (major == 5 && minor >= 19));
#else
  return false;
#endif
}

static void add_ways(TCase *tests) {
  tcase_add_loop_test(tests, owners__loaded_in_a_group__has_that_owner, 0,
                      WAYS_NUM);
  tcase_add_loop_test(tests, owners__loader_is_gone__is_who_it_was_or_nobody, 0,
                      2 * WAYS_NUM);
  tcase_add_loop_test(tests,
                      owners__looker_outlives_the_loader__is_never_the_owner, 0,
                      2 * WAYS_NUM);
  tcase_add_loop_test(tests, owners__looker_at_several__is_never_the_owner, 0,
                      WAYS_NUM);
  tcase_add_loop_test(tests, owners__loader_moves_after_the_load__is_who_it_was,
                      0, WAYS_NUM);
  tcase_add_loop_test(tests,
                      owners__hostile_group__is_bounded_and_nobody_elses_name,
                      0, WAYS_NUM);
}

/* A place for pins that is ours alone, also on a host that has none. */
static bool has_pins(void) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0;
}

int main(void) {
  find_groups();
  if (geteuid() != 0 || access(groups_dir, W_OK) != 0 || !has_pins()) {
    printf("1..0 # SKIP needs root, control groups, and /sys/fs/bpf\n");
    return 0;
  }
  has_watch = getenv("LIVE_FENTRY") != NULL;
  has_iterators = has_iterator();
  tap_begin();
  Suite *suite = suite_create("owners");
  TCase *tests = tcase_create("owners");
  add_ways(tests);
  tcase_add_test(tests,
                 owners__command_of_a_loader__is_no_unit_and_none_of_our_names);
  if (has_watch)
    tcase_add_test(tests,
                   owners__came_and_went_between_two_reads__has_its_owner);
  if (has_iterators)
    tcase_add_test(tests, owners__held_by_a_link_alone__has_that_owner);
  if (has_iterators)
    tcase_add_loop_test(tests, owners__pinned_and_no_capability__are_found, 0,
                        2);
  tcase_add_test(tests, owner_proc__somebody_holds_a_program__is_told);
  tcase_add_test(tests, owners__not_wanted__are_not_there);
  tcase_add_test(tests, owners__stopped__leave_no_fd);
  suite_add_tcase(suite, tests);
  return tap_run(srunner_create(suite));
}
