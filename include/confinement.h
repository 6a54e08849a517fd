/* SPDX-License-Identifier: MIT */
/* confinement: what keeps this process from using BPF, as far as it can be
 * known. Read it when something was refused, not before. */
#ifndef BPF_STATS_CONFINEMENT_H
#define BPF_STATS_CONFINEMENT_H

#include <stdbool.h>
#include <stdint.h>

enum security_module {
  SECURITY_MODULE_NONE, /* or one that does not say what it is */
  SECURITY_MODULE_SELINUX,
  SECURITY_MODULE_APPARMOR,
};

/* What a file that cannot be read would have told counts as no obstacle. */
struct confinement {
  uint64_t capabilities; /* the effective ones, a bit each */
  bool user_namespace;   /* one of its own, so that they do not count for BPF */
  bool seccomp;          /* under a filter */
  int seccomp_error;     /* -errno with which the filter refuses bpf(2), or 0 */
  bool kernel_lacks_bpf;
  enum security_module security_module; /* of those that enforce */
  char label[64]; /* by which it knows the process: SELinux's type or AppArmor's
                     profile */
};

void confinement_read(struct confinement *ret_confinement);

/* The same from files below the directory ROOT, "" for the real ones. Does not
 * ask the kernel for seccomp_error. */
void confinement_read_files(const char *root,
                            struct confinement *ret_confinement);

#endif
