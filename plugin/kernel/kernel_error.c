/* SPDX-License-Identifier: MIT */
/* kernel_error: the C library's texts, and those that it lacks. */
#include "kernel_error.h"

#include <errno.h>
#include <string.h>

enum { KERNEL_ENOTSUPP = 524 }; /* include/linux/errno.h */

const char *kernel_error_text(int error) {
  switch (error) {
  case -KERNEL_ENOTSUPP:
    return "not supported by this kernel";
  case -EMFILE:
    return "too many files are open; raise LimitNOFILE of the unit";
  default:
    return strerror(-error);
  }
}

bool kernel_error_may_pass(int error) {
  switch (error) {
  case -EAGAIN:
  case -EINTR:
  case -EMFILE:
  case -ENFILE:
  case -ENOMEM:
    return true;
  default:
    return false;
  }
}
