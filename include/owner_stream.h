/* SPDX-License-Identifier: MIT */
/* owner_stream: takes records of owners, and streams of them, apart.
 *
 * Everything in them is checked, as in prog_stream. */
#ifndef BPF_STATS_OWNER_STREAM_H
#define BPF_STATS_OWNER_STREAM_H

#include "owner.h"
#include "owner_record.h"

#include <stddef.h>
#include <sys/types.h>

/* Takes a record; both are borrowed for the call. */
typedef void (*owner_take)(void *context, const struct owner_record *record,
                           const struct owner_path *path);

/* Takes the record apart that begins DATA of SIZE bytes. The names of *RET_PATH
 * are in DATA. Returns its size; when that is more than SIZE the rest is
 * missing; -EPROTO when this is no record of ours, -ESTALE or -EPROTONOSUPPORT
 * when it is of another version; -EBADMSG when its names have no end. */
ssize_t owner_record_parse(const void *data, size_t size,
                           struct owner_record *ret_record,
                           struct owner_path *ret_path);

/* Hands all records of a stream to TAKE. Returns 0 when it came to the record
 * that marks its end; -ENODATA when that is missing, -ENOMEM, -errno as above,
 * or of read(2). */
int owner_stream_read(int fd, owner_take take, void *context);

#endif
