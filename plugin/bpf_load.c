/* SPDX-License-Identifier: MIT */
/* bpf_load: listens to libbpf while it loads something. */
#include "bpf_load.h"

#include "prog_record.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* libbpf has no way to hand the callback an argument. */
static char first_warning[160];
static libbpf_print_fn_t print_before;

static int keep_first_warning(enum libbpf_print_level level, const char *format,
                              va_list args) {
  if (level == LIBBPF_WARN && first_warning[0] == '\0') {
    vsnprintf(first_warning, sizeof(first_warning), format, args);
    first_warning[strcspn(first_warning, "\n")] = '\0';
  }
  return 0;
}

void bpf_load_begin(void) {
  first_warning[0] = '\0';
  print_before = libbpf_set_print(keep_first_warning);
}

void bpf_load_end(int rc, const char *what, const char *needs, char *reason,
                  size_t reason_size) {
  libbpf_set_print(print_before);
  if (rc == -EPERM)
    snprintf(reason, reason_size, "loading the %s needs %s", what, needs);
  else if (rc != 0)
    snprintf(reason, reason_size, "the %s does not load: %s (%s)", what,
             strerror(-rc), first_warning);
}

/* Marks the element that each CPU has of the anchor. The kernel takes a value
 * for each possible CPU, and nobody but the kernel knows how many these are:
 * hence values for as many as it can be built for (CONFIG_NR_CPUS). */
static int mark_anchor(int anchor_fd) {
  enum { KERNEL_CPUS_MAX = 8192 };
  uint64_t *values = calloc(KERNEL_CPUS_MAX, sizeof(*values));
  if (values == NULL)
    return -ENOMEM;
  for (size_t i = 0; i < KERNEL_CPUS_MAX; i++)
    values[i] = CPU_OFFSETS_MAGIC;
  uint32_t zero = 0;
  int rc = bpf_map_update_elem(anchor_fd, &zero, values, BPF_ANY);
  free(values);
  return rc;
}

int bpf_load_find_cpus(struct bpf_program *program, int anchor_fd) {
  int rc = mark_anchor(anchor_fd);
  LIBBPF_OPTS(bpf_test_run_opts, opts);
  if (rc == 0)
    rc = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
  bpf_program__unload(program);
  if (rc != 0)
    return rc;
  if (opts.retval == 1)
    return -E2BIG;
  return opts.retval == 0 ? 0 : -EFAULT;
}
