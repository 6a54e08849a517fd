/* SPDX-License-Identifier: MIT */
/* settings: defaults, and what only all options together tell. */
#include "settings.h"

#include "collectd/core/daemon/collectd.h"

#include "collectd/core/daemon/plugin.h"

#include <errno.h>
#include <stdlib.h>

enum { MAX_INSTANCES_DEFAULT = 1000 };

int settings_init(struct settings *settings) {
  *settings = (struct settings){
      .enable_stats = true,
      .watch_unload = true,
      .selector = selector_new(),
      .instance_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1},
      .group_metrics = metrics_default(),
      .max_instances = MAX_INSTANCES_DEFAULT,
      .miss_rate_threshold = 0.01,
  };
  return settings->selector == NULL ? -ENOMEM : 0;
}

void settings_clear(struct settings *settings) {
  selector_free(settings->selector);
  free(settings->iterator_pin);
  *settings = (struct settings){0};
}

void settings_check(struct settings *settings, double interval_s) {
  double window_s = settings->sample_window_s;
  if (window_s == 0.0)
    return;
  if (!settings->enable_stats) {
    ERROR(
        "bpf_stats: option SampleWindow, value %g: needs \"EnableStats true\". "
        "The plugin is not started.",
        window_s);
    settings->wrong = true;
  } else if (window_s > interval_s / 2.0) {
    ERROR(
        "bpf_stats: option SampleWindow, value %g: allowed is at most %g, half "
        "of the interval. The plugin is not started.",
        window_s, interval_s / 2.0);
    settings->wrong = true;
  }
}
