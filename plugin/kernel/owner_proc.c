/* SPDX-License-Identifier: MIT */
/* owner_proc: walks /proc/PID/fd. */
#include "owner_proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kernel's inode of the namespace that all others are in. */
static const char init_pid_ns[] = "pid:[4026531836]";

static const char text_of_prog[] = "anon_inode:bpf-prog";
static const char text_of_link[] = "anon_inode:bpf-link"; /* opened by its id */
static const char text_of_new_link[] = "anon_inode:bpf_link";

struct walk {
  const char *proc;
  owner_take take;
  void *context;
  char cgroup[4096]; /* of the process, taken apart */
  struct owner_record record;
  struct owner_path path;
};

static const struct dirent *read_next(DIR *dir) {
  /* cppcheck-suppress readdirCalled ; nobody else reads DIR */
  return readdir(dir);
}

/* A process can end meanwhile. */
static int error_of(int error) {
  return error == ENOENT || error == ESRCH ? 0 : -error;
}

/* Reads a file of the process into TEXT. Returns 0 or -errno. */
static int read_text(const struct walk *walk, const char *file, char *text,
                     size_t size) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%u/%s", walk->proc, walk->record.pid, file);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  ssize_t len = read(fd, text, size - 1);
  int rc = len < 0 ? -errno : 0;
  close(fd);
  text[len < 0 ? 0 : len] = '\0';
  return rc;
}

/* Returns the path that follows "N:CONTROLLER:" in the text, or NULL. */
static char *find_group(char *text, const char *controller) {
  char key[32];
  snprintf(key, sizeof(key), ":%s:", controller);
  char *found = strstr(text, key);
  return found == NULL ? NULL : found + strlen(key);
}

/* As in the BPF programs: of the unified hierarchy, or where that is the root
 * of the memory controller. A path that begins with ".." is outside of what we
 * see. */
static void find_path(struct walk *walk) {
  struct owner_path *path = &walk->path;
  char *unified = find_group(walk->cgroup, "");
  char *memory = find_group(walk->cgroup, "memory");
  const bool is_root = unified == NULL || strcspn(unified, "\n") <= 1;
  char *group = is_root && memory != NULL ? memory : unified;
  path->num = 0;
  walk->record.flags = group == NULL ? OWNER_RECORD_NO_PATH : 0;
  if (group == NULL)
    return;
  group[strcspn(group, "\n")] = '\0';
  char *rest = NULL;
  for (char *name = strtok_r(group, "/", &rest);
       name != NULL && path->num < OWNER_LEVELS_MAX;
       name = strtok_r(NULL, "/", &rest)) {
    if (strcmp(name, "..") == 0)
      walk->record.flags = OWNER_RECORD_NO_PATH;
    path->names[path->num++] = name;
  }
}

static int find_process(struct walk *walk) {
  char command[64];
  int rc = read_text(walk, "cgroup", walk->cgroup, sizeof(walk->cgroup));
  if (rc == 0)
    rc = read_text(walk, "comm", command, sizeof(command));
  if (rc != 0)
    return rc;
  find_path(walk);
  command[strcspn(command, "\n")] = '\0';
  snprintf(walk->record.command, sizeof(walk->record.command), "%.15s",
           command);
  return 0;
}

/* Returns whether FD, of the directory DIR_FD, is of a program. */
static bool is_program(int dir_fd, const char *fd) {
  char target[64];
  ssize_t len = readlinkat(dir_fd, fd, target, sizeof(target) - 1);
  target[len < 0 ? 0 : len] = '\0';
  return strcmp(target, text_of_prog) == 0 ||
         strcmp(target, text_of_link) == 0 ||
         strcmp(target, text_of_new_link) == 0;
}

static int take_fd(struct walk *walk, const char *fd, bool *is_known) {
  char file[64];
  char text[2048];
  snprintf(file, sizeof(file), "fdinfo/%.20s", fd);
  int rc = read_text(walk, file, text, sizeof(text));
  if (rc == 0 && !*is_known)
    rc = find_process(walk);
  if (rc != 0)
    return error_of(-rc);
  *is_known = true;
  const char *line = strstr(text, "prog_id:");
  walk->record.id = line == NULL ? 0 : (uint32_t)strtoul(line + 8, NULL, 10);
  if (walk->record.id != 0)
    walk->take(walk->context, &walk->record, &walk->path);
  return 0;
}

static int take_process(struct walk *walk) {
  char path[PATH_MAX];
  snprintf(path, sizeof(path), "%s/%u/fd", walk->proc, walk->record.pid);
  DIR *dir = opendir(path);
  if (dir == NULL)
    return error_of(errno);
  int rc = 0;
  bool is_known = false;
  const struct dirent *entry = NULL;
  while (rc == 0 && (entry = read_next(dir)) != NULL)
    if (is_program(dirfd(dir), entry->d_name))
      rc = take_fd(walk, entry->d_name, &is_known);
  closedir(dir);
  return rc;
}

static bool is_in_init_ns(const char *proc) {
  char path[PATH_MAX];
  char target[64];
  snprintf(path, sizeof(path), "%s/self/ns/pid", proc);
  ssize_t len = readlink(path, target, sizeof(target) - 1);
  target[len < 0 ? 0 : len] = '\0';
  return strcmp(target, init_pid_ns) == 0;
}

int owner_proc_read(const char *proc, owner_take take, void *context) {
  if (!is_in_init_ns(proc))
    return -EXDEV;
  DIR *dir = opendir(proc);
  if (dir == NULL)
    return -errno;
  struct walk walk = {.proc = proc, .take = take, .context = context};
  int rc = 0;
  const struct dirent *entry = NULL;
  while (rc == 0 && (entry = read_next(dir)) != NULL) {
    char *end = NULL;
    walk.record.pid = (uint32_t)strtoul(entry->d_name, &end, 10);
    if (*end == '\0' && walk.record.pid != (uint32_t)getpid())
      rc = take_process(&walk);
  }
  closedir(dir);
  return rc;
}
