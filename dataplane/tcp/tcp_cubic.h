/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_CUBIC_H
#define DATAPLANE_TCP_TCP_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

/*
 * CUBIC (RFC 9438) in integers: C is 0.4, beta 0.7, windows are bytes, times microseconds (low 32
 * bits). The one number that lasts from flight to flight, W_max, is the caller's. An epoch that is
 * begun anew below W_max goes on along the same curve, since the curve depends on cwnd and W_max
 * alone; above W_max it begins with a plateau, which is on the safe side.
 */
struct tcp_cubic {
    uint32_t epoch;      /* when congestion avoidance began, while `running` */
    uint32_t k_ms;       /* K */
    uint32_t origin;     /* the plateau: W_max of this epoch */
    uint32_t cwnd_prior; /* cwnd before the last reduction */
    uint64_t w_est;      /* Reno's window, in 1/65536 bytes */
    uint32_t credit;     /* 1/65536 bytes by which cwnd has not grown yet */
    bool running;
};

/* Floor of the cube root of x, which is below 2^63. 21 steps. */
uint32_t tcp_cubic_root(uint64_t x);
/* Section 4.2: W_cubic(t), `ms` behind the epoch's begin, for segments of `mss`. */
uint32_t tcp_cubic_window(const struct tcp_cubic *c, uint32_t mss, uint32_t ms);
/* Congestion avoidance begins, or begins anew, with `cwnd`. */
void tcp_cubic_begin(struct tcp_cubic *c, uint32_t cwnd, uint32_t w_max, uint32_t mss,
                     uint32_t now);
/*
 * Sections 4.3 to 4.5: `bytes` were acknowledged in congestion avoidance, while cwnd was used up.
 * Returns the new cwnd.
 */
uint32_t tcp_cubic_acked(struct tcp_cubic *c, uint32_t cwnd, uint32_t mss, uint32_t bytes,
                         uint32_t srtt, uint32_t now);
/* The application, not cwnd, limits what is sent: that time does not count (section 5.8). */
void tcp_cubic_pause(struct tcp_cubic *c);
/* Section 4.6: ssthresh after a congestion event with `flight` bytes under way. */
uint32_t tcp_cubic_threshold(uint32_t flight, uint32_t mss);
/* Sections 4.6 and 4.7: a congestion event ends the epoch; the new W_max. */
uint32_t tcp_cubic_reduce(struct tcp_cubic *c, uint32_t cwnd, uint32_t w_max);

#endif
