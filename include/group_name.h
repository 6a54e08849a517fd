/* SPDX-License-Identifier: MIT */
/* group_name: the name of the group that a program belongs to.
 *
 * The name becomes collectd's plugin instance, and so a part of file names,
 * metric paths and tags at every sink. */
#ifndef BPF_STATS_GROUP_NAME_H
#define BPF_STATS_GROUP_NAME_H

#include "prog_snapshot.h"

/* collectd's DATA_MAX_NAME_LEN: bytes of an identifier part with its NUL. */
enum { GROUP_NAME_SIZE = 128 };

/* The groups that are not named after a program. */
enum group_reserved {
  GROUP_OTHER, /* "_other": of programs for which there is no place */
  GROUP_BRIEF, /* "_brief": of programs that came and went between two reads */
  GROUP_OWN,   /* "bpf_stats": of the plugin itself */
  GROUP_RESERVED_NUM,
};

extern const char *const group_name_reserved[GROUP_RESERVED_NUM];

enum group_name_part {
  GROUP_NAME_NAME, /* the program's full name */
  GROUP_NAME_TYPE,
  GROUP_NAME_TAG,
  GROUP_NAME_ID,
  GROUP_NAME_OWNER,
  GROUP_NAME_PARTS, /* how many there are */
};

/* The parts in order, as in the option PluginInstanceFormat. */
struct group_name_format {
  enum group_name_part parts[GROUP_NAME_PARTS];
  size_t parts_num;
};

/* Parses the words owner, name, type, tag and id, each at most once and one at
 * least, separated by blanks or dashes. Returns 0, or -EINVAL and leaves
 * *RET_FORMAT untouched. */
int group_name_format_parse(const char *text,
                            struct group_name_format *ret_format);

/* Whether the format has that part. */
bool group_name_has(const struct group_name_format *format,
                    enum group_name_part part);

/* Writes the group name of the program: its parts joined by "-", anything but
 * [A-Za-z0-9_-] replaced by '_'. A name that is too long is cut, and then, as
 * after a name that is reserved, "-" and 16 hex digits follow, a hash (64-bit
 * FNV-1a) of the whole: the kernel allows no "-" in names, so nobody can give a
 * program the name of another group.
 *
 * In an owner "-" is replaced as well, so that consumers can take the parts
 * apart. One that was found, but calls itself "_unknown" or "uid-N", gets one
 * more '_' before. */
void group_name_of(const struct group_name_format *format,
                   const struct prog_sample *sample,
                   char name[GROUP_NAME_SIZE]);

#endif
