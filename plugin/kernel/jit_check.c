/* SPDX-License-Identifier: MIT */
/* jit_check: some lines of /proc/kallsyms, and a program that does nothing. */
#include "jit_check.h"

#include "canary.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  ADDRESS_BASE = 16,
  INSNS_NUM = 200,
  TRIES = 3,          /* others may load or unload in the same moment */
  ROUNDING = 1 << 16, /* its largest page is the most that the kernel adds */
};

struct jit_symbols jit_check_find(const char *path) {
  struct jit_symbols symbols = {0};
  FILE *file = fopen(path, "re");
  if (file == NULL)
    return symbols;
  char line[600];
  while ((symbols.used == 0 || symbols.limit == 0) &&
         fgets(line, sizeof(line), file) != NULL) {
    const char *name = strstr(line, " bpf_jit_");
    if (name == NULL)
      continue;
    if (strcmp(name, " bpf_jit_current\n") == 0)
      symbols.used = strtoull(line, NULL, ADDRESS_BASE);
    else if (strcmp(name, " bpf_jit_limit\n") == 0)
      symbols.limit = strtoull(line, NULL, ADDRESS_BASE);
  }
  (void)fclose(file);
  return symbols;
}

static int load(void) {
  struct bpf_insn insns[INSNS_NUM];
  for (int i = 0; i < INSNS_NUM; i++)
    insns[i] = (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K,
                                 .dst_reg = BPF_REG_0};
  insns[INSNS_NUM - 1] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
  return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, CANARY_NAME, "Dual MIT/GPL",
                       insns, INSNS_NUM, NULL);
}

static bool grows(jit_read read, void *context) {
  uint64_t before = 0;
  uint64_t after = 0;
  if (!read(context, &before))
    return false;
  int fd = load();
  if (fd < 0)
    return false;
  struct bpf_prog_info info;
  const bool is_known = canary_info(fd, &info) == 0 && read(context, &after) &&
                        info.jited_prog_len != 0;
  close(fd);
  return is_known && after - before >= info.jited_prog_len &&
         after - before <= info.jited_prog_len + ROUNDING;
}

bool jit_check_grows(jit_read read, void *context) {
  for (int i = 0; i < TRIES; i++)
    if (grows(read, context))
      return true;
  return false;
}
