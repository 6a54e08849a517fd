/* SPDX-License-Identifier: MIT */
/* prog_stream: a buffer between read(2) and whole records. */
#include "prog_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* How often in a row read(2) may be interrupted or have nothing yet. */
enum { TRIES_MAX = 1000 };

void prog_stream_init(struct prog_stream *stream, int fd) {
  stream->fd = fd;
  stream->read_size = sizeof(stream->buffer);
  stream->begin = 0;
  stream->end = 0;
}

/* Reads on until SIZE bytes are there. Returns 1; 0 at the end of the stream;
 * -EBADMSG when it ends on the way; -errno. */
static int fill(struct prog_stream *stream, size_t size) {
  int tries = 0;
  while (stream->end - stream->begin < size) {
    if (stream->begin + size > sizeof(stream->buffer)) {
      memmove(stream->buffer, stream->buffer + stream->begin,
              stream->end - stream->begin);
      stream->end -= stream->begin;
      stream->begin = 0;
    }
    size_t room = sizeof(stream->buffer) - stream->end;
    ssize_t len = read(stream->fd, stream->buffer + stream->end,
                       stream->read_size < room ? stream->read_size : room);
    if (len == 0)
      return stream->end == stream->begin ? 0 : -EBADMSG;
    if (len < 0 && (errno == EINTR || errno == EAGAIN) && ++tries < TRIES_MAX)
      continue;
    if (len < 0)
      return -errno;
    tries = 0;
    stream->end += (size_t)len;
  }
  return 1;
}

int prog_record_check_version(uint32_t version) {
  if (version < PROG_RECORD_VERSION)
    return -ESTALE;
  return version > PROG_RECORD_VERSION ? -EPROTONOSUPPORT : 0;
}

ssize_t prog_record_parse(const void *data, size_t size,
                          struct prog_record *ret_record,
                          const char **ret_full_name) {
  /* A piece is enough to see that something is no record of ours. */
  struct prog_record record = {0};
  if (size >= sizeof(record))
    memcpy(&record, data, sizeof(record)); /* takes no call */
  else
    memcpy(&record, data, size);
  if (record.magic != PROG_RECORD_MAGIC)
    return -EPROTO;
  int rc = prog_record_check_version(record.version);
  if (rc != 0)
    return rc;
  if (size < sizeof(record))
    return sizeof(record);
  if (record.name_size > PROG_RECORD_NAME_SIZE)
    return -EBADMSG;
  size_t full_size = sizeof(record) + record.name_size;
  if (full_size > size)
    return (ssize_t)full_size;
  const char *name = (const char *)data + sizeof(record);
  if (record.name_size > 0 && name[record.name_size - 1] != '\0')
    return -EBADMSG;
  *ret_record = record;
  *ret_full_name = record.name_size > 0 ? name : NULL;
  return (ssize_t)full_size;
}

/* Parses the record at the beginning of the buffer. */
static ssize_t parse(const struct prog_stream *stream,
                     struct prog_record *ret_record,
                     const char **ret_full_name) {
  return prog_record_parse(stream->buffer + stream->begin,
                           stream->end - stream->begin, ret_record,
                           ret_full_name);
}

int prog_stream_next(struct prog_stream *stream, struct prog_record *ret_record,
                     const char **ret_full_name) {
  int rc = fill(stream, sizeof(*ret_record));
  if (rc != 1 && rc != -EBADMSG)
    return rc;
  ssize_t size = parse(stream, ret_record, ret_full_name);
  if (size < 0 || rc == -EBADMSG)
    return size < 0 ? (int)size : rc;
  if ((size_t)size > stream->end - stream->begin) {
    rc = fill(stream, (size_t)size);
    if (rc != 1)
      return rc;
    size = parse(stream, ret_record, ret_full_name);
    if (size < 0)
      return (int)size;
  }
  stream->begin += (size_t)size;
  return 1;
}
