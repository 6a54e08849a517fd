/* SPDX-License-Identifier: MIT */
/* map_stream: a buffer, as the kernel hands out pieces. */
#include "map_stream.h"

#include "prog_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum {
  TRIES_MAX = 1000, /* how often in a row read(2) may have nothing yet */
  RECORDS_MAX = 1 << 22,
};

/* Reads on. Returns 0; -ENODATA at the end of the stream; -errno. */
static int fill(struct map_stream *stream, int fd) {
  memmove(stream->bytes, stream->bytes + stream->begin,
          stream->end - stream->begin);
  stream->end -= stream->begin;
  stream->begin = 0;
  ssize_t len = -1;
  for (int tries = 0; len < 0 && tries < TRIES_MAX; tries++) {
    len = read(fd, stream->bytes + stream->end,
               sizeof(stream->bytes) - stream->end);
    if (len < 0 && errno != EINTR && errno != EAGAIN)
      break;
  }
  if (len <= 0)
    return len == 0 ? -ENODATA : -errno;
  stream->end += (size_t)len;
  return 0;
}

static int read_records(struct map_stream *stream, int fd, map_take take,
                        void *context) {
  for (size_t records = 0; records < RECORDS_MAX; records++) {
    while (stream->end - stream->begin < stream->record_size) {
      int rc = fill(stream, fd);
      if (rc != 0)
        return rc;
    }
    const struct map_record_head *head =
        (const void *)(stream->bytes + stream->begin);
    if (head->magic != stream->magic)
      return -EPROTO;
    int rc = prog_record_check_version(head->version);
    if (rc != 0 || (head->flags & MAP_RECORD_END) != 0)
      return rc;
    rc = take(context, head);
    if (rc != 0)
      return rc;
    stream->begin += stream->record_size;
  }
  return -ELOOP;
}

int map_stream_read(struct map_stream *stream, int fd, uint32_t magic,
                    map_take take, void *context) {
  stream->magic = magic;
  stream->record_size = magic == MAP_USE_MAGIC ? sizeof(struct map_use_record)
                                               : sizeof(struct map_record);
  stream->begin = stream->end = 0;
  return read_records(stream, fd, take, context);
}
