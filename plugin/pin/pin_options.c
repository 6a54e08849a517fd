/* SPDX-License-Identifier: MIT */
/* pin_options: getopt_long(3), and one line for each wrong value. */
#include "pin_options.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char pin_options_help[] =
    "Usage: bpf_stats_pin [--dir DIR] [--group GROUP] [--mode MODE]\n"
    "       bpf_stats_pin --unpin [--dir DIR]\n"
    "Loads the BPF iterator of collectd's plugin bpf_stats and pins it as\n"
    "DIR/iterator, for the plugin's option IteratorPin; and beside it, where\n"
    "the kernel allows fentry, the watch on unloads. Whoever may read these\n"
    "files can read the statistics of all BPF programs, without any "
    "capability.\n"
    "\n"
    "  -d, --dir DIR      where to pin; a bpffs is mounted there unless it is\n"
    "                     one (default: /run/bpf_stats)\n"
    "  -g, --group GROUP  the group of the files, a name or a number\n"
    "                     (default: root)\n"
    "  -m, --mode MODE    their mode, octal, of bits from 0644 (default: "
    "0440)\n"
    "  -u, --unpin        take the pins away, and then a bpffs that was "
    "mounted\n"
    "                     for them, if nothing else is in it\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n";

static int refuse(const char *option, const char *value, const char *allowed) {
  fprintf(stderr, "bpf_stats_pin: %s %s: allowed is %s\n", option, value,
          allowed);
  return -EINVAL;
}

/* strtoul(3) alone takes blanks and signs as well. */
static bool parse_number(const char *text, int base, unsigned long max,
                         unsigned long *ret_number) {
  const char *digits = "0123456789";
  if (*text == '\0' || text[strspn(text, digits)] != '\0')
    return false;
  char *end = NULL;
  errno = 0;
  *ret_number = strtoul(text, &end, base);
  return errno == 0 && *end == '\0' && *ret_number <= max;
}

static int parse_group(const char *text, gid_t *ret_gid) {
  unsigned long gid = 0;
  if (parse_number(text, 10, (gid_t)-2, &gid)) {
    *ret_gid = (gid_t)gid;
    return 0;
  }
  /* cppcheck-suppress getgrnamCalled ; there is one thread */
  const struct group *group = getgrnam(text);
  if (group == NULL)
    return refuse("--group", text, "the name or number of a group");
  *ret_gid = group->gr_gid;
  return 0;
}

/* Whoever may write to a pin can put wrong counts into it, or take the watch
 * off. */
static int parse_mode(const char *text, mode_t *ret_mode) {
  unsigned long mode = 0;
  if (!parse_number(text, 8, 0644, &mode) || (mode & ~0644UL) != 0 ||
      (mode & 0444) == 0)
    return refuse("--mode", text,
                  "an octal number of bits from 0644 that lets somebody read, "
                  "such as 0440");
  *ret_mode = (mode_t)mode;
  return 0;
}

static int parse_dir(const char *text, const char **ret_dir) {
  if (text[0] != '/')
    return refuse("--dir", text, "an absolute path");
  *ret_dir = text;
  return 0;
}

static int parse_option(int option, struct pin_options *options) {
  switch (option) {
  case 'd':
    return parse_dir(optarg, &options->dir);
  case 'g':
    return parse_group(optarg, &options->gid);
  case 'm':
    return parse_mode(optarg, &options->mode);
  case 'u':
    options->action = UNPIN;
    return 0;
  case 'h':
    options->action = SHOW_HELP;
    return 0;
  case 'V':
    options->action = SHOW_VERSION;
    return 0;
  default:
    return -EINVAL; /* getopt_long() has said so */
  }
}

int pin_options_parse(int argc, char **argv, struct pin_options *ret_options) {
  static const struct option long_options[] = {
      {"dir", required_argument, NULL, 'd'},
      {"group", required_argument, NULL, 'g'},
      {"mode", required_argument, NULL, 'm'},
      {"unpin", no_argument, NULL, 'u'},
      {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'V'},
      {0},
  };
  struct pin_options options = {.dir = "/run/bpf_stats", .mode = 0440};
  int rc = 0;
  while (rc == 0 && options.action != SHOW_HELP &&
         options.action != SHOW_VERSION) {
    int option = getopt_long(argc, argv, "d:g:m:uhV", long_options, NULL);
    if (option == -1)
      break;
    rc = parse_option(option, &options);
  }
  if (rc == 0 && options.action <= UNPIN && optind < argc) {
    fprintf(stderr, "bpf_stats_pin: %s: no such argument; see --help\n",
            argv[optind]);
    rc = -EINVAL;
  }
  if (rc == 0)
    *ret_options = options;
  return rc;
}
