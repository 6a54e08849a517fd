/* SPDX-License-Identifier: MIT */
/* pin_options: the command line of bpf_stats_pin. */
#ifndef BPF_STATS_PIN_OPTIONS_H
#define BPF_STATS_PIN_OPTIONS_H

#include <stdbool.h>
#include <sys/types.h>

enum pin_action { PIN, UNPIN, SHOW_HELP, SHOW_VERSION };

struct pin_options {
  enum pin_action action;
  const char *dir; /* an absolute path, of ARGV */
  gid_t gid;
  mode_t mode; /* bits of 0644 */
};

extern const char pin_options_help[];

/* Returns 0; or -EINVAL, and has then said on stderr what is allowed. */
int pin_options_parse(int argc, char **argv, struct pin_options *ret_options);

#endif
