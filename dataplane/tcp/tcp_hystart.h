/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_HYSTART_H
#define DATAPLANE_TCP_TCP_HYSTART_H

#include <stdbool.h>
#include <stdint.h>

/*
 * HyStart++ (RFC 9406): slow start ends when the round trip grows, before a queue overflows; first
 * as "conservative slow start", which takes itself back if the round trip shrinks again. Times in
 * microseconds.
 */
struct tcp_hystart {
    uint32_t window_end;  /* SND.NXT when the round began */
    uint32_t last_min;    /* least round trip of the round before; UINT32_MAX: none */
    uint32_t current_min; /* of this round */
    uint32_t baseline;    /* cssBaselineMinRtt, while `conservative` */
    uint8_t samples;      /* in this round */
    uint8_t rounds;       /* in conservative slow start */
    bool conservative;
};

enum tcp_hystart_phase { HYSTART_SLOW_START, HYSTART_CONSERVATIVE, HYSTART_DONE };

void tcp_hystart_init(struct tcp_hystart *h, uint32_t sent);
/*
 * An acknowledgement in slow start moved SND.UNA to `una`; `sent` is SND.NXT, `rtt` what it
 * measured, 0 for nothing. DONE: ssthresh is to become cwnd.
 */
enum tcp_hystart_phase tcp_hystart_acked(struct tcp_hystart *h, uint32_t una, uint32_t sent,
                                         uint32_t rtt);

enum { HYSTART_CSS_DIVISOR = 4 };

#endif
