/* SPDX-License-Identifier: MIT */
/* prog_name: finds the names that the kernel has cut, through BTF. */
#include "prog_name.h"

#include "kernel_error.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void prog_name_cache_clear(struct prog_name_cache *cache) {
  btf__free(cache->btf);
  *cache = (struct prog_name_cache){0};
}

_Static_assert(PROG_SHORT_NAME_SIZE == BPF_OBJ_NAME_LEN,
               "the kernel's size of names");

/* Sets *RET_NAME to the name of the program's main function in its BTF, owned
 * by the cache, or to NULL when there is none. Returns 0 or -errno. */
static int main_func_name(struct prog_name_cache *cache, int prog_fd,
                          const char **ret_name) {
  struct bpf_func_info func = {0};
  struct bpf_prog_info info = {
      .nr_func_info = 1,
      .func_info_rec_size = sizeof(func),
      .func_info = (uintptr_t)&func,
  };
  uint32_t info_len = sizeof(info);
  int rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_len);
  if (rc != 0)
    return rc;
  *ret_name = NULL;
  if (info.nr_func_info == 0 || info.btf_id == 0)
    return 0;
  if (cache->btf == NULL || cache->btf_id != info.btf_id) {
    prog_name_cache_clear(cache);
    cache->btf = btf__load_from_kernel_by_id(info.btf_id);
    if (cache->btf == NULL)
      return -errno;
    cache->btf_id = info.btf_id;
  }
  const struct btf_type *type = btf__type_by_id(cache->btf, func.type_id);
  if (type != NULL)
    *ret_name = btf__name_by_offset(cache->btf, type->name_off);
  return 0;
}

/* Whether a name fills the kernel's buffer, and so may go on in the BTF. */
static bool may_be_cut(const char short_name[PROG_SHORT_NAME_SIZE]) {
  return strnlen(short_name, PROG_SHORT_NAME_SIZE) >= PROG_SHORT_NAME_SIZE - 1;
}

int prog_name_make(const char short_name[PROG_SHORT_NAME_SIZE],
                   const char *full_name, const uint8_t tag[8],
                   char **ret_name) {
  size_t len = strnlen(short_name, PROG_SHORT_NAME_SIZE);
  char unnamed[] = "bpf_prog_0123456789abcdef";
  if (len == 0) {
    for (size_t i = 0; i < 8; i++)
      snprintf(&unnamed[strlen("bpf_prog_") + 2 * i], 3, "%02x", tag[i]);
    *ret_name = strdup(unnamed);
  } else if (may_be_cut(short_name) && full_name != NULL &&
             strncmp(full_name, short_name, len) == 0) {
    *ret_name = strdup(full_name);
  } else {
    *ret_name = strndup(short_name, len);
  }
  return *ret_name == NULL ? -ENOMEM : 0;
}

int prog_name_resolve(struct prog_name_cache *cache, int prog_fd,
                      const struct bpf_prog_info *info, char **ret_name) {
  const char *full_name = NULL;
  if (may_be_cut(info->name) && info->btf_id != 0) {
    int rc = main_func_name(cache, prog_fd, &full_name);
    if (kernel_error_may_pass(rc))
      return rc;
  }
  return prog_name_make(info->name, full_name, info->tag, ret_name);
}
