/* SPDX-License-Identifier: MIT */
/* Unit tests of owners: which of several ways is believed, and for how long,
 * with streams that stand for pinned iterators. */
#include "../open_fds.h"
#include "suites.h"

#include "fake_libbpf.h"
#include "faults.h"

#include "owners.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The programs by their digits, as far from those of this host as ids can be:
 * ASKED is in question, OTHERS' was loaded by /others as the watch has seen,
 * OWN is the plugin's, and of SECOND nothing is known. */
enum { ASKED = 1, OTHERS, OWN, SECOND, PROGRAMS_NUM = SECOND };
enum { BASE = 0x7fffff00 };
static const uint64_t second_ns = 1000 * 1000 * 1000;

static char dir[] = "/tmp/bpf_stats_owners_XXXXXX";
static char pin[PATH_MAX];
static struct owners *owners;
static struct prog_sample samples[PROGRAMS_NUM];
static uint32_t own_id;
static struct prog_snapshot snapshot;
static int fds_at_start;

static void file_path(const char *file, char path[PATH_MAX]) {
  snprintf(path, PATH_MAX, "%s/%s", dir, file);
}

static void setup(void) {
  fake_libbpf_reset();
  fake_libbpf.has_iterator = true; /* files pass for such on a bpffs */
  memcpy(dir + strlen(dir) - 6, "XXXXXX", 6);
  ck_assert_ptr_nonnull(mkdtemp(dir));
  file_path("iterator", pin);
  for (uint32_t i = 0; i < PROGRAMS_NUM; i++)
    samples[i] = (struct prog_sample){
        .id = BASE + i + 1, .load_time_ns = i + 100, .uid = 7};
  own_id = BASE + OWN;
  snapshot = (struct prog_snapshot){.time_ns = second_ns,
                                    .samples = samples,
                                    .samples_num = PROGRAMS_NUM,
                                    .complete = true,
                                    .own_ids = &own_id,
                                    .own_ids_num = 1};
  fds_at_start = count_open_fds();
  owners = owners_new(pin);
}

static void teardown(void) {
  char path[PATH_MAX];
  owners_free(owners);
  file_path("owner_payer", path);
  unlink(path);
  file_path("owner_files", path);
  unlink(path);
  ck_assert_int_eq(rmdir(dir), 0);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

static struct owner_record a_record(uint32_t program, uint32_t pid,
                                    const char *command) {
  struct owner_record record = {.magic = OWNER_RECORD_MAGIC,
                                .version = PROG_RECORD_VERSION,
                                .id = BASE + program,
                                .pid = pid,
                                .load_time_ns = program + 99};
  snprintf(record.command, sizeof(record.command), "%s", command);
  return record;
}

static int open_stream(const char *file) {
  char path[PATH_MAX];
  file_path(file, path);
  int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ck_assert_int_ge(fd, 0);
  return fd;
}

static void write_all(int fd, const void *data, size_t size) {
  ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
}

static void write_record(int fd, uint32_t program, uint32_t pid,
                         const char *group) {
  struct owner_record record = a_record(program, pid, "");
  char names[256];
  snprintf(names, sizeof(names), "%s", group);
  size_t size = 1;
  write_all(fd, &record, sizeof(record));
  char *rest = NULL;
  for (char *name = strtok_r(names, "/", &rest); name != NULL;
       name = strtok_r(NULL, "/", &rest))
    write_all(fd, name, strlen(name) + 1);
  write_all(fd, "", size);
}

static void end_stream(int fd) {
  struct owner_record end = a_record(0, 0, "");
  end.flags = OWNER_RECORD_END;
  write_all(fd, &end, sizeof(end));
  close(fd);
}

/* PAYERS, HOLDERS: as in "1:/a 12:/b": /a has paid for, or holds, program 1,
 * and /b 1 and 2. Those with a '^' are threads of one process. */
static void write_stream(const char *file, const char *given) {
  int fd = open_stream(file);
  char text[256];
  snprintf(text, sizeof(text), "%s", given);
  char *rest = NULL;
  uint32_t pid = 100;
  for (char *one = strtok_r(text, " ", &rest); one != NULL;
       one = strtok_r(NULL, " ", &rest), pid++)
    for (char *digit = one + strspn(one, "^"); *digit != ':'; digit++)
      write_record(fd, (uint32_t)(*digit - '0'), *one == '^' ? 99 : pid,
                   strchr(one, ':') + 1);
  end_stream(fd);
}

static void see_load(uint32_t program, const char *group) {
  struct owner_record record = a_record(program, 50, "");
  struct owner_path path = {.num = 0};
  char names[256];
  snprintf(names, sizeof(names), "%s", group);
  char *rest = NULL;
  for (char *name = strtok_r(names, "/", &rest); name != NULL;
       name = strtok_r(NULL, "/", &rest))
    path.names[path.num++] = name;
  owners_take_load(owners, &record, &path);
}

static const char *owner_of(uint32_t program) {
  for (size_t i = 0; i < snapshot.samples_num; i++)
    if (samples[i].id == BASE + program)
      return samples[i].owner;
  return NULL;
}

#define U "/system.slice/"

static const struct given {
  const char *load; /* NULL: not seen */
  const char *payer;
  const char *holders;
  const char *owner;
} given[] = {
    {NULL, "", "", "uid-7"},
    /* one way alone */
    {U "a.service", "", "", "a.service"},
    {NULL, "1:" U "a.service", "", "a.service"},
    {NULL, "", "1:" U "a.service", "a.service"},
    {NULL, "1:/system.slice", "", "system.slice"},
    /* the first way that knows is believed */
    {U "a.service", "1:" U "b.service", "1:" U "c.service", "a.service"},
    {U "a.service", "1:/system.slice", "1:" U "c.service", "a.service"},
    {NULL, "1:" U "b.service", "1:" U "c.service", "b.service"},
    {NULL, "1:/system.slice", "1:" U "c.service", "c.service"},
    {"/system.slice", "1:" U "b.service", "", "system.slice"},
    /* a load by somebody without a name: the others would but guess */
    {"/", "1:" U "b.service", "1:" U "c.service", "uid-7"},
    {"/_unknown", "1:" U "b.service", "", "uid-7"},
    /* several hold it */
    {NULL, "", "1:/a 1:/a", "a"},
    {NULL, "", "1:/a 1:/b", "uid-7"},
    {NULL, "1:/system.slice", "1:/a 1:/b", "system.slice"},
    {NULL, "", "1:/a 1:/_unknown", "uid-7"},
    {NULL, "", "1:/_unknown", "uid-7"},
    /* lookers: at what is somebody else's, */
    {NULL, "", "12:/looker", "uid-7"},
    {NULL, "", "21:/looker", "uid-7"},
    {NULL, "", "1:/a 12:/looker", "a"},
    {NULL, "", "12:/others", "others"},
    {NULL, "4:" U "b.service", "14:/looker", "uid-7"},
    {NULL, "4:" U "b.service", "1:/a 14:/looker", "a"},
    {NULL, "", "^2:/looker 4:/b ^1:/looker", "uid-7"},
    {NULL, "", "^1:/looker 4:/b ^2:/looker", "uid-7"},
    /* at our own, */
    {NULL, "", "13:/looker", "uid-7"},
    {NULL, "", "1:/a 13:/looker", "a"},
    {NULL, "", "1:/a 123:/looker 4:/b", "a"},
    /* and at something of which nobody knows whose it is: one of two looks */
    {NULL, "", "14:/looker 4:/b", "uid-7"},
    {NULL, "", "4:/b 14:/looker", "uid-7"},
    {NULL, "", "14:/looker 1:/a 4:/b", "uid-7"},
    {NULL, "", "1:/a 14:/a 4:/b", "a"},
    {NULL, "", "14:/a", "a"},
    {NULL, "", "1:/a 4:/b 24:/looker", "a"},
};

START_TEST(owners_find__several_ways__the_first_that_knows_is_believed) {
  const struct given *now = &given[_i];
  see_load(OTHERS, "/others");
  if (now->load != NULL)
    see_load(ASKED, now->load);
  write_stream("owner_payer", now->payer);
  write_stream("owner_files", now->holders);
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), now->owner);
  ck_assert_int_eq(samples[0].is_owned, strcmp(now->owner, "uid-7") != 0);
  ck_assert_str_eq(owner_of(OTHERS), "others");
  /* it is kept, whatever comes */
  write_stream("owner_payer", "1234:/later");
  write_stream("owner_files", "1234:/later");
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), now->owner);
}
END_TEST

START_TEST(owners_find__nothing_new__asks_nobody) {
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "uid-7");
  faults_arm(FAULT_CALL, 1, EIO);
  owners_find(owners, &snapshot, NULL);
  ck_assert(!faults_hit());
  faults_arm(FAULT_MEMORY, 1, ENOMEM);
  owners_find(owners, &snapshot, NULL);
  ck_assert(!faults_hit());
  faults_arm(FAULT_NONE, 0, 0);
}
END_TEST

START_TEST(owners_find__new_program__is_asked_about) {
  write_stream("owner_files", "");
  snapshot.samples_num = 2;
  owners_find(owners, &snapshot, NULL);
  snapshot.samples_num = PROGRAMS_NUM;
  write_stream("owner_payer", "14:/b");
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(SECOND), "b");
  ck_assert_str_eq(owner_of(ASKED), "uid-7");
}
END_TEST

/* The record of a load can come later than the program. */
START_TEST(owners_find__load_is_seen_later__is_believed) {
  write_stream("owner_payer", "1:/a");
  write_stream("owner_files", "");
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "a");
  see_load(ASKED, "/b");
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "b");
  see_load(SECOND, "/c");
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(SECOND), "c");
  ck_assert(samples[SECOND - 1].is_owned);
}
END_TEST

START_TEST(owners_find__id_comes_again__is_another_program) {
  see_load(ASKED, "/a");
  owners_find(owners, &snapshot, NULL);
  samples[0].load_time_ns += 50;
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "uid-7");
}
END_TEST

START_TEST(owners_find__unreadable_meanwhile__keeps_its_owner) {
  see_load(ASKED, "/a");
  owners_find(owners, &snapshot, NULL);
  const struct prog_sample readable = samples[0];
  samples[0] = (struct prog_sample){.id = BASE + ASKED, .unreadable = true};
  for (int i = 0; i < 3; i++) {
    snapshot.time_ns += 100 * second_ns;
    owners_find(owners, &snapshot, NULL);
    ck_assert_str_eq(owner_of(ASKED), "a");
  }
  samples[0] = readable;
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "a");
}
END_TEST

START_TEST(owners_find__unloaded__has_its_owner_for_two_minutes) {
  struct prog_sample ended = samples[0];
  const struct unloads unloads = {.samples = &ended, .samples_num = 1};
  see_load(ASKED, "/a");
  owners_find(owners, &snapshot, NULL);
  snapshot.samples++;
  snapshot.samples_num--;
  for (int i = 0; i < 3; i++) {
    snapshot.time_ns += 60 * second_ns;
    owners_find(owners, &snapshot, NULL);
  }
  owners_find(owners, &snapshot, &unloads);
  ck_assert_str_eq(ended.owner, "a");
  ck_assert(ended.is_owned);
  snapshot.time_ns += second_ns;
  owners_find(owners, &snapshot, NULL);
  owners_find(owners, &snapshot, &unloads);
  ck_assert_str_eq(ended.owner, "uid-7");
}
END_TEST

START_TEST(owners_find__unloaded_between_two_reads__has_who_was_seen) {
  struct prog_sample ended[2] = {samples[0], samples[1]};
  const struct unloads unloads = {.samples = ended, .samples_num = 2};
  snapshot.samples_num = 0;
  see_load(OTHERS, "/a");
  owners_find(owners, &snapshot, &unloads);
  ck_assert_str_eq(ended[0].owner, "uid-7");
  ck_assert(!ended[0].is_owned);
  ck_assert_str_eq(ended[1].owner, "a");
}
END_TEST

/* A cut stream lacks some who hold a program. */
START_TEST(owners_find__stream_of_holders_is_cut__says_nothing) {
  int fd = open_stream("owner_files");
  write_record(fd, ASKED, 1, "/a");
  close(fd);
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "uid-7");
}
END_TEST

START_TEST(owners_find__no_path__says_nothing) {
  struct owner_record record = a_record(ASKED, 1, "command");
  struct owner_path path = {.names = {"a"}, .num = 1};
  record.flags = OWNER_RECORD_NO_PATH;
  owners_take_load(owners, &record, &path);
  owners_find(owners, &snapshot, NULL);
  ck_assert_str_eq(owner_of(ASKED), "uid-7");
}
END_TEST

/* Returns how many samples have their true owner; the others have none that is
 * false. */
static size_t count_true_owners(void) {
  static const char *const found[PROGRAMS_NUM] = {"a", "uid-7", "uid-7", "b"};
  size_t num = 0;
  for (size_t i = 0; i < PROGRAMS_NUM; i++) {
    const char *owner = samples[i].owner;
    const bool is_true = strcmp(owner, found[i]) == 0;
    ck_assert_msg(is_true || strcmp(owner, "uid-7") == 0 ||
                      strcmp(owner, "_unknown") == 0,
                  "%zu: %s", i, owner);
    num += is_true;
  }
  return num;
}

/* Whatever of it fails, every sample has a name. */
START_TEST(owners_find__out_of_memory__is_unknown_or_right) {
  write_stream("owner_payer", "1:/a");
  write_stream("owner_files", "4:/b");
  size_t true_num = 0;
  unsigned at = 0;
  for (bool was_hit = true; was_hit;) {
    faults_arm(FAULT_MEMORY, ++at, ENOMEM);
    struct owners *tried = owners_new(pin);
    if (tried != NULL)
      owners_find(tried, &snapshot, NULL);
    was_hit = faults_hit();
    faults_arm(FAULT_NONE, 0, 0);
    if (tried != NULL)
      true_num = count_true_owners();
    owners_free(tried);
  }
  ck_assert_uint_gt(at, 8);
  ck_assert_uint_eq(true_num, PROGRAMS_NUM);
}
END_TEST

Suite *owners_find_suite(void) {
  Suite *suite = suite_create("owners_find");
  TCase *tests = tcase_create("owners");
  tcase_add_checked_fixture(tests, setup, teardown);
  tcase_add_loop_test(
      tests, owners_find__several_ways__the_first_that_knows_is_believed, 0,
      sizeof(given) / sizeof(given[0]));
  tcase_add_test(tests, owners_find__nothing_new__asks_nobody);
  tcase_add_test(tests, owners_find__new_program__is_asked_about);
  tcase_add_test(tests, owners_find__load_is_seen_later__is_believed);
  tcase_add_test(tests, owners_find__id_comes_again__is_another_program);
  tcase_add_test(tests, owners_find__unreadable_meanwhile__keeps_its_owner);
  tcase_add_test(tests, owners_find__unloaded__has_its_owner_for_two_minutes);
  tcase_add_test(tests,
                 owners_find__unloaded_between_two_reads__has_who_was_seen);
  tcase_add_test(tests, owners_find__stream_of_holders_is_cut__says_nothing);
  tcase_add_test(tests, owners_find__no_path__says_nothing);
  tcase_add_test(tests, owners_find__out_of_memory__is_unknown_or_right);
  suite_add_tcase(suite, tests);
  return suite;
}
