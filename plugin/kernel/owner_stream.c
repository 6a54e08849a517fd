/* SPDX-License-Identifier: MIT */
/* owner_stream: a buffer, as the kernel hands out pieces. */
#include "owner_stream.h"

#include "prog_record.h"
#include "prog_stream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  BUFFER_SIZE = 64 * 1024,
  TRIES_MAX = 1000, /* how often in a row read(2) may have nothing yet */
  RECORDS_MAX = 1 << 20,
};

ssize_t owner_record_parse(const void *data, size_t size,
                           struct owner_record *ret_record,
                           struct owner_path *ret_path) {
  struct owner_record *record = ret_record;
  if (size < sizeof(*record))
    return sizeof(*record);
  memcpy(record, data, sizeof(*record));
  record->command[sizeof(record->command) - 1] = '\0';
  ret_path->num = 0;
  if (record->magic != OWNER_RECORD_MAGIC)
    return -EPROTO;
  int rc = prog_record_check_version(record->version);
  if (rc != 0)
    return rc;
  size_t at = sizeof(*record);
  if ((record->flags & OWNER_RECORD_END) != 0)
    return (ssize_t)at;
  for (;;) {
    const char *name = (const char *)data + at;
    const bool is_cut = size - at < OWNER_LEVEL_SIZE;
    const char *end = memchr(name, '\0', is_cut ? size - at : OWNER_LEVEL_SIZE);
    if (end == NULL)
      return is_cut ? (ssize_t)size + 1 : -EBADMSG;
    at += (size_t)(end - name) + 1;
    if (end == name)
      return (ssize_t)at;
    if (ret_path->num == OWNER_LEVELS_MAX)
      return -EBADMSG;
    ret_path->names[ret_path->num++] = name;
  }
}

struct buffer {
  size_t begin;
  size_t end;
  unsigned char bytes[BUFFER_SIZE];
};

/* Reads on. Returns 0; -ENODATA at the end of the stream; -errno. */
static int fill(struct buffer *buffer, int fd) {
  if (buffer->end == BUFFER_SIZE) {
    memmove(buffer->bytes, buffer->bytes + buffer->begin,
            buffer->end - buffer->begin);
    buffer->end -= buffer->begin;
    buffer->begin = 0;
  }
  ssize_t len = -1;
  for (int tries = 0; len < 0 && tries < TRIES_MAX; tries++) {
    len = read(fd, buffer->bytes + buffer->end, BUFFER_SIZE - buffer->end);
    if (len < 0 && errno != EINTR && errno != EAGAIN)
      break;
  }
  if (len <= 0)
    return len == 0 ? -ENODATA : -errno;
  buffer->end += (size_t)len;
  return 0;
}

static int read_records(struct buffer *buffer, int fd, owner_take take,
                        void *context) {
  for (size_t records = 0; records < RECORDS_MAX;) {
    struct owner_record record;
    struct owner_path path;
    const size_t left = buffer->end - buffer->begin;
    ssize_t size =
        owner_record_parse(buffer->bytes + buffer->begin, left, &record, &path);
    int rc = size < 0 ? (int)size : 0;
    if (rc == 0 && (size_t)size > left) {
      rc = fill(buffer, fd);
      if (rc == 0)
        continue;
    }
    if (rc != 0 || (record.flags & OWNER_RECORD_END) != 0)
      return rc;
    take(context, &record, &path);
    buffer->begin += (size_t)size;
    records++;
  }
  return -ELOOP;
}

int owner_stream_read(int fd, owner_take take, void *context) {
  struct buffer *buffer = calloc(1, sizeof(*buffer));
  if (buffer == NULL)
    return -ENOMEM;
  int rc = read_records(buffer, fd, take, context);
  free(buffer);
  return rc;
}
