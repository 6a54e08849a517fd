/* SPDX-License-Identifier: MIT */
/* fuzz_stream: any bytes where a stream of records is expected, the path of an
 * owner, or records of maps.
 *
 * Input: how the stream is made of the bytes, how many are read at once, the
 * format of names, and the bytes. What is read in pieces is compared to the
 * same records taken apart in memory. */
#include "input.h"

#include "group_name.h"
#include "map_bill.h"
#include "map_fills.h"
#include "map_stream.h"
#include "owner_stream.h"
#include "prog_name.h"
#include "prog_stream.h"
#include "samples.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

/* More than the buffer of a stream, so that records come to lie across its end.
 */
enum { CONTENT_MAX = PROG_STREAM_BUFFER_SIZE + 16 * 1024 };
/* Behind that are but repetitions, which need no closer look. */
enum { CLOSE_MAX = 8 * 1024 };
enum { MODE_RECORDS = 1, MODE_REPEAT = 2, MODE_OWNERS = 4, MODE_MAPS = 8 };

static unsigned char content[CONTENT_MAX];
static size_t content_size;
static struct group_name_format format;

static void add_content(const void *data, size_t size) {
  size_t room = sizeof(content) - content_size;
  memcpy(content + content_size, data, size < room ? size : room);
  content_size += size < room ? size : room;
}

/* Makes a record of the bytes that passes for one, mostly. */
static void add_record(struct input *input) {
  uint8_t flaws = take_byte(input);
  struct prog_record_named named;
  struct prog_record *record = &named.record;
  take_bytes(input, record, sizeof(*record));
  record->name_size %= PROG_RECORD_NAME_SIZE + 1;
  if ((flaws & 0x80) != 0)
    record->name_size %= 24;
  take_bytes(input, named.full_name, record->name_size);
  if (record->name_size > 0 && flaws % 16 != 1)
    named.full_name[record->name_size - 1] = '\0';
  if ((flaws & 0x40) != 0) { /* the name goes on where the short one is cut */
    memset(record->short_name, 'n', sizeof(record->short_name) - 1);
    memset(named.full_name, 'n', record->name_size / 2);
  }
  size_t size = sizeof(*record) + record->name_size;
  record->magic = flaws % 16 == 2 ? record->magic : PROG_RECORD_MAGIC;
  record->version = flaws % 16 == 3 ? record->version : PROG_RECORD_VERSION;
  record->name_size += flaws % 16 == 4 ? PROG_RECORD_NAME_SIZE : 0;
  add_content(&named, size);
}

static void make_content(struct input *input, uint8_t mode) {
  content_size = 0;
  while (input->size > 0 && (mode & MODE_RECORDS) != 0)
    add_record(input);
  add_content(input->data, input->size);
  size_t once = content_size;
  while ((mode & MODE_REPEAT) != 0 && once > 0 &&
         content_size < sizeof(content))
    add_content(content, once);
}

static int open_content(void) {
  int fd = memfd_create("stream", MFD_CLOEXEC);
  demand(fd >= 0 && write(fd, content, content_size) == (ssize_t)content_size &&
             lseek(fd, 0, SEEK_SET) == 0,
         "there is a file");
  return fd;
}

/* Every order of every choice of parts has a number. */
static void choose_format(uint8_t number) {
  format.parts_num = 1 + number % GROUP_NAME_PARTS;
  number /= GROUP_NAME_PARTS;
  unsigned used = 0;
  for (size_t i = 0; i < format.parts_num; i++) {
    unsigned part = number % GROUP_NAME_PARTS;
    number /= 2;
    while ((used & 1u << part) != 0)
      part = (part + 1) % GROUP_NAME_PARTS;
    used |= 1u << part;
    format.parts[i] = (enum group_name_part)part;
  }
}

static void check_group_name(const char *name, bool must_be_full) {
  size_t len = strnlen(name, GROUP_NAME_SIZE);
  demand(len >= 1 && len < GROUP_NAME_SIZE, "a group's name fits");
  demand(!must_be_full || len == GROUP_NAME_SIZE - 1,
         "no more is cut than has to be");
  demand(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                      "0123456789_-") == len,
         "a group's name is safe");
}

/* Makes all names of a record, as sources and groups do. */
static void check_names(const struct prog_record *record,
                        const char *full_name) {
  if (full_name != NULL)
    demand(strlen(full_name) < record->name_size, "a full name has an end");
  struct prog_sample sample = {.id = record->id};
  char *name = NULL;
  demand(prog_name_make(record->short_name, full_name, record->tag, &name) == 0,
         "there is memory");
  demand(strlen(name) < PROG_RECORD_NAME_SIZE && name[0] != '\0',
         "a program has a name");
  sample.name = name;
  sample_describe(&sample, record->type, record->flags, record->tag);
  demand(strlen(sample.tag) == 16, "a tag has 16 digits");
  char group_name[GROUP_NAME_SIZE];
  memset(group_name, '/', sizeof(group_name));
  group_name_of(&format, &sample, group_name);
  bool has_name = false;
  for (size_t i = 0; i < format.parts_num; i++)
    has_name |= format.parts[i] == GROUP_NAME_NAME;
  check_group_name(group_name, has_name && strlen(name) >= GROUP_NAME_SIZE);
  free(name);
}

/* Takes the record at BEGIN apart in memory of just the size that is left.
 * Answers as prog_stream_next(), and its size by *RET_SIZE. */
static int parse_alone(size_t begin, struct prog_record *ret_record,
                       char name[PROG_RECORD_NAME_SIZE], size_t *ret_size) {
  size_t left = content_size - begin;
  if (left == 0)
    return 0;
  if (left > PROG_STREAM_UNIT_SIZE)
    left = PROG_STREAM_UNIT_SIZE;
  void *copy = begin < CLOSE_MAX ? malloc(left) : NULL;
  if (copy != NULL)
    memcpy(copy, content + begin, left);
  const char *full_name = NULL;
  ssize_t size = prog_record_parse(copy != NULL ? copy : content + begin, left,
                                   ret_record, &full_name);
  demand(size == -EPROTO || size == -ESTALE || size == -EPROTONOSUPPORT ||
             size == -EBADMSG ||
             (size >= (ssize_t)sizeof(*ret_record) &&
              size <= (ssize_t)PROG_STREAM_UNIT_SIZE),
         "a record's size");
  int rc = size < 0 ? (int)size : (size_t)size > left ? -EBADMSG : 1;
  if (rc == 1 && full_name != NULL)
    memcpy(name, full_name, ret_record->name_size);
  *ret_size = (size_t)size;
  free(copy);
  return rc;
}

static void check_stream(size_t read_size) {
  static struct prog_stream stream;
  prog_stream_init(&stream, open_content());
  stream.read_size = read_size;
  size_t begin = 0, size = 0;
  int rc = 1;
  while (rc == 1) {
    struct prog_record record, expected;
    char expected_name[PROG_RECORD_NAME_SIZE];
    const char *name = NULL;
    rc = prog_stream_next(&stream, &record, &name);
    demand(rc == parse_alone(begin, &expected, expected_name, &size),
           "read in pieces and at once, a stream is the same");
    if (rc != 1)
      break;
    demand(memcmp(&record, &expected, sizeof(record)) == 0, "the same record");
    demand((name != NULL) == (record.name_size > 0), "a name as it says");
    if (name != NULL)
      demand(memcmp(name, expected_name, record.name_size) == 0,
             "the same name");
    if (begin < CLOSE_MAX)
      check_names(&record, name);
    begin += size;
  }
  close(stream.fd);
}

/* Takes the bytes for a record of an owner, in memory of just that size. */
static void check_owner(struct input *input) {
  struct owner_record record = {.magic = OWNER_RECORD_MAGIC,
                                .version = PROG_RECORD_VERSION};
  const size_t size = sizeof(record) + input->size;
  char *copy = malloc(size);
  demand(copy != NULL, "there is memory");
  memcpy(copy, &record, sizeof(record));
  memcpy(copy + sizeof(record), input->data, input->size);
  struct owner_path path;
  ssize_t taken = owner_record_parse(copy, size, &record, &path);
  demand(taken == -EBADMSG || taken > (ssize_t)sizeof(record),
         "a record's size");
  if (taken > 0 && (size_t)taken <= size) {
    char name[OWNER_NAME_SIZE];
    enum owner_rank rank = owner_name(&path, "command", name);
    demand(strnlen(name, sizeof(name)) < sizeof(name) &&
               (rank == OWNER_NONE) == (name[0] == '\0'),
           "an owner's name fits");
    demand(name[0] != '_' && strncmp(name, "uid-0", 6) != 0,
           "an owner has none of our names");
  }
  free(copy);
}

enum { MAPS_MAX = 64, USES_MAX = 64 };
static struct map_sample map_samples[MAPS_MAX];
static size_t map_samples_num;

static int take_map(void *context, const void *data) {
  const struct map_record *record = data;
  (void)context;
  if (map_samples_num == MAPS_MAX)
    return -ENOSPC;
  const uint32_t id = (uint32_t)map_samples_num + 1;
  struct map_sample *sample = &map_samples[map_samples_num++];
  *sample = (struct map_sample){.id = id,
                                .is_measured = true,
                                .has_fill = record->capacity != 0,
                                .bytes = record->bytes >> 16,
                                .used = record->used,
                                .capacity = record->capacity};
  memcpy(sample->name, record->name, sizeof(sample->name) - 1);
  return 0;
}

/* Each byte of a map that is used has one program to pay it. */
static void check_bill(const struct map_snapshot *maps) {
  static struct map_bill bill;
  static const struct prog_snapshot no_programs;
  uint64_t paid = 0, used = 0;
  demand(map_bill_update(&bill, maps, &no_programs) == 0, "there is memory");
  for (size_t i = 0; i < bill.shares_num; i++)
    paid += bill.shares[i].bytes;
  for (size_t i = 0; i < maps->samples_num; i++)
    for (size_t j = 0; j < maps->uses_num; j++)
      if (maps->uses[j].map_id == maps->samples[i].id) {
        used += maps->samples[i].bytes;
        break;
      }
  demand(paid == used, "what is used is paid, once");
  demand(bill.fill_max >= 0.0 && bill.fill_max <= 1.0, "a fill is a share");
}

static void check_fills(const struct map_snapshot *maps) {
  static struct map_fills fills = {.top = 5, .places_max = 10};
  static uint64_t now_ns;
  size_t shown = 0;
  now_ns += 1000000000;
  demand(map_fills_update(&fills, maps, now_ns) == 0, "there is memory");
  for (size_t i = 0; i < fills.fills_num; i++) {
    check_group_name(fills.fills[i].name, false);
    shown += fills.fills[i].is_shown;
    demand(i == 0 || fills.fills[i - 1].fill >= fills.fills[i].fill,
           "the fullest come first");
  }
  demand(shown <= fills.top && fills.places_num <= fills.places_max,
         "names are bounded");
}

/* Records of maps, whose kind alone is right, and bytes for who uses them. */
static void check_maps(struct input *input) {
  static struct map_stream stream;
  static struct map_use uses[USES_MAX];
  struct map_snapshot maps = {.samples = map_samples, .uses = uses};
  const uint8_t num = take_byte(input);
  content_size = map_samples_num = 0;
  for (uint8_t i = 0; i < num; i++) {
    struct map_record record = {0};
    take_bytes(input, &record, sizeof(record));
    record.head.magic = MAP_RECORD_MAGIC;
    record.head.version = PROG_RECORD_VERSION;
    add_content(&record, sizeof(record));
  }
  int fd = open_content();
  map_stream_read(&stream, fd, MAP_RECORD_MAGIC, take_map, NULL);
  close(fd);
  maps.samples_num = map_samples_num;
  for (; input->size > 0 && maps.uses_num < USES_MAX; maps.uses_num++)
    uses[maps.uses_num] = (struct map_use){
        .prog_id = (uint32_t)maps.uses_num / 4, .map_id = take_byte(input)};
  check_bill(&maps);
  check_fills(&maps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  uint8_t mode = take_byte(&input);
  if ((mode & MODE_OWNERS) != 0) {
    check_owner(&input);
    return 0;
  }
  if ((mode & MODE_MAPS) != 0) {
    check_maps(&input);
    return 0;
  }
  uint16_t read_size = 0;
  take_bytes(&input, &read_size, sizeof(read_size));
  choose_format(take_byte(&input));
  make_content(&input, mode);
  /* By single bytes would take a system call for each. */
  if ((mode & MODE_REPEAT) != 0)
    read_size |= 0x400;
  check_stream((size_t)read_size + 1);
  return 0;
}
