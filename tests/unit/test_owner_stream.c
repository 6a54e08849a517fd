/* SPDX-License-Identifier: MIT */
/* Unit tests of owner_stream, with crafted records, good and bad. */
#include "suites.h"

#include "owner_stream.h"
#include "prog_record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES_MAX = 512 * 1024 };

static unsigned char bytes[BYTES_MAX];
static size_t bytes_num;
static unsigned taken;
static struct owner_record last;
static char last_path[OWNER_LEVELS_MAX * OWNER_LEVEL_SIZE];

static void setup(void) { bytes_num = taken = 0; }

static void add_bytes(const void *data, size_t size) {
  ck_assert_uint_le(bytes_num + size, sizeof(bytes));
  memcpy(bytes + bytes_num, data, size);
  bytes_num += size;
}

static struct owner_record a_record(uint32_t id) {
  return (struct owner_record){.magic = OWNER_RECORD_MAGIC,
                               .version = PROG_RECORD_VERSION,
                               .id = id,
                               .command = "command"};
}

/* NAMES: as in the stream, but for the NUL of the empty name. */
static void add(uint32_t id, const char *names, size_t names_size) {
  struct owner_record record = a_record(id);
  add_bytes(&record, sizeof(record));
  add_bytes(names, names_size);
}

static void add_end(void) {
  struct owner_record record = a_record(0);
  record.flags = OWNER_RECORD_END;
  add_bytes(&record, sizeof(record));
}

static void take(void *context, const struct owner_record *record,
                 const struct owner_path *path) {
  (void)context;
  taken++;
  last = *record;
  last_path[0] = '\0';
  ck_assert_uint_le(path->num, OWNER_LEVELS_MAX);
  for (size_t i = 0; i < path->num; i++) {
    ck_assert_uint_lt(strlen(path->names[i]), OWNER_LEVEL_SIZE);
    strcat(strcat(last_path, "/"), path->names[i]);
  }
}

static int read_all(void) {
  int fd = memfd_create("owners", MFD_CLOEXEC);
  ck_assert_int_eq(write(fd, bytes, bytes_num), (ssize_t)bytes_num);
  ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
  int rc = owner_stream_read(fd, take, NULL);
  close(fd);
  return rc;
}

START_TEST(owner_stream__records_and_an_end__are_all_taken) {
  add(1, "a\0b\0", 5);
  add(2, "\0", 1);
  add_end();
  add(3, "\0", 1); /* behind the end */
  ck_assert_int_eq(read_all(), 0);
  ck_assert_uint_eq(taken, 2);
  ck_assert_uint_eq(last.id, 2);
  ck_assert_str_eq(last.command, "command");
  ck_assert_str_eq(last_path, "");
}
END_TEST

START_TEST(owner_stream__names__are_a_path) {
  add(1, "system.slice\0a\nb.service\0", 26);
  add_end();
  ck_assert_int_eq(read_all(), 0);
  ck_assert_str_eq(last_path, "/system.slice/a\nb.service");
}
END_TEST

START_TEST(owner_stream__more_than_a_buffer__is_whole) {
  for (uint32_t i = 1; i <= 5000; i++)
    add(i, "a_name_of_some_length\0and_more\0", 32);
  add_end();
  ck_assert_int_eq(read_all(), 0);
  ck_assert_uint_eq(taken, 5000);
  ck_assert_str_eq(last_path, "/a_name_of_some_length/and_more");
}
END_TEST

START_TEST(owner_stream__cut_anywhere__has_no_end) {
  add(1, "a\0b\0", 5);
  add_end();
  const size_t whole = bytes_num;
  for (bytes_num = 0; bytes_num < whole; bytes_num++)
    ck_assert_int_eq(read_all(), -ENODATA);
}
END_TEST

START_TEST(owner_stream__command_without_an_end__is_cut) {
  struct owner_record record = a_record(1);
  memset(record.command, 'c', sizeof(record.command));
  add_bytes(&record, sizeof(record));
  add_bytes("\0", 1);
  add_end();
  ck_assert_int_eq(read_all(), 0);
  ck_assert_str_eq(last.command, "ccccccccccccccc");
}
END_TEST

START_TEST(owner_stream__name_longer_than_allowed__is_damaged) {
  char name[OWNER_LEVEL_SIZE + 2];
  memset(name, 'a', sizeof(name));
  name[OWNER_LEVEL_SIZE - 1] = name[OWNER_LEVEL_SIZE] = '\0';
  add(1, name, OWNER_LEVEL_SIZE + 1);
  add_end();
  ck_assert_int_eq(read_all(), 0);
  bytes_num = 0;
  name[OWNER_LEVEL_SIZE - 1] = 'a';
  name[OWNER_LEVEL_SIZE + 1] = '\0';
  add(1, name, sizeof(name));
  add_end();
  ck_assert_int_eq(read_all(), -EBADMSG);
}
END_TEST

START_TEST(owner_stream__too_many_names__is_damaged) {
  add(1, "1\0002\0003\0004\0005\0006\0007\0008\0009\0", 19);
  add_end();
  ck_assert_int_eq(read_all(), -EBADMSG);
  ck_assert_uint_eq(taken, 0);
}
END_TEST

START_TEST(owner_stream__not_ours__says_what_it_is) {
  struct owner_record record = a_record(1);
  record.magic++;
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(), -EPROTO);
  bytes_num = 0;
  record = a_record(1);
  record.version--;
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(), -ESTALE);
  bytes_num = 0;
  record.version += 2;
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(), -EPROTONOSUPPORT);
  ck_assert_int_eq(owner_stream_read(-1, take, NULL), -EBADF);
}
END_TEST

Suite *owner_stream_suite(void) {
  Suite *suite = suite_create("owner_stream");
  TCase *tests = tcase_create("owner_stream");
  tcase_add_checked_fixture(tests, setup, NULL);
  tcase_add_test(tests, owner_stream__records_and_an_end__are_all_taken);
  tcase_add_test(tests, owner_stream__names__are_a_path);
  tcase_add_test(tests, owner_stream__more_than_a_buffer__is_whole);
  tcase_add_test(tests, owner_stream__cut_anywhere__has_no_end);
  tcase_add_test(tests, owner_stream__command_without_an_end__is_cut);
  tcase_add_test(tests, owner_stream__name_longer_than_allowed__is_damaged);
  tcase_add_test(tests, owner_stream__too_many_names__is_damaged);
  tcase_add_test(tests, owner_stream__not_ours__says_what_it_is);
  suite_add_tcase(suite, tests);
  return suite;
}
