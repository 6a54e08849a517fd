/* SPDX-License-Identifier: MIT */
/* iterator: loads the skeleton that bpftool made of prog_iter.bpf.c. */
#include "iterator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_ITERATOR

#include "prog_iter.skel.h"
#include "prog_record.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <stdarg.h>
#include <string.h>

struct iterator {
  struct prog_iter *skeleton;
};

/* The first warning of libbpf while it loads tells most. libbpf has no way to
 * hand the callback an argument. */
static char first_warning[160];

static int keep_first_warning(enum libbpf_print_level level, const char *format,
                              va_list args) {
  if (level == LIBBPF_WARN && first_warning[0] == '\0') {
    vsnprintf(first_warning, sizeof(first_warning), format, args);
    first_warning[strcspn(first_warning, "\n")] = '\0';
  }
  return 0;
}

static int load_and_attach(struct prog_iter **ret_skeleton) {
  struct prog_iter *skeleton = prog_iter__open();
  if (skeleton == NULL)
    return -errno;
  int cpus_num = libbpf_num_possible_cpus();
  int rc = cpus_num < 0 ? cpus_num : 0;
  if (cpus_num > PROG_RECORD_CPUS_MAX)
    rc = -E2BIG;
  if (rc == 0) {
    skeleton->rodata->cpus_num = (unsigned)cpus_num;
    rc = prog_iter__load(skeleton);
  }
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
  first_warning[0] = '\0';
  libbpf_print_fn_t print = libbpf_set_print(keep_first_warning);
  int rc = load_and_attach(&iterator->skeleton);
  libbpf_set_print(print);
  if (rc == 0) {
    *ret_iterator = iterator;
    return 0;
  }
  free(iterator);
  if (rc == -EPERM)
    snprintf(reason, reason_size,
             "loading the iterator needs CAP_BPF and CAP_PERFMON");
  else
    snprintf(reason, reason_size, "the iterator does not load: %s (%s)",
             strerror(-rc), first_warning);
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
