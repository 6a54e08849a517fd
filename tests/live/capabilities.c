/* SPDX-License-Identifier: MIT */
/* capabilities: tries each way to read programs with what privilege it has, and
 * prints a line of outcomes. Argument: the path of a pinned iterator, or "-".
 */
#include "source_choice.h"
#include "stats_switch.h"

#include <stdio.h>
#include <string.h>

static const char *outcome(int rc) { return rc == 0 ? "ok" : strerror(-rc); }

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "Usage: capabilities PIN|-\n");
    return 2;
  }
  char reason[400] = "";
  struct stats_switch stats_switch;
  struct source *source = NULL;
  stats_switch_init(&stats_switch, true);
  stats_switch_update(&stats_switch);
  stats_switch_clear(&stats_switch);

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
         outcome(syscall_rc), outcome(stats_switch.error), outcome(iterator_rc),
         outcome(pin_rc));
  return 0;
}
