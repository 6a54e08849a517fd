/* SPDX-License-Identifier: MIT */
/* Unit tests of group_name: formats, safe characters, bounded length. */
#include "suites.h"

#include "group_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct group_name_format format;
static char name[GROUP_NAME_SIZE];

static const char *name_of(const char *text, const char *prog_name) {
  struct prog_sample sample = {.id = 4294967295,
                               .name = prog_name,
                               .type_name = "xdp",
                               .tag = "0123456789abcdef"};
  ck_assert_int_eq(group_name_format_parse(text, &format), 0);
  group_name_of(&format, &sample, name);
  return name;
}

START_TEST(group_name_of__each_part__is_that_part) {
  ck_assert_str_eq(name_of("name", "fw"), "fw");
  ck_assert_str_eq(name_of("type", "fw"), "xdp");
  ck_assert_str_eq(name_of("tag", "fw"), "0123456789abcdef");
  ck_assert_str_eq(name_of("id", "fw"), "4294967295");
}
END_TEST

START_TEST(group_name_of__several_parts__are_joined_in_order) {
  ck_assert_str_eq(name_of("type name", "fw"), "xdp-fw");
  ck_assert_str_eq(name_of("id-tag-name-type", "fw"),
                   "4294967295-0123456789abcdef-fw-xdp");
}
END_TEST

/* The name of a program of that owner. */
static const char *owned_name_of(const char *text, const char *owner,
                                 bool is_owned) {
  const struct prog_sample sample = {
      .name = "fw", .type_name = "xdp", .owner = owner, .is_owned = is_owned};
  ck_assert_int_eq(group_name_format_parse(text, &format), 0);
  group_name_of(&format, &sample, name);
  return name;
}

/* The first "-" ends the first part, whatever it is. */
START_TEST(group_name_of__owner__has_no_dash) {
  ck_assert_str_eq(owned_name_of("owner", "falco.service", true),
                   "falco_service");
  ck_assert_str_eq(
      owned_name_of("owner name", "systemd-networkd.service", true),
      "systemd_networkd_service-fw");
  ck_assert_str_eq(owned_name_of("name owner", "container/nginx", true),
                   "fw-container_nginx");
  ck_assert_str_eq(owned_name_of("owner type name", "uid-1000", false),
                   "uid_1000-xdp-fw");
  ck_assert_str_eq(owned_name_of("owner", "_unknown", false), "_unknown");
}
END_TEST

START_TEST(group_name_of__no_owner__is_unknown) {
  ck_assert_str_eq(owned_name_of("owner name", NULL, false), "_unknown-fw");
  ck_assert_str_eq(owned_name_of("owner", "", true), "__unknown");
}
END_TEST

/* A process or a cgroup may call itself anything. */
START_TEST(group_name_of__hostile_owner__is_nobody_elses) {
  static const char *const forged[][2] = {
      {"_unknown", "__unknown"},  {"/unknown", "__unknown"},
      {"uid-0", "_uid_0"},        {"uid\n0", "_uid_0"},
      {"uid-", "_uid_"},          {"uid-0x", "uid_0x"},
      {"_unknown2", "_unknown2"}, {"uid", "uid"}};
  for (size_t i = 0; i < sizeof(forged) / sizeof(forged[0]); i++)
    ck_assert_str_eq(owned_name_of("owner", forged[i][0], true), forged[i][1]);
  static const char *const reserved[] = {"_other", "_brief", "bpf_stats"};
  for (size_t i = 0; i < 3; i++) {
    const size_t len = strlen(reserved[i]);
    owned_name_of("owner", reserved[i], true);
    ck_assert_uint_eq(strlen(name), len + 17);
    ck_assert_int_eq(name[len], '-');
  }
}
END_TEST

START_TEST(group_name_format_parse__not_a_format__is_refused_and_untouched) {
  static const char *const wrong[] = {
      "", " ", "-", "nam", "name name", "Name", "uid", "name,type", "names"};
  format = (struct group_name_format){.parts_num = 77};
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
    ck_assert_int_eq(group_name_format_parse(wrong[i], &format), -EINVAL);
  ck_assert_uint_eq(format.parts_num, 77);
}
END_TEST

START_TEST(group_name_of__every_byte__only_safe_ones_stay) {
  for (int byte = 1; byte < 256; byte++) {
    char text[] = {'a', (char)byte, 'z', '\0'};
    bool safe = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                       "0123456789_-",
                       byte) != NULL;
    char expected[] = {'a', safe ? (char)byte : '_', 'z', '\0'};
    ck_assert_str_eq(name_of("name", text), expected);
  }
}
END_TEST

static const char *repeated(char c, size_t len) {
  static char text[1001];
  memset(text, c, len);
  text[len] = '\0';
  return text;
}

START_TEST(group_name_of__fits_the_buffer__is_whole) {
  ck_assert_str_eq(name_of("name", repeated('a', 15)), "aaaaaaaaaaaaaaa");
  ck_assert_str_eq(name_of("name", repeated('a', 16)), "aaaaaaaaaaaaaaaa");
  ck_assert_str_eq(name_of("name", repeated('a', 127)), repeated('a', 127));
}
END_TEST

START_TEST(group_name_of__too_long__is_cut_and_ends_in_a_hash) {
  /* FNV-1a, computed by another implementation. */
  static const char *const hashes[] = {"-57fc415dd1387da5",
                                       "-3c835852fbac676d"};
  static const size_t lens[] = {128, 1000};
  for (size_t i = 0; i < 2; i++) {
    name_of("name", repeated('a', lens[i]));
    ck_assert_uint_eq(strlen(name), 127);
    ck_assert_mem_eq(name, repeated('a', 110), 110);
    ck_assert_str_eq(name + 110, hashes[i]);
  }
}
END_TEST

START_TEST(group_name_of__owner_of_256_bytes__is_cut_and_ends_in_a_hash) {
  owned_name_of("owner name", repeated('-', 256), true);
  ck_assert_uint_eq(strlen(name), 127);
  ck_assert_mem_eq(name, repeated('_', 110), 110);
  ck_assert_int_eq(name[110], '-');
}
END_TEST

START_TEST(group_name_of__long_names_differ_at_the_end__stay_apart) {
  char text[201];
  memset(text, 'x', 200);
  text[200] = '\0';
  char first[GROUP_NAME_SIZE];
  snprintf(first, sizeof(first), "%s", name_of("name", text));
  text[199] = '.'; /* safe characters alone would not tell the next two apart */
  char second[GROUP_NAME_SIZE];
  snprintf(second, sizeof(second), "%s", name_of("name", text));
  text[199] = '_';
  name_of("name", text);
  ck_assert_str_ne(first, second);
  ck_assert_str_ne(second, name);
  ck_assert_str_ne(first, name);
}
END_TEST

Suite *group_name_suite(void) {
  Suite *suite = suite_create("group_name");
  TCase *core = tcase_create("core");
  tcase_add_test(core, group_name_of__each_part__is_that_part);
  tcase_add_test(core, group_name_of__several_parts__are_joined_in_order);
  tcase_add_test(core, group_name_of__owner__has_no_dash);
  tcase_add_test(core, group_name_of__no_owner__is_unknown);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_test(
      limits, group_name_format_parse__not_a_format__is_refused_and_untouched);
  tcase_add_test(limits, group_name_of__every_byte__only_safe_ones_stay);
  tcase_add_test(limits, group_name_of__fits_the_buffer__is_whole);
  tcase_add_test(limits, group_name_of__too_long__is_cut_and_ends_in_a_hash);
  tcase_add_test(limits, group_name_of__hostile_owner__is_nobody_elses);
  tcase_add_test(limits,
                 group_name_of__owner_of_256_bytes__is_cut_and_ends_in_a_hash);
  tcase_add_test(limits,
                 group_name_of__long_names_differ_at_the_end__stay_apart);
  suite_add_tcase(suite, limits);
  return suite;
}
