/* SPDX-License-Identifier: MIT */
/* source_syscall: snapshots through bpf(2), one program after the other. */
#include "fdinfo.h"
#include "prog_name.h"
#include "prog_record.h"
#include "prog_type.h"
#include "samples.h"
#include "source.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct source_syscall {
  struct source base;
  bool memory;
  struct samples samples;
  struct prog_name_cache name_cache; /* held only during a walk */
};

/* Adds the program behind PROG_FD. */
static int read_program(struct source_syscall *source, uint32_t id,
                        int prog_fd) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  int rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_len);
  if (rc != 0)
    return rc;
  struct prog_sample *sample = NULL;
  /* The kernel says how much of the struct it knows. */
  const bool has_misses =
      info_len >= offsetof(struct bpf_prog_info, recursion_misses) +
                      sizeof(info.recursion_misses);
  const unsigned flags =
      has_misses ? PROG_RECORD_HAS_MISSES | prog_type_kernel_flags(info.type)
                 : 0;
  rc = samples_add(&source->samples, id, info.load_time, info.type, flags,
                   info.tag, &sample);
  if (rc == 0 && sample->name == NULL)
    rc = prog_name_resolve(&source->name_cache, prog_fd, &info,
                           (char **)&sample->name);
  if (rc != 0)
    return rc;
  sample->uid = info.created_by_uid;
  /* It does not change while a program lives. */
  if (source->memory && sample->memory_bytes == 0)
    fdinfo_memory(prog_fd, &sample->memory_bytes);
  sample->stats = (struct prog_stats){
      .cnt = info.run_cnt,
      .nsecs = info.run_time_ns,
      .misses = info.recursion_misses,
  };
  return 0;
}

/* Walks all ids. Returns 0 at the kernel's end of the list, else -errno. Sets
 * *RET_READ_ERROR to the -errno of the last program that was not readable. */
static int walk(struct source_syscall *source, int *ret_read_error) {
  for (uint32_t id = 0;;) {
    uint32_t next_id = 0;
    int rc = bpf_prog_get_next_id(id, &next_id);
    if (rc != 0)
      return rc == -ENOENT ? 0 : rc;
    if (next_id <= id)
      return -ELOOP;
    id = next_id;
    int prog_fd = bpf_prog_get_fd_by_id(id);
    if (prog_fd == -ENOENT)
      continue; /* unloaded since the walk reached its id */
    rc = prog_fd;
    if (prog_fd >= 0) {
      rc = read_program(source, id, prog_fd);
      close(prog_fd); /* at once: an fd keeps an unloaded program alive */
    }
    if (rc >= 0)
      continue;
    *ret_read_error = rc;
    rc = samples_add_unreadable(&source->samples, id);
    if (rc != 0)
      return rc;
  }
}

static int syscall_snapshot(struct source *base, struct prog_snapshot *ret) {
  struct source_syscall *source = (struct source_syscall *)base;
  int read_error = 0;
  samples_begin(&source->samples);
  int rc = walk(source, &read_error);
  prog_name_cache_clear(&source->name_cache);
  return samples_end(&source->samples, rc, read_error, ret);
}

static void syscall_free(struct source *base) {
  struct source_syscall *source = (struct source_syscall *)base;
  samples_clear(&source->samples);
  free(source);
}

int source_syscall_new(bool memory, struct source **ret_source) {
  /* Fails now rather than at each read when bpf(2) or the privilege lacks. */
  uint32_t id = 0;
  int rc = bpf_prog_get_next_id(0, &id);
  if (rc != 0 && rc != -ENOENT)
    return rc;
  struct source_syscall *source = calloc(1, sizeof(*source));
  if (source == NULL)
    return -ENOMEM;
  source->base = (struct source){.name = "syscall",
                                 .snapshot = syscall_snapshot,
                                 .free = syscall_free,
                                 .needs = PRIVILEGE_SYS_ADMIN};
  source->memory = memory;
  *ret_source = (struct source *)source; /* as gcc 12 can follow it */
  return 0;
}
