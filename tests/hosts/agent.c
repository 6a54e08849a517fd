/* SPDX-License-Identifier: MIT */
/* agent: loads the BPF programs of a file, attaches all of them, struct_ops
 * too, and holds them until it is killed. */
#include <bpf/libbpf.h>

#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv) {
  struct bpf_object *object = argc == 2 ? bpf_object__open(argv[1]) : NULL;
  if (object == NULL || bpf_object__load(object) != 0)
    return 1;
  struct bpf_program *program;
  bpf_object__for_each_program(program, object) {
    if (bpf_program__type(program) != BPF_PROG_TYPE_STRUCT_OPS &&
        bpf_program__attach(program) == NULL)
      return 1;
  }
  struct bpf_map *map;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
        bpf_map__attach_struct_ops(map) == NULL)
      return 1;
  }
  puts("attached");
  pause();
  return 0;
}
