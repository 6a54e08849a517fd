/* SPDX-License-Identifier: MIT */
/* bench_watch: what the watch on unloads adds to the loading and unloading of a
 * program, the smallest there is, side by side in one run. Needs root, and a
 * kernel that allows fentry. */
#include "../live/progs.h"

#include "unload_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 15, PROGRAMS = 200 };

static double now_ns(void) {
  struct timespec now = {0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Returns ns for one load and unload. */
static double load_and_unload(void) {
  double start = now_ns();
  for (int i = 0; i < PROGRAMS; i++) {
    int fd =
        prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "bench_watch", PROG_RETURNS);
    if (fd < 0) {
      printf("cannot load a program: %s\n", strerror(-fd));
      exit(1);
    }
    close(fd);
  }
  return (now_ns() - start) / PROGRAMS;
}

static int compare(const void *a, const void *b) {
  double first = *(const double *)a;
  double second = *(const double *)b;
  return (first > second) - (first < second);
}

static double median(double *values) {
  qsort(values, ROUNDS, sizeof(values[0]), compare);
  return values[ROUNDS / 2];
}

int main(void) {
  static double without[ROUNDS], with[ROUNDS];
  for (int i = 0; i < ROUNDS; i++) {
    without[i] = load_and_unload();
    char reason[300];
    struct unload_watch *watch = NULL;
    int rc = unload_watch_new(NULL, UNLOAD_RING_SIZE_BYTES, &watch, reason,
                              sizeof(reason));
    if (rc != 0) {
      printf("watch on unloads: not measured here: %s\n", reason);
      return 0;
    }
    with[i] = load_and_unload();
    unload_watch_free(watch);
  }
  double ns = median(without);
  double watched_ns = median(with);
  printf("one load and unload: %.0f ns, watched %.0f ns: + %.0f ns, ratio "
         "%.2f\n",
         ns, watched_ns, watched_ns - ns, watched_ns / ns);
  return 0;
}
