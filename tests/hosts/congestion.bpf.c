/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/* A congestion control for TCP that does what Reno does. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct sock {
  int sk_dst_pending_confirm;
} __attribute__((preserve_access_index));

/* libbpf finds the kernel's members by name. */
struct tcp_congestion_ops {
  __u32 (*ssthresh)(struct sock *sock);
  void (*cong_avoid)(struct sock *sock, __u32 ack, __u32 acked);
  __u32 (*undo_cwnd)(struct sock *sock);
  char name[16];
};

extern __u32 tcp_reno_ssthresh(struct sock *sock) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sock, __u32 ack,
                                __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sock) __ksym;

SEC("struct_ops/cc_ssthresh")
__u32 BPF_PROG(cc_ssthresh, struct sock *sock) {
  return tcp_reno_ssthresh(sock);
}

SEC("struct_ops/cc_cong_avoid")
int BPF_PROG(cc_cong_avoid, struct sock *sock, __u32 ack, __u32 acked) {
  tcp_reno_cong_avoid(sock, ack, acked);
  return 0;
}

SEC("struct_ops/cc_undo_cwnd")
__u32 BPF_PROG(cc_undo_cwnd, struct sock *sock) {
  return tcp_reno_undo_cwnd(sock);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops reno = {
    .ssthresh = (void *)cc_ssthresh,
    .cong_avoid = (void *)cc_cong_avoid,
    .undo_cwnd = (void *)cc_undo_cwnd,
    .name = "bpf_stats_cc",
};

char LICENSE[] SEC("license") = "GPL";
