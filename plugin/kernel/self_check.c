/* SPDX-License-Identifier: MIT */
/* self_check: one program of our own, as the kernel and as others see it. */
#include "self_check.h"

#include "canary.h"
#include "cpu_list.h"
#include "prog_type.h"
#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
  CPUS_MAX = 8192,       /* that a kernel can be built for */
  CPUS_MISSING_MAX = 64, /* in a row */
};

/* Reads which CPUs are isolated. What cannot be read is an empty list. */
static void read_isolated(char *list, size_t size) {
  int fd = open("/sys/devices/system/cpu/isolated", O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? 0 : read(fd, list, size - 1);
  list[len < 0 ? 0 : len] = '\0';
  if (fd >= 0)
    close(fd);
}

/* Runs it once on CPU 0, twice on CPU 1, three times on CPU 2 and so on up to
 * seven, and around again. The kernel refuses a CPU that is offline or does not
 * exist: so nothing here depends on what a file says of those. Isolated ones
 * are left alone, as each run interrupts its CPU. */
static void run_on_each_cpu(int prog_fd) {
  char isolated[4096];
  int missing = 0;
  read_isolated(isolated, sizeof(isolated));
  for (int cpu = 0; cpu < CPUS_MAX && missing < CPUS_MISSING_MAX; cpu++) {
    missing = cpu_list_has(isolated, cpu) ? 0 : missing + 1;
    if (missing == 0)
      continue;
    for (int i = 0; i <= cpu % 7; i++) {
      if (canary_run(prog_fd, cpu) != 0)
        break;
      missing = 0;
    }
  }
}

static int fail(const struct self_check *check, int error) {
  char why[REFUSAL_TEXT_SIZE];
  refusal_explain(error, PRIVILEGE_BPF_AND_PERFMON, why, sizeof(why));
  snprintf(check->reason, check->reason_size, "%s could not be checked: %s",
           check->who, why);
  return error;
}

int self_check_begin(struct self_check *check, const char *who, char *reason,
                     size_t reason_size) {
  check->who = who;
  check->reason = reason;
  check->reason_size = reason_size;
  check->prog_fd = canary_load();
  if (check->prog_fd < 0)
    return fail(check, check->prog_fd);
  run_on_each_cpu(check->prog_fd);
  int rc = canary_info(check->prog_fd, &check->info);
  if (rc == 0)
    return 0;
  self_check_unload(check);
  return fail(check, rc);
}

void self_check_unload(struct self_check *check) {
  if (check->prog_fd >= 0)
    close(check->prog_fd);
  check->prog_fd = -1;
}

static bool is_true(const struct prog_sample *sample,
                    const struct bpf_prog_info *info) {
  return sample->load_time_ns == info->load_time &&
         strcmp(sample->name, CANARY_NAME) == 0 &&
         strcmp(sample->type_name, prog_type_name(info->type)) == 0 &&
         sample->stats.cnt == info->run_cnt &&
         sample->stats.nsecs == info->run_time_ns &&
         sample->stats.misses == info->recursion_misses;
}

static int compare(const struct self_check *check,
                   const struct prog_sample *samples, size_t samples_num) {
  const struct bpf_prog_info *info = &check->info;
  const struct prog_sample *sample = NULL;
  for (size_t i = 0; i < samples_num; i++)
    if (samples[i].id == info->id && !samples[i].unreadable)
      sample = &samples[i];
  if (sample == NULL)
    snprintf(check->reason, check->reason_size,
             "%s does not show a program that was loaded", check->who);
  else if (is_true(sample, info))
    return 0;
  else
    snprintf(check->reason, check->reason_size,
             "%s tells wrong numbers on this kernel: %" PRIu64 " runs, %" PRIu64
             " ns, %" PRIu64 " misses of a program with %" PRIu64 ", %" PRIu64
             ", %" PRIu64,
             check->who, sample->stats.cnt, sample->stats.nsecs,
             sample->stats.misses, (uint64_t)info->run_cnt,
             (uint64_t)info->run_time_ns, (uint64_t)info->recursion_misses);
  return -EILSEQ;
}

int self_check_end(struct self_check *check, int error,
                   const struct prog_sample *samples, size_t samples_num) {
  self_check_unload(check);
  return error != 0 ? fail(check, error) : compare(check, samples, samples_num);
}

int self_check_newest_id(uint32_t *ret_id, uint64_t *ret_load_time_ns) {
  int prog_fd = canary_load();
  if (prog_fd < 0)
    return prog_fd;
  struct bpf_prog_info info;
  int rc = canary_info(prog_fd, &info);
  close(prog_fd);
  if (rc != 0)
    return rc;
  *ret_id = info.id;
  *ret_load_time_ns = info.load_time;
  return 0;
}
