/* SPDX-License-Identifier: MIT */
/* workload: holds real BPF programs and runs them as it is told, for the demo
 * and the end-to-end tests. It prints "ok" or "error: ..." after each command,
 * so that a script can wait for it. */
#include "progs.h"

#include <bpf/bpf.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: workload < COMMANDS\n"
    "Loads BPF programs and runs them. Commands, one a line:\n"
    "  load NAME TYPE       load a program; NAME - is one without a name; "
    "TYPE\n"
    "                       is xdp, socket_filter, sched_cls, cgroup_skb,\n"
    "                       netfilter, raw_tracepoint, which is not attached,\n"
    "                       slow:N, of type xdp, which reads the clock N "
    "times,\n"
    "                       or two that are: recursion, which misses once\n"
    "                       a run, and calm, which does not\n"
    "  load_many PREFIX N   load N programs, PREFIX0 and so on, of type xdp\n"
    "  run NAME N           run each program of that name N times\n"
    "  rate NAME N          run each of that name N times a second in sleep\n"
    "  sleep SECONDS        let time pass\n"
    "  pulse SECONDS SHARE  in sleep, run in the first SHARE, 0..1, of each\n"
    "                       period of SECONDS alone\n"
    "  even on|off          in sleep, do not make up for runs that could not\n"
    "                       take place when they were due\n"
    "  slowdown             print how much more CPU time the runs of the last\n"
    "                       sleep took that the kernel kept statistics of, in\n"
    "                       percent of one CPU\n"
    "  statistics on|off    hold the kernel's run-time statistics on\n"
    "  unload NAME          unload all programs of that name\n"
    "  unload_many PREFIX   unload all whose name begins with it\n"
    "  churn NAME TYPE N RUNS\n"
    "                       load N programs one after the other, run each "
    "RUNS\n"
    "                       times and unload it at once; a # that ends NAME "
    "is\n"
    "                       replaced by a number of each\n"
    "  map NAME N USED      hold a hash map for N entries with USED of them;\n"
    "                       no program uses it\n"
    "  pin_other PATH       pin an iterator that is not the plugin's\n"
    "  counts               print NAME ID RUNS MISSES of each program\n"
    "At the end of the commands all programs are unloaded.\n";

struct program {
  struct program *next;
  char name[PROG_NAME_MAX + 1];
  int fd;
  struct recursion recursion;
  bool is_fed;   /* by a program of its own */
  bool misses;   /* once a run */
  uint64_t runs; /* so far */
  uint32_t rate; /* runs a second */
  uint64_t due;  /* runs that the rate asked for in this sleep */
};

static struct program *programs; /* youngest first */

static int load(const char *name, const char *type_name) {
  static const struct {
    const char *name;
    enum bpf_prog_type type;
  } types[] = {
      {"xdp", BPF_PROG_TYPE_XDP},
      {"socket_filter", BPF_PROG_TYPE_SOCKET_FILTER},
      {"sched_cls", BPF_PROG_TYPE_SCHED_CLS},
      {"cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB},
      {"netfilter", PROG_TYPE_NETFILTER},
      {"raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT},
  };
  struct program *program = calloc(1, sizeof(*program));
  if (program == NULL || strlen(name) > PROG_NAME_MAX) {
    free(program);
    return -ENOMEM;
  }
  snprintf(program->name, sizeof(program->name), "%s", name);
  program->misses = strcmp(type_name, "recursion") == 0;
  program->is_fed = program->misses || strcmp(type_name, "calm") == 0;
  int rc = -EINVAL;
  if (program->is_fed) {
    rc = recursion_start(&program->recursion, name, "demo_feeder",
                         program->misses ? PROG_PRINTS : PROG_RETURNS);
    program->fd = program->recursion.prog_fd;
  }
  if (strncmp(type_name, "slow:", 5) == 0)
    rc = program->fd =
        prog_load_slow(name, (unsigned)strtoul(type_name + 5, NULL, 10));
  for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
    if (strcmp(types[i].name, type_name) == 0)
      rc = program->fd = prog_load(
          types[i].type, strcmp(name, "-") == 0 ? NULL : name, PROG_RETURNS);
  if (rc < 0) {
    free(program);
    return rc;
  }
  program->next = programs;
  programs = program;
  return 0;
}

static int run_one(struct program *program, uint32_t runs) {
  int rc = program->is_fed ? recursion_run(&program->recursion, runs)
                           : prog_run(program->fd, runs);
  if (rc == 0)
    program->runs += runs;
  return rc;
}

static int run(const char *name, uint32_t runs) {
  int rc = -ENOENT;
  for (struct program *p = programs; p != NULL; p = p->next)
    if (strcmp(p->name, name) == 0 && (rc = run_one(p, runs)) != 0)
      return rc;
  return rc;
}

static int set_rate(const char *name, uint32_t rate) {
  int rc = -ENOENT;
  for (struct program *p = programs; p != NULL; p = p->next)
    if (strcmp(p->name, name) == 0) {
      p->rate = rate;
      rc = 0;
    }
  return rc;
}

/* Programs run in the first SHARE of each period, 0..1 of it. */
static struct {
  double period_s;
  double share;
} pulse = {.period_s = 1.0, .share = 1.0};

/* For how long programs have run in so many seconds. */
static double active_s(double seconds) {
  double rest = fmod(seconds, pulse.period_s);
  double on = pulse.share * pulse.period_s;
  return (seconds - rest) * pulse.share + (rest < on ? rest : on);
}

static uint64_t max(uint64_t a, uint64_t b) { return a > b ? a : b; }

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The batches of the last sleep. */
enum { BATCHES_MAX = 1 << 17 };
static struct batch {
  double runs;
  double ns; /* of CPU time, a run */
  bool is_counted;
} batches[BATCHES_MAX];
static size_t batches_num;
static double batches_s; /* the sleep */

static double cpu_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How many of its runs the kernel has counted. */
static uint64_t counted_runs(const struct program *program) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  bpf_obj_get_info_by_fd(program->fd, &info, &info_len);
  return info.run_cnt;
}

static int run_timed(struct program *program, uint32_t runs) {
  const uint64_t counted = counted_runs(program);
  const double begin_s = cpu_s();
  int rc = run_one(program, runs);
  const double ns = (cpu_s() - begin_s) * 1e9 / runs;
  if (runs > 0 && batches_num < BATCHES_MAX)
    batches[batches_num++] = (struct batch){
        .runs = runs, .ns = ns, .is_counted = counted_runs(program) > counted};
  return rc;
}

/* Those of which statistics were kept come last. */
static int compare_batches(const void *a, const void *b) {
  const struct batch *x = a;
  const struct batch *y = b;
  if (x->is_counted != y->is_counted)
    return x->is_counted - y->is_counted;
  return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The usual speed is the median of the batches of which no statistics were
 * kept. */
static int print_slowdown(void) {
  size_t usual_num = 0;
  qsort(batches, batches_num, sizeof(batches[0]), compare_batches);
  while (usual_num < batches_num && !batches[usual_num].is_counted)
    usual_num++;
  if (usual_num == 0)
    return -ENOENT;
  const double usual_ns = batches[usual_num / 2].ns;
  double more_ns = 0.0;
  for (size_t i = usual_num; i < batches_num; i++)
    more_ns += batches[i].runs * (batches[i].ns - usual_ns);
  printf("%.3f\n", more_ns / 1e9 / batches_s * 100.0);
  return 0;
}

/* Whether a load without bursts is worth more than an exact number of runs. */
static bool is_even;

/* Lets that many seconds pass; each program has then run exactly as often as
 * its rate says, unless runs are to be even and the machine stood still. */
static int sleep_and_run(double seconds) {
  const double tick_s = 0.0005;
  const struct timespec tick = {.tv_nsec = (long)(tick_s * 1e9)};
  const double start = now_s();
  for (struct program *p = programs; p != NULL; p = p->next)
    p->due = 0;
  batches_num = 0;
  batches_s = seconds;
  double passed = 0.0;
  do {
    double before = passed;
    nanosleep(&tick, NULL);
    passed = fmin(now_s() - start, seconds);
    double late = fmax(0.0, passed - before - 4 * tick_s);
    for (struct program *p = programs; p != NULL; p = p->next) {
      uint64_t due = (uint64_t)(p->rate * active_s(passed) + 0.5);
      if (is_even)
        p->due =
            max(p->due, (uint64_t)(p->rate * active_s(before + late) + 0.5));
      int rc = run_timed(p, (uint32_t)(due - p->due));
      if (rc != 0)
        return rc;
      p->due = due;
    }
  } while (passed < seconds);
  return 0;
}

static int load_many(const char *prefix, unsigned num) {
  for (unsigned i = 0; i < num; i++) {
    char name[PROG_NAME_MAX + 16];
    snprintf(name, sizeof(name), "%s%u", prefix, i);
    int rc = load(name, "xdp");
    if (rc != 0)
      return rc;
  }
  return 0;
}

/* Unloads what has that name, or with PREFIX begins with it. */
static int unload(const char *name, bool prefix) {
  int rc = -ENOENT;
  for (struct program **link = &programs; *link != NULL;) {
    struct program *program = *link;
    bool matches = prefix ? strncmp(program->name, name, strlen(name)) == 0
                          : strcmp(program->name, name) == 0;
    if (!matches) {
      link = &program->next;
      continue;
    }
    *link = program->next;
    if (program->is_fed)
      recursion_stop(&program->recursion);
    else
      close(program->fd);
    free(program);
    rc = 0;
  }
  return rc;
}

/* Lets programs come and go. A NAME that ends in # is a new one each time. */
static int churn(const char *name, const char *type_name, unsigned num,
                 uint32_t runs) {
  size_t len = strlen(name);
  bool numbered = len > 0 && name[len - 1] == '#';
  for (unsigned i = 0; i < num; i++) {
    char full_name[PROG_NAME_MAX + 16];
    if (numbered)
      snprintf(full_name, sizeof(full_name), "%.*s%u", (int)len - 1, name, i);
    else
      snprintf(full_name, sizeof(full_name), "%s", name);
    int rc = load(full_name, type_name);
    if (rc == 0)
      rc = run(full_name, runs);
    if (rc == 0)
      rc = unload(full_name, false);
    if (rc != 0)
      return rc;
  }
  return 0;
}

/* Until the end. */
static int hold_map(const char *name, uint32_t entries, uint32_t used) {
  int fd = bpf_map_create(BPF_MAP_TYPE_HASH, name, sizeof(uint32_t),
                          sizeof(uint64_t), entries, NULL);
  int rc = fd < 0 ? fd : 0;
  for (uint32_t key = 0; rc == 0 && key < used; key++) {
    const uint64_t value = key;
    rc = bpf_map_update_elem(fd, &key, &value, BPF_ANY);
  }
  return rc;
}

static int pin_other(const char *path) {
  int link_fd = other_iterator_load();
  if (link_fd < 0)
    return link_fd;
  int rc = bpf_obj_pin(link_fd, path);
  close(link_fd);
  return rc;
}

static int hold_statistics(bool on) {
  static int fd = -1;
  if (fd >= 0)
    close(fd);
  fd = on ? bpf_enable_stats(BPF_STATS_RUN_TIME) : -1;
  return on && fd < 0 ? fd : 0;
}

static int print_counts(void) {
  for (const struct program *p = programs; p != NULL; p = p->next)
    printf("%s %" PRIu32 " %" PRIu64 " %" PRIu64 "\n", p->name, prog_id(p->fd),
           p->runs, p->misses ? p->runs : 0);
  return 0;
}

/* Returns 0 or -errno; -EINVAL for a command that is none. */
static int execute(const char *line) {
  char command[16] = "";
  char first[PROG_NAME_MAX + 1] = "";
  char second[32] = "";
  unsigned many = 0, runs = 0;
  int words = sscanf(line, "%15s %500s %31s %u %u", command, first, second,
                     &many, &runs);
  uint32_t number = (uint32_t)strtoul(second, NULL, 10);
  if (words == 3 && strcmp(command, "load") == 0)
    return load(first, second);
  if (words == 3 && strcmp(command, "load_many") == 0)
    return load_many(first, number);
  if (words == 3 && strcmp(command, "run") == 0)
    return run(first, number);
  if (words == 3 && strcmp(command, "rate") == 0)
    return set_rate(first, number);
  if (words == 2 && strcmp(command, "sleep") == 0)
    return sleep_and_run(strtod(first, NULL));
  if (words == 3 && strcmp(command, "pulse") == 0) {
    pulse.period_s = strtod(first, NULL);
    pulse.share = strtod(second, NULL);
    return pulse.period_s > 0 ? 0 : -EINVAL;
  }
  if (words == 2 && strcmp(command, "even") == 0) {
    is_even = strcmp(first, "on") == 0;
    return 0;
  }
  if (words == 2 && strcmp(command, "statistics") == 0)
    return hold_statistics(strcmp(first, "on") == 0);
  if (words == 2 && strcmp(command, "unload") == 0)
    return unload(first, false);
  if (words == 2 && strcmp(command, "unload_many") == 0)
    return unload(first, true);
  if (words == 5 && strcmp(command, "churn") == 0)
    return churn(first, second, many, runs);
  if (words == 4 && strcmp(command, "map") == 0)
    return hold_map(first, number, many);
  if (words == 2 && strcmp(command, "pin_other") == 0)
    return pin_other(first);
  if (words == 1 && strcmp(command, "slowdown") == 0)
    return print_slowdown();
  if (words == 1 && strcmp(command, "counts") == 0)
    return print_counts();
  return -EINVAL;
}

int main(int argc, char **argv) {
  (void)argv;
  if (argc > 1) {
    fputs(help, stdout);
    return 0;
  }
  char line[1024];
  while (fgets(line, sizeof(line), stdin) != NULL) {
    int rc = execute(line);
    if (rc == 0)
      printf("ok\n");
    else
      printf("error: %s: %s", strerror(-rc), line);
    fflush(stdout);
  }
  unload("", true);
  return 0;
}
