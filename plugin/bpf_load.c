/* SPDX-License-Identifier: MIT */
/* bpf_load: listens to libbpf while it loads something. */
#include "bpf_load.h"

#include "prog_record.h"

#include <bpf/libbpf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
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

int bpf_load_cpus_num(unsigned *ret_num) {
  int num = libbpf_num_possible_cpus();
  if (num < 0)
    return num;
  if (num > PROG_RECORD_CPUS_MAX)
    return -E2BIG;
  *ret_num = (unsigned)num;
  return 0;
}
