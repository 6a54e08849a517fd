/* SPDX-License-Identifier: MIT */
/* exporter: holds a descriptor of each BPF program that it has met, and so is
 * there when whoever loaded it has gone. It has loaded none. */
#include <bpf/bpf.h>

#include <unistd.h>

int main(void) {
  for (__u32 id = 0;; usleep(100 * 1000))
    while (bpf_prog_get_next_id(id, &id) == 0)
      bpf_prog_get_fd_by_id(id);
}
