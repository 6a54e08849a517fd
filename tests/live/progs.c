/* SPDX-License-Identifier: MIT */
/* progs: real BPF programs for the tests, the demo and the bench. */
#include "progs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <linux/perf_event.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define INSN(code_, dst_, src_, off_, imm_)                                    \
  ((struct bpf_insn){.code = (code_),                                          \
                     .dst_reg = (dst_),                                        \
                     .src_reg = (src_),                                        \
                     .off = (off_),                                            \
                     .imm = (imm_)})
#define MOV_IMM(dst, imm) INSN(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm)
#define MOV_REG(dst, src) INSN(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0)
#define ADD_IMM(dst, imm) INSN(BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm)
#define STORE_IMM(dst, off, imm)                                               \
  INSN(BPF_ST | BPF_W | BPF_MEM, dst, 0, off, imm)
#define CALL(func) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, func)
#define EXIT() INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* XDP_PASS and TC_ACT_SHOT are 2; a socket filter then keeps two bytes. The
 * verifier allows the other types 0 or 1 alone. */
static int return_value(enum bpf_prog_type type) {
  return type == BPF_PROG_TYPE_CGROUP_SKB ? 1
         : type == BPF_PROG_TYPE_XDP      ? XDP_PASS
                                          : 0;
}

static size_t write_insns(enum bpf_prog_type type, enum prog_body body,
                          struct bpf_insn *insns) {
  size_t num = 0;
  if (body == PROG_PRINTS) {
    /* bpf_trace_printk("x", 2) */
    insns[num++] = STORE_IMM(BPF_REG_10, -8, 'x');
    insns[num++] = MOV_REG(BPF_REG_1, BPF_REG_10);
    insns[num++] = ADD_IMM(BPF_REG_1, -8);
    insns[num++] = MOV_IMM(BPF_REG_2, 2);
    insns[num++] = CALL(BPF_FUNC_trace_printk);
  }
  insns[num++] = MOV_IMM(BPF_REG_0, return_value(type));
  insns[num++] = EXIT();
  return num;
}

/* Loads BTF that knows one function, int NAME(struct xdp_md *), and sets
 * *RET_TYPE_ID to it. Returns an fd or -errno. */
static int load_func_btf(const char *name, uint32_t *ret_type_id) {
  struct btf *btf = btf__new_empty();
  if (btf == NULL)
    return -errno;
  int int_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
  int ptr_id = btf__add_ptr(btf, btf__add_struct(btf, "xdp_md", 0));
  int proto_id = btf__add_func_proto(btf, int_id);
  int rc = btf__add_func_param(btf, "ctx", ptr_id);
  int func_id = btf__add_func(btf, name, BTF_FUNC_GLOBAL, proto_id);
  uint32_t size = 0;
  const void *data = btf__raw_data(btf, &size);
  if (rc < 0 || func_id < 0 || data == NULL) {
    btf__free(btf);
    return -ENOMEM;
  }
  int fd = bpf_btf_load(data, size, NULL);
  btf__free(btf);
  *ret_type_id = (uint32_t)func_id;
  return fd;
}

int prog_load(enum bpf_prog_type type, const char *name, enum prog_body body) {
  struct bpf_insn insns[16];
  size_t insns_num = write_insns(type, body, insns);
  LIBBPF_OPTS(bpf_prog_load_opts, opts);
  struct bpf_func_info func_info = {0};
  char short_name[BPF_OBJ_NAME_LEN] = "";
  int btf_fd = -1;
  if (name != NULL)
    snprintf(short_name, sizeof(short_name), "%s", name);
  if (name != NULL && strlen(name) >= BPF_OBJ_NAME_LEN) {
    btf_fd = load_func_btf(name, &func_info.type_id);
    if (btf_fd < 0)
      return btf_fd;
    opts.prog_btf_fd = (uint32_t)btf_fd;
    opts.func_info = &func_info;
    opts.func_info_cnt = 1;
    opts.func_info_rec_size = sizeof(func_info);
  }
  if (type == BPF_PROG_TYPE_CGROUP_SKB)
    opts.expected_attach_type = BPF_CGROUP_INET_INGRESS;
  if (type == PROG_TYPE_NETFILTER)
    opts.expected_attach_type = (enum bpf_attach_type)45; /* BPF_NETFILTER */
  int fd = bpf_prog_load(type, name == NULL ? NULL : short_name, "Dual MIT/GPL",
                         insns, insns_num, &opts);
  if (btf_fd >= 0)
    close(btf_fd);
  return fd;
}

int prog_load_slow(const char *name, unsigned clock_reads) {
  enum { READS_MAX = 200 };
  struct bpf_insn insns[READS_MAX + 2];
  size_t num = 0;
  while (num < clock_reads && num < READS_MAX)
    insns[num++] = CALL(BPF_FUNC_ktime_get_ns);
  insns[num++] = MOV_IMM(BPF_REG_0, XDP_PASS);
  insns[num++] = EXIT();
  return bpf_prog_load(BPF_PROG_TYPE_XDP, name, "Dual MIT/GPL", insns, num,
                       NULL);
}

int prog_load_with_map(const char *name) {
  int map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "owned", 4, 4, 1, NULL);
  if (map_fd < 0)
    return map_fd;
  const struct bpf_insn insns[] = {
      INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
      INSN(0, 0, 0, 0, 0), /* the second half of the address */
      MOV_IMM(BPF_REG_0, 0),
      EXIT(),
  };
  int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, name, "Dual MIT/GPL",
                         insns, sizeof(insns) / sizeof(insns[0]), NULL);
  close(map_fd);
  return fd;
}

int prog_run(int prog_fd, uint32_t runs) {
  uint8_t packet[64] = {[12] = 8}; /* of ethertype IPv4 */
  uint8_t packet_out[64];
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
              .data_size_in = sizeof(packet), .data_out = packet_out,
              .data_size_out = sizeof(packet_out), .repeat = (int)runs);
  /* Zero would mean once. */
  return runs == 0 ? 0 : bpf_prog_test_run_opts(prog_fd, &opts);
}

/* Of those that are -1 there is none. */
static void close_all(const int *fds, size_t num) {
  for (size_t i = 0; i < num; i++)
    if (fds[i] >= 0)
      close(fds[i]);
}

int recursion_start(struct recursion *recursion, const char *name,
                    const char *feeder_name, enum prog_body body) {
  *recursion = (struct recursion){-1, -1, -1};
  recursion->feeder_fd =
      prog_load(BPF_PROG_TYPE_SOCKET_FILTER, feeder_name, PROG_PRINTS);
  recursion->prog_fd = prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, name, body);
  int rc = recursion->feeder_fd < 0 ? recursion->feeder_fd : recursion->prog_fd;
  if (rc >= 0) {
    recursion->link_fd =
        bpf_raw_tracepoint_open("bpf_trace_printk", recursion->prog_fd);
    rc = recursion->link_fd;
  }
  if (rc < 0) {
    recursion_stop(recursion);
    return rc;
  }
  return 0;
}

int recursion_run(const struct recursion *recursion, uint32_t runs) {
  return prog_run(recursion->feeder_fd, runs);
}

void recursion_stop(struct recursion *recursion) {
  int fds[] = {recursion->link_fd, recursion->prog_fd, recursion->feeder_fd};
  close_all(fds, sizeof(fds) / sizeof(fds[0]));
  *recursion = (struct recursion){-1, -1, -1};
}

/* Deletes so many times from a map that is empty. */
static int delete_from(int map_fd, uint32_t times) {
  uint32_t key = 0;
  for (uint32_t i = 0; i < times; i++) {
    int rc = bpf_map_delete_elem(map_fd, &key);
    if (rc != 0 && rc != -ENOENT)
      return rc;
  }
  return 0;
}

int fentry_recursion_start(struct fentry_recursion *recursion,
                           const char *name) {
  *recursion = (struct fentry_recursion){-1, -1, -1};
  recursion->map_fd =
      bpf_map_create(BPF_MAP_TYPE_HASH, "recursion", 4, 4, 1, NULL);
  int btf_id =
      libbpf_find_vmlinux_btf_id("htab_map_delete_elem", BPF_TRACE_FENTRY);
  if (recursion->map_fd < 0 || btf_id < 0) {
    fentry_recursion_stop(recursion);
    return btf_id < 0 ? btf_id : -ENOMEM;
  }
  const struct bpf_insn insns[] = {
      /* bpf_map_delete_elem(&map, &(int){0}) */
      STORE_IMM(BPF_REG_10, -4, 0),
      MOV_REG(BPF_REG_2, BPF_REG_10),
      ADD_IMM(BPF_REG_2, -4),
      INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0,
           recursion->map_fd),
      INSN(0, 0, 0, 0, 0), /* the second half of the address */
      CALL(BPF_FUNC_map_delete_elem),
      MOV_IMM(BPF_REG_0, 0),
      EXIT(),
  };
  LIBBPF_OPTS(bpf_prog_load_opts, opts,
              .expected_attach_type = BPF_TRACE_FENTRY,
              .attach_btf_id = (uint32_t)btf_id);
  int rc = recursion->prog_fd =
      bpf_prog_load(BPF_PROG_TYPE_TRACING, name, "Dual MIT/GPL", insns,
                    sizeof(insns) / sizeof(insns[0]), &opts);
  if (rc >= 0)
    rc = recursion->link_fd = bpf_raw_tracepoint_open(NULL, recursion->prog_fd);
  if (rc < 0)
    fentry_recursion_stop(recursion);
  return rc < 0 ? rc : 0;
}

int fentry_recursion_run(const struct fentry_recursion *recursion,
                         uint32_t runs) {
  return delete_from(recursion->map_fd, runs);
}

void fentry_recursion_stop(struct fentry_recursion *recursion) {
  int fds[] = {recursion->link_fd, recursion->prog_fd, recursion->map_fd};
  close_all(fds, sizeof(fds) / sizeof(fds[0]));
  *recursion = (struct fentry_recursion){-1, -1, -1};
}

/* The entry of a function that test runs of a socket filter call, and of one
 * that bpf(2) calls while no program of these kinds may run on the CPU. */
static const char run_func[] = "bpf_prog_test_run_skb";
static const char skip_func[] = "htab_map_delete_elem";

static long read_number(const char *path) {
  long number = -1;
  FILE *file = fopen(path, "r");
  if (file == NULL)
    return -1;
  if (fscanf(file, "%ld", &number) != 1)
    number = -1;
  fclose(file);
  return number;
}

/* Attaches the program to the perf event on all CPUs. Returns an fd or -errno.
 */
static int attach(int prog_fd, struct perf_event_attr *attr) {
  attr->size = sizeof(*attr);
  attr->sample_period = 1;
  int fd =
      (int)syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
  if (fd < 0)
    return -errno;
  if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) == 0 &&
      ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) == 0)
    return fd;
  const int error = errno;
  close(fd);
  return -error;
}

static int attach_kprobe(int prog_fd, const char *func) {
  struct perf_event_attr attr = {
      .type =
          (uint32_t)read_number("/sys/bus/event_source/devices/kprobe/type"),
      .kprobe_func = (uint64_t)(uintptr_t)func};
  return attach(prog_fd, &attr);
}

static int attach_tracepoint(int prog_fd) {
  struct perf_event_attr attr = {
      .type = PERF_TYPE_TRACEPOINT,
      .config = (uint64_t)read_number(
          "/sys/kernel/tracing/events/bpf_trace/bpf_trace_printk/id")};
  return attach(prog_fd, &attr);
}

static int load_multi(void) {
  struct bpf_insn insns[16];
  LIBBPF_OPTS(bpf_prog_load_opts, opts,
              .expected_attach_type = BPF_TRACE_KPROBE_MULTI);
  return bpf_prog_load(
      BPF_PROG_TYPE_KPROBE, "probe_multi", "Dual MIT/GPL", insns,
      write_insns(BPF_PROG_TYPE_KPROBE, PROG_RETURNS, insns), &opts);
}

static int attach_multi(int prog_fd) {
  const char *funcs[] = {run_func, skip_func};
  LIBBPF_OPTS(bpf_link_create_opts, opts, .kprobe_multi.cnt = 2,
              .kprobe_multi.syms = funcs);
  return bpf_link_create(prog_fd, 0, BPF_TRACE_KPROBE_MULTI, &opts);
}

static int start_multi(struct probes *probes) {
  int rc = probes->prog_fds[PROBES_MULTI] = load_multi();
  if (rc >= 0)
    rc = probes->link_fds[3] = attach_multi(probes->prog_fds[PROBES_MULTI]);
  return rc;
}

static int start_probes(struct probes *probes) {
  int *progs = probes->prog_fds;
  int *links = probes->link_fds;
  int rc = probes->map_fd =
      bpf_map_create(BPF_MAP_TYPE_HASH, "probes", 4, 4, 1, NULL);
  if (rc >= 0)
    rc = probes->feeder_fd =
        prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "probe_feeder", PROG_RETURNS);
  if (rc >= 0)
    rc = progs[PROBES_TRACEPOINT] =
        prog_load(BPF_PROG_TYPE_TRACEPOINT, "probe_tracepoint", PROG_RETURNS);
  if (rc >= 0)
    rc = progs[PROBES_KPROBE] =
        prog_load(BPF_PROG_TYPE_KPROBE, "probe_kprobe", PROG_PRINTS);
  if (rc >= 0)
    rc = links[0] = attach_tracepoint(progs[PROBES_TRACEPOINT]);
  if (rc >= 0)
    rc = links[1] = attach_kprobe(progs[PROBES_KPROBE], run_func);
  if (rc >= 0)
    rc = links[2] = attach_kprobe(progs[PROBES_KPROBE], skip_func);
  return rc;
}

int probes_start(struct probes *probes, bool has_multi) {
  memset(probes, -1, sizeof(*probes)); /* no fd */
  int rc = start_probes(probes);
  if (rc >= 0 && has_multi)
    rc = start_multi(probes);
  if (rc < 0)
    probes_stop(probes);
  return rc < 0 ? rc : 0;
}

int probes_run(const struct probes *probes, uint32_t runs) {
  int rc = 0;
  for (uint32_t i = 0; i < runs && rc == 0; i++)
    rc = prog_run(probes->feeder_fd, 1);
  return rc;
}

int probes_skip(const struct probes *probes, uint32_t num) {
  return delete_from(probes->map_fd, num);
}

void probes_stop(struct probes *probes) {
  close_all(probes->link_fds, 4);
  close_all(probes->prog_fds, PROBES_NUM);
  close_all(&probes->map_fd, 1);
  close_all(&probes->feeder_fd, 1);
}

static int load_caller(int map_fd) {
  const struct bpf_insn insns[] = {
      /* bpf_tail_call(ctx, &map, 0) */
      INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, BPF_PSEUDO_MAP_FD, 0, map_fd),
      INSN(0, 0, 0, 0, 0), /* the second half of the address */
      MOV_IMM(BPF_REG_3, 0),
      CALL(BPF_FUNC_tail_call),
      MOV_IMM(BPF_REG_0, XDP_ABORTED),
      EXIT(),
  };
  return bpf_prog_load(BPF_PROG_TYPE_XDP, "else_caller", "Dual MIT/GPL", insns,
                       sizeof(insns) / sizeof(insns[0]), NULL);
}

static const char replaced_name[] = "else_replaced_as_a_whole";

/* Only a program with BTF can be replaced, or replace one. */
static int load_replacing(int replaced_fd) {
  struct bpf_insn insns[16];
  struct bpf_func_info func_info = {0};
  int btf_fd = load_func_btf(replaced_name, &func_info.type_id);
  if (btf_fd < 0)
    return btf_fd;
  LIBBPF_OPTS(bpf_prog_load_opts, opts, .attach_prog_fd = (uint32_t)replaced_fd,
              .attach_btf_id = func_info.type_id, /* of equal BTF */
              .prog_btf_fd = (uint32_t)btf_fd, .func_info = &func_info,
              .func_info_cnt = 1, .func_info_rec_size = sizeof(func_info));
  int fd =
      bpf_prog_load(BPF_PROG_TYPE_EXT, "else_replacing", "Dual MIT/GPL", insns,
                    write_insns(BPF_PROG_TYPE_XDP, PROG_RETURNS, insns), &opts);
  close(btf_fd);
  return fd;
}

static int start_elsewhere(struct elsewhere *elsewhere, bool replaces) {
  const uint32_t zero = 0;
  int rc = elsewhere->map_fd =
      bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "elsewhere", 4, 4, 1, NULL);
  if (rc >= 0)
    rc = elsewhere->called_fd =
        prog_load(BPF_PROG_TYPE_XDP, "else_called", PROG_RETURNS);
  if (rc >= 0)
    rc = elsewhere->caller_fd = load_caller(elsewhere->map_fd);
  if (rc >= 0)
    rc = bpf_map_update_elem(elsewhere->map_fd, &zero, &elsewhere->called_fd,
                             BPF_ANY);
  if (rc >= 0)
    rc = elsewhere->replaced_fd =
        prog_load(BPF_PROG_TYPE_XDP, replaced_name, PROG_RETURNS);
  if (rc >= 0 && replaces)
    rc = elsewhere->replacing_fd = load_replacing(elsewhere->replaced_fd);
  if (rc >= 0 && replaces)
    rc = elsewhere->link_fd =
        bpf_raw_tracepoint_open(NULL, elsewhere->replacing_fd);
  return rc;
}

int elsewhere_start(struct elsewhere *elsewhere, bool replaces) {
  *elsewhere = (struct elsewhere){-1, -1, -1, -1, -1, -1};
  int rc = start_elsewhere(elsewhere, replaces);
  if (rc < 0)
    elsewhere_stop(elsewhere);
  return rc < 0 ? rc : 0;
}

void elsewhere_stop(struct elsewhere *elsewhere) {
  const int fds[] = {elsewhere->link_fd,     elsewhere->replacing_fd,
                     elsewhere->replaced_fd, elsewhere->caller_fd,
                     elsewhere->called_fd,   elsewhere->map_fd};
  close_all(fds, sizeof(fds) / sizeof(fds[0]));
}

int other_iterator_load(void) {
  const struct bpf_insn insns[] = {
      /* bpf_seq_write(ctx->meta->seq, "o", 4) */
      INSN(BPF_LDX | BPF_DW | BPF_MEM, BPF_REG_1, BPF_REG_1, 0, 0),
      INSN(BPF_LDX | BPF_DW | BPF_MEM, BPF_REG_1, BPF_REG_1, 0, 0),
      STORE_IMM(BPF_REG_10, -8, 'o'),
      MOV_REG(BPF_REG_2, BPF_REG_10),
      ADD_IMM(BPF_REG_2, -8),
      MOV_IMM(BPF_REG_3, 4),
      CALL(BPF_FUNC_seq_write),
      MOV_IMM(BPF_REG_0, 0),
      EXIT(),
  };
  int btf_id = libbpf_find_vmlinux_btf_id("bpf_prog", BPF_TRACE_ITER);
  if (btf_id < 0)
    return btf_id;
  LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_ITER,
              .attach_btf_id = (uint32_t)btf_id);
  int prog_fd =
      bpf_prog_load(BPF_PROG_TYPE_TRACING, "other_iterator", "Dual MIT/GPL",
                    insns, sizeof(insns) / sizeof(insns[0]), &opts);
  if (prog_fd < 0)
    return prog_fd;
  int link_fd = bpf_link_create(prog_fd, 0, BPF_TRACE_ITER, NULL);
  close(prog_fd);
  return link_fd;
}

uint32_t prog_id(int prog_fd) {
  struct bpf_prog_info info = {0};
  uint32_t info_len = sizeof(info);
  return bpf_obj_get_info_by_fd(prog_fd, &info, &info_len) == 0 ? info.id : 0;
}

/* A program that nobody has cannot be opened, and keeps its id to its end. */
static bool is_unloading(void) {
  uint32_t id = 0;
  while (bpf_prog_get_next_id(id, &id) == 0) {
    int fd = bpf_prog_get_fd_by_id(id);
    uint32_t next;
    if (fd >= 0)
      close(fd);
    else if (bpf_prog_get_next_id(id - 1, &next) == 0 && next == id)
      return true;
  }
  return false;
}

bool progs_wait_unloaded(void) {
  for (int i = 0; i < 6000; i++) {
    if (!is_unloading())
      return true;
    usleep(10000);
  }
  return false;
}
