/* SPDX-License-Identifier: MIT */
/* prog_type: enum bpf_prog_type, of libbpf and of the running kernel. */
#include "prog_type.h"

#include "give_back.h"
#include "kernel_error.h"
#include "prog_record.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Some 30 are in use. */
enum { KERNEL_TYPES_MAX = 128 };

static struct {
  bool read;
  unsigned flags;                                    /* of struct prog_record */
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

/* Returns the type of the member of a struct or union, or NULL. */
static const struct btf_type *find_member(const struct btf *btf,
                                          const struct btf_type *type,
                                          const char *name) {
  for (unsigned i = 0; i < btf_vlen(type); i++) {
    const struct btf_member *member = &btf_members(type)[i];
    const char *word = btf__name_by_offset(btf, member->name_off);
    if (word != NULL && strcmp(word, name) == 0)
      return btf__type_by_id(btf, member->type);
  }
  return NULL;
}

/* See struct bpf_link_info___missed. */
static unsigned find_flags(const struct btf *btf) {
  int id = btf__find_by_name_kind(btf, "bpf_link_info", BTF_KIND_STRUCT);
  const struct btf_type *type = NULL;
  /* What differs by kind of link is in a union without a name. */
  if (id > 0)
    type = find_member(btf, btf__type_by_id(btf, (unsigned)id), "");
  if (type != NULL && btf_is_composite(type))
    type = find_member(btf, type, "kprobe_multi");
  return type != NULL && btf_is_composite(type) &&
                 find_member(btf, type, "missed") != NULL
             ? PROG_RECORD_HAS_CPU_MISSES
             : 0;
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
  kernel.flags = find_flags(btf);
  btf__free(btf);
  give_back_memory();
  return 0;
}

/* The types of which skipped runs are counted, and the flag without which they
 * are not. */
static const struct {
  enum misses misses;
  unsigned needs;
} miss_rules[] = {
    [BPF_PROG_TYPE_RAW_TRACEPOINT] = {MISSES_OF_ITSELF, PROG_RECORD_HAS_MISSES},
    [BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE] = {MISSES_OF_ITSELF,
                                               PROG_RECORD_HAS_MISSES},
    [BPF_PROG_TYPE_TRACING] = {MISSES_OF_ITSELF, PROG_RECORD_HAS_MISSES},
    [BPF_PROG_TYPE_KPROBE] = {MISSES_OF_CPU, PROG_RECORD_HAS_CPU_MISSES},
    [BPF_PROG_TYPE_TRACEPOINT] = {MISSES_OF_CPU, PROG_RECORD_HAS_CPU_MISSES},
    [BPF_PROG_TYPE_STRUCT_OPS] = {MISSES_OF_ITSELF, PROG_RECORD_PRIVATE_STACK},
};

static unsigned needs_of(unsigned type) {
  return type < sizeof(miss_rules) / sizeof(miss_rules[0])
             ? miss_rules[type].needs
             : 0;
}

enum misses prog_type_misses(unsigned type, unsigned flags) {
  return (flags & needs_of(type)) != 0 &&
                 (flags & PROG_RECORD_ITERATOR) == 0 /* it has no guard */
             ? miss_rules[type].misses
             : MISSES_UNCOUNTED;
}

unsigned prog_type_kernel_flags(unsigned type) {
  if (needs_of(type) != PROG_RECORD_HAS_CPU_MISSES)
    return 0;
  if (!kernel.read)
    read_kernel();
  return kernel.flags;
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
