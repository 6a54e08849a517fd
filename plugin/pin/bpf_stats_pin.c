/* SPDX-License-Identifier: MIT */
/* bpf_stats_pin: loads the iterator once, as root, and pins it where a collectd
 * without any capability can read it. */
#include "bpffs.h"
#include "map_iter.h"
#include "owner_iter.h"
#include "pin_options.h"
#include "pins.h"
#include "source.h"
#include "stats_switch.h"
#include "unload_maps.h"
#include "unload_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char iterator_file[] = "iterator";
/* It has another name until all is right, so that a reader never meets a pin
 * that is not. */
static const char iterator_file_new[] = "iterator_new";

/* Says what is wrong with the directory. */
static int complain(const char *dir, const char *reason, int error) {
  const char *remedy = "";
  if (error == -EPERM || error == -EACCES)
    remedy = geteuid() != 0 ? "; run it as root"
                            : "; root lacks a capability here, CAP_SYS_ADMIN "
                              "or CAP_CHOWN, or a security module forbids it";
  fprintf(stderr, "bpf_stats_pin: %s: %s%s\n", dir, reason, remedy);
  return error;
}

static int complain_of(const char *dir, const char *what, int error) {
  char reason[300];
  snprintf(reason, sizeof(reason), "%s: %s", what, strerror(-error));
  return complain(dir, reason, error);
}

static int load_iterator(struct source **ret_source) {
  char reason[300] = "out of memory";
  int rc = source_iterator_new(0, ret_source, reason, sizeof(reason));
  if (rc != 0)
    fprintf(stderr, "bpf_stats_pin: %s\n", reason);
  return rc;
}

/* Returns whether this kernel allows a watch. Another one is loaded to find
 * out, and let go again, as the records in a pinned one belong to its reader.
 * Without a watch the plugin polls. */
static bool can_watch(void) {
  char reason[300] = "";
  struct unload_watch *watch = NULL;
  int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, true, &watch, reason,
                            sizeof(reason));
  if (rc != 0)
    fprintf(stderr, "bpf_stats_pin: the watch on unloads is not pinned: %s\n",
            reason);
  unload_watch_free(watch);
  return rc == 0;
}

static int remove_file(const struct held_dir *dir, const char *file) {
  return unlinkat(dir->fd, file, 0) == 0 || errno == ENOENT ? 0 : -errno;
}

static int pin_iterator(const struct held_dir *dir,
                        const struct pin_options *options,
                        const struct source *source,
                        struct prog_record_siblings siblings) {
  char path_new[sizeof(dir->path) + sizeof(iterator_file_new)];
  snprintf(path_new, sizeof(path_new), "%s/%s", dir->path, iterator_file_new);
  int rc = remove_file(dir, iterator_file_new);
  if (rc != 0)
    return rc;
  rc = source_iterator_pin(source, siblings, path_new);
  if (rc == 0)
    rc = pins_give(path_new, options->gid, options->mode);
  if (rc == 0 &&
      renameat(dir->fd, iterator_file_new, dir->fd, iterator_file) != 0)
    rc = -errno;
  if (rc != 0)
    remove_file(dir, iterator_file_new);
  return rc;
}

/* What finds owners. Where this kernel does not take it, the plugin finds
 * fewer.
 */
static int pin_owners(const struct held_dir *dir,
                      const struct pin_options *options,
                      struct prog_record_siblings *siblings) {
  struct owner_iter *iter = owner_iter_load();
  owner_iter_ids(iter, siblings->owners);
  int rc = iter == NULL
               ? owner_iter_unpin(dir->path)
               : owner_iter_pin(iter, dir->path, options->gid, options->mode);
  owner_iter_free(iter);
  return rc;
}

/* What reads maps. Where this kernel does not take it, the plugin tells nothing
 * of them. */
static int pin_maps(const struct held_dir *dir,
                    const struct pin_options *options,
                    struct prog_record_siblings *siblings) {
  char reason[300] = "out of memory";
  struct map_iter *iter = map_iter_load(true, reason, sizeof(reason));
  if (iter == NULL)
    fprintf(stderr, "bpf_stats_pin: %s\n", reason);
  map_iter_ids(iter, siblings->maps);
  int rc = iter == NULL
               ? map_iter_unpin(dir->path)
               : map_iter_pin(iter, dir->path, options->gid, options->mode);
  map_iter_free(iter);
  return rc;
}

static int pin_all(const struct held_dir *dir,
                   const struct pin_options *options,
                   const struct source *source, bool has_watch) {
  struct prog_record_siblings siblings = {0};
  int rc = pin_owners(dir, options, &siblings);
  if (rc == 0)
    rc = pin_maps(dir, options, &siblings);
  if (rc == 0)
    rc = pin_iterator(dir, options, source, siblings);
  if (rc != 0) {
    owner_iter_unpin(dir->path);
    map_iter_unpin(dir->path);
    return complain_of(options->dir, "the iterator cannot be pinned", rc);
  }
  rc = has_watch ? unload_maps_pin(dir->path, UNLOAD_RING_SIZE_BYTES,
                                   options->gid, options->mode)
                 : unload_maps_unpin(dir->path);
  if (rc != 0)
    return complain_of(options->dir, "the watch cannot be pinned", rc);
  return 0;
}

/* Warns of what leaves --group or --mode without effect. */
static void check_way(const struct held_dir *dir,
                      const struct pin_options *options) {
  char place[300];
  if (options->gid != 0 && (options->mode & 0040) != 0 &&
      !held_dir_admits(dir, options->gid, place, sizeof(place)))
    fprintf(stderr,
            "bpf_stats_pin: %s: group %u may not enter %s, so it cannot reach "
            "the pins\n",
            options->dir, options->gid, place);
}

static void check_lock(const struct held_dir *dir,
                       const struct pin_options *options) {
  if (!dir->is_locked)
    complain(options->dir, "somebody holds a lock on it; going on without", 0);
}

static int pin_in_dir(const struct pin_options *options,
                      const struct source *source, bool has_watch) {
  char reason[400] = "";
  struct held_dir dir;
  int rc = bpffs_provide(options->dir, &dir, reason, sizeof(reason));
  if (rc != 0)
    return complain(options->dir, reason, rc);
  check_lock(&dir, options);
  rc = pin_all(&dir, options, source, has_watch);
  if (rc == 0) {
    check_way(&dir, options);
    held_dir_close(&dir);
  } else {
    bpffs_withdraw(&dir);
  }
  return rc;
}

static int pin(const struct pin_options *options) {
  /* While that is held, the checks can compare all counters. */
  struct stats_switch stats_switch;
  stats_switch_init(&stats_switch, true);
  stats_switch_update(&stats_switch);
  struct source *source = NULL;
  int rc = load_iterator(&source);
  if (rc == 0)
    rc = pin_in_dir(options, source, can_watch());
  source_free(source);
  stats_switch_clear(&stats_switch);
  return rc;
}

static int unpin(const struct pin_options *options) {
  char reason[400] = "";
  struct held_dir dir;
  int rc = bpffs_find(options->dir, &dir, reason, sizeof(reason));
  if (rc == -ENOENT)
    return 0;
  if (rc != 0)
    return complain(options->dir, reason, rc);
  check_lock(&dir, options);
  rc = remove_file(&dir, iterator_file);
  if (rc == 0)
    rc = remove_file(&dir, iterator_file_new);
  if (rc == 0)
    rc = owner_iter_unpin(dir.path);
  if (rc == 0)
    rc = map_iter_unpin(dir.path);
  if (rc == 0)
    rc = unload_maps_unpin(dir.path);
  if (rc != 0) {
    held_dir_close(&dir);
    return complain_of(options->dir, "the pins cannot be removed", rc);
  }
  rc = bpffs_withdraw(&dir);
  return rc == 0 ? 0 : complain_of(options->dir, "it cannot be unmounted", rc);
}

int main(int argc, char **argv) {
  struct pin_options options;
  if (pin_options_parse(argc, argv, &options) != 0)
    return 2;
  switch (options.action) {
  case SHOW_HELP:
    return fputs(pin_options_help, stdout) < 0;
  case SHOW_VERSION:
    return puts("bpf_stats_pin " BPF_STATS_VERSION) < 0;
  case UNPIN:
    return unpin(&options) == 0 ? 0 : 1;
  default:
    return pin(&options) == 0 ? 0 : 1;
  }
}
