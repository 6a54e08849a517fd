/* SPDX-License-Identifier: MIT */
/* plugin_fixture: the whole plugin under test, as collectd drives it, over both
 * fakes. */
#ifndef BPF_STATS_TESTS_PLUGIN_FIXTURE_H
#define BPF_STATS_TESTS_PLUGIN_FIXTURE_H

#include "config_tree.h"
#include "fake_collectd.h"
#include "fake_libbpf.h"

/* The plugin's entry point, as collectd knows it. */
void module_register(void);

/* The plugin's block: at first with Source "syscall" and WatchUnload false. */
extern struct config_tree tree;

/* For a checked fixture. The teardown demands that no descriptor is left. */
void plugin_setup(void);
void plugin_teardown(void);

/* Configures with the tree at hand, and starts. */
void start(void);

/* Forgets what was logged and dispatched, and demands a read that succeeds. */
void read_once(void);

#endif
