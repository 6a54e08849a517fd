/* SPDX-License-Identifier: MIT */
/* Unit tests of selector: the conventions of collectd's ignorelist. */
#include "suites.h"

#include "name_pattern.h"
#include "selector.h"

#include <errno.h>
#include <stdio.h>
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
  ck_assert(selector_matches(selector, "a", "xdp", "_unknown"));
  selector_ignore_selected(selector, true);
  ck_assert(selector_matches(selector, "a", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_matches__exact_name__selects_that_alone) {
  ck_assert_int_eq(add("xdp_firewall"), 0);
  ck_assert(selector_matches(selector, "xdp_firewall", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "xdp_firewall2", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "xdp_firewal", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "XDP_firewall", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_matches__exact_name_with_regex_characters__is_literal) {
  ck_assert_int_eq(add("a.c"), 0);
  ck_assert(selector_matches(selector, "a.c", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "abc", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_matches__regex__selects_what_it_finds) {
  ck_assert_int_eq(add("/^cil_(from|to)_/"), 0);
  ck_assert(
      selector_matches(selector, "cil_from_netdev", "sched_cls", "_unknown"));
  ck_assert(selector_matches(selector, "cil_to_host", "sched_cls", "_unknown"));
  ck_assert(
      !selector_matches(selector, "cil_at_host", "sched_cls", "_unknown"));
}
END_TEST

START_TEST(selector_matches__several_programs__any_of_them) {
  ck_assert_int_eq(add("one"), 0);
  ck_assert_int_eq(add("/^two/"), 0);
  ck_assert(selector_matches(selector, "one", "xdp", "_unknown"));
  ck_assert(selector_matches(selector, "twofold", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "three", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_matches__type__selects_that_type) {
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  ck_assert(selector_matches(selector, "a", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "xdp", "kprobe", "_unknown"));
}
END_TEST

START_TEST(selector_matches__name_and_type__needs_both) {
  ck_assert_int_eq(add("a"), 0);
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  ck_assert(selector_matches(selector, "a", "xdp", "_unknown"));
  ck_assert(!selector_matches(selector, "a", "kprobe", "_unknown"));
  ck_assert(!selector_matches(selector, "b", "xdp", "_unknown"));
}
END_TEST

static int add_owner(const char *entry) {
  return selector_add_owner(selector, entry, reason, sizeof(reason));
}

START_TEST(selector_matches__owner__is_compared_as_it_is) {
  ck_assert(!selector_needs_owner(selector));
  ck_assert_int_eq(add_owner("falco.service"), 0);
  ck_assert_int_eq(add_owner("/^(user|container)\\//"), 0);
  ck_assert(selector_needs_owner(selector));
  ck_assert(selector_matches(selector, "a", "xdp", "falco.service"));
  ck_assert(!selector_matches(selector, "a", "xdp", "falco_service"));
  ck_assert(selector_matches(selector, "a", "xdp", "container/nginx"));
  ck_assert(!selector_matches(selector, "a", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_matches__owner_and_name__needs_both) {
  ck_assert_int_eq(add_owner("falco.service"), 0);
  ck_assert_int_eq(add("a"), 0);
  ck_assert(selector_matches(selector, "a", "xdp", "falco.service"));
  ck_assert(!selector_matches(selector, "b", "xdp", "falco.service"));
  ck_assert(!selector_matches(selector, "a", "xdp", "uid-0"));
  selector_ignore_selected(selector, true);
  ck_assert(!selector_matches(selector, "a", "xdp", "falco.service"));
  ck_assert(selector_matches(selector, "a", "xdp", "uid-0"));
}
END_TEST

/* Units escape by backslashes; a process may call itself anything. */
START_TEST(selector_add_owner__any_bytes__are_taken) {
  ck_assert_int_eq(add_owner("my\\x2dapp@.service"), 0);
  ck_assert_int_eq(add_owner("(sd pam) *"), 0);
  ck_assert_int_eq(add_owner("/^my\\\\x2d/"), 0);
  ck_assert(selector_matches(selector, "a", "xdp", "my\\x2dapp@.service"));
  ck_assert(selector_matches(selector, "a", "xdp", "my\\x2dother.service"));
  ck_assert(selector_matches(selector, "a", "xdp", "(sd pam) *"));
}
END_TEST

START_TEST(selector_add_owner__not_valid__says_why) {
  ck_assert_int_eq(add_owner(""), -EINVAL);
  ck_assert_str_eq(reason, "it is empty");
  ck_assert_int_eq(add_owner("/open"), -EINVAL);
  ck_assert_int_eq(add_owner("/a(b/"), -EINVAL);
  ck_assert_int_eq(add_owner("/\\d/"), -EINVAL);
  ck_assert_int_eq(add_owner("/(a{255}){255}/"), -EINVAL);
  ck_assert(!selector_needs_owner(selector));
}
END_TEST

START_TEST(selector_matches__ignore_selected__selects_the_rest) {
  ck_assert_int_eq(add("a"), 0);
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  selector_ignore_selected(selector, true);
  ck_assert(!selector_matches(selector, "a", "xdp", "_unknown"));
  ck_assert(selector_matches(selector, "a", "kprobe", "_unknown"));
  ck_assert(selector_matches(selector, "b", "xdp", "_unknown"));
}
END_TEST

START_TEST(selector_add_program__bad_regex__says_why_and_adds_nothing) {
  ck_assert_int_eq(add("/xdp[/"), -EINVAL);
  ck_assert_str_eq(reason, "Invalid regular expression");
  ck_assert_int_eq(add("/a(b/"), -EINVAL);
  ck_assert_str_eq(reason, "Unmatched ( or \\(");
  ck_assert(selector_matches(selector, "anything", "xdp", "_unknown"));
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

/* What the kernel allows: bpf_obj_name_cpy() and btf_name_valid(). Its
 * isalnum() is that of Latin-1. */
START_TEST(selector_add_program__any_name_that_can_be__is_taken) {
  ck_assert_int_eq(add("_ZN4core3ops8function6FnOnce9call_once17h0123abcdE"),
                   0);
  ck_assert_int_eq(add("a.c"), 0);
  ck_assert_int_eq(add("7"), 0);
  ck_assert_int_eq(add("\xc0\xff"), 0);
  ck_assert_int_eq(add("bpf_prog_0123456789abcdef"), 0);
}
END_TEST

static const struct {
  const char *entry;
  const char *reason;
} no_names[] = {
    {"xdp_*",
     "no program's name has a '*'; a regex is written like \"/^xdp_/\""},
    {"xdp_fire?",
     "no program's name has a '?'; a regex is written like \"/^xdp_/\""},
    {" xdp",
     "no program's name has a ' '; a regex is written like \"/^xdp_/\""},
    {"xdp ",
     "no program's name has a ' '; a regex is written like \"/^xdp_/\""},
    {"^xdp$",
     "no program's name has a '^'; a regex is written like \"/^xdp_/\""},
    {"xdp-a",
     "no program's name has a '-'; a regex is written like \"/^xdp_/\""},
    {"a\n", "no program's name has a byte 0x0a; a regex is written like "
            "\"/^xdp_/\""},
    {"caf\xc3\xa9",
     "no program's name has a byte 0xa9; a regex is written like "
     "\"/^xdp_/\""},
};

START_TEST(selector_add_program__no_name_that_can_be__suggests_a_regex) {
  ck_assert_int_eq(add(no_names[_i].entry), -EINVAL);
  ck_assert_str_eq(reason, no_names[_i].reason);
  ck_assert(selector_matches(selector, "anything", "xdp", "_unknown"));
}
END_TEST

static const char *const bad_escapes[] = {
    "/^p_\\d+$/", "/\\D/",     "/\\A(xdp)\\z/", "/xdp\\Z/",
    "/a\\tb/",    "/[\\w.]+/", "/[^\\d]/",      "/\\0/"};

START_TEST(selector_add_program__escape_that_posix_does_not_know__is_refused) {
  ck_assert_int_eq(add(bad_escapes[_i]), -EINVAL);
  ck_assert_msg(strstr(reason, "POSIX knows no \\") == reason ||
                    strstr(reason, "brackets") != NULL,
                "%s", reason);
}
END_TEST

START_TEST(selector_add_program__escapes_that_work__are_taken) {
  ck_assert_int_eq(add("/^\\w+$/"), 0);
  ck_assert(selector_matches(selector, "ab_1", "xdp", "_unknown"));
  ck_assert_int_eq(add("/\\bb\\B\\S\\S\\>/"), 0);
  ck_assert_int_eq(add("/^a\\.b\\$\\_/"), 0);
  ck_assert_int_eq(add("/[^\\.]$/"), 0);
}
END_TEST

static char unused[256];

static void tell_unused(const char *option, const char *entry) {
  size_t len = strlen(unused);
  snprintf(unused + len, sizeof(unused) - len, "%s %s;", option, entry);
}

static const char *find_unused(void) {
  unused[0] = '\0';
  selector_tell_unused(selector, tell_unused);
  return unused;
}

START_TEST(selector_tell_unused__names_what_has_selected_nothing) {
  ck_assert_str_eq(find_unused(), "");
  ck_assert_int_eq(add("/^p_d+$/"), 0);
  ck_assert_int_eq(add("/^x/"), 0);
  ck_assert_int_eq(add("xdp_a"), 0);
  ck_assert_int_eq(selector_add_type(selector, "xdp"), 0);
  ck_assert_int_eq(selector_add_type(selector, "kprobe"), 0);
  ck_assert_str_eq(find_unused(), "Program /^p_d+$/;Program /^x/;Program "
                                  "xdp_a;ProgramType xdp;ProgramType kprobe;");
  selector_matches(selector, "other", "xdp", "_unknown");
  selector_matches(selector, "xdp_a", "sched_cls", "_unknown");
  ck_assert_str_eq(find_unused(), "Program /^p_d+$/;Program /^x/;Program "
                                  "xdp_a;ProgramType xdp;ProgramType kprobe;");
  selector_matches(selector, "xdp_a", "xdp", "_unknown");
  ck_assert_str_eq(find_unused(), "Program /^p_d+$/;ProgramType kprobe;");
}
END_TEST

START_TEST(selector_tell_unused__ignored_is_used) {
  ck_assert_int_eq(add("a"), 0);
  ck_assert_int_eq(add("b"), 0);
  selector_ignore_selected(selector, true);
  selector_matches(selector, "a", "xdp", "_unknown");
  ck_assert_int_eq(add_owner("falco.service"), 0);
  ck_assert_str_eq(find_unused(), "Program b;Owner falco.service;");
}
END_TEST

START_TEST(selector_add_program__longest_regex__is_taken_and_longer_is_not) {
  char entry[NAME_PATTERN_REGEX_MAX + 4];
  memset(entry, 'a', sizeof(entry));
  entry[0] = entry[NAME_PATTERN_REGEX_MAX + 1] = '/';
  entry[NAME_PATTERN_REGEX_MAX + 2] = '\0';
  ck_assert_int_eq(add(entry), 0);
  entry[NAME_PATTERN_REGEX_MAX + 1] = 'a';
  entry[NAME_PATTERN_REGEX_MAX + 2] = '/';
  entry[NAME_PATTERN_REGEX_MAX + 3] = '\0';
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
  ck_assert_int_eq(add("/\\\\1/"), -EINVAL);
  ck_assert_str_eq(reason, "no program's name has a backslash");
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
  tcase_add_test(core, selector_matches__owner__is_compared_as_it_is);
  tcase_add_test(core, selector_matches__owner_and_name__needs_both);
  tcase_add_test(core, selector_matches__ignore_selected__selects_the_rest);
  tcase_add_test(core, selector_tell_unused__names_what_has_selected_nothing);
  tcase_add_test(core, selector_tell_unused__ignored_is_used);
  suite_add_tcase(suite, core);
  TCase *limits = tcase_create("limits");
  tcase_add_checked_fixture(limits, setup, teardown);
  tcase_add_test(limits,
                 selector_add_program__bad_regex__says_why_and_adds_nothing);
  tcase_add_test(limits,
                 selector_add_program__not_a_name_nor_a_regex__is_refused);
  tcase_add_test(limits, selector_add_program__any_name_that_can_be__is_taken);
  tcase_add_loop_test(
      limits, selector_add_program__no_name_that_can_be__suggests_a_regex, 0,
      sizeof(no_names) / sizeof(no_names[0]));
  tcase_add_loop_test(
      limits, selector_add_program__escape_that_posix_does_not_know__is_refused,
      0, sizeof(bad_escapes) / sizeof(bad_escapes[0]));
  tcase_add_test(limits, selector_add_program__escapes_that_work__are_taken);
  tcase_add_test(
      limits, selector_add_program__longest_regex__is_taken_and_longer_is_not);
  tcase_add_test(limits, selector_add_program__regex_that_explodes__is_refused);
  tcase_add_test(limits, selector_add_program__ordinary_repetitions__are_taken);
  tcase_add_test(limits, selector_add_owner__any_bytes__are_taken);
  tcase_add_test(limits, selector_add_owner__not_valid__says_why);
  tcase_add_test(limits, selector_free__null__does_nothing);
  suite_add_tcase(suite, limits);
  return suite;
}
