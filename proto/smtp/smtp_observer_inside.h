/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_OBSERVER_INSIDE_H
#define PROTO_SMTP_SMTP_OBSERVER_INSIDE_H

#include "proto/smtp/smtp_observer.h"

/* What the two directions of the observer share: smtp_observer.c (the client's) and
 * smtp_observer_server.c. */

/* What waits for an answer beside commands. */
enum { PENDING_END = SMTP_VERB_COUNT, PENDING_CHUNK, PENDING_NONE };

enum state {
    STATE_COMMANDS,
    STATE_RESPONSE, /* the next line is one of an AUTH exchange */
    STATE_DATA,
    STATE_CHUNK,
    STATE_HELD, /* an answer decides: waits_for */
    STATE_TLS,
};

/* In the order in which they are told. */
enum due { DUE_BEGIN, DUE_END, DUE_VERDICT, DUE_ABANDONED, DUE_AUTH, DUE_STARTTLS, DUES };

/* They are told once a message. */
#define OF_DATA ((UINT64_C(2) << SMTP_ANOMALY_EARLY_VERDICT) - 1)

static inline void smtp_observer_note(struct smtp_observer *o, enum smtp_anomaly which)
{
    o->anomalies |= UINT64_C(1) << which;
}

static inline void smtp_observer_program(struct smtp_observer *o, enum due which)
{
    o->due |= 1u << which;
}

static inline void smtp_observer_hold(struct smtp_observer *o, uint8_t what)
{
    o->state = STATE_HELD;
    o->waits_for = what;
}

static inline void smtp_observer_release(struct smtp_observer *o, enum state state)
{
    o->state = (uint8_t)state;
    o->waits_for = PENDING_NONE;
    o->lost_answer = false;
}

static inline void smtp_observer_event(struct smtp_observed *e)
{
    *e = (struct smtp_observed){.kind = SMTP_OBSERVED_MORE, .index = SMTP_OBSERVER_NO_INDEX};
}

/* The transaction is over; a program()ed event tells so. */
void smtp_observer_close(struct smtp_observer *o);
/* The same, if there is one, without a whole message. */
void smtp_observer_abandon(struct smtp_observer *o);
/* The client's next bytes are message data, or so many octets of a chunk. */
void smtp_observer_begin_data(struct smtp_observer *o);
void smtp_observer_begin_chunk(struct smtp_observer *o, uint64_t size, bool last);
/* The message's text has ended. */
void smtp_observer_end_text(struct smtp_observer *o);
/* An event that comes before anything else is read; false: there is none. */
bool smtp_observer_due(struct smtp_observer *o, struct smtp_observed *e);

#endif
