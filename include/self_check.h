/* SPDX-License-Identifier: MIT */
/* self_check: whether our BPF programs tell the truth on this kernel.
 *
 * They find counters by what they know of the kernel's structures; should that
 * be wrong somewhere, they would read wrong numbers without an error. A check
 * loads the canary, runs it a different number of times on each CPU that is not
 * isolated, and
 * compares what is said of it with the kernel's answer for its fd. Run-time
 * statistics should be on; while they are off, only the rest is compared. Needs
 * CAP_BPF and CAP_PERFMON. */
#ifndef BPF_STATS_SELF_CHECK_H
#define BPF_STATS_SELF_CHECK_H

#include "prog_snapshot.h"

#include <linux/bpf.h>

#include <stddef.h>
#include <stdint.h>

/* A check under way. */
struct self_check {
  const char *who;
  char *reason;
  size_t reason_size;
  int prog_fd; /* -1: it was unloaded */
  struct bpf_prog_info info;
};

/* Loads and runs the canary. WHO is checked, as in "the iterator"; REASON is
 * where this and the other functions write why they fail. Both are borrowed.
 * Returns 0; or -errno, and then the check has ended. */
int self_check_begin(struct self_check *check, const char *who, char *reason,
                     size_t reason_size);

/* Unloads the canary, for a check of what is seen then. */
void self_check_unload(struct self_check *check);

/* Ends the check. ERROR: 0, or -errno when there are no samples. Returns 0;
 * -EILSEQ when what the samples say of the canary is not the truth; or ERROR.
 */
int self_check_end(struct self_check *check, int error,
                   const struct prog_sample *samples, size_t samples_num);

/* Loads a program and lets go of it: the kernel has given out all ids up to
 * *RET_ID by now, also those of programs that were tried and are gone. Returns
 * 0 or -errno. */
int self_check_newest_id(uint32_t *ret_id, uint64_t *ret_load_time_ns);

#endif
