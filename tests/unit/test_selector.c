/* SPDX-License-Identifier: MIT */
/* Unit tests of selector: the conventions of collectd's ignorelist. */
#include "suites.h"

#include "selector.h"

#include <errno.h>
#include <string.h>

static struct selector *selector;
static char reason[128];

static void setup(void) {
  selector = selector_new();
  ck_assert_ptr_nonnull(selector);
  reason[0] = '\0';
}

static void teardown(void) { selector_free(selector); }

static int add(const char *entry) {
  return selector_add_program(selector, entry, reason, sizeof(reason));
}

START_TEST(selector_matches__no_entry__selects_all) {
  ck_assert(selector_matches(selector, "a", "xdp"));
  selector_ignore_selected(selector, true);
  ck_assert(selector_matches(selector, "a", "xdp"));
}
END_TEST

START_TEST(selector_matches__exact_name__selects_that_alone) {
  ck_assert_int_eq(add("xdp_firewall"), 0);
  ck_assert(selector_matches(selector, "xdp_firewall", "xdp"));
  ck_assert(!selector_matches(selector, "xdp_firewall2", "xdp"));
  ck_assert(!selector_matches(selector, "xdp_firewal", "xdp"));
  ck_assert(!selector_matches(selector, "XDP_firewall", "xdp"));
}
END_TEST

START_TEST(selector_matches__exact_name_with_regex_characters__is_literal) {
  ck_assert_int_eq(add("a.c"), 0);
  ck_assert(selector_matches(selector, "a.c", "xdp"));
  ck_assert(!selector_matches(selector, "abc", "xdp"));
}
END_TEST

START_TEST(selector_matches__regex__selects_what_it_finds) {
  ck_assert_int_eq(add("/^cil_(from|to)_/"), 0);
  ck_assert(selector_matches(selector, "cil_from_netdev", "sched_cls"));
  ck_assert(selector_matches(selector, "cil_to_host", "sched_cls"));
  ck_assert(!selector_matches(selector, "cil_at_host", "sched_cls"));
}
END_TEST

START_TEST(selector_matches__several_programs__any_of_them) {
  ck_assert_int_eq(add("one"), 0);
  ck_assert_int_eq(add("/^two/"), 0);
  ck_assert(selector_matches(selector, "one", "xdp"));
  ck_assert(selector_matches(selector, "twofold", "xdp"));
  ck_assert(!selector_matches(selector, "three", "xdp"));
}
END_TEST

START_TEST(selector_matches__type__selects_that_type) {
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  ck_assert(selector_matches(selector, "a", "xdp"));
  ck_assert(!selector_matches(selector, "xdp", "kprobe"));
}
END_TEST

START_TEST(selector_matches__name_and_type__needs_both) {
  ck_assert_int_eq(add("a"), 0);
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  ck_assert(selector_matches(selector, "a", "xdp"));
  ck_assert(!selector_matches(selector, "a", "kprobe"));
  ck_assert(!selector_matches(selector, "b", "xdp"));
}
END_TEST

START_TEST(selector_matches__ignore_selected__selects_the_rest) {
  ck_assert_int_eq(add("a"), 0);
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  selector_ignore_selected(selector, true);
  ck_assert(!selector_matches(selector, "a", "xdp"));
  ck_assert(selector_matches(selector, "a", "kprobe"));
  ck_assert(selector_matches(selector, "b", "xdp"));
}
END_TEST

START_TEST(selector_add_program__bad_regex__says_why_and_adds_nothing) {
  ck_assert_int_eq(add("/xdp[/"), -EINVAL);
  ck_assert_str_eq(reason, "Invalid regular expression");
  ck_assert_int_eq(add("/a(b/"), -EINVAL);
  ck_assert_str_eq(reason, "Unmatched ( or \\(");
  ck_assert(selector_matches(selector, "anything", "xdp"));
}
END_TEST

START_TEST(selector_add_program__not_a_name_nor_a_regex__is_refused) {
  ck_assert_int_eq(add(""), -EINVAL);
  ck_assert_str_eq(reason, "it is empty");
  ck_assert_int_eq(add("/"), -EINVAL);
  ck_assert_int_eq(add("/open"), -EINVAL);
  ck_assert_str_eq(reason, "the slash at its end is missing");
  ck_assert_int_eq(add("//"), -EINVAL);
}
END_TEST

START_TEST(selector_add_program__longest_regex__is_taken_and_longer_is_not) {
  char entry[SELECTOR_REGEX_MAX + 4];
  memset(entry, 'a', sizeof(entry));
  entry[0] = entry[SELECTOR_REGEX_MAX + 1] = '/';
  entry[SELECTOR_REGEX_MAX + 2] = '\0';
  ck_assert_int_eq(add(entry), 0);
  entry[SELECTOR_REGEX_MAX + 1] = 'a';
  entry[SELECTOR_REGEX_MAX + 2] = '/';
  entry[SELECTOR_REGEX_MAX + 3] = '\0';
  ck_assert_int_eq(add(entry), -EINVAL);
  ck_assert_str_eq(reason, "a regex has 1 to 1000 characters");
}
END_TEST

/* The C library writes repetitions out, and tries back-references in every way:
 * either could keep the daemon busy for hours, or take all its memory. */
START_TEST(selector_add_program__regex_that_explodes__is_refused) {
  ck_assert_int_eq(add("/(a{255}){255}{255}/"), -EINVAL);
  ck_assert_str_eq(reason, "its repetitions are too many");
  ck_assert_int_eq(add("/((a|b|aa|ab){1,50}c*){1,50}x/"), -EINVAL);
  ck_assert_int_eq(add("/a{0,20000}/"), -EINVAL);
  ck_assert_int_eq(add("/a++++++++++++++++++++++++++++++/"), -EINVAL);
  ck_assert_int_eq(
      add("/((((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)/"),
      -EINVAL);
  ck_assert_int_eq(add("/(a*+?+{1,}+{1,}+{1,}+{1,}+{1,}+{1,}+{1,})/"), -EINVAL);
  ck_assert_int_eq(add("/a{2}{4294967297}/"), -EINVAL);
  ck_assert_int_eq(add("/a{99999999999999999999999}/"), -EINVAL);
  ck_assert_int_eq(add("/(.*)(.*)(.*)(.*)\\1\\2\\3x/"), -EINVAL);
  ck_assert_str_eq(reason, "back-references are not allowed");
}
END_TEST

START_TEST(selector_add_program__ordinary_repetitions__are_taken) {
  ck_assert_int_eq(add("/^[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}$/"), 0);
  ck_assert_int_eq(add("/a{300}/"), 0);
  ck_assert_int_eq(add("/a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+/"), 0);
  ck_assert_int_eq(add("/^(tc|xdp)+_([a-z]+)+(_v[0-9]+)*$/"), 0);
  /* None of these is a repetition, or a back-reference. */
  ck_assert_int_eq(add("/[{99999}]\\{99999\\}[]{99999}]/"), 0);
  ck_assert_int_eq(add("/[[:alpha:]{99999}][^]\\1]/"), 0);
  ck_assert_int_eq(add("/\\\\1/"), 0);
}
END_TEST

START_TEST(selector_free__null__does_nothing) { selector_free(NULL); }
END_TEST

Suite *selector_suite(void) {
  Suite *suite = suite_create("selector");
  TCase *core = tcase_create("core");
  tcase_add_checked_fixture(core, setup, teardown);
  tcase_add_test(core, selector_matches__no_entry__selects_all);
  tcase_add_test(core, selector_matches__exact_name__selects_that_alone);
  tcase_add_test(
      core, selector_matches__exact_name_with_regex_characters__is_literal);
  tcase_add_test(core, selector_matches__regex__selects_what_it_finds);
  tcase_add_test(core, selector_matches__several_programs__any_of_them);
  tcase_add_test(core, selector_matches__type__selects_that_type);
  tcase_add_test(core, selector_matches__name_and_type__needs_both);
  tcase_add_test(core, selector_matches__ignore_selected__selects_the_rest);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits,
                 selector_add_program__bad_regex__says_why_and_adds_nothing);
  tcase_add_test(limits,
                 selector_add_program__not_a_name_nor_a_regex__is_refused);
  tcase_add_test(
      limits, selector_add_program__longest_regex__is_taken_and_longer_is_not);
  tcase_add_test(limits, selector_add_program__regex_that_explodes__is_refused);
  tcase_add_test(limits, selector_add_program__ordinary_repetitions__are_taken);
  tcase_add_test(limits, selector_free__null__does_nothing);
  suite_add_tcase(suite, limits);
  return suite;
}
