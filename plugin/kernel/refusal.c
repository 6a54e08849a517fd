/* SPDX-License-Identifier: MIT */
/* refusal: from an errno and the confinement of the process to words. */
#include "refusal.h"

#include "kernel_error.h"

#include <linux/capability.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool has(const struct confinement *confinement, unsigned capability) {
  return (confinement->capabilities >> capability & 1) != 0;
}

/* Returns the names of what is missing, or NULL. */
static const char *missing_capability(const struct confinement *confinement,
                                      enum privilege needs) {
  if (needs == PRIVILEGE_NONE || has(confinement, CAP_SYS_ADMIN))
    return NULL;
  if (needs == PRIVILEGE_SYS_ADMIN)
    return "CAP_SYS_ADMIN is missing";
  if (!has(confinement, CAP_BPF) && !has(confinement, CAP_PERFMON))
    return "CAP_BPF and CAP_PERFMON are missing";
  if (!has(confinement, CAP_BPF))
    return "CAP_BPF is missing";
  return has(confinement, CAP_PERFMON) ? NULL : "CAP_PERFMON is missing";
}

/* The rule that SELinux's policy lacks. A capability that it does not give is
 * EPERM; what else it forbids, to load programs and maps, or to open those of
 * other domains, is EACCES. */
static void explain_selinux(int error, enum privilege needs, const char *type,
                            char *text, size_t text_size) {
  const bool lists = needs == PRIVILEGE_SYS_ADMIN;
  const char *rule;
  if (error == -EPERM)
    rule = lists ? "self:capability sys_admin"
                 : "self:capability2 { bpf perfmon }";
  else if (lists)
    rule = "domain:bpf { map_read map_write prog_run }";
  else
    rule = "self:bpf { map_create map_read map_write prog_load prog_run }";
  snprintf(text, text_size,
           "SELinux forbids it; its policy needs \"allow %s %s;\"", type, rule);
}

static void explain_apparmor(enum privilege needs, const char *profile,
                             char *text, size_t text_size) {
  snprintf(text, text_size,
           "AppArmor forbids it; the profile %s needs \"capability %s,\"",
           profile, needs == PRIVILEGE_SYS_ADMIN ? "sys_admin" : "bpf perfmon");
}

/* Whether a filter has refused. A filter that refuses only some commands of
 * bpf(2) shows itself only by an error that is not the kernel's. */
static bool is_seccomp(const struct confinement *confinement, int error) {
  return error == confinement->seccomp_error ||
         (error == -ENOSYS && confinement->seccomp &&
          !confinement->kernel_lacks_bpf);
}

/* Returns false when nothing is known that could have refused. */
static bool explain_other(const struct confinement *confinement, int error,
                          enum privilege needs, char *text, size_t text_size) {
  if (is_seccomp(confinement, error))
    snprintf(text, text_size,
             "a seccomp filter forbids bpf(2); allow it with "
             "\"SystemCallFilter=@system-service bpf\" in the unit, or in the "
             "profile of the container");
  else if (error == -ENOSYS)
    snprintf(text, text_size,
             "this kernel lacks bpf(2), it needs CONFIG_BPF_SYSCALL");
  else if (error == -EACCES && needs == PRIVILEGE_NONE)
    snprintf(text, text_size,
             "a pin has to be readable for collectd (bpf_stats_pin --group)");
  else if (error == -EPERM && confinement->user_namespace)
    snprintf(text, text_size,
             "capabilities in a user namespace do not count for BPF; run it in "
             "that of the host, or set IteratorPin");
  else if (confinement->security_module == SECURITY_MODULE_SELINUX)
    explain_selinux(error, needs, confinement->label, text, text_size);
  else if (confinement->security_module == SECURITY_MODULE_APPARMOR)
    explain_apparmor(needs, confinement->label, text, text_size);
  else
    return false;
  return true;
}

static bool is_refusal(int error) {
  return error == -EPERM || error == -EACCES || error == -ENOSYS;
}

enum refusal refusal_explain(int error, enum privilege needs, char *text,
                             size_t text_size) {
  const char *meaning = kernel_error_text(error);
  if (!is_refusal(error)) {
    snprintf(text, text_size, "%s", meaning);
    return REFUSAL_NONE;
  }
  struct confinement confinement;
  confinement_read(&confinement);
  const char *missing =
      error == -ENOSYS ? NULL : missing_capability(&confinement, needs);
  if (missing != NULL) {
    snprintf(text, text_size, "%s: %s", meaning, missing);
    return REFUSAL_CAPABILITY;
  }
  char why[200];
  if (explain_other(&confinement, error, needs, why, sizeof(why))) {
    snprintf(text, text_size, "%s: %s", meaning, why);
    return REFUSAL_KNOWN;
  }
  snprintf(text, text_size,
           "%s: no capability is missing, so a security module of the kernel%s "
           "forbids it",
           meaning, confinement.seccomp ? " or a seccomp filter" : "");
  return REFUSAL_UNKNOWN;
}

const char *refusal_of_verifier(const char *line) {
  if (strstr(line, "bpf_probe_read") != NULL)
    return "; lockdown=confidentiality forbids that, lockdown=integrity does "
           "not";
  if (strstr(line, "JIT") != NULL)
    return "; that takes CONFIG_BPF_JIT and the sysctl "
           "net.core.bpf_jit_enable=1";
  return "";
}

/* Its errno, ESRCH, would say that there is no such process. */
const char *refusal_of_libbpf(const char *warning) {
  if (strstr(warning, "find valid kernel BTF") != NULL ||
      strstr(warning, "kernel BTF is missing") != NULL)
    return "the kernel has no BTF in /sys/kernel/btf/vmlinux; that takes "
           "CONFIG_DEBUG_INFO_BTF";
  return NULL;
}
