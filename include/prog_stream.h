/* SPDX-License-Identifier: MIT */
/* prog_stream: takes records and streams of records apart.
 *
 * Records of a stream may straddle reads of any size. Everything in them is
 * checked: a pinned iterator is just a file that somebody named in the
 * configuration. */
#ifndef BPF_STATS_PROG_STREAM_H
#define BPF_STATS_PROG_STREAM_H

#include "prog_record.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  PROG_STREAM_UNIT_SIZE = sizeof(struct prog_record) + PROG_RECORD_NAME_SIZE,
  /* Twice what the kernel's iterators hand out in one read(2). */
  PROG_STREAM_BUFFER_SIZE = 64 * 1024,
};

struct prog_stream {
  int fd; /* borrowed */
  size_t
      read_size; /* bytes to ask for in one read(2), 1 to the buffer's size */
  size_t begin;  /* of what is in the buffer and not yet taken apart */
  size_t end;
  unsigned char buffer[PROG_STREAM_BUFFER_SIZE];
};

/* Returns 0 for our own VERSION; -ESTALE for an older one, -EPROTONOSUPPORT for
 * a newer one: which of the two programs that talk has to be started anew. */
int prog_record_check_version(uint32_t version);

/* Takes the record apart that begins DATA of SIZE bytes. *RET_FULL_NAME is the
 * name that follows it, in DATA, or NULL.
 * Returns its size; when that is more than SIZE the rest is missing, and
 * nothing is set; -EPROTO when this is no record of ours; -ESTALE or
 * -EPROTONOSUPPORT when it is of another version; -EBADMSG when its name has no
 * end. */
ssize_t prog_record_parse(const void *data, size_t size,
                          struct prog_record *ret_record,
                          const char **ret_full_name);

void prog_stream_init(struct prog_stream *stream, int fd);

/* Takes the next record. *RET_FULL_NAME is the name that follows it, in the
 * buffer and valid until the next call, or NULL.
 * Returns 1; 0 at the end of the stream; -EPROTO when these are no records of
 * the iterator; -ESTALE or -EPROTONOSUPPORT when they are of another version;
 * -EBADMSG for a record that is cut or has a name without an end; -errno of
 * read(2). */
int prog_stream_next(struct prog_stream *stream, struct prog_record *ret_record,
                     const char **ret_full_name);

#endif
