/* SPDX-License-Identifier: MIT */
/* holders: a list of processes, and one of what they hold. */
#include "holders.h"

#include "owner.h"
#include "reserve.h"

#include <stdlib.h>
#include <string.h>

struct holder {
  uint32_t pid;
  bool is_out; /* it says nothing about who has loaded what it holds */
  bool shares; /* with somebody of another name */
  char name[OWNER_NAME_SIZE];
};

struct hold {
  uint32_t id;
  uint32_t pid;
  uint64_t load_time_ns;
  struct holder *holder; /* once all are there */
};

/* The descriptors of a process come one after the other, but for threads that
 * have descriptors of their own: these are found when all are there. */
static bool add_process(struct holders *holders,
                        const struct owner_record *record,
                        const struct owner_path *path) {
  const size_t num = holders->processes_num;
  if (num > 0 && holders->processes[num - 1].pid == record->pid)
    return true;
  struct holder *processes = reserve(
      holders->processes, num + 1, &holders->processes_max, sizeof(*processes));
  if (processes == NULL)
    return false;
  holders->processes = processes;
  struct holder *process = &processes[holders->processes_num++];
  *process = (struct holder){.pid = record->pid};
  owner_record_name(record, path, process->name);
  return true;
}

void holders_add(struct holders *holders, uint32_t id, uint64_t load_time_ns,
                 const struct owner_record *record,
                 const struct owner_path *path) {
  struct hold *holds =
      reserve(holders->holds, holders->num + 1, &holders->max, sizeof(*holds));
  if (holds != NULL)
    holders->holds = holds;
  if (holds == NULL || !add_process(holders, record, path))
    holders->out_of_memory = true;
  else
    holds[holders->num++] = (struct hold){
        .id = id, .load_time_ns = load_time_ns, .pid = record->pid};
}

static int compare_pids(const void *a, const void *b) {
  const struct holder *first = a;
  const struct holder *second = b;
  return (first->pid > second->pid) - (first->pid < second->pid);
}

static int compare_programs(const void *a, const void *b) {
  const struct hold *first = a;
  const struct hold *second = b;
  if (first->id != second->id)
    return first->id < second->id ? -1 : 1;
  return (first->load_time_ns > second->load_time_ns) -
         (first->load_time_ns < second->load_time_ns);
}

/* Puts the holds of each program side by side, with their processes. */
static void sort(struct holders *holders) {
  size_t num = 0;
  qsort(holders->processes, holders->processes_num, sizeof(struct holder),
        compare_pids);
  for (size_t i = 0; i < holders->processes_num; i++)
    if (num == 0 ||
        holders->processes[num - 1].pid != holders->processes[i].pid)
      holders->processes[num++] = holders->processes[i];
  holders->processes_num = num;
  for (size_t i = 0; i < holders->num; i++) {
    const struct holder key = {.pid = holders->holds[i].pid};
    holders->holds[i].holder =
        bsearch(&key, holders->processes, num, sizeof(key), compare_pids);
  }
  qsort(holders->holds, holders->num, sizeof(struct hold), compare_programs);
}

static void leave_out_others(const struct holders *holders, holders_known known,
                             void *context) {
  for (size_t i = 0; i < holders->num; i++) {
    const struct hold *hold = &holders->holds[i];
    const struct holders_claim claim =
        known(context, hold->id, hold->load_time_ns);
    if (claim.is_own ||
        (claim.owner != NULL && strcmp(claim.owner, hold->holder->name) != 0))
      hold->holder->is_out = true;
  }
}

/* Returns the first hold of the next program. */
static size_t find_end(const struct holders *holders, size_t begin) {
  size_t end = begin + 1;
  while (end < holders->num &&
         compare_programs(&holders->holds[begin], &holders->holds[end]) == 0)
    end++;
  return end;
}

/* Returns the first who is left of those who hold a program; NULL: nobody is.
 * *RET_SHARED: there are others of another name. */
static const struct holder *find_left(const struct holders *holders,
                                      size_t begin, size_t end,
                                      bool *ret_shared) {
  const struct holder *found = NULL;
  *ret_shared = false;
  for (size_t i = begin; i < end; i++) {
    const struct holder *holder = holders->holds[i].holder;
    if (holder->is_out)
      continue;
    if (found == NULL)
      found = holder;
    else if (strcmp(found->name, holder->name) != 0)
      *ret_shared = true;
  }
  return found;
}

static void leave_out_sharing(const struct holders *holders) {
  bool is_shared = false;
  for (size_t begin = 0, end; begin < holders->num; begin = end) {
    end = find_end(holders, begin);
    find_left(holders, begin, end, &is_shared);
    for (size_t i = begin; is_shared && i < end; i++)
      holders->holds[i].holder->shares = true;
  }
  for (size_t i = 0; i < holders->processes_num; i++)
    if (holders->processes[i].shares)
      holders->processes[i].is_out = true;
}

void holders_judge(struct holders *holders, holders_known known,
                   holders_tell tell, void *context) {
  bool is_shared = false;
  if (holders->out_of_memory || holders->num == 0)
    return;
  sort(holders);
  leave_out_others(holders, known, context);
  leave_out_sharing(holders);
  for (size_t begin = 0, end; begin < holders->num; begin = end) {
    end = find_end(holders, begin);
    const struct holder *holder = find_left(holders, begin, end, &is_shared);
    if (holder != NULL && holder->name[0] != '\0')
      tell(context, holders->holds[begin].id,
           holders->holds[begin].load_time_ns, holder->name);
  }
}

void holders_clear(struct holders *holders) {
  free(holders->processes);
  free(holders->holds);
  *holders = (struct holders){0};
}
