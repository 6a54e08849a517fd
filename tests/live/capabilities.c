/* SPDX-License-Identifier: MIT */
/* capabilities: tries each way to read programs with what privilege it has, and
 * prints a line of outcomes. Argument: the path of a pinned iterator, or "-".
 */
#include "accounting.h"
#include "clocks.h"
#include "source_choice.h"

#include <stdio.h>
#include <string.h>

static const char *outcome(int rc) { return rc == 0 ? "ok" : strerror(-rc); }

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "Usage: capabilities PIN|-\n");
    return 2;
  }
  char reason[400] = "";
  struct accounting accounting;
  struct source *source = NULL;
  accounting_init(&accounting, true);
  accounting_update(&accounting, boottime_ns());
  accounting_clear(&accounting);

  int syscall_rc = source_syscall_new(false, &source);
  source_free(syscall_rc == 0 ? source : NULL);
  int iterator_rc = source_iterator_new(0, &source, reason, sizeof(reason));
  source_free(iterator_rc == 0 ? source : NULL);
  int pin_rc = 0;
  if (strcmp(argv[1], "-") != 0) {
    pin_rc = source_pinned_new(argv[1], &source, reason, sizeof(reason));
    source_free(pin_rc == 0 ? source : NULL);
  }
  printf("syscall: %s, EnableStats: %s, iterator: %s, pin: %s\n",
         outcome(syscall_rc), outcome(accounting.error), outcome(iterator_rc),
         outcome(pin_rc));
  return 0;
}
