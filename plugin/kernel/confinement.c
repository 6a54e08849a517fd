/* SPDX-License-Identifier: MIT */
/* confinement: the files in which the kernel says what a process may not. */
#include "confinement.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads the start of a file and ends it as a string, "" when there is none.
 * Returns whether the file is there. */
static bool read_start(const char *root, const char *path, char *text,
                       size_t text_size) {
  char whole_path[PATH_MAX];
  snprintf(whole_path, sizeof(whole_path), "%s%s", root, path);
  text[0] = '\0';
  int fd = open(whole_path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return errno != ENOENT;
  ssize_t len = read(fd, text, text_size - 1);
  close(fd);
  text[len > 0 ? len : 0] = '\0';
  return true;
}

/* Takes a line such as "CapEff:\t000001ffffffffff". */
static void take_status_line(const char *line,
                             struct confinement *confinement) {
  static const char capabilities[] = "CapEff:";
  static const char seccomp[] = "Seccomp:";
  if (strncmp(line, capabilities, strlen(capabilities)) == 0)
    confinement->capabilities = strtoull(line + strlen(capabilities), NULL, 16);
  else if (strncmp(line, seccomp, strlen(seccomp)) == 0)
    confinement->seccomp = strtol(line + strlen(seccomp), NULL, 10) != 0;
}

static void read_status(const char *root, struct confinement *confinement) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/proc/self/status", root);
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return;
  /* Of a line that is longer, such as that of the groups, the rest comes as a
   * line of digits. */
  char line[128];
  while (fgets(line, sizeof(line), file) != NULL)
    take_status_line(line, confinement);
  (void)fclose(file);
}

/* The initial namespace maps all ids to themselves: "0 0 4294967295". */
static bool is_user_namespace(const char *root) {
  char map[64];
  read_start(root, "/proc/self/uid_map", map, sizeof(map));
  char *rest = map;
  unsigned long inside = strtoul(rest, &rest, 10);
  unsigned long outside = strtoul(rest, &rest, 10);
  unsigned long num = strtoul(rest, &rest, 10);
  return num != 0 && (inside != 0 || outside != 0 || num != UINT_MAX);
}

static void set_label(struct confinement *confinement,
                      enum security_module module, const char *label,
                      size_t len) {
  confinement->security_module = module;
  snprintf(confinement->label, sizeof(confinement->label), "%.*s", (int)len,
           label);
  for (char *c = confinement->label; *c != '\0'; c++)
    if (*c < '!' || *c > '~')
      *c = '?';
}

/* SELinux shows "user:role:type:level", AppArmor "profile (enforce)" or
 * "unconfined". */
static void read_security_module(const char *root,
                                 struct confinement *confinement) {
  char label[256];
  char enforce[8];
  read_start(root, "/proc/self/attr/current", label, sizeof(label));
  label[strcspn(label, "\n")] = '\0';
  const char *mode = strstr(label, " (enforce)");
  if (mode != NULL)
    set_label(confinement, SECURITY_MODULE_APPARMOR, label,
              (size_t)(mode - label));
  const char *role = strchr(label, ':');
  const char *type = role == NULL ? NULL : strchr(role + 1, ':');
  read_start(root, "/sys/fs/selinux/enforce", enforce, sizeof(enforce));
  if (mode == NULL && type != NULL && enforce[0] != '0')
    set_label(confinement, SECURITY_MODULE_SELINUX, type + 1,
              strcspn(type + 1, ":"));
}

void confinement_read_files(const char *root,
                            struct confinement *ret_confinement) {
  struct confinement *confinement = ret_confinement;
  char text[64];
  *confinement = (struct confinement){.capabilities = UINT64_MAX};
  read_status(root, confinement);
  confinement->user_namespace = is_user_namespace(root);
  confinement->kernel_lacks_bpf =
      read_start(root, "/proc/sys/kernel/ostype", text, sizeof(text)) &&
      !read_start(root, "/proc/sys/kernel/unprivileged_bpf_disabled", text,
                  sizeof(text));
  read_security_module(root, confinement);
}

void confinement_read(struct confinement *ret_confinement) {
  confinement_read_files("", ret_confinement);
  if (!ret_confinement->seccomp)
    return;
  /* Needs no privilege; the kernel itself says that there is no such file. */
  int fd = bpf_obj_get("");
  if (fd >= 0)
    close(fd);
  else if (fd != -ENOENT)
    ret_confinement->seccomp_error = fd;
}
