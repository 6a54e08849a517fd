/* SPDX-License-Identifier: MIT */
/* map_stream: takes the streams of map_record.h apart.
 *
 * Everything in them is checked, as in prog_stream. */
#ifndef BPF_STATS_MAP_STREAM_H
#define BPF_STATS_MAP_STREAM_H

#include "map_record.h"

#include <stddef.h>
#include <stdint.h>

/* Takes a record, which is borrowed for the call. Returns 0, or the -errno with
 * which the stream is read no further. */
typedef int (*map_take)(void *context, const void *record);

struct map_stream {
  uint32_t magic;     /* of the records, and */
  size_t record_size; /* bytes */
  size_t begin;
  size_t end;
  unsigned char bytes[32 * 1024] __attribute__((aligned(8)));
};

/* Hands all records of the stream at FD to TAKE, where MAGIC is that of their
 * kind. Returns 0 when it came to the record that marks its end; -ENODATA when
 * that is missing; -EPROTO when this is no record of ours, -ESTALE or
 * -EPROTONOSUPPORT when it is of another version; -ELOOP when there is no end
 * of them; what TAKE has returned; or -errno of read(2). */
int map_stream_read(struct map_stream *stream, int fd, uint32_t magic,
                    map_take take, void *context);

#endif
