/* SPDX-License-Identifier: MIT */
/* fake_libbpf: the functions of libbpf that the plugin calls. */
#include "fake_libbpf.h"

#include "owner_record.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TYPES_MAX = 8 };

/* libbpf keeps this one opaque. Of a program, or of the kernel: then it has the
 * enum, whose members' names are at the offsets of their indices from 1 on. */
struct btf {
  struct btf_type type;
  struct btf_enum members[TYPES_MAX]; /* where btf_enum() looks for them */
  const char *func_name;
  char names[TYPES_MAX][64];
};

struct fake_libbpf fake_libbpf;

enum { FDS_MAX = 1024 };

/* Which program an open descriptor stands for. */
static struct fake_prog *prog_of_fd[FDS_MAX];

/* The pins of the watch: which map an open descriptor stands for. */
enum map { MAP_NONE, MAP_RING, MAP_OWNERS, MAP_COUNTERS, MAP_PLAIN };
static enum map map_of_fd[FDS_MAX];
static const struct fake_map *plain_of_fd[FDS_MAX];
static unsigned pins_of_fd[FDS_MAX]; /* fake_libbpf.pins_made at its opening */

static bool is_old(int fd) { return pins_of_fd[fd] != fake_libbpf.pins_made; }

/* The program that the plugin loads to run it. */
static struct fake_prog canary;

/* The one that it runs to measure what statistics cost. */
static struct fake_prog measured;

/* What the plugin last turned statistics on with; -1: it is closed. */
static int enabled_fd = -1;

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
  if (fd == enabled_fd)
    enabled_fd = -1;
  return __real_close(fd);
}

bool fake_libbpf_is_held(void) { return enabled_fd >= 0; }

bool fake_libbpf_is_counted(void) {
  return fake_libbpf.sysctl_on || fake_libbpf.statistics_on ||
         fake_libbpf_is_held();
}

void fake_libbpf_reset(void) {
  canary = (struct fake_prog){.name = "canary"};
  measured = (struct fake_prog){.name = "measured"};
  enabled_fd = -1;
  fake_libbpf = (struct fake_libbpf){
      .info_len = sizeof(struct bpf_prog_info),
      .cost_ns = 80,
      .ring_type = BPF_MAP_TYPE_RINGBUF,
      .counters = {.magic = PROG_RECORD_MAGIC, .version = PROG_RECORD_VERSION},
  };
}

struct fake_prog *fake_libbpf_add(uint32_t id, uint64_t load_time_ns,
                                  const char *name, uint64_t run_cnt) {
  struct fake_prog *prog = &fake_libbpf.progs[fake_libbpf.progs_num++];
  *prog = (struct fake_prog){
      .id = id,
      .load_time_ns = load_time_ns,
      .type = BPF_PROG_TYPE_RAW_TRACEPOINT,
      .name = name,
      .run_cnt = run_cnt,
      .run_time_ns = run_cnt * 10,
      .recursion_misses = run_cnt * 2,
  };
  return prog;
}

static int next_id_after(__u32 start_id, __u32 *next_id) {
  if (fake_libbpf.next_id_error != 0 &&
      start_id >= fake_libbpf.next_id_error_from)
    return fake_libbpf.next_id_error;
  for (size_t i = 0; i < fake_libbpf.progs_num; i++)
    if (fake_libbpf.progs[i].id > start_id) {
      *next_id = fake_libbpf.progs[i].id;
      return 0;
    }
  if (fake_libbpf.next_id_repeats != 0) {
    *next_id = fake_libbpf.next_id_repeats;
    return 0;
  }
  return -ENOENT;
}

static void run_in_window(void) {
  if (!fake_libbpf_is_held() || fake_libbpf.window_walks++ != 0)
    return;
  for (size_t i = 0; i < fake_libbpf.progs_num; i++) {
    fake_libbpf.progs[i].run_cnt += fake_libbpf.runs_per_window;
    fake_libbpf.progs[i].run_time_ns += 10 * fake_libbpf.runs_per_window;
    fake_libbpf.progs[i].recursion_misses += fake_libbpf.misses_per_window;
  }
}

int bpf_prog_get_next_id(__u32 start_id, __u32 *next_id) {
  int rc = next_id_after(start_id, next_id);
  if (rc == -ENOENT)
    run_in_window();
  if (rc != 0)
    __atomic_add_fetch(&fake_libbpf.walks, 1, __ATOMIC_RELEASE);
  return rc;
}

/* A call that the plugin does not make: none that a test lets fail. */
static int new_fd(void) {
  int fd = memfd_create("fake", MFD_CLOEXEC);
  if (fd < 0 || fd >= FDS_MAX)
    abort();
  return fd;
}

int bpf_prog_get_fd_by_id(__u32 id) {
  for (size_t i = 0; i < fake_libbpf.progs_num; i++) {
    struct fake_prog *prog = &fake_libbpf.progs[i];
    if (prog->id != id)
      continue;
    if (prog->fd_error != 0)
      return prog->fd_error;
    int fd = new_fd();
    prog_of_fd[fd] = prog;
    map_of_fd[fd] = MAP_NONE;
    return fd;
  }
  return -ENOENT;
}

int bpf_map_get_next_id(__u32 start_id, __u32 *next_id) {
  if (fake_libbpf.map_next_id_error != 0)
    return fake_libbpf.map_next_id_error;
  for (size_t i = 0; i < fake_libbpf.maps_num; i++)
    if (fake_libbpf.maps[i].id > start_id) {
      *next_id = fake_libbpf.maps[i].id;
      return 0;
    }
  return -ENOENT;
}

int bpf_map_get_fd_by_id(__u32 id) {
  for (size_t i = 0; i < fake_libbpf.maps_num; i++) {
    if (fake_libbpf.maps[i].id != id)
      continue;
    if (fake_libbpf.maps[i].fd_error != 0)
      return fake_libbpf.maps[i].fd_error;
    int fd = new_fd();
    map_of_fd[fd] = MAP_PLAIN;
    plain_of_fd[fd] = &fake_libbpf.maps[i];
    return fd;
  }
  return -ENOENT;
}

/* No test has maps made: they are checked against the kernel alone. */
int bpf_map_create(enum bpf_map_type type, const char *name, __u32 key_size,
                   __u32 value_size, __u32 max_entries,
                   const struct bpf_map_create_opts *opts) {
  (void)type;
  (void)name;
  (void)key_size;
  (void)value_size;
  (void)max_entries;
  (void)opts;
  return -EPERM;
}

static void get_map_info(int fd, struct bpf_map_info *ret_info) {
  if (map_of_fd[fd] == MAP_PLAIN) {
    *ret_info = (struct bpf_map_info){.id = plain_of_fd[fd]->id};
    snprintf(ret_info->name, sizeof(ret_info->name), "%s",
             plain_of_fd[fd]->name);
    return;
  }
  *ret_info = (struct bpf_map_info){.type = fake_libbpf.ring_type,
                                    .id = 1 + pins_of_fd[fd]};
  if (map_of_fd[fd] == MAP_COUNTERS)
    *ret_info = (struct bpf_map_info){
        .type = BPF_MAP_TYPE_ARRAY,
        .max_entries = UNLOAD_SHARED_NUM,
        .key_size = 4,
        .value_size = sizeof(union unload_shared),
    };
}

int bpf_obj_get_info_by_fd(int fd, void *ret_info, __u32 *info_len) {
  if (map_of_fd[fd] != MAP_NONE) {
    get_map_info(fd, ret_info);
    return 0;
  }
  struct fake_prog *prog = prog_of_fd[fd];
  if (prog->info_error != 0)
    return prog->info_error;
  if (fake_libbpf.on_read != NULL && prog != &canary && prog != &measured)
    fake_libbpf.on_read(prog);
  struct bpf_prog_info *asked = ret_info;
  struct bpf_prog_info info = {
      .id = prog->id,
      .type = prog->type,
      .tag = {0xde, 0xad, 0xbe, 0xef, 0, 1, 2, 0xff},
      .load_time = prog->load_time_ns,
      .run_cnt = prog->run_cnt,
      .run_time_ns = prog->run_time_ns,
      .recursion_misses = prog->recursion_misses,
      .jited_prog_len = fake_libbpf.jited_len,
      .created_by_uid = prog->uid,
      .func_info_rec_size = sizeof(struct bpf_func_info),
  };
  if (prog->tag_byte != 0)
    info.tag[0] = prog->tag_byte;
  snprintf(info.name, sizeof(info.name), "%s", prog->name);
  if (prog->full_name != NULL) {
    info.btf_id = prog->btf_id;
    info.nr_func_info = 2; /* a main function and one more */
    if (asked->nr_func_info > 0) {
      /* The kernel insists on the record size. */
      if (asked->func_info_rec_size != sizeof(struct bpf_func_info))
        return -EINVAL;
      fake_libbpf.func_info_calls++;
      *(struct bpf_func_info *)(uintptr_t)asked->func_info =
          (struct bpf_func_info){.type_id = 1};
    }
  }
  if (*info_len > fake_libbpf.info_len)
    *info_len = fake_libbpf.info_len;
  memcpy(ret_info, &info, *info_len);
  return 0;
}

struct btf *btf__load_from_kernel_by_id(__u32 id) {
  fake_libbpf.btf_loads++;
  if (fake_libbpf.btf_error != 0) {
    errno = -fake_libbpf.btf_error;
    return NULL;
  }
  struct btf *btf = calloc(1, sizeof(*btf));
  if (btf == NULL)
    return NULL;
  for (size_t i = 0; i < fake_libbpf.progs_num; i++)
    if (fake_libbpf.progs[i].full_name != NULL &&
        fake_libbpf.progs[i].btf_id == id)
      btf->func_name = fake_libbpf.progs[i].full_name;
  fake_libbpf.btfs_held++;
  return btf;
}

void btf__free(struct btf *btf) {
  if (btf != NULL)
    fake_libbpf.btfs_held--;
  free(btf);
}

const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id) {
  return id == 1 ? &btf->type : NULL;
}

const char *btf__name_by_offset(const struct btf *btf, __u32 offset) {
  if (offset > 0 && offset <= TYPES_MAX)
    return btf->names[offset - 1];
  return offset == 0 ? btf->func_name : NULL;
}

/* The kernel's. */
struct btf *btf__parse_raw(const char *path) {
  if (strcmp(path, "/sys/kernel/btf/vmlinux") != 0)
    abort();
  fake_libbpf.kernel_btf_loads++;
  if (fake_libbpf.kernel_types == NULL || fake_libbpf.btf_error != 0) {
    errno = fake_libbpf.btf_error != 0 ? -fake_libbpf.btf_error : ENOENT;
    return NULL;
  }
  struct btf *btf = calloc(1, sizeof(*btf));
  if (btf == NULL)
    return NULL;
  const char *next = fake_libbpf.kernel_types;
  int len = 0;
  unsigned num = 0;
  for (; num < TYPES_MAX && sscanf(next, "%d %63s%n", &btf->members[num].val,
                                   btf->names[num], &len) == 2;
       next += len, num++)
    btf->members[num].name_off = num + 1;
  btf->type.info = (unsigned)BTF_KIND_ENUM << 24 | num;
  fake_libbpf.btfs_held++;
  return btf;
}

__s32 btf__find_by_name_kind(const struct btf *btf, const char *name,
                             __u32 kind) {
  return strcmp(name, "bpf_prog_type") == 0 && kind == BTF_KIND_ENUM &&
                 btf_kind(&btf->type) == kind
             ? 1
             : -ENOENT;
}

const char *libbpf_bpf_prog_type_str(enum bpf_prog_type type) {
  static const char *const names[] = {
      "unspec",    "socket_filter", "kprobe", "sched_cls",
      "sched_act", "tracepoint",    "xdp",    [17] = "raw_tracepoint"};
  return type < sizeof(names) / sizeof(names[0]) ? names[type] : NULL;
}

libbpf_print_fn_t libbpf_set_print(libbpf_print_fn_t fn) {
  (void)fn;
  return NULL;
}

int libbpf_num_possible_cpus(void) { return 1; }

/* The iterator cannot be loaded here. */
int bpf_object__open_skeleton(struct bpf_object_skeleton *skeleton,
                              const struct bpf_object_open_opts *opts) {
  (void)skeleton;
  (void)opts;
  errno = EPERM;
  return -EPERM;
}

int bpf_object__load_skeleton(struct bpf_object_skeleton *skeleton) {
  (void)skeleton;
  return -EPERM;
}

int bpf_object__attach_skeleton(struct bpf_object_skeleton *skeleton) {
  (void)skeleton;
  return -EPERM;
}

void bpf_object__detach_skeleton(struct bpf_object_skeleton *skeleton) {
  (void)skeleton;
}

void bpf_object__destroy_skeleton(struct bpf_object_skeleton *skeleton) {
  if (skeleton == NULL)
    return;
  free(skeleton->maps);
  free(skeleton->progs);
  free(skeleton);
}

int bpf_link__fd(const struct bpf_link *link) {
  (void)link;
  return -EBADF;
}

int bpf_program__fd(const struct bpf_program *program) {
  (void)program;
  return -EBADF;
}

void bpf_program__unload(struct bpf_program *program) { (void)program; }

int bpf_iter_create(int link_fd) {
  (void)link_fd;
  return -EBADF;
}

int bpf_obj_pin(int fd, const char *path) {
  (void)fd;
  (void)path;
  return -EBADF;
}

/* Newer versions write into the options how long the log would be. */
#if LIBBPF_MAJOR_VERSION > 1 || LIBBPF_MINOR_VERSION > 1
typedef struct bpf_prog_load_opts load_opts;
#else
typedef const struct bpf_prog_load_opts load_opts;
#endif

int bpf_prog_load(enum bpf_prog_type type, const char *name,
                  const char *license, const struct bpf_insn *insns,
                  size_t insns_num, load_opts *opts) {
  (void)name;
  (void)license;
  (void)insns;
  (void)insns_num;
  (void)opts;
  if (fake_libbpf.load_error != 0)
    return fake_libbpf.load_error;
  int fd = new_fd();
  prog_of_fd[fd] = type == BPF_PROG_TYPE_SOCKET_FILTER ? &measured : &canary;
  map_of_fd[fd] = MAP_NONE;
  return fd;
}

int bpf_prog_test_run_opts(int prog_fd, struct bpf_test_run_opts *opts) {
  struct fake_prog *prog = prog_of_fd[prog_fd];
  const bool counted = fake_libbpf_is_counted();
  if (fake_libbpf.on_read != NULL && prog == &canary)
    fake_libbpf.on_read(NULL);
  if (counted)
    prog->run_cnt += prog == &measured ? (uint64_t)opts->repeat : 1;
  opts->duration = 20 + (counted ? fake_libbpf.cost_ns : 0);
  return 0;
}

int bpf_enable_stats(enum bpf_stats_type type) {
  if (type != BPF_STATS_RUN_TIME)
    return -EINVAL;
  if (fake_libbpf.enable_stats_error != 0)
    return fake_libbpf.enable_stats_error;
  fake_libbpf.enabled_num++;
  fake_libbpf.window_walks = 0;
  enabled_fd = new_fd();
  return enabled_fd;
}

static void write_all(int fd, const void *data, size_t size) {
  if (write(fd, data, size) != (ssize_t)size)
    abort();
}

static void write_record(int fd, const struct fake_prog *prog) {
  struct prog_record record = {
      .magic = PROG_RECORD_MAGIC,
      .version = PROG_RECORD_VERSION,
      .flags = prog->info_error != 0 ? PROG_RECORD_UNREADABLE : 0,
      .id = prog->id,
      .uid = prog->uid,
      .type = (uint16_t)prog->type,
      .load_time_ns = prog->load_time_ns,
      .cnt = prog->run_cnt,
      .nsecs = prog->run_time_ns,
      .misses = prog->recursion_misses,
      .pages = 1,
  };
  size_t len = strlen(prog->name);
  memcpy(record.short_name, prog->name,
         len < sizeof(record.short_name) ? len : sizeof(record.short_name) - 1);
  if (prog->full_name != NULL)
    record.name_size = (uint16_t)(strlen(prog->full_name) + 1);
  write_all(fd, &record, sizeof(record));
  if (prog->full_name != NULL)
    write_all(fd, prog->full_name, record.name_size);
}

static void rewind_fd(int fd) {
  if (lseek(fd, 0, SEEK_SET) != 0)
    abort();
}

int fake_libbpf_open_maps(void) {
  int fd = new_fd();
  struct map_record record = {
      .head = {.magic = MAP_RECORD_MAGIC, .version = PROG_RECORD_VERSION}};
  for (size_t i = 0; i < fake_libbpf.maps_num; i++) {
    const struct fake_map *map = &fake_libbpf.maps[i];
    record.id = map->id;
    record.head.flags = map->flags;
    record.bytes = map->bytes;
    record.used = map->used;
    record.capacity = map->capacity;
    memset(record.name, 0, sizeof(record.name));
    memcpy(record.name, map->name, strnlen(map->name, sizeof(record.name)));
    write_all(fd, &record, sizeof(record));
  }
  record.head.flags = MAP_RECORD_END;
  write_all(fd, &record, sizeof(record));
  rewind_fd(fd);
  return fd;
}

int fake_libbpf_open_uses(void) {
  int fd = new_fd();
  struct map_use_record record = {
      .head = {.magic = MAP_USE_MAGIC, .version = PROG_RECORD_VERSION}};
  for (size_t i = 0; i < fake_libbpf.uses_num; i++) {
    record.prog_id = fake_libbpf.uses[i].prog_id;
    record.map_id = fake_libbpf.uses[i].map_id;
    write_all(fd, &record, sizeof(record));
  }
  record.head.flags = MAP_RECORD_END;
  write_all(fd, &record, sizeof(record));
  rewind_fd(fd);
  return fd;
}

int fake_libbpf_open_payers(void) {
  int fd = new_fd();
  struct owner_record record = {.magic = OWNER_RECORD_MAGIC,
                                .version = PROG_RECORD_VERSION};
  for (size_t i = 0; i < fake_libbpf.maps_num; i++) {
    const struct fake_map *map = &fake_libbpf.maps[i];
    if (map->payer == NULL)
      continue;
    record.id = map->id;
    write_all(fd, &record, sizeof(record));
    write_all(fd, map->payer, strlen(map->payer) + 1);
    write_all(fd, "", 1);
  }
  record.flags = OWNER_RECORD_END;
  write_all(fd, &record, sizeof(record));
  rewind_fd(fd);
  return fd;
}

int fake_libbpf_open_iterator(void) {
  int fd = new_fd();
  struct prog_record end = {.magic = PROG_RECORD_MAGIC,
                            .version = PROG_RECORD_VERSION,
                            .flags = PROG_RECORD_END};
  struct fake_prog *own = NULL;
  for (size_t i = 0; i < fake_libbpf.progs_num; i++) {
    struct fake_prog *prog = &fake_libbpf.progs[i];
    if (fake_libbpf.on_read != NULL)
      fake_libbpf.on_read(prog);
    if (prog->id == fake_libbpf.iterator_id)
      own = prog;
    write_record(fd, prog);
    if (own != NULL && fake_libbpf_is_counted())
      own->run_cnt++;
  }
  if (own != NULL) {
    end.id = own->id;
    end.cnt = own->run_cnt;
  }
  write_all(fd, &end, sizeof(end));
  rewind_fd(fd);
  return fd;
}

static int open_map(enum map map) {
  int fd = new_fd();
  map_of_fd[fd] = map;
  pins_of_fd[fd] = fake_libbpf.pins_made;
  return fd;
}

int bpf_obj_get_opts(const char *path, const struct bpf_obj_get_opts *opts) {
  (void)opts;
  enum map map = strstr(path, "unload_ring") != NULL  ? MAP_RING
                 : strstr(path, "owner_ring") != NULL ? MAP_OWNERS
                                                      : MAP_COUNTERS;
  return fake_libbpf.has_pins ? open_map(map) : -ENOENT;
}

int bpf_obj_get(const char *path) { return bpf_obj_get_opts(path, NULL); }

int bpf_map_lookup_elem(int fd, const void *key, void *ret_value) {
  if (map_of_fd[fd] != MAP_COUNTERS)
    return -EINVAL;
  union unload_shared *shared = ret_value;
  if (*(const uint32_t *)key == UNLOAD_SHARED_PROGRAMS)
    memcpy(shared->prog_ids, fake_libbpf.watch_ids, sizeof(shared->prog_ids));
  else
    shared->counters =
        is_old(fd) ? fake_libbpf.old_counters : fake_libbpf.counters;
  return 0;
}

int bpf_map_update_elem(int fd, const void *key, const void *value,
                        __u64 flags) {
  (void)fd;
  (void)key;
  (void)value;
  (void)flags;
  return -EPERM;
}

int bpf_map__set_max_entries(struct bpf_map *map, __u32 max_entries) {
  (void)map;
  (void)max_entries;
  return 0;
}

int bpf_map__set_autocreate(struct bpf_map *map, bool autocreate) {
  (void)map;
  (void)autocreate;
  return 0;
}

int bpf_program__set_autoload(struct bpf_program *program, bool autoload) {
  (void)program;
  (void)autoload;
  return 0;
}

int bpf_map__reuse_fd(struct bpf_map *map, int fd) {
  (void)map;
  (void)fd;
  return -EPERM;
}

int bpf_map__fd(const struct bpf_map *map) {
  (void)map;
  return -EBADF;
}

/* libbpf keeps this one opaque. */
struct ring_buffer {
  ring_buffer_sample_fn take;
  void *context;
  unsigned pins;
  bool is_owners;
};

struct ring_buffer *ring_buffer__new(int map_fd, ring_buffer_sample_fn take,
                                     void *context,
                                     const struct ring_buffer_opts *opts) {
  (void)opts;
  if (fake_libbpf.ring_error != 0) {
    errno = fake_libbpf.ring_error;
    return NULL;
  }
  struct ring_buffer *ring = malloc(sizeof(*ring));
  if (ring == NULL)
    return NULL;
  *ring = (struct ring_buffer){.take = take,
                               .context = context,
                               .pins = pins_of_fd[map_fd],
                               .is_owners = map_of_fd[map_fd] == MAP_OWNERS};
  return ring;
}

int ring_buffer__consume(struct ring_buffer *ring) {
  const bool old = ring->pins != fake_libbpf.pins_made;
  if (ring->is_owners) {
    for (size_t i = 0; i < fake_libbpf.owner_ring_num; i++)
      ring->take(ring->context, fake_libbpf.owner_ring[i].bytes,
                 fake_libbpf.owner_ring[i].size);
    fake_libbpf.owner_ring_num = 0;
    return 0;
  }
  if (fake_libbpf.ring_is_held)
    return 0;
  struct fake_ring_record *records =
      old ? fake_libbpf.old_ring : fake_libbpf.ring;
  size_t *num = old ? &fake_libbpf.old_ring_num : &fake_libbpf.ring_num;
  for (size_t i = 0; i < *num; i++)
    ring->take(ring->context, records[i].bytes, records[i].size);
  *num = 0;
  return 0;
}

void fake_libbpf_pin_anew(void) {
  fake_libbpf.pins_made++;
  memcpy(fake_libbpf.old_ring, fake_libbpf.ring, sizeof(fake_libbpf.ring));
  fake_libbpf.old_ring_num = fake_libbpf.ring_num;
  fake_libbpf.ring_num = 0;
  fake_libbpf.old_counters = fake_libbpf.counters;
  fake_libbpf.counters = (struct unload_counters){
      .magic = PROG_RECORD_MAGIC, .version = PROG_RECORD_VERSION};
}

void ring_buffer__free(struct ring_buffer *ring) { free(ring); }

struct fake_ring_record *fake_libbpf_unload(uint32_t id, uint64_t load_time_ns,
                                            const char *name, uint64_t cnt) {
  struct fake_ring_record *ret = &fake_libbpf.ring[fake_libbpf.ring_num++];
  struct prog_record record = {
      .magic = PROG_RECORD_MAGIC,
      .version = PROG_RECORD_VERSION,
      .id = id,
      .type = BPF_PROG_TYPE_RAW_TRACEPOINT,
      .load_time_ns = load_time_ns,
      .cnt = cnt,
      .nsecs = cnt * 10,
      .misses = cnt * 2,
  };
  size_t len = strlen(name);
  snprintf(record.short_name, sizeof(record.short_name), "%s", name);
  if (len >= sizeof(record.short_name))
    record.name_size = (uint16_t)(len + 1);
  memcpy(ret->bytes, &record, sizeof(record));
  memcpy(ret->bytes + sizeof(record), name, len + 1);
  ret->size = sizeof(record) + record.name_size;
  fake_libbpf.counters.unloads++;
  return ret;
}
