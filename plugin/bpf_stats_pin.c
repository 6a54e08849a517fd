/* SPDX-License-Identifier: MIT */
/* bpf_stats_pin: loads the iterator once, as root, and pins it where a collectd
 * without any capability can read it. */
#include "accounting.h"
#include "bpffs.h"
#include "clocks.h"
#include "self_check.h"
#include "source.h"
#include "unload_pins.h"
#include "unload_watch.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char help[] =
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
    "  -m, --mode MODE    their mode, octal (default: 0440)\n"
    "  -u, --unpin        take the pin away, and the bpffs if nothing else is\n"
    "                     in it\n"
    "  -h, --help         show this\n"
    "  -V, --version      show the version\n";

struct options {
  const char *dir;
  gid_t gid;
  mode_t mode;
  bool unpin;
};

static int complain(const char *what, const char *subject, int error) {
  bool denied = error == -EPERM || error == -EACCES;
  fprintf(stderr, "bpf_stats_pin: %s %s: %s%s\n", what, subject,
          strerror(-error), denied ? "; run it as root" : "");
  return error;
}

/* Loads the iterator and looks whether it tells the truth. */
static int load_checked(struct source **ret_source) {
  char reason[300] = "out of memory";
  struct source *source = NULL;
  int rc = source_iterator_new(0, &source, reason, sizeof(reason));
  if (rc == 0)
    rc = self_check_iterator(source, reason, sizeof(reason));
  if (rc != 0) {
    fprintf(stderr, "bpf_stats_pin: %s\n", reason);
    source_free(source);
    return rc;
  }
  *ret_source = source;
  return 0;
}

static int pin_iterator(const struct options *options,
                        const struct source *source) {
  char path[4096];
  char new_path[4096];
  snprintf(path, sizeof(path), "%s/iterator", options->dir);
  snprintf(new_path, sizeof(new_path), "%s/iterator_new", options->dir);
  /* Under another name until all is right, so that a reader never meets a pin
   * that is not. */
  unlink(new_path);
  int rc = source_iterator_pin(source, new_path);
  if (rc != 0)
    return complain("cannot pin", new_path, rc);
  if (chown(new_path, 0, options->gid) != 0 ||
      chmod(new_path, options->mode) != 0 || rename(new_path, path) != 0) {
    rc = complain("cannot set up", path, -errno);
    unlink(new_path);
  }
  return rc;
}

/* A kernel without fentry is none the worse for that: the plugin polls. Then
 * nothing may be left of a watch that was pinned before. */
static int pin_watch(const struct options *options) {
  char reason[300] = "";
  struct unload_watch *watch = NULL;
  int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, &watch, reason,
                            sizeof(reason));
  if (rc == 0)
    rc = self_check_watch(watch, reason, sizeof(reason));
  if (rc == 0) {
    rc = unload_watch_pin(watch, options->dir, options->gid, options->mode);
    if (rc != 0)
      complain("cannot pin the watch on unloads in", options->dir, rc);
  } else {
    fprintf(stderr, "bpf_stats_pin: the watch on unloads is not pinned: %s\n",
            reason);
    rc = unload_pins_remove(options->dir);
  }
  unload_watch_free(watch);
  return rc;
}

static int pin(const struct options *options) {
  /* While that is held, the checks can compare all counters. */
  struct accounting accounting;
  accounting_init(&accounting, true);
  accounting_update(&accounting, boottime_ns());
  struct source *source = NULL;
  int rc = load_checked(&source);
  if (rc == 0) {
    const char *step = NULL;
    rc = bpffs_provide(options->dir, &step);
    if (rc != 0)
      complain(step, options->dir, rc);
  }
  if (rc == 0)
    rc = pin_iterator(options, source);
  if (rc == 0)
    rc = pin_watch(options);
  source_free(source);
  accounting_clear(&accounting);
  return rc;
}

static int unpin(const struct options *options) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/iterator", options->dir);
  if (unlink(path) != 0 && errno != ENOENT)
    return complain("cannot remove", path, -errno);
  int rc = unload_pins_remove(options->dir);
  if (rc != 0)
    return complain("cannot remove the watch on unloads in", options->dir, rc);
  rc = bpffs_withdraw(options->dir);
  return rc == 0 ? 0 : complain("cannot unmount", options->dir, rc);
}

static int parse_group(const char *text, gid_t *ret_gid) {
  char *end = NULL;
  unsigned long gid = strtoul(text, &end, 10);
  if (*text != '\0' && *end == '\0' && gid < (gid_t)-1) {
    *ret_gid = (gid_t)gid;
    return 0;
  }
  /* cppcheck-suppress getgrnamCalled ; there is one thread */
  const struct group *group = getgrnam(text);
  if (group == NULL) {
    fprintf(stderr,
            "bpf_stats_pin: --group %s: allowed is the name or number of a "
            "group\n",
            text);
    return -EINVAL;
  }
  *ret_gid = group->gr_gid;
  return 0;
}

static int parse_mode(const char *text, mode_t *ret_mode) {
  char *end = NULL;
  unsigned long mode = strtoul(text, &end, 8);
  if (*text == '\0' || *end != '\0' || mode > 0777) {
    fprintf(stderr,
            "bpf_stats_pin: --mode %s: allowed is an octal number up to 0777\n",
            text);
    return -EINVAL;
  }
  *ret_mode = (mode_t)mode;
  return 0;
}

static int parse_dir(const char *text, const char **ret_dir) {
  if (text[0] != '/' || strlen(text) > 4000) {
    fprintf(stderr, "bpf_stats_pin: --dir %s: allowed is an absolute path\n",
            text);
    return -EINVAL;
  }
  *ret_dir = text;
  return 0;
}

int main(int argc, char **argv) {
  static const struct option long_options[] = {
      {"dir", required_argument, NULL, 'd'},
      {"group", required_argument, NULL, 'g'},
      {"mode", required_argument, NULL, 'm'},
      {"unpin", no_argument, NULL, 'u'},
      {"help", no_argument, NULL, 'h'},
      {"version", no_argument, NULL, 'V'},
      {0},
  };
  struct options options = {.dir = "/run/bpf_stats", .mode = 0440};
  int option;
  int rc = 0;
  while (rc == 0 && (option = getopt_long(argc, argv, "d:g:m:uhV", long_options,
                                          NULL)) != -1) {
    if (option == 'd')
      rc = parse_dir(optarg, &options.dir);
    else if (option == 'g')
      rc = parse_group(optarg, &options.gid);
    else if (option == 'm')
      rc = parse_mode(optarg, &options.mode);
    else if (option == 'u')
      options.unpin = true;
    else if (option == 'h')
      return fputs(help, stdout) < 0;
    else if (option == 'V')
      return puts("bpf_stats_pin " BPF_STATS_VERSION) < 0;
    else
      rc = -EINVAL;
  }
  if (rc == 0 && optind < argc) {
    fprintf(stderr, "bpf_stats_pin: %s: no such argument; see --help\n",
            argv[optind]);
    rc = -EINVAL;
  }
  if (rc != 0)
    return 2;
  return (options.unpin ? unpin(&options) : pin(&options)) == 0 ? 0 : 1;
}
