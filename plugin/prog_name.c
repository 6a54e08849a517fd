/* SPDX-License-Identifier: MIT */
/* prog_name: finds the names that the kernel has cut, through BTF. */
#include "prog_name.h"

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

/* Such a failure may be over at the next try; any other is the last word of the
 * kernel or of libbpf. */
static bool is_transient(int error) {
  return error == ENOMEM || error == EMFILE || error == ENFILE ||
         error == EINTR || error == EAGAIN;
}

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

int prog_name_resolve(struct prog_name_cache *cache, int prog_fd,
                      const struct bpf_prog_info *info, char **ret_name) {
  char short_name[sizeof("bpf_prog_") + 2 * sizeof(info->tag)] = "";
  size_t len = strnlen(info->name, sizeof(info->name));
  memcpy(short_name, info->name, len);
  if (len == 0) {
    int end = sprintf(short_name, "bpf_prog_");
    for (size_t i = 0; i < sizeof(info->tag); i++)
      end += sprintf(&short_name[end], "%02x", info->tag[i]);
  }
  const char *name = short_name;
  /* A name that fills the kernel's buffer may go on in the BTF. */
  if (len >= sizeof(info->name) - 1 && info->btf_id != 0) {
    const char *full_name = NULL;
    int rc = main_func_name(cache, prog_fd, &full_name);
    if (rc != 0 && is_transient(-rc))
      return rc;
    if (full_name != NULL && strncmp(full_name, short_name, len) == 0)
      name = full_name;
  }
  *ret_name = strdup(name);
  return *ret_name == NULL ? -ENOMEM : 0;
}
