/* SPDX-License-Identifier: MIT */
/* canary: two instructions. */
#include "canary.h"

#include <bpf/bpf.h>

#include <stdint.h>

const char CANARY_NAME[16] = "bpf_stats_check";

/* A raw tracepoint program is the one type that can be run on a given CPU. */
int canary_load(void) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, CANARY_NAME,
                       "Dual MIT/GPL", insns, sizeof(insns) / sizeof(insns[0]),
                       NULL);
}

int canary_run(int fd, int cpu) {
  LIBBPF_OPTS(bpf_test_run_opts, opts);
  if (cpu >= 0) {
    opts.flags = BPF_F_TEST_RUN_ON_CPU;
    opts.cpu = (uint32_t)cpu;
  }
  return bpf_prog_test_run_opts(fd, &opts);
}

int canary_info(int fd, struct bpf_prog_info *ret_info) {
  *ret_info = (struct bpf_prog_info){0};
  uint32_t info_len = sizeof(*ret_info);
  return bpf_obj_get_info_by_fd(fd, ret_info, &info_len);
}
