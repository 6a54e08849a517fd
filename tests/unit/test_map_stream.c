/* SPDX-License-Identifier: MIT */
/* Unit tests of map_stream, with crafted records, good and bad. */
#include "suites.h"

#include "map_stream.h"
#include "prog_record.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static unsigned char bytes[256 * 1024];
static size_t bytes_num;
static unsigned taken;
static struct map_record last;
static struct map_stream stream;

static void setup(void) { bytes_num = taken = 0; }

static void add_bytes(const void *data, size_t size) {
  ck_assert_uint_le(bytes_num + size, sizeof(bytes));
  memcpy(bytes + bytes_num, data, size);
  bytes_num += size;
}

static struct map_record a_record(uint32_t id, uint16_t flags) {
  return (struct map_record){.head = {.magic = MAP_RECORD_MAGIC,
                                      .version = PROG_RECORD_VERSION,
                                      .flags = flags},
                             .id = id};
}

static void add(uint32_t id, uint16_t flags) {
  const struct map_record record = a_record(id, flags);
  add_bytes(&record, sizeof(record));
}

static int take(void *context, const void *record) {
  taken++;
  if (stream.record_size == sizeof(last))
    memcpy(&last, record, sizeof(last));
  return *(int *)context;
}

static int read_all(uint32_t magic, int taken_rc) {
  int fd = memfd_create("maps", MFD_CLOEXEC);
  ck_assert_int_eq(write(fd, bytes, bytes_num), (ssize_t)bytes_num);
  ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
  int rc = map_stream_read(&stream, fd, magic, take, &taken_rc);
  close(fd);
  return rc;
}

START_TEST(map_stream__records_and_an_end__are_all_taken) {
  for (uint32_t id = 1; id <= 2000; id++) /* more than the buffer holds */
    add(id, 0);
  add(0, MAP_RECORD_END);
  add(3000, 0); /* behind the end */
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), 0);
  ck_assert_uint_eq(taken, 2000);
  ck_assert_uint_eq(last.id, 2000);
}
END_TEST

START_TEST(map_stream__uses__have_their_own_size) {
  struct map_use_record use = {
      .head = {.magic = MAP_USE_MAGIC, .version = PROG_RECORD_VERSION},
      .prog_id = 1};
  add_bytes(&use, sizeof(use));
  add_bytes(&use, sizeof(use));
  use.head.flags = MAP_RECORD_END;
  add_bytes(&use, sizeof(use));
  ck_assert_int_eq(read_all(MAP_USE_MAGIC, 0), 0);
  ck_assert_uint_eq(taken, 2);
}
END_TEST

START_TEST(map_stream__no_end__is_said) {
  add(1, 0);
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -ENODATA);
  add(2, 0);
  bytes_num -= 8;
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -ENODATA);
  bytes_num = 0;
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -ENODATA);
}
END_TEST

START_TEST(map_stream__something_else__is_refused) {
  struct map_record record = a_record(1, 0);
  record.head.magic = PROG_RECORD_MAGIC;
  add(1, 0);
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -EPROTO);
  ck_assert_uint_eq(taken, 1);
}
END_TEST

START_TEST(map_stream__another_version__is_refused) {
  struct map_record record = a_record(1, MAP_RECORD_END);
  record.head.version = PROG_RECORD_VERSION - 1;
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -ESTALE);
  record.head.version = PROG_RECORD_VERSION + 1;
  bytes_num = 0;
  add_bytes(&record, sizeof(record));
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, 0), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(map_stream__taker_fails__is_read_no_further) {
  add(1, 0);
  add(2, 0);
  add(0, MAP_RECORD_END);
  ck_assert_int_eq(read_all(MAP_RECORD_MAGIC, -ENOMEM), -ENOMEM);
  ck_assert_uint_eq(taken, 1);
}
END_TEST

START_TEST(map_stream__no_file__is_an_error) {
  int rc = 0;
  ck_assert_int_eq(map_stream_read(&stream, -1, MAP_RECORD_MAGIC, take, &rc),
                   -EBADF);
}
END_TEST

Suite *map_stream_suite(void) {
  Suite *suite = suite_create("map_stream");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core, map_stream__records_and_an_end__are_all_taken);
  tcase_add_test(core, map_stream__uses__have_their_own_size);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, NULL);
  tcase_add_test(limits, map_stream__no_end__is_said);
  tcase_add_test(limits, map_stream__something_else__is_refused);
  tcase_add_test(limits, map_stream__another_version__is_refused);
  tcase_add_test(limits, map_stream__taker_fails__is_read_no_further);
  tcase_add_test(limits, map_stream__no_file__is_an_error);
  suite_add_tcase(suite, limits);
  return suite;
}
