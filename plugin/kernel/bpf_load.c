/* SPDX-License-Identifier: MIT */
/* bpf_load: the one place that listens to libbpf. */
#include "bpf_load.h"

#include "give_back.h"
#include "kernel_error.h"
#include "load_log.h"
#include "prog_record.h"
#include "refusal.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void (*log_line)(const char *line); /* NULL: to stderr */
static bool is_loading;
static struct load_log load_log; /* of what is being loaded */

static int take_message(enum libbpf_print_level level, const char *format,
                        va_list args) {
  char *message = NULL; /* it can be as long as the verifier's log */
  if (level != LIBBPF_WARN || vasprintf(&message, format, args) < 0)
    return 0;
  if (is_loading) {
    load_log_take(&load_log, message);
  } else if (log_line == NULL) {
    (void)fputs(message, stderr);
  } else {
    message[strcspn(message, "\n")] = '\0';
    log_line(message);
  }
  free(message);
  return 0;
}

void bpf_load_log_to(void (*log)(const char *line)) {
  log_line = log;
  libbpf_set_print(take_message);
}

void bpf_load_begin(void) {
  load_log = (struct load_log){0};
  is_loading = true;
  libbpf_set_print(take_message);
}

/* Writes into TEXT what the logs know of RC. */
static void explain_log(int rc, char *text, size_t text_size) {
  const char *line = load_log.verifier_line;
  const char *warning = load_log.warning;
  const char *meaning = refusal_of_libbpf(warning);
  if (line[0] != '\0')
    snprintf(text, text_size, "%s%s", line, refusal_of_verifier(line));
  else if (meaning != NULL)
    snprintf(text, text_size, "%s", meaning);
  else if (warning[0] != '\0')
    snprintf(text, text_size, "%s: %s", kernel_error_text(rc), warning);
  else if (rc == -E2BIG) /* of bpf_load_find_cpus() */
    snprintf(text, text_size,
             "the kernel is ready for more than %d CPUs; boot it with "
             "nr_cpus=%d",
             PROG_RECORD_CPUS_MAX, PROG_RECORD_CPUS_MAX);
  else
    snprintf(text, text_size, "%s", kernel_error_text(rc));
}

/* Writes into TEXT the reason of RC, without saying what did not load. The
 * verifier has its own use for the errors with which others refuse. */
static enum refusal explain(int rc, char *text, size_t text_size) {
  enum refusal refusal =
      refusal_explain(rc, PRIVILEGE_BPF_AND_PERFMON, text, text_size);
  const bool judged = load_log.verifier_line[0] != '\0';
  if (refusal == REFUSAL_CAPABILITY || (refusal != REFUSAL_NONE && !judged))
    return refusal;
  explain_log(rc, text, text_size);
  return REFUSAL_NONE;
}

void bpf_load_end(int rc, const char *what, const char *also_needs,
                  char *reason, size_t reason_size) {
  is_loading = false;
  give_back_memory();
  if (rc == 0)
    return;
  char text[400];
  enum refusal refusal = explain(rc, text, sizeof(text));
  if (refusal == REFUSAL_CAPABILITY)
    snprintf(reason, reason_size,
             "loading the %s needs CAP_BPF and CAP_PERFMON%s%s", what,
             also_needs == NULL ? "" : ", and ",
             also_needs == NULL ? "" : also_needs);
  else if (refusal == REFUSAL_UNKNOWN && rc == -EPERM && also_needs != NULL)
    snprintf(reason, reason_size, "the %s does not load: %s: it needs %s", what,
             kernel_error_text(rc), also_needs);
  else
    snprintf(reason, reason_size, "the %s does not load: %s", what, text);
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

/* libbpf would keep the anchor, a map that nothing uses any more. So its
 * descriptor becomes one of something else. */
static void let_go(int anchor_fd) {
  int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0)
    return;
  dup3(null_fd, anchor_fd, O_CLOEXEC);
  close(null_fd);
}

int bpf_load_find_cpus(struct bpf_program *program, int anchor_fd) {
  int rc = mark_anchor(anchor_fd);
  LIBBPF_OPTS(bpf_test_run_opts, opts);
  if (rc == 0)
    rc = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
  bpf_program__unload(program);
  let_go(anchor_fd);
  if (rc != 0)
    return rc;
  if (opts.retval == 1)
    return -E2BIG;
  return opts.retval == 0 ? 0 : -EFAULT;
}

uint32_t bpf_load_iter_id(const struct bpf_link *link) {
  struct bpf_link_info info = {0};
  uint32_t info_len = sizeof(info);
  return link != NULL && bpf_obj_get_info_by_fd(bpf_link__fd(link), &info,
                                                &info_len) == 0
             ? info.prog_id
             : 0;
}
