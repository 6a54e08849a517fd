/* SPDX-License-Identifier: MIT */
/* held_dir: a directory that is opened once, and held against other runs of the
 * program. Everything else is done to what was opened, whatever becomes of its
 * name meanwhile. */
#ifndef BPF_STATS_HELD_DIR_H
#define BPF_STATS_HELD_DIR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { HELD_DIR_MODE = 0755 }; /* of a new directory, whatever the umask */

struct held_dir {
  int fd;
  int parent_fd;
  char name[NAME_MAX + 1]; /* in the parent */
  char path[32];           /* of what is open, below /proc/self/fd */
  bool is_locked;          /* else others did not let go of it in time */
  bool is_made;            /* just now */
};

/* Opens the directory PATH, which may have symlinks and slashes at its end, and
 * waits some seconds for other runs that hold it. Makes it if MAKE, but not its
 * parent. Returns 0, then the caller closes RET_DIR; or -errno with why in
 * REASON. */
int held_dir_open(const char *path, bool make, struct held_dir *ret_dir,
                  char *reason, size_t reason_size);

/* Opens what the name leads to by now, such as a mount. Returns as above, and
 * then as well the caller closes DIR. */
int held_dir_reopen(struct held_dir *dir, char *reason, size_t reason_size);

/* Whether there is nothing but what the kernel puts into each bpffs. */
bool held_dir_is_empty(const struct held_dir *dir);

/* Whether members of the group can enter the directory and all above it. If
 * not, writes into PLACE which one they cannot. */
bool held_dir_admits(const struct held_dir *dir, gid_t gid, char *place,
                     size_t place_size);

/* Closes the directory, and removes what its name leads to by now, if that is
 * empty, as held_dir_open() makes it, so that nothing is lost, and held by no
 * other run. */
void held_dir_remove(struct held_dir *dir);

/* Closes the directory. To close it twice does nothing. */
void held_dir_close(struct held_dir *dir);

#endif
