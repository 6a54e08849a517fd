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

/* The same, but demands that the plugin refuses to start, with one line. */
void start_in_vain(void);

/* Forgets what was logged and dispatched, and reads. A read returns 0 in any
 * case, or collectd would leave out the next ones. */
void read_once(void);

/* The same, but demands that there are no values. */
void read_in_vain(void);

#endif
