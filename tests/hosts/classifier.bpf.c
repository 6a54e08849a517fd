/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A classifier for tc that lets all pass. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int host_classifier(struct __sk_buff *packet) { return 0; /* TC_ACT_OK */ }

char LICENSE[] SEC("license") = "GPL";
