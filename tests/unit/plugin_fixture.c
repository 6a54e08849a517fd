/* SPDX-License-Identifier: MIT */
/* plugin_fixture: registers, configures, starts, reads and shuts down. */
#include "plugin_fixture.h"

#include "../open_fds.h"

#include <check.h>

struct config_tree tree;
static int fds_at_start;

void plugin_setup(void) {
  fake_libbpf_reset();
  fake_collectd_reset();
  tree_init(&tree);
  tree_string(tree_option(&tree, "Source"), "syscall");
  tree_boolean(tree_option(&tree, "WatchUnload"), false);
  fds_at_start = count_open_fds();
  module_register();
}

void plugin_teardown(void) {
  ck_assert_int_eq(fake_collectd.shutdown(), 0);
  ck_assert_int_eq(count_open_fds(), fds_at_start);
}

void start(void) {
  ck_assert_int_eq(fake_collectd.config(&tree.block), 0);
  ck_assert_int_eq(fake_collectd.init(), 0);
}

void start_in_vain(void) {
  ck_assert_int_eq(fake_collectd.config(&tree.block), 0);
  ck_assert_int_ne(fake_collectd.init(), 0);
  ck_assert_ptr_null(fake_collectd.read);
  ck_assert_uint_eq(fake_collectd.lines_num, 1);
  ck_assert_int_eq(fake_collectd.lines[0].severity, LOG_ERR);
}

void read_in_vain(void) {
  fake_collectd_clear();
  ck_assert_ptr_nonnull(fake_collectd.read);
  ck_assert_int_eq(fake_collectd.read(), 0);
  ck_assert_uint_eq(fake_collectd.dispatched_num, 0);
}

void read_once(void) {
  fake_collectd_clear();
  ck_assert_ptr_nonnull(fake_collectd.read);
  ck_assert_int_eq(fake_collectd.read(), 0);
}
