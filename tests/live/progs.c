/* SPDX-License-Identifier: MIT */
/* progs: real BPF programs for the tests, the demo and the bench. */
#include "progs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
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

/* Loads BTF that knows one function, int NAME(void *), and sets *RET_TYPE_ID to
 * it. Returns an fd or -errno. */
static int load_func_btf(const char *name, uint32_t *ret_type_id) {
  struct btf *btf = btf__new_empty();
  if (btf == NULL)
    return -errno;
  int int_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
  int ptr_id = btf__add_ptr(btf, 0);
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

int prog_run(int prog_fd, uint32_t runs) {
  uint8_t packet[64] = {[12] = 8}; /* of ethertype IPv4 */
  uint8_t packet_out[64];
  LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
              .data_size_in = sizeof(packet), .data_out = packet_out,
              .data_size_out = sizeof(packet_out), .repeat = (int)runs);
  /* Zero would mean once. */
  return runs == 0 ? 0 : bpf_prog_test_run_opts(prog_fd, &opts);
}

int recursion_start(struct recursion *recursion, const char *name,
                    const char *feeder_name) {
  *recursion = (struct recursion){-1, -1, -1};
  recursion->feeder_fd =
      prog_load(BPF_PROG_TYPE_SOCKET_FILTER, feeder_name, PROG_PRINTS);
  recursion->prog_fd =
      prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, name, PROG_PRINTS);
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
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
    if (fds[i] >= 0)
      close(fds[i]);
  *recursion = (struct recursion){-1, -1, -1};
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
  uint32_t key = 0;
  for (uint32_t i = 0; i < runs; i++) {
    int rc = bpf_map_delete_elem(recursion->map_fd, &key);
    if (rc != 0 && rc != -ENOENT) /* it is always empty */
      return rc;
  }
  return 0;
}

void fentry_recursion_stop(struct fentry_recursion *recursion) {
  int fds[] = {recursion->link_fd, recursion->prog_fd, recursion->map_fd};
  for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
    if (fds[i] >= 0)
      close(fds[i]);
  *recursion = (struct fentry_recursion){-1, -1, -1};
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
