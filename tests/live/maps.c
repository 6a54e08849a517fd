/* SPDX-License-Identifier: MIT */
/* Live tests of maps, on real ones in this kernel: what they take, to the byte,
 * as the kernel says itself; what they hold; who uses them. Needs root. */
#include "../open_fds.h"
#include "../tap.h"
#include "progs.h"

#include "fdinfo.h"
#include "maps.h"
#include "reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* As this kernel has them: from 5.11 to 6.3 its own number is another one, and
 * 0 for a ring buffer; entries are counted from 6.6 on. */
static unsigned version; /* 1000 times the major one, and the minor one */
static bool has_iterators;
static struct maps *maps;
static struct map_snapshot snapshot;

static int make_map(enum bpf_map_type type, uint32_t key_size,
                    uint32_t value_size, uint32_t entries, uint32_t flags) {
  LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
  return bpf_map_create(type, "live_map", key_size, value_size, entries, &opts);
}

static uint32_t map_id(int fd) {
  struct bpf_map_info info = {0};
  uint32_t info_len = sizeof(info);
  ck_assert_int_eq(bpf_obj_get_info_by_fd(fd, &info, &info_len), 0);
  return info.id;
}

static const struct map_sample *find(uint32_t id) {
  for (size_t i = 0; i < snapshot.samples_num; i++)
    if (snapshot.samples[i].id == id)
      return &snapshot.samples[i];
  return NULL;
}

static const struct map_sample *read_sample(int fd) {
  int rc = maps_read(maps, &snapshot);
  ck_assert_msg(rc == 0, "%s", maps_explain(maps, rc));
  const struct map_sample *sample = find(map_id(fd));
  ck_assert_ptr_nonnull(sample);
  return sample;
}

static void setup(void) {
  maps = maps_new(&(struct maps_options){
      .by_id = !has_iterators, .uses = true, .owners = true});
  maps_open(maps);
}

static void teardown(void) {
  maps_free(maps);
  rmdir("/sys/fs/cgroup/live_payer");
}

/* A socket filter that uses the map; or, a RING, writes 8 bytes into it at each
 * run, which take 16 there. Closes nothing. */
static int load_user(const char *name, int map_fd, bool is_ring) {
  const struct bpf_insn insns[] = {
      {.code = BPF_LD | BPF_DW | BPF_IMM,
       .dst_reg = BPF_REG_1,
       .src_reg = BPF_PSEUDO_MAP_FD,
       .imm = map_fd},
      {0},
      {.code = BPF_ST | BPF_DW | BPF_MEM, .dst_reg = BPF_REG_10, .off = -8},
      {.code = BPF_ALU64 | BPF_MOV | BPF_X,
       .dst_reg = BPF_REG_2,
       .src_reg = BPF_REG_10},
      {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2, .imm = -8},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = 8},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4},
      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ringbuf_output},
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
      {.code = BPF_JMP | BPF_EXIT},
  };
  const struct bpf_insn plain[] = {insns[0], insns[1], insns[8], insns[9]};
  int fd = is_ring
               ? bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, name, "GPL", insns,
                               sizeof(insns) / sizeof(insns[0]), NULL)
               : bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, name, "GPL", plain,
                               sizeof(plain) / sizeof(plain[0]), NULL);
  ck_assert_int_ge(fd, 0);
  return fd;
}

static void add_entry(int fd, uint32_t key) {
  static const uint8_t values[1 << 16]; /* of all CPUs */
  const uint32_t keys[2] = {key, key};
  ck_assert_int_eq(bpf_map_update_elem(fd, keys, values, BPF_ANY), 0);
}

/* Other sizes than the plugin's own check has. What a machine does not allow to
 * make is left out. */
static const struct {
  enum bpf_map_type type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t entries;
  uint32_t flags;
  uint32_t filled;
} shapes[] = {
    {BPF_MAP_TYPE_HASH, 8, 100, 1000, 0, 700},
    {BPF_MAP_TYPE_HASH, 8, 100, 1000, BPF_F_NO_PREALLOC, 0},
    {BPF_MAP_TYPE_HASH, 8, 100, 1000, BPF_F_NO_PREALLOC, 700},
    {BPF_MAP_TYPE_HASH, 5, 1, 1, 0, 0},
    {BPF_MAP_TYPE_PERCPU_HASH, 8, 12, 300, 0, 200},
    {BPF_MAP_TYPE_PERCPU_HASH, 8, 12, 300, BPF_F_NO_PREALLOC, 200},
    {BPF_MAP_TYPE_LRU_HASH, 8, 16, 5000, 0, 900},
    {BPF_MAP_TYPE_LRU_HASH, 8, 16, 5000, BPF_F_NO_COMMON_LRU, 0},
    {BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 16, 500, 0, 90},
    {BPF_MAP_TYPE_ARRAY, 4, 3, 7, 0, 0},
    {BPF_MAP_TYPE_ARRAY, 4, 8, 100000, 0, 0},
    {BPF_MAP_TYPE_ARRAY, 4, 8, 1, BPF_F_MMAPABLE, 0},
    {BPF_MAP_TYPE_ARRAY, 4, 48, 5000, BPF_F_MMAPABLE, 0},
    {BPF_MAP_TYPE_PERCPU_ARRAY, 4, 20, 50, 0, 0},
    {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 77, 0, 0},
    {BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 77, 0, 0},
    {BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 5, 0, 0},
    {BPF_MAP_TYPE_LPM_TRIE, 8, 9, 1000, BPF_F_NO_PREALLOC, 0},
    {BPF_MAP_TYPE_LPM_TRIE, 8, 9, 1000, BPF_F_NO_PREALLOC, 30},
    {BPF_MAP_TYPE_QUEUE, 0, 20, 99, 0, 0},
    {BPF_MAP_TYPE_STACK, 0, 20, 99, 0, 0},
    {BPF_MAP_TYPE_STACK_TRACE, 4, 80, 700, 0, 0},
    {BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 5000, 0, 0},
    {BPF_MAP_TYPE_SOCKMAP, 4, 8, 50, 0, 0},
    {BPF_MAP_TYPE_SOCKHASH, 4, 8, 50, 0, 0},
    {BPF_MAP_TYPE_DEVMAP, 4, 4, 50, 0, 0},
    {BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 50, 0, 0},
    {BPF_MAP_TYPE_XSKMAP, 4, 4, 50, 0, 0},
    {BPF_MAP_TYPE_CPUMAP, 4, 4, 1, 0, 0},
    {BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 50, 0, 0},
};
enum { SHAPES_NUM = sizeof(shapes) / sizeof(shapes[0]) };

START_TEST(maps_read__shape__takes_what_the_kernel_says) {
  int fd = make_map(shapes[_i].type, shapes[_i].key_size, shapes[_i].value_size,
                    shapes[_i].entries, shapes[_i].flags);
  if (fd < 0) {
    printf("# no map of type %d here: %s\n", shapes[_i].type, strerror(-fd));
    return;
  }
  for (uint32_t i = 0; i < shapes[_i].filled; i++)
    add_entry(fd, i % 32);
  for (uint32_t i = 0;
       i < shapes[_i].filled && shapes[_i].type != BPF_MAP_TYPE_LPM_TRIE; i++)
    add_entry(fd, i);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(fd, &bytes));
  const struct map_sample *sample = read_sample(fd);
  ck_assert(sample->is_measured);
  ck_assert_uint_eq(sample->bytes, bytes);
  close(fd);
}
END_TEST

START_TEST(maps_read__ring_buffer__takes_what_the_kernel_says_if_that_is_true) {
  int fd =
      make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 16 * (uint32_t)getpagesize(), 0);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(fd, &bytes));
  const struct map_sample *sample = read_sample(fd);
  ck_assert_int_eq(sample->is_measured, bytes != 0);
  ck_assert_uint_eq(sample->bytes, bytes);
  close(fd);
}
END_TEST

START_TEST(maps_read__inner_map__is_used_by_the_outer_one) {
  int inner = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);
  LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)inner);
  int outer =
      bpf_map_create(BPF_MAP_TYPE_HASH_OF_MAPS, "live_outer", 4, 4, 10, &opts);
  uint32_t key = 1;
  ck_assert(read_sample(inner)->is_unused);
  ck_assert_int_eq(bpf_map_update_elem(outer, &key, &inner, BPF_ANY), 0);
  ck_assert(!read_sample(inner)->is_unused);
  ck_assert(read_sample(outer)->is_unused);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(outer, &bytes));
  ck_assert_uint_eq(read_sample(outer)->bytes, bytes);
  close(outer);
  close(inner);
}
END_TEST

/* The kernel lets go of a program later than its last descriptor. */
static void await_unused(int fd) {
  ck_assert(progs_wait_unloaded());
  for (int i = 0; i < 3000 && !read_sample(fd)->is_unused; i++)
    usleep(10000);
  ck_assert(read_sample(fd)->is_unused);
}

START_TEST(maps_read__program_gone__its_map_is_unused_while_somebody_holds_it) {
  int fd = make_map(BPF_MAP_TYPE_HASH, 4, 8, 10, 0);
  ck_assert(read_sample(fd)->is_unused);
  int prog_fd = load_user("live_user", fd, false);
  ck_assert(!read_sample(fd)->is_unused);
  int other_fd = dup(fd);
  ck_assert(!read_sample(fd)->is_unused);
  close(other_fd);
  close(prog_fd);
  await_unused(fd);
  close(fd);
}
END_TEST

START_TEST(maps_read__program__uses_its_maps) {
  int fd = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
  int prog_fd = load_user("live_user", fd, false);
  const uint32_t prog = prog_id(prog_fd);
  size_t found = 0;
  read_sample(fd);
  for (size_t i = 0; i < snapshot.uses_num; i++)
    if (snapshot.uses[i].prog_id == prog) {
      ck_assert_uint_eq(snapshot.uses[i].map_id, map_id(fd));
      found++;
    }
  ck_assert_uint_eq(found, 1);
  close(prog_fd);
  close(fd);
}
END_TEST

static const char payer_group[] = "/sys/fs/cgroup/live_payer";

static bool write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool is_written =
      fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
  if (fd >= 0)
    close(fd);
  return is_written;
}

/* Where the memory controller is in the unified hierarchy. */
static bool make_payer_group(void) {
  return write_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory") &&
         (mkdir(payer_group, 0755) == 0 || errno == EEXIST);
}

START_TEST(maps_read__made_in_a_control_group__that_pays) {
  int before = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
  ck_assert(write_text("/sys/fs/cgroup/live_payer/cgroup.procs", "0"));
  int fd = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
  const struct map_sample *sample = read_sample(fd);
  ck_assert_ptr_nonnull(sample->owner);
  ck_assert_str_eq(sample->owner, "live_payer");
  sample = find(map_id(before));
  ck_assert(sample->owner == NULL || strcmp(sample->owner, "live_payer") != 0);
  close(before);
  close(fd);
}
END_TEST

static const struct {
  enum bpf_map_type type;
  uint32_t flags;
} counted[] = {
    {BPF_MAP_TYPE_HASH, 0},
    {BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_PERCPU_HASH, 0},
    {BPF_MAP_TYPE_PERCPU_HASH, BPF_F_NO_PREALLOC},
    {BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC},
};

static void check_entries(int fd, uint64_t entries) {
  const struct map_sample *sample = read_sample(fd);
  ck_assert(sample->has_fill);
  ck_assert_uint_eq(sample->used, entries);
  ck_assert_uint_eq(sample->capacity, 100);
}

START_TEST(maps_read__inserts_and_deletes__are_counted) {
  const bool is_trie = counted[_i].type == BPF_MAP_TYPE_LPM_TRIE;
  int fd = make_map(counted[_i].type, 8, 8, 100, counted[_i].flags);
  if (!is_trie && version < 6006) {
    ck_assert(!read_sample(fd)->has_fill);
    close(fd);
    return;
  }
  check_entries(fd, 0);
  for (uint32_t i = 0; i < 30; i++)
    add_entry(fd, i);
  add_entry(fd, 7); /* once more */
  check_entries(fd, 30);
  const uint32_t key[2] = {7, 7};
  ck_assert_int_eq(bpf_map_delete_elem(fd, key), 0);
  check_entries(fd, 29);
  close(fd);
}
END_TEST

START_TEST(maps_read__full_by_design__has_no_fill) {
  int array = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
  int lru = make_map(BPF_MAP_TYPE_LRU_HASH, 8, 8, 10, 0);
  for (uint32_t i = 0; i < 100; i++)
    add_entry(lru, i);
  ck_assert(!read_sample(array)->has_fill);
  ck_assert(!read_sample(lru)->has_fill);
  close(array);
  close(lru);
}
END_TEST

static int take(void *context, void *data, size_t size) {
  (void)context;
  (void)data;
  (void)size;
  return 0;
}

START_TEST(maps_read__ring_with_an_idle_reader__rises_and_falls) {
  const uint64_t size = (uint64_t)getpagesize();
  int fd = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, (uint32_t)size, 0);
  int prog_fd = load_user("live_writer", fd, true);
  const struct map_sample *sample = read_sample(fd);
  ck_assert(sample->has_fill);
  ck_assert_uint_eq(sample->used, 0);
  ck_assert_uint_eq(sample->capacity, size);
  ck_assert_int_eq(prog_run(prog_fd, 100), 0);
  ck_assert_uint_eq(read_sample(fd)->used, 1600);
  ck_assert_int_eq(prog_run(prog_fd, 100000), 0); /* it is full, no more fits */
  sample = read_sample(fd);
  ck_assert_uint_le(sample->used, size);
  ck_assert_uint_ge(sample->used, size - 16);
  struct ring_buffer *ring = ring_buffer__new(fd, take, NULL, NULL);
  ck_assert_int_gt(ring_buffer__consume(ring), 0);
  ck_assert_uint_eq(read_sample(fd)->used, 0);
  ring_buffer__free(ring);
  close(prog_fd);
  close(fd);
}
END_TEST

/* Its memory is the reader's to write. */
START_TEST(maps_read__position_that_is_forged__has_no_fill) {
  int fd = make_map(BPF_MAP_TYPE_RINGBUF, 0, 0, (uint32_t)getpagesize(), 0);
  unsigned long *consumer_pos = mmap(NULL, (size_t)getpagesize(),
                                     PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ck_assert(consumer_pos != MAP_FAILED);
  *consumer_pos = 12345678;
  ck_assert(!read_sample(fd)->has_fill);
  munmap(consumer_pos, (size_t)getpagesize());
  close(fd);
}
END_TEST

/* The kernel's own numbers of all maps. */
static bool add_up_fdinfo(uint64_t *ret_bytes, size_t *ret_num) {
  *ret_bytes = *ret_num = 0;
  for (uint32_t id = 0; bpf_map_get_next_id(id, &id) == 0;) {
    uint64_t bytes = 0;
    int fd = bpf_map_get_fd_by_id(id);
    if (fd < 0)
      return false;
    const bool is_known = fdinfo_memory(fd, &bytes);
    close(fd);
    if (!is_known)
      return false;
    *ret_bytes += bytes;
    ++*ret_num;
  }
  return true;
}

/* The host may be busy: what is looked for is a moment of rest. */
START_TEST(reader__at_rest__all_maps_take_what_the_kernel_says) {
  struct selector *selector = selector_new();
  struct reader_options options = {
      .source = {.kind = has_iterators ? SOURCE_ITERATOR : SOURCE_SYSCALL},
      .groups = {.selector = selector,
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .maps_every = 1};
  int fds[] = {make_map(BPF_MAP_TYPE_HASH, 4, 8, 10, 0),
               make_map(BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 50, 0),
               make_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 20, 50, 0)};
  struct reader *reader = reader_new(&options);
  const struct reading *reading = NULL;
  bool is_equal = false;
  for (int i = 0; i < 300 && !is_equal; i++) {
    uint64_t before = 0, after = 0;
    size_t before_num = 0, after_num = 0;
    if (i > 0)
      usleep(100000);
    if (!add_up_fdinfo(&before, &before_num))
      continue;
    ck_assert_int_eq(reader_read(reader, &reading), 0);
    ck_assert_msg(reading->maps_error == 0, "%s", reading->maps_reason);
    is_equal = add_up_fdinfo(&after, &after_num) && before == after &&
               before_num == after_num && reading->map_bill->bytes == before &&
               reading->map_bill->maps == before_num;
  }
  ck_assert(is_equal);
  ck_assert_uint_eq(reading->map_bill->unmeasured == 0 || version < 6004, 1);
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
    if (fds[i] >= 0)
      close(fds[i]);
  reader_free(reader);
  selector_free(selector);
}
END_TEST

static void run_pin(const char *dir, const char *option) {
  const char *builddir = getenv("builddir");
  char command[2 * PATH_MAX];
  snprintf(command, sizeof(command),
           "PATH=%s/plugin:$PATH bpf_stats_pin %s --dir %s",
           builddir == NULL ? "." : builddir, option, dir);
  ck_assert_int_eq(system(command), 0);
}

/* Reads by what is pinned, and ends the process: 0 when the map takes BYTES,
 * its program has them to pay, and what is pinned counts as the plugin's own.
 */
static void read_pinned(const char *dir, uint32_t map, uint64_t bytes) {
  char pin[PATH_MAX];
  snprintf(pin, sizeof(pin), "%s/iterator", dir);
  struct reader_options options = {
      .source = {.kind = SOURCE_ITERATOR, .iterator_pin = pin},
      .groups = {.selector = selector_new(),
                 .name_format = {.parts = {GROUP_NAME_NAME}, .parts_num = 1}},
      .maps_every = 1,
      .map_shares = true};
  struct reader *reader = reader_new(&options);
  const struct reading *reading = NULL;
  if (reader_read(reader, &reading) != 0 || reading->maps == NULL) {
    printf("# %s %s\n", reading->reason, reading->maps_reason);
    _exit(1);
  }
  snapshot = *reading->maps;
  const struct map_sample *sample = find(map);
  const bool is_good = sample != NULL && sample->is_measured &&
                       sample->bytes == bytes && !sample->is_unused;
  bool pays = false;
  size_t own = 0;
  for (const struct group *group = reader_next_group(reader, NULL);
       group != NULL; group = reader_next_group(reader, group)) {
    pays |= strcmp(group->name, "live_pays") == 0 && group->map_bytes == bytes;
    if (strcmp(group->name, "bpf_stats") == 0)
      own = group->programs;
  }
  const bool is_own = own >= 1 + OWNER_PROGRAMS_NUM + MAP_PROGRAMS_NUM;
  if (!is_good || !pays || !is_own)
    printf("# map: %d, payer: %d, own programs: %zu\n", is_good, pays, own);
  _exit(!is_good || !pays || !is_own);
}

START_TEST(reader__pinned_and_no_capability__reads_maps) {
  char dir[] = "/sys/fs/bpf/live_XXXXXX";
  ck_assert_ptr_nonnull(mkdtemp(dir));
  chmod("/sys/fs/bpf", 0755);
  chmod(dir, 0755);
  run_pin(dir, "--group 65534");
  int fd = make_map(BPF_MAP_TYPE_HASH, 8, 100, 1000, BPF_F_NO_PREALLOC);
  for (uint32_t i = 0; i < 20; i++)
    add_entry(fd, i);
  int prog_fd = load_user("live_pays", fd, false);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(fd, &bytes));
  const uint32_t id = map_id(fd);
  fflush(stdout);
  pid_t nobody = fork();
  if (nobody == 0) {
    if (syscall(SYS_setgroups, 0, NULL) != 0 || setgid(65534) != 0 ||
        setuid(65534) != 0)
      _exit(3);
    read_pinned(dir, id, bytes);
  }
  int status = 0;
  waitpid(nobody, &status, 0);
  close(prog_fd);
  close(fd);
  run_pin(dir, "--unpin");
  ck_assert_int_ne(access(dir, F_OK), 0); /* nothing was left in it */
  ck_assert_int_eq(status, 0);
}
END_TEST

/* Another map holds them, as a process may not have that many descriptors. */
START_TEST(maps_read__ten_thousand_maps__are_all_there) {
  enum { NUM_MAX = 10000 };
  static uint32_t ids[NUM_MAX];
  const char *fewer = getenv("MAPS_NUM"); /* where the machine is emulated */
  const size_t num = fewer == NULL ? NUM_MAX : strtoul(fewer, NULL, 10);
  ck_assert_uint_le(num, NUM_MAX);
  int first = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
  LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)first);
  int outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "live_outer", 4, 4,
                             (uint32_t)num, &opts);
  ck_assert_int_ge(outer, 0);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(first, &bytes));
  for (uint32_t i = 0; i < num; i++) {
    int fd = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bpf_map_update_elem(outer, &i, &fd, BPF_ANY), 0);
    ids[i] = map_id(fd);
    close(fd);
  }
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  size_t found = 0;
  for (size_t i = 0; i < snapshot.samples_num && found < num; i++) {
    const struct map_sample *sample = &snapshot.samples[i];
    if (sample->id != ids[found])
      continue;
    ck_assert(sample->is_measured && !sample->is_unused);
    ck_assert_uint_eq(sample->bytes, bytes);
    found++;
  }
  ck_assert_uint_eq(found, num);
  close(outer);
  close(first);
}
END_TEST

START_TEST(maps_read__others_come_and_go__are_no_error) {
  int fd = make_map(BPF_MAP_TYPE_HASH, 4, 8, 100, 0);
  uint64_t bytes = 0;
  ck_assert(fdinfo_memory(fd, &bytes));
  pid_t other = fork();
  if (other == 0)
    prctl(PR_SET_PDEATHSIG, SIGKILL);
  while (other == 0) {
    int fds[20];
    for (int i = 0; i < 20; i++)
      fds[i] = make_map(BPF_MAP_TYPE_HASH, 4, 8, 100, 0);
    for (int i = 0; i < 20; i++)
      close(fds[i]);
  }
  for (int i = 0; i < 200; i++) {
    const struct map_sample *sample = read_sample(fd);
    ck_assert_uint_eq(sample->bytes, bytes);
    ck_assert(sample->is_unused);
  }
  kill(other, SIGKILL);
  waitpid(other, NULL, 0);
  close(fd);
}
END_TEST

/* The sysctl, or 0 where the kernel does not show to us where it counts. */
static uint64_t jit_limit(void) {
  uint64_t limit = 0;
  FILE *file =
      popen("grep -q '^0*[1-9a-f].* bpf_jit_current$' /proc/kallsyms &&"
            " cat /proc/sys/net/core/bpf_jit_limit",
            "re");
  ck_assert_ptr_nonnull(file);
  if (fscanf(file, "%" SCNu64, &limit) != 1)
    limit = 0;
  pclose(file);
  return limit;
}

static uint64_t read_jit(void) {
  ck_assert_int_eq(maps_read(maps, &snapshot), 0);
  ck_assert_uint_eq(snapshot.jit_limit, jit_limit());
  return snapshot.jit_bytes;
}

/* What each program takes is rounded up, at most to a page. */
START_TEST(maps_read__jited_code__grows_and_shrinks_with_programs) {
  enum { NUM = 100 };
  int fds[NUM];
  int map_fd = make_map(BPF_MAP_TYPE_ARRAY, 4, 8, 10, 0);
  ck_assert(progs_wait_unloaded());
  const uint64_t before = read_jit();
  uint64_t len = 0;
  for (int i = 0; i < NUM; i++) {
    fds[i] = load_user("live_jited", map_fd, false);
    struct bpf_prog_info info = {0};
    uint32_t info_len = sizeof(info);
    ck_assert_int_eq(bpf_obj_get_info_by_fd(fds[i], &info, &info_len), 0);
    len += info.jited_prog_len;
  }
  const uint64_t grown = read_jit() - before;
  for (int i = 0; i < NUM; i++)
    close(fds[i]);
  close(map_fd);
  if (snapshot.jit_limit == 0) {
    ck_assert_uint_eq(before, 0);
    printf("# the kernel does not show where it counts JITed code\n");
    return;
  }
  ck_assert_uint_gt(len, 0);
  ck_assert_uint_ge(grown, len);
  ck_assert_uint_le(grown, len + (uint64_t)NUM * (uint64_t)getpagesize());
  for (int i = 0; i < 3000 && read_jit() != before; i++)
    usleep(10000);
  ck_assert_uint_eq(read_jit(), before);
}
END_TEST

START_TEST(maps__stopped__leave_no_fd) {
  int before = count_open_fds();
  struct maps *other = maps_new(&(struct maps_options){
      .by_id = !has_iterators, .uses = true, .owners = true});
  ck_assert_int_eq(maps_read(other, &snapshot), 0);
  maps_free(other);
  ck_assert_int_eq(count_open_fds(), before);
}
END_TEST

/* Linux 5.19, and a build with our BPF programs. */
static void find_kernel(void) {
  struct utsname name;
  unsigned major = 0, minor = 0;
  if (uname(&name) == 0)
    sscanf(name.release, "%u.%u", &major, &minor);
  version = 1000 * major + minor;
#ifdef HAVE_BPF_PROGRAMS
  has_iterators = version >= 5019;
#endif
}

/* A place for pins that is ours alone, also on a host that has none. */
static bool has_pins(void) {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
         mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL) == 0;
}

int main(void) {
  if (geteuid() != 0 || !has_pins()) {
    printf("1..0 # SKIP needs root and /sys/fs/bpf\n");
    return 0;
  }
  find_kernel();
  tap_begin();
  Suite *suite = suite_create("maps");
  TCase *tests = tcase_create("maps");
  tcase_add_unchecked_fixture(tests, setup, teardown);
  tcase_add_loop_test(tests, maps_read__shape__takes_what_the_kernel_says, 0,
                      SHAPES_NUM);
  tcase_add_test(
      tests,
      maps_read__ring_buffer__takes_what_the_kernel_says_if_that_is_true);
  tcase_add_test(tests, maps_read__program__uses_its_maps);
  if (has_iterators) {
    tcase_add_test(tests, maps_read__inner_map__is_used_by_the_outer_one);
    tcase_add_test(
        tests,
        maps_read__program_gone__its_map_is_unused_while_somebody_holds_it);
    tcase_add_loop_test(tests, maps_read__inserts_and_deletes__are_counted, 0,
                        sizeof(counted) / sizeof(counted[0]));
    tcase_add_test(tests, maps_read__full_by_design__has_no_fill);
    tcase_add_test(tests, maps_read__ring_with_an_idle_reader__rises_and_falls);
    tcase_add_test(tests, maps_read__position_that_is_forged__has_no_fill);
    tcase_add_test(tests, maps_read__ten_thousand_maps__are_all_there);
    tcase_add_test(tests, maps_read__others_come_and_go__are_no_error);
    tcase_add_test(tests,
                   maps_read__jited_code__grows_and_shrinks_with_programs);
  }
  if (has_iterators && make_payer_group())
    tcase_add_test(tests, maps_read__made_in_a_control_group__that_pays);
  else
    printf("# no iterators, or no control groups with the memory controller\n");
  tcase_add_test(tests, reader__at_rest__all_maps_take_what_the_kernel_says);
  if (has_iterators && version >= 6006)
    tcase_add_test(tests, reader__pinned_and_no_capability__reads_maps);
  tcase_add_test(tests, maps__stopped__leave_no_fd);
  suite_add_tcase(suite, tests);
  return tap_run(srunner_create(suite));
}
