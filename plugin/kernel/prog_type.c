/* SPDX-License-Identifier: MIT */
/* prog_type: enum bpf_prog_type, of libbpf and of the running kernel. */
#include "prog_type.h"

#include "kernel_error.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Some 30 are in use. */
enum { KERNEL_TYPES_MAX = 128 };

static struct {
  bool read;
  char names[KERNEL_TYPES_MAX][PROG_TYPE_NAME_SIZE]; /* "": not known */
} kernel;

static bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool prog_type_is_name(const char *text) {
  size_t len = 0;
  while (is_name_char(text[len]))
    len++;
  return text[len] == '\0' && len > 0 && len < PROG_TYPE_NAME_SIZE &&
         !isdigit((unsigned char)text[0]);
}

/* Takes BPF_PROG_TYPE_XDP as xdp; its other members are no types. */
static void take_name(const char *word, int type) {
  static const char prefix[] = "BPF_PROG_TYPE_";
  if (word == NULL || strncmp(word, prefix, strlen(prefix)) != 0 || type < 0 ||
      type >= KERNEL_TYPES_MAX)
    return;
  char name[PROG_TYPE_NAME_SIZE] = "";
  const char *rest = word + strlen(prefix);
  for (size_t i = 0; i < sizeof(name) - 1 && rest[i] != '\0'; i++)
    name[i] = (char)tolower((unsigned char)rest[i]);
  if (prog_type_is_name(name))
    memcpy(kernel.names[type], name, sizeof(name));
}

/* Returns 0, or -errno of a failure that may be over at the next try. A kernel
 * without BTF has no names to take. */
static int read_kernel(void) {
  struct btf *btf = btf__parse_raw("/sys/kernel/btf/vmlinux");
  if (btf == NULL && kernel_error_may_pass(-errno))
    return -errno;
  kernel.read = true;
  if (btf == NULL)
    return 0;
  int id = btf__find_by_name_kind(btf, "bpf_prog_type", BTF_KIND_ENUM);
  const struct btf_type *type = NULL;
  if (id > 0)
    type = btf__type_by_id(btf, (unsigned)id);
  if (type != NULL) {
    const struct btf_enum *members = btf_enum(type);
    for (unsigned i = 0; i < btf_vlen(type); i++)
      take_name(btf__name_by_offset(btf, members[i].name_off), members[i].val);
  }
  btf__free(btf);
  return 0;
}

const char *prog_type_kernel_name(unsigned type) {
  int rc = kernel.read ? 0 : read_kernel();
  errno = rc != 0 ? -rc : ENOENT;
  return rc == 0 && type < KERNEL_TYPES_MAX && kernel.names[type][0] != '\0'
             ? kernel.names[type]
             : NULL;
}

const char *prog_type_name(unsigned type) {
  const char *name = libbpf_bpf_prog_type_str((enum bpf_prog_type)type);
  return name != NULL ? name : prog_type_kernel_name(type);
}

void prog_types_clear(void) { memset(&kernel, 0, sizeof(kernel)); }
