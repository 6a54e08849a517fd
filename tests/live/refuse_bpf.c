/* SPDX-License-Identifier: MIT */
/* refuse_bpf: runs a program under a seccomp filter that refuses bpf(2), as a
 * hardened unit or a container does. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char help[] =
    "Usage: refuse_bpf kill|ERRNO all|COMMAND PROGRAM [ARGUMENT...]\n"
    "Runs PROGRAM, whose calls of bpf(2) end it, or fail with ERRNO, a "
    "number.\n"
    "COMMAND is a number of enum bpf_cmd: then only that one fails.\n";

/* Returns the number, or -1 when it is none. */
static long parse(const char *text) {
  char *end = NULL;
  long number = strtol(text, &end, 10);
  return *text == '\0' || *end != '\0' || number < 0 ? -1 : number;
}

static int refuse(unsigned action, unsigned command, bool all) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_bpf, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
               offsetof(struct seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, command, 0, all ? 0 : 1),
      BPF_STMT(BPF_RET | BPF_K, action),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog prog = {
      .len = sizeof(filter) / sizeof(filter[0]),
      .filter = filter,
  };
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) != 0)
    return -errno;
  return 0;
}

int main(int argc, char **argv) {
  const bool kill = argc > 1 && strcmp(argv[1], "kill") == 0;
  const bool all = argc > 2 && strcmp(argv[2], "all") == 0;
  long error = argc > 1 && !kill ? parse(argv[1]) : 0;
  long command = argc > 2 && !all ? parse(argv[2]) : 0;
  if (argc < 4 || error < 0 || command < 0) {
    fputs(help, stderr);
    return 2;
  }
  unsigned action =
      kill ? SECCOMP_RET_KILL_PROCESS
           : SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA);
  int rc = refuse(action, (unsigned)command, all);
  if (rc == 0) {
    execvp(argv[3], argv + 3);
    rc = -errno;
  }
  fprintf(stderr, "refuse_bpf: %s\n", strerror(-rc));
  return 1;
}
