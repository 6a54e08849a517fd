/* SPDX-License-Identifier: MIT */
/* refusal: says who has refused what was asked of bpf(2), and what helps. */
#ifndef BPF_STATS_REFUSAL_H
#define BPF_STATS_REFUSAL_H

#include "confinement.h"

#include <stddef.h>

enum { REFUSAL_TEXT_SIZE = 256 }; /* enough for all */

enum privilege {
  PRIVILEGE_NONE, /* to open what is pinned */
  PRIVILEGE_BPF_AND_PERFMON,
  PRIVILEGE_SYS_ADMIN,
};

enum refusal {
  REFUSAL_NONE,       /* the error is of another kind */
  REFUSAL_CAPABILITY, /* one is missing: the caller knows what to do best */
  REFUSAL_KNOWN,      /* something else has refused, and what helps is known */
  REFUSAL_UNKNOWN,    /* nothing that could be looked at has refused */
};

/* Writes into TEXT what ERROR, a -errno, means, and when it is a refusal who
 * has most likely refused, and what helps, all as a part of a sentence. NEEDS:
 * the privilege without which the kernel refuses. */
enum refusal refusal_explain(int error, enum privilege needs, char *text,
                             size_t text_size);

/* Returns what may help against this last line of the verifier, to be appended
 * to it, or "". */
const char *refusal_of_verifier(const char *line);

/* Returns what this warning of libbpf means, and what helps, to be said in its
 * place; or NULL. */
const char *refusal_of_libbpf(const char *warning);

#endif
