/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* prog_iter: writes a record of every loaded BPF program to its reader. */
#include "cpu_offsets.bpf.h"
#include "fill_record.bpf.h"
#include "kernel_structs.bpf.h"
#include "prog_record.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

enum {
  NAME_CHUNK_SIZE = 256, /* what the stack of a BPF program has room for */
};

struct prog_record_siblings siblings; /* set before it is pinned */

/* Programs with a lower id come without their full names: finding one takes
 * several cache misses, and our reader knows them. It sets this before each
 * walk. In a pinned iterator it is 0, as nobody knows what its readers know. */
__u32 names_from;

/* Reads a part of a name at ADDRESS. Returns its size with the NUL. */
static __always_inline long read_chunk(char *chunk, __u64 address) {
  return bpf_probe_read_kernel_str(chunk, NAME_CHUNK_SIZE, (void *)address);
}

/* Writes the record and the full name, in two parts if need be: it is measured
 * first, as its size stands in the record. */
static __always_inline void
write_named(struct seq_file *seq, struct prog_record *record, __u64 full_name) {
  char chunk[NAME_CHUNK_SIZE];
  const __u64 second = full_name + NAME_CHUNK_SIZE - 1;
  long first_size = read_chunk(chunk, full_name);
  long second_size = 0;
  if (first_size == NAME_CHUNK_SIZE)
    second_size = read_chunk(chunk, second);
  if (first_size <= 0 || second_size < 0) {
    bpf_seq_write(seq, record, sizeof(*record));
    return;
  }
  if (second_size <= 1) { /* it ended with the first */
    record->name_size = first_size;
    bpf_seq_write(seq, record, sizeof(*record));
    if (first_size == NAME_CHUNK_SIZE) /* the second has overwritten it */
      first_size = read_chunk(chunk, full_name);
    if (first_size > 0)
      bpf_seq_write(seq, chunk, first_size);
    return;
  }
  record->name_size = NAME_CHUNK_SIZE - 1 + second_size;
  bpf_seq_write(seq, record, sizeof(*record));
  read_chunk(chunk, full_name);
  bpf_seq_write(seq, chunk, NAME_CHUNK_SIZE - 1);
  second_size = read_chunk(chunk, second);
  if (second_size > 0)
    bpf_seq_write(seq, chunk, second_size);
}

/* What the iterator itself has counted by now. Where the kernel does not show
 * which program it is the id stays 0. */
static __always_inline void fill_own(struct seq_file *seq,
                                     struct prog_record *record) {
  struct bpf_prog *prog = 0;
  struct bpf_prog_aux *aux = 0;
  if (!bpf_core_field_exists(struct bpf_iter_priv_data, target_private))
    return;
  __u64 address =
      (__u64)seq->private +
      bpf_core_field_offset(struct bpf_iter_priv_data, prog) -
      bpf_core_field_offset(struct bpf_iter_priv_data, target_private);
  if (bpf_probe_read_kernel(&prog, sizeof(prog), (void *)address) != 0 ||
      bpf_core_read(&aux, sizeof(aux), &prog->aux) != 0)
    return;
  read_stats(prog, record);
  bpf_core_read(&record->id, sizeof(record->id), &aux->id);
}

SEC("iter/bpf_prog")
int bpf_stats_iter(struct bpf_iter__bpf_prog *ctx) {
  struct seq_file *seq = ctx->meta->seq;
  struct bpf_prog *prog = ctx->prog;
  struct prog_record record = {.magic = PROG_RECORD_MAGIC,
                               .version = PROG_RECORD_VERSION};
  if (prog == 0) {
    record.flags = PROG_RECORD_END;
    fill_own(seq, &record);
    record.siblings = siblings;
    bpf_seq_write(seq, &record, sizeof(record));
    return 0;
  }
  struct bpf_prog_aux *aux = prog->aux;
  fill_record(prog, aux, &record);
  __u64 full_name = record.id < names_from ? 0 : find_full_name(aux, &record);
  if (full_name != 0)
    write_named(seq, &record, full_name);
  else
    bpf_seq_write(seq, &record, sizeof(record));
  return 0;
}

SEC("syscall")
int bpf_stats_cpus(void *ctx) {
  (void)ctx;
  return find_cpu_offsets();
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
