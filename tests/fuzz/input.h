/* SPDX-License-Identifier: MIT */
/* input: the bytes that libFuzzer has made up, taken one after the other. */
#ifndef BPF_STATS_TESTS_INPUT_H
#define BPF_STATS_TESTS_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
  const uint8_t *data; /* borrowed */
  size_t size;         /* bytes that are left */
};

/* The next byte; 0 after the last. */
static inline uint8_t take_byte(struct input *input) {
  if (input->size == 0)
    return 0;
  input->size--;
  return *input->data++;
}

/* The next SIZE bytes, followed by zeros where they end before. */
static inline void take_bytes(struct input *input, void *ret, size_t size) {
  size_t num = size < input->size ? size : input->size;
  memset(ret, 0, size);
  memcpy(ret, input->data, num);
  input->data += num;
  input->size -= num;
}

static inline uint64_t take_u64(struct input *input) {
  uint64_t number = 0;
  take_bytes(input, &number, sizeof(number));
  return number;
}

/* What does not hold is a finding: tells WHAT does not, and ends the program.
 */
static inline void demand(int holds, const char *what) {
  if (holds)
    return;
  fprintf(stderr, "does not hold: %s\n", what);
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
