/* SPDX-License-Identifier: MIT */
/* bpffs: the BPF file system that pins are in; see bpf_obj_pin() of libbpf. */
#ifndef BPF_STATS_BPFFS_H
#define BPF_STATS_BPFFS_H

/* Mounts a bpffs at DIR that everybody may enter, as the pins' own modes guard
 * them, unless DIR is in one. Makes DIR if need be.
 * Returns 0, or -errno with what failed in RET_STEP, such as "cannot mount". */
int bpffs_provide(const char *dir, const char **ret_step);

/* Unmounts the bpffs at DIR and removes DIR, if bpffs_provide() has mounted it
 * and nothing is in it. Returns 0, also when there was nothing to do, or
 * -errno.
 */
int bpffs_withdraw(const char *dir);

#endif
