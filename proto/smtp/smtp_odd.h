/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_ODD_H
#define PROTO_SMTP_SMTP_ODD_H

#include "proto/base/span.h"

/*
 * Names what an observer sees in a conversation that RFC 5321 does not allow; and finds, around a
 * bare CR or LF in message data, the forms of an end of data that servers disagree about.
 */
enum smtp_anomaly {
#define SMTP_ANOMALY(NAME, name, what) SMTP_ANOMALY_##NAME,
#include "proto/smtp/smtp_anomaly.def"
#undef SMTP_ANOMALY
    SMTP_ANOMALIES
};
_Static_assert(SMTP_ANOMALIES <= 64, "they are kept as bits");

/* "lf_dot_lf", and what it means. */
const char *smtp_anomaly_name(enum smtp_anomaly anomaly);
const char *smtp_anomaly_what(enum smtp_anomaly anomaly);

enum { SMTP_ODD_BEFORE = 4, SMTP_ODD_BEHIND = 3 };

struct smtp_odd {
    uint8_t tail[SMTP_ODD_BEFORE]; /* the last raw bytes, oldest first */
    uint8_t tail_len;
    uint8_t len;    /* of window; 0: none is open */
    uint8_t wanted; /* bytes it still takes */
    uint8_t window[SMTP_ODD_BEFORE + SMTP_ODD_BEHIND];
};

/* Raw bytes of message data were taken. Returns the forms that have shown, by bit of enum
 * smtp_anomaly. Bound: O(1). */
uint64_t smtp_odd_bytes(struct smtp_odd *o, struct span raw);
/* The last byte taken is a bare CR or LF. Returns as above. */
uint64_t smtp_odd_mark(struct smtp_odd *o);
/* The data has ended. Returns as above; ready for the next message. */
uint64_t smtp_odd_finish(struct smtp_odd *o);

#endif
