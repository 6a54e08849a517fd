/* SPDX-License-Identifier: MIT */
/* load_log: knows how libbpf and the verifier write. */
#include "load_log.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool begins_with(const char *text, const char *start) {
  return strncmp(text, start, strlen(start)) == 0;
}

/* Copies what comes before the end of the line. */
static void keep_line(char *kept, size_t kept_size, const char *text) {
  snprintf(kept, kept_size, "%.*s", (int)strcspn(text, "\n"), text);
  for (char *c = kept; *c != '\0'; c++)
    if (!isprint((unsigned char)*c))
      *c = ' ';
}

/* The last line is the reason; only statistics come after it. */
static void take_verifier_log(struct load_log *log, const char *text) {
  while (*text != '\0' && !begins_with(text, "processed ") &&
         !begins_with(text, "-- END PROG LOAD LOG")) {
    size_t len = strcspn(text, "\n");
    if (len > 0)
      keep_line(log->verifier_line, sizeof(log->verifier_line), text);
    text += len + (text[len] == '\n');
  }
}

/* The kernel has not counted BPF's memory against a limit since 5.11, though
 * libbpf suspects that first; and some messages tell no more than the errno. */
static bool says_nothing(const char *message) {
  static const char *const phrases[] = {
      "RLIMIT_MEMLOCK",
      "ulimit -l",
      "BPF program load failed",
      "failed to load",
  };
  for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
    if (strstr(message, phrases[i]) != NULL)
      return true;
  return false;
}

static void take_warning(struct load_log *log, const char *message) {
  static const char prefix[] = "libbpf: ";
  if (begins_with(message, prefix))
    message += strlen(prefix);
  keep_line(log->warning, sizeof(log->warning), message);
  /* What comes when the C library has no word for an error of the kernel. */
  char *number = strstr(log->warning, ": ERROR: strerror_r(");
  if (number != NULL)
    *number = '\0';
}

void load_log_take(struct load_log *log, const char *message) {
  static const char begin[] = "-- BEGIN PROG LOAD LOG --\n";
  const char *verifier_log = strstr(message, begin);
  if (verifier_log != NULL) {
    if (log->verifier_line[0] == '\0')
      take_verifier_log(log, verifier_log + strlen(begin));
  } else if (log->warning[0] == '\0' && !says_nothing(message)) {
    take_warning(log, message);
  }
}
