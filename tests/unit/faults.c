/* SPDX-License-Identifier: MIT */
/* faults: one function for each that is wrapped; the Makefile names them. */
#include "faults.h"

#include "fake_libbpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static struct {
  enum fault_kind kind;
  unsigned at;
  int error;
  unsigned calls;
} faults;

void faults_arm(enum fault_kind kind, unsigned at, int error) {
  faults.kind = kind;
  faults.at = at;
  faults.error = error;
  __atomic_store_n(&faults.calls, 0, __ATOMIC_SEQ_CST);
}

bool faults_hit(void) {
  return __atomic_load_n(&faults.calls, __ATOMIC_SEQ_CST) >= faults.at;
}

/* Returns the errno with which this call is to fail, or 0. Sets errno too. */
static int fault(enum fault_kind kind) {
  if (faults.kind != kind ||
      __atomic_add_fetch(&faults.calls, 1, __ATOMIC_SEQ_CST) != faults.at)
    return 0;
  errno = kind == FAULT_MEMORY ? ENOMEM : faults.error;
  return errno;
}

/* What NAME is called with instead, and itself by __real_NAME. */
#define WRAP(type, name, parameters, arguments, kind, failure)                 \
  type __real_##name parameters;                                               \
  type __wrap_##name parameters;                                               \
  type __wrap_##name parameters {                                              \
    int error_ = fault(kind);                                                  \
    return error_ != 0 ? (failure) : __real_##name arguments;                  \
  }

#define WRAP_MEMORY(type, name, parameters, arguments)                         \
  WRAP(type, name, parameters, arguments, FAULT_MEMORY, NULL)
/* Of libbpf, which returns -errno. */
#define WRAP_CALL(name, parameters, arguments)                                 \
  WRAP(int, name, parameters, arguments, FAULT_CALL, -error_)
/* Of the C library, with errno. */
#define WRAP_ERRNO(type, name, parameters, arguments)                          \
  WRAP(type, name, parameters, arguments, FAULT_CALL, -1)

/* clang-format off */
WRAP_MEMORY(void *, malloc, (size_t size), (size))
WRAP_MEMORY(void *, calloc, (size_t num, size_t size), (num, size))
WRAP_MEMORY(void *, realloc, (void *old, size_t size), (old, size))
WRAP_MEMORY(void *, reallocarray, (void *old, size_t num, size_t size), (old, num, size))
WRAP_MEMORY(char *, strdup, (const char *text), (text))
WRAP_MEMORY(char *, strndup, (const char *text, size_t len), (text, len))
WRAP_MEMORY(void *, tsearch, (const void *key, void **root, __compar_fn_t compare), (key, root, compare))
WRAP(int, regcomp, (regex_t *regex, const char *text, int flags), (regex, text, flags), FAULT_MEMORY, REG_ESPACE)

WRAP_CALL(bpf_prog_get_next_id, (__u32 id, __u32 *next_id), (id, next_id))
WRAP_CALL(bpf_prog_get_fd_by_id, (__u32 id), (id))
WRAP_CALL(bpf_map_get_next_id, (__u32 id, __u32 *next_id), (id, next_id))
WRAP_CALL(bpf_map_get_fd_by_id, (__u32 id), (id))
WRAP_CALL(bpf_obj_get_info_by_fd, (int fd, void *info, __u32 *info_len), (fd, info, info_len))
WRAP_CALL(bpf_enable_stats, (enum bpf_stats_type type), (type))
WRAP_CALL(bpf_obj_get, (const char *path), (path))
WRAP_CALL(bpf_obj_get_opts, (const char *path, const struct bpf_obj_get_opts *opts), (path, opts))
WRAP_CALL(bpf_map_lookup_elem, (int fd, const void *key, void *value), (fd, key, value))
WRAP_CALL(ring_buffer__consume, (struct ring_buffer *ring), (ring))
WRAP(struct btf *, btf__load_from_kernel_by_id, (__u32 id), (id), FAULT_CALL, NULL)
WRAP(struct btf *, btf__parse_raw, (const char *path), (path), FAULT_CALL, NULL)
WRAP(struct ring_buffer *, ring_buffer__new,
     (int fd, ring_buffer_sample_fn take, void *context, const struct ring_buffer_opts *opts),
     (fd, take, context, opts), FAULT_CALL, NULL)

WRAP_ERRNO(ssize_t, read, (int fd, void *data, size_t size), (fd, data, size))
WRAP_ERRNO(ssize_t, getrandom, (void *data, size_t size, unsigned flags), (data, size, flags))
WRAP_ERRNO(int, fstat, (int fd, struct stat *ret), (fd, ret))
WRAP(int, pthread_create,
     (pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *context),
     (thread, attributes, run, context), FAULT_CALL, error_)
/* clang-format on */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  int mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
  va_end(args);
  if (fault(FAULT_CALL) != 0)
    return -1;
  const char *file = strrchr(path, '/');
  if (fake_libbpf.has_iterator && file != NULL) {
    if (strcmp(file, "/iterator") == 0)
      return fake_libbpf_open_iterator();
    if (strcmp(file, "/maps") == 0)
      return fake_libbpf_open_maps();
    if (strcmp(file, "/map_uses") == 0)
      return fake_libbpf_open_uses();
    if (strcmp(file, "/map_payers") == 0)
      return fake_libbpf_open_payers();
  }
  return __real_open(path, flags, mode);
}

/* Only of the ring. */
int __wrap_poll(struct pollfd *fds, nfds_t num, int timeout_ms);
int __wrap_poll(struct pollfd *fds, nfds_t num, int timeout_ms) {
  (void)fds;
  (void)num;
  (void)timeout_ms;
  return fake_libbpf.ring_is_held || fake_libbpf.ring_num > 0;
}

/* The fakes need no time. */
int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *duration, struct timespec *rest) {
  (void)duration;
  (void)rest;
  return 0;
}

void __wrap_confinement_read(struct confinement *ret_confinement);
void __wrap_confinement_read(struct confinement *ret_confinement) {
  *ret_confinement = fake_libbpf.confinement;
}

int __real_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs(int fd, struct statfs *ret);
int __wrap_fstatfs(int fd, struct statfs *ret) {
  if (fault(FAULT_CALL) != 0)
    return -1;
  int rc = __real_fstatfs(fd, ret);
  if (rc == 0 && fake_libbpf.has_iterator)
    ret->f_type = BPF_FS_MAGIC;
  return rc;
}
