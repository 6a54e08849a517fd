/* SPDX-License-Identifier: MIT */
/* load_log: finds the reason in what libbpf says while it fails to load
 * something. */
#ifndef BPF_STATS_LOAD_LOG_H
#define BPF_STATS_LOAD_LOG_H

/* Zeroed to begin with; "" while there is none. Printable characters only. */
struct load_log {
  char verifier_line[160]; /* its last word on the first program it refused */
  char warning[160];       /* libbpf's first that says more than the errno */
};

/* Takes in one message of libbpf of level warning, which can be a log of the
 * verifier of many lines. */
void load_log_take(struct load_log *log, const char *message);

#endif
