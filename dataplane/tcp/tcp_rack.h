/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TCP_TCP_RACK_H
#define DATAPLANE_TCP_TCP_RACK_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_flight;

/*
 * RACK (RFC 8985 section 6): a part is lost when something sent sufficiently later has arrived. The
 * names are the RFC's; times in microseconds, low 32 bits.
 */
struct tcp_rack {
    uint32_t xmit_time, end_seq; /* of the latest part that is known to have arrived */
    uint32_t rtt;                /* its round trip */
    uint32_t min_rtt;            /* the least measured; 0: none */
    uint32_t fack;               /* highest sequence number acknowledged in any way */
    uint32_t fack_before;        /* ... before the acknowledgement that is being read */
    uint32_t dsack_end;          /* a D-SACK counts again when SND.UNA gets here */
    uint8_t multiplier;          /* of min_rtt / 4 */
    uint8_t persist;             /* recoveries until the multiplier falls back to 1 */
    bool reordering;             /* was seen on this connection */
    bool dsack_round;            /* dsack_end holds */
    bool known;                  /* xmit_time and end_seq hold */
};

void tcp_rack_init(struct tcp_rack *r, uint32_t una, uint32_t srtt, bool reordering);
/* An acknowledgement is about to be read: its blocks come in any order. */
void tcp_rack_begin(struct tcp_rack *r);
/*
 * Steps 1 to 3: a part that ends at `end` and was last sent at `time` has arrived. `resent`: it was
 * sent more than once; `stale`: a timestamp says that what arrived is an earlier copy.
 */
void tcp_rack_arrived(struct tcp_rack *r, uint32_t end, uint32_t time, bool resent, bool stale,
                      uint32_t now);
/* Step 4: the acknowledgement up to `una` carried a D-SACK; `sent` is SND.NXT. */
void tcp_rack_duplicate(struct tcp_rack *r, uint32_t una, uint32_t sent);
/* ... and a recovery has ended. */
void tcp_rack_recovered(struct tcp_rack *r);
/* Step 4: how much later a thing must have been sent. `srtt` as measured. */
uint32_t tcp_rack_window(const struct tcp_flight *f, uint32_t srtt, uint32_t mss);
/*
 * Step 5: marks what is lost. Returns the microseconds after which more may be, 0 for none. One
 * pass over the records.
 */
uint32_t tcp_rack_detect(struct tcp_flight *f, uint32_t una, uint32_t srtt, uint32_t mss,
                         uint32_t now);

#endif
