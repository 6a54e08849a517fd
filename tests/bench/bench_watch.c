/* SPDX-License-Identifier: MIT */
/* bench_watch: what the watch on unloads adds to the loading and unloading of a
 * program, the smallest there is, side by side in one run. Needs root, and a
 * kernel that allows fentry. */
#include "../live/progs.h"
#include "table.h"

#include "clocks.h"
#include "unload_watch.h"

#include <stdio.h>
#include <unistd.h>

enum { ROUNDS = 15, PROGRAMS = 200 };

/* Returns ns for one load and unload. */
static double load_and_unload(void) {
  uint64_t start_ns = monotonic_ns();
  for (int i = 0; i < PROGRAMS; i++) {
    int fd =
        prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "bench_watch", PROG_RETURNS);
    if (fd < 0)
      die("loading a program", fd);
    close(fd);
  }
  return (double)(monotonic_ns() - start_ns) / PROGRAMS;
}

int main(void) {
  static double without[ROUNDS], with[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    without[i] = load_and_unload();
    char reason[300];
    struct unload_watch *watch = NULL;
    int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, true, &watch,
                              reason, sizeof(reason));
    if (rc != 0) {
      table_section("the watch on unloads is not measured here: %s", reason);
      return 0;
    }
    with[i] = load_and_unload();
    unload_watch_free(watch);
  }
  double ns = median(without, ROUNDS);
  double watched_ns = median(with, ROUNDS);
  table_section("loading and unloading the smallest program there is");
  table_value("unwatched", ns / 1e3, "us");
  table_ratio("watched", watched_ns / 1e3, "us", "unwatched", ns / 1e3, NULL);
  return 0;
}
