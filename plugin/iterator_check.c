/* SPDX-License-Identifier: MIT */
/* iterator_check: one program of our own, seen through both eyes. */
#include "iterator_check.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char check_name[] = "bpf_stats_check"; /* fills the buffer */

/* A raw tracepoint program is the one type that can be run on a given CPU. */
static int load_program(void) {
  const struct bpf_insn insns[] = {
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, check_name, "Dual MIT/GPL",
                       insns, sizeof(insns) / sizeof(insns[0]), NULL);
}

/* Runs it once on CPU 0, twice on CPU 1, three times on CPU 2 and so on up to
 * seven, and around again. A CPU that is offline cannot run it. */
static void run_program(int prog_fd) {
  int cpus_num = libbpf_num_possible_cpus();
  for (int cpu = 0; cpu < cpus_num; cpu++)
    for (int i = 0; i <= cpu % 7; i++) {
      LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU,
                  .cpu = (unsigned)cpu);
      if (bpf_prog_test_run_opts(prog_fd, &opts) != 0)
        break;
    }
}

static const struct prog_sample *
find_sample(const struct prog_snapshot *snapshot, uint32_t id) {
  for (size_t i = 0; i < snapshot->samples_num; i++)
    if (snapshot->samples[i].id == id)
      return &snapshot->samples[i];
  return NULL;
}

static int compare(const struct prog_sample *sample,
                   const struct bpf_prog_info *info, char *reason,
                   size_t reason_size) {
  if (sample == NULL || sample->unreadable) {
    snprintf(reason, reason_size,
             "the iterator does not show a program that is loaded");
    return -EILSEQ;
  }
  if (sample->load_time_ns == info->load_time &&
      strcmp(sample->name, check_name) == 0 &&
      strcmp(sample->type_name, source_type_name(info->type)) == 0 &&
      sample->stats.cnt == info->run_cnt &&
      sample->stats.nsecs == info->run_time_ns &&
      sample->stats.misses == info->recursion_misses)
    return 0;
  snprintf(reason, reason_size,
           "the iterator tells wrong numbers on this kernel: %" PRIu64
           " runs, %" PRIu64 " ns, %" PRIu64
           " misses of a program with %" PRIu64 ", %" PRIu64 ", %" PRIu64,
           sample->stats.cnt, sample->stats.nsecs, sample->stats.misses,
           (uint64_t)info->run_cnt, (uint64_t)info->run_time_ns,
           (uint64_t)info->recursion_misses);
  return -EILSEQ;
}

int iterator_check(struct source *source, char *reason, size_t reason_size) {
  int prog_fd = load_program();
  if (prog_fd < 0) {
    snprintf(reason, reason_size, "the iterator could not be checked: %s",
             strerror(-prog_fd));
    return prog_fd;
  }
  run_program(prog_fd);
  struct prog_snapshot snapshot = {0};
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  int rc = source_snapshot(source, &snapshot);
  if (rc == 0)
    rc = bpf_obj_get_info_by_fd(prog_fd, &info, &info_len);
  if (rc != 0)
    snprintf(reason, reason_size, "the iterator could not be read: %s",
             strerror(-rc));
  else
    rc = compare(find_sample(&snapshot, info.id), &info, reason, reason_size);
  close(prog_fd);
  return rc;
}
