/* SPDX-License-Identifier: MIT */
/* exporter: holds a descriptor of each BPF program that was there a second ago,
 * as some exporters do, and so is there when whoever loaded it has gone. It has
 * loaded none. Those with which libbpf tries the kernel are gone by then. */
#include <bpf/bpf.h>

#include <unistd.h>

int main(void) {
  __u32 newest = 0;
  for (__u32 id = 0;; sleep(1)) {
    while (id < newest && bpf_prog_get_next_id(id, &id) == 0 && id <= newest)
      bpf_prog_get_fd_by_id(id);
    id = newest;
    while (bpf_prog_get_next_id(newest, &newest) == 0)
      ;
  }
}
