/* SPDX-License-Identifier: MIT */
/* Unit tests of prog_stream, with crafted streams through a pipe. */
#include "suites.h"

#include "prog_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct prog_stream stream;
static unsigned char bytes[PROG_STREAM_BUFFER_SIZE];
static size_t bytes_num;
static struct prog_record record;
static const char *full_name;

static void setup(void) { bytes_num = 0; }

static void add_bytes(const void *data, size_t size) {
  memcpy(bytes + bytes_num, data, size);
  bytes_num += size;
}

static struct prog_record a_record(uint32_t id, uint16_t name_size) {
  return (struct prog_record){.magic = PROG_RECORD_MAGIC,
                              .version = PROG_RECORD_VERSION,
                              .id = id,
                              .cnt = id * 10,
                              .name_size = name_size};
}

static void add(uint32_t id, const char *name) {
  uint16_t size = name == NULL ? 0 : (uint16_t)(strlen(name) + 1);
  struct prog_record head = a_record(id, size);
  add_bytes(&head, sizeof(head));
  if (name != NULL)
    add_bytes(name, size);
}

static void add_end(void) {
  struct prog_record head = a_record(0, 0);
  head.flags = PROG_RECORD_END;
  add_bytes(&head, sizeof(head));
}

/* Opens a stream of the bytes so far, to be read READ_SIZE at once. */
static void open_stream(size_t read_size) {
  int fds[2];
  ck_assert_int_eq(pipe(fds), 0);
  /* Room for all, so that nobody has to write meanwhile. */
  ck_assert_int_ge(fcntl(fds[1], F_SETPIPE_SZ, PROG_STREAM_BUFFER_SIZE), 0);
  ck_assert_int_eq(write(fds[1], bytes, bytes_num), (ssize_t)bytes_num);
  close(fds[1]);
  prog_stream_init(&stream, fds[0]);
  stream.read_size = read_size;
}

static int next(void) { return prog_stream_next(&stream, &record, &full_name); }

/* What the stream of the bytes so far answers first. */
static int first(void) {
  open_stream(PROG_STREAM_BUFFER_SIZE);
  int rc = next();
  close(stream.fd);
  return rc;
}

START_TEST(prog_stream_next__any_read_size__gives_the_same_records) {
  static const size_t read_sizes[] = {1,  3,   7,    88,    95,
                                      96, 100, 4096, 65535, 65536};
  char longest[PROG_RECORD_NAME_SIZE];
  memset(longest, 'n', sizeof(longest) - 1);
  longest[sizeof(longest) - 1] = '\0';
  for (uint32_t i = 1; i <= 50; i++)
    add(i, i % 3 == 0 ? NULL : i % 3 == 1 ? "a_name" : longest);
  add_end();
  for (size_t r = 0; r < sizeof(read_sizes) / sizeof(read_sizes[0]); r++) {
    open_stream(read_sizes[r]);
    for (uint32_t i = 1; i <= 50; i++) {
      ck_assert_int_eq(next(), 1);
      ck_assert_uint_eq(record.id, i);
      ck_assert_uint_eq(record.cnt, i * 10);
      if (i % 3 == 0)
        ck_assert_ptr_null(full_name);
      else
        ck_assert_str_eq(full_name, i % 3 == 1 ? "a_name" : longest);
    }
    ck_assert_int_eq(next(), 1);
    ck_assert_uint_eq(record.flags, PROG_RECORD_END);
    ck_assert_int_eq(next(), 0);
    close(stream.fd);
  }
}
END_TEST

START_TEST(prog_stream_next__empty_stream__is_its_end) {
  ck_assert_int_eq(first(), 0);
}
END_TEST

START_TEST(prog_stream_next__other_bytes__are_refused) {
  add_bytes("root:x:0:0:", 11);
  ck_assert_int_eq(first(), -EPROTO);
  bytes_num = 0;
  memset(bytes, 0, 4096);
  bytes_num = 4096;
  ck_assert_int_eq(first(), -EPROTO);
  bytes_num = 1;
  ck_assert_int_eq(first(), -EPROTO);
}
END_TEST

START_TEST(prog_stream_next__other_version__is_told_apart) {
  struct prog_record head = a_record(1, 0);
  head.version--;
  add_bytes(&head, sizeof(head));
  ck_assert_int_eq(first(), -ESTALE);
  bytes_num = 40; /* one of fewer bytes */
  ck_assert_int_eq(first(), -ESTALE);
  bytes_num = 0;
  head.version += 2;
  add_bytes(&head, sizeof(head));
  ck_assert_int_eq(first(), -EPROTONOSUPPORT);
  bytes_num = 40;
  ck_assert_int_eq(first(), -EPROTONOSUPPORT);
}
END_TEST

START_TEST(prog_stream_next__cut_anywhere__is_damaged) {
  add(1, "a_name_of_a_program");
  for (size_t size = bytes_num - 1; size >= 6; size--) {
    bytes_num = size;
    ck_assert_int_eq(first(), -EBADMSG);
  }
}
END_TEST

START_TEST(prog_stream_next__name_without_an_end__is_damaged) {
  struct prog_record head = a_record(1, 4);
  add_bytes(&head, sizeof(head));
  add_bytes("name", 4);
  add_end();
  ck_assert_int_eq(first(), -EBADMSG);
}
END_TEST

START_TEST(prog_stream_next__name_longer_than_allowed__is_damaged) {
  struct prog_record head = a_record(1, PROG_RECORD_NAME_SIZE + 1);
  add_bytes(&head, sizeof(head));
  memset(bytes + bytes_num, 0, 1000);
  bytes_num += 1000;
  ck_assert_int_eq(first(), -EBADMSG);
  bytes_num = 0;
  head.name_size = UINT16_MAX;
  add_bytes(&head, sizeof(head));
  ck_assert_int_eq(first(), -EBADMSG);
}
END_TEST

START_TEST(prog_stream_next__read_fails__is_that_error) {
  prog_stream_init(&stream, -1);
  ck_assert_int_eq(next(), -EBADF);
}
END_TEST

START_TEST(prog_stream_next__nothing_yet_for_ever__gives_up) {
  int fds[2];
  ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
  prog_stream_init(&stream, fds[0]);
  ck_assert_int_eq(next(), -EAGAIN);
  close(fds[0]);
  close(fds[1]);
}
END_TEST

START_TEST(prog_stream_next__random_bytes__never_leave_the_buffer) {
  unsigned seed = 99;
  for (int i = 0; i < 2000; i++) {
    bytes_num = 0;
    for (int records = rand_r(&seed) % 5; records > 0; records--)
      add(1, rand_r(&seed) % 2 == 0 ? "some_name" : NULL);
    for (int flips = rand_r(&seed) % 4; flips > 0 && bytes_num > 0; flips--)
      bytes[(size_t)rand_r(&seed) % bytes_num] = (unsigned char)rand_r(&seed);
    open_stream(1 + (size_t)rand_r(&seed) % 200);
    int rc;
    do {
      rc = next();
      if (rc == 1 && full_name != NULL)
        ck_assert_uint_lt(strlen(full_name), PROG_RECORD_NAME_SIZE);
    } while (rc == 1);
    close(stream.fd);
  }
}
END_TEST

Suite *prog_stream_suite(void) {
  Suite *suite = suite_create("prog_stream");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, NULL);
  tcase_add_test(core, prog_stream_next__any_read_size__gives_the_same_records);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, NULL);
  tcase_add_test(limits, prog_stream_next__empty_stream__is_its_end);
  tcase_add_test(limits, prog_stream_next__other_bytes__are_refused);
  tcase_add_test(limits, prog_stream_next__other_version__is_told_apart);
  tcase_add_test(limits, prog_stream_next__cut_anywhere__is_damaged);
  tcase_add_test(limits, prog_stream_next__name_without_an_end__is_damaged);
  tcase_add_test(limits,
                 prog_stream_next__name_longer_than_allowed__is_damaged);
  tcase_add_test(limits, prog_stream_next__read_fails__is_that_error);
  tcase_add_test(limits, prog_stream_next__nothing_yet_for_ever__gives_up);
  tcase_add_test(limits,
                 prog_stream_next__random_bytes__never_leave_the_buffer);
  suite_add_tcase(suite, limits);
  return suite;
}
