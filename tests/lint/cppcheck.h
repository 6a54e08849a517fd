/* SPDX-License-Identifier: MIT */
/* What cppcheck has to know of headers that it does not read: the macros that
 * hide a statement. */
#ifndef BPF_STATS_CPPCHECK_H
#define BPF_STATS_CPPCHECK_H

/* sys/queue.h */
#define TAILQ_FOREACH(var, head, field)                                        \
  for ((var) = TAILQ_FIRST(head); (var) != 0; (var) = TAILQ_NEXT(var, field))

/* bpf/libbpf.h */
#define LIBBPF_OPTS(type, name, ...) struct type name = {__VA_ARGS__}

#endif
