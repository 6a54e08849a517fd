/* SPDX-License-Identifier: MIT */
/* iterator: loads the skeleton that bpftool made of prog_iter.bpf.c. */
#include "iterator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_BPF_PROGRAMS

#include "bpf_load.h"
#include "prog_iter.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

struct iterator {
  struct prog_iter *skeleton;
};

static int load_and_attach(struct prog_iter **ret_skeleton) {
  struct prog_iter *skeleton = prog_iter__open();
  if (skeleton == NULL)
    return -errno;
  int rc = prog_iter__load(skeleton);
  if (rc == 0)
    rc = bpf_load_find_cpus(skeleton->progs.bpf_stats_cpus,
                            bpf_map__fd(skeleton->maps.anchor));
  if (rc == 0)
    rc = prog_iter__attach(skeleton);
  if (rc != 0) {
    prog_iter__destroy(skeleton);
    return rc;
  }
  *ret_skeleton = skeleton;
  return 0;
}

int iterator_load(struct iterator **ret_iterator, char *reason,
                  size_t reason_size) {
  struct iterator *iterator = calloc(1, sizeof(*iterator));
  if (iterator == NULL)
    return -ENOMEM;
  bpf_load_begin();
  int rc = load_and_attach(&iterator->skeleton);
  bpf_load_end(rc, "iterator", NULL, reason, reason_size);
  if (rc == 0)
    *ret_iterator = iterator;
  else
    free(iterator);
  return rc;
}

void iterator_free(struct iterator *iterator) {
  if (iterator == NULL)
    return;
  prog_iter__destroy(iterator->skeleton);
  free(iterator);
}

int iterator_open(const struct iterator *iterator) {
  return bpf_iter_create(
      bpf_link__fd(iterator->skeleton->links.bpf_stats_iter));
}

int iterator_pin(const struct iterator *iterator, const char *path) {
  return bpf_obj_pin(bpf_link__fd(iterator->skeleton->links.bpf_stats_iter),
                     path);
}

#else

int iterator_load(struct iterator **ret_iterator, char *reason,
                  size_t reason_size) {
  (void)ret_iterator;
  snprintf(reason, reason_size, "this build has no iterator");
  return -ENOTSUP;
}

void iterator_free(struct iterator *iterator) { (void)iterator; }

int iterator_open(const struct iterator *iterator) {
  (void)iterator;
  return -ENOTSUP;
}

int iterator_pin(const struct iterator *iterator, const char *path) {
  (void)iterator;
  (void)path;
  return -ENOTSUP;
}

#endif
