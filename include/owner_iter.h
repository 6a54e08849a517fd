/* SPDX-License-Identifier: MIT */
/* owner_iter: the iterators that find who loaded a program, loaded by this
 * process or pinned beside the one of the programs. */
#ifndef BPF_STATS_OWNER_ITER_H
#define BPF_STATS_OWNER_ITER_H

#include "owner_stream.h"
#include "prog_record.h"

#include <stdint.h>
#include <sys/types.h>

/* What each tells: */
enum owner_iter_kind {
  OWNER_ITER_PAYER, /* for each program that has maps, who paid for all */
  OWNER_ITER_FILES, /* for each descriptor, who holds it; of all processes but
                       the reader's own */
};

struct owner_iter;

/* Loads what this kernel takes. Needs CAP_BPF and CAP_PERFMON. Returns NULL
 * when it takes neither, or out of memory. */
struct owner_iter *owner_iter_load(void);

/* What is pinned in the directory of the pin ITERATOR_PIN. NULL when out of
 * memory. */
struct owner_iter *owner_iter_open(const char *iterator_pin);

/* Accepts NULL. */
void owner_iter_free(struct owner_iter *iter);

/* Hands all its records to TAKE. Returns as owner_stream_read(), or the -errno
 * for which there is no such iterator. */
int owner_iter_read(struct owner_iter *iter, enum owner_iter_kind kind,
                    owner_take take, void *context);

/* Fills in the ids of the iterators that are loaded, 0 for the others. ITER:
 * may be NULL. */
void owner_iter_ids(const struct owner_iter *iter,
                    uint32_t ids[OWNER_PROGRAMS_NUM]);

/* Pins those that are loaded in DIR, in the place of what is there. Whom MODE
 * lets read, its group being GID, can read them. Returns 0 or -errno. */
int owner_iter_pin(const struct owner_iter *iter, const char *dir, gid_t gid,
                   mode_t mode);

/* Takes them away. Returns 0, also when there are none, or -errno. */
int owner_iter_unpin(const char *dir);

#endif
