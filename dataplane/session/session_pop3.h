/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_POP3_H
#define DATAPLANE_SESSION_SESSION_POP3_H

#include "dataplane/session/session_auth.h"
#include "proto/pop3/pop3_stuff.h"
#include "proto/pop3/pop3_top.h"

/* What the parts of a POP3 session share: session_pop3.c, session_pop3_login.c,
 * session_pop3_send.c, session_pop3_ahead.c. */

enum { PINS_A_JOB = 16, NO_JOB = JOB_KINDS };

/* A login under way, then the open mailbox. Lives in a medium chunk. */
struct retrieval {
    struct chunk *home;
    struct tcp_conn *ended; /* the connection that has ended while pins lie in its queue */
    const struct pop3_mailbox *view;
    uint64_t account;
    struct span user, password; /* in `home`; the password is wiped once it was judged */
    struct ip_address client;
    uint64_t offset;         /* of the message that is sent: bytes of it taken from the store */
    uint64_t queued_bytes;   /* of messages, handed to TCP */
    uint64_t heard;          /* of them, when the deadline was set last */
    struct span batch;       /* of the store's last answer, what nobody has taken */
    struct span piece;       /* what is left to queue of the message that is sent */
    struct span queued;      /* stuffed out of `piece` but not queued yet, for want of a chunk */
    void *pin;               /* that holds `batch` and `piece` */
    void *unpin[PINS_A_JOB]; /* to give back */
    struct session *session; /* whose it is, and its neighbours among those that have read ahead */
    struct retrieval *ahead_older, *ahead_newer;
    uint64_t batch_offset; /* of message `batch_index`: where `batch` begins */
    const uint8_t *deleted;
    uint32_t deleted_count;
    uint32_t unpin_count;
    uint32_t pins;  /* in the send queue */
    uint32_t index; /* of the message that is read */
    uint32_t batch_index;
    uint32_t next;         /* whoever retrieves in order asks for this one now */
    uint32_t window;       /* so much is read ahead the next time; 0: out of order */
    uint32_t charged;      /* of counters->pop3_ahead_bytes */
    uint32_t batch_charge; /* of these, for the last question or its answer */
    uint8_t wanted;        /* enum job_kind that waits for a free job, or NO_JOB */
    uint8_t asked;         /* enum job_kind that control has, or NO_JOB */
    uint8_t parting;       /* enum pop3_reply_id that QUIT gets once the mailbox is released */
    uint8_t held;          /* enum pop3_reply_id of a refused login, until the deadline; 0: none */
    bool counted;          /* among the sessions of the account */
    bool utf8;             /* the client has said UTF8 */
    bool sending;
    bool in_order; /* the message that is read is the one behind the one before */
    bool listed;   /* among those that have read ahead */
    struct pop3_stuff stuff;
    struct pop3_top top;
};

/* session_pop3.c */
void session_pop3_run(struct sessions *ss, struct session *s);
/* Asks what is wanted; true when control has, or will have, the word, or an answer
 * is held back. */
bool session_pop3_pursue(struct sessions *ss, struct session *s);
/* Gives pins back to the store. False: no job is free, the session is run again. */
bool session_pop3_unpin(struct sessions *ss, struct session *s);
/* Gives back the retrieval, which holds nothing of control's. */
void session_pop3_release(struct sessions *ss, struct session *s);

/* The session is not counted among those of its account any more: the connection goes. */
void session_pop3_leave(struct sessions *ss, struct session *s);

/* session_pop3_login.c: a login's refusal was held back until now: it is answered. False: nothing
 * was. */
bool session_pop3_wake(struct sessions *ss, struct session *s);
/* From PASS to the open mailbox. */
void session_pop3_login(struct sessions *ss, struct session *s, const struct pop3_action *a);
/* What comes of a step of an exchange. */
void session_pop3_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome);
void session_pop3_fill_open(const struct sessions *ss, const struct retrieval *r, struct job *job);
void session_pop3_judged(struct sessions *ss, struct session *s, const struct job *job);
void session_pop3_opened(struct sessions *ss, struct session *s, const struct job *job);

/* session_pop3_ahead.c: what is read before it is asked for. */
/* The message's bytes, from its first, are at hand. */
bool session_pop3_reach(struct sessions *ss, struct retrieval *r);
/* How much the store is to be asked for, for message r->index from r->offset on; charges what of it
 * is read ahead. Whatever it answered before was given up. */
uint32_t session_pop3_most(struct sessions *ss, struct retrieval *r);
/* The store has answered with so many bytes, or with none: what was charged for nothing is not. */
void session_pop3_came(struct sessions *ss, struct retrieval *r, size_t bytes);
/* It has taken of it, and is the last to be asked to give it back. */
void session_pop3_use(struct sessions *ss, struct retrieval *r);
/* Nothing more of the store's last answer is wanted: its pin goes behind what was queued of it.
 * Not while a message of it is sent, unless that one ends with it. False: there is no memory for
 * that now, and it stays. */
bool session_pop3_give_up(struct sessions *ss, struct session *s);
/* Pins have come back: what is not held any more is not charged. */
void session_pop3_settle(struct sessions *ss, struct retrieval *r);

/* session_pop3_send.c: a message on its way out. */
void session_pop3_fetch(struct sessions *ss, struct session *s, const struct pop3_action *a);
void session_pop3_fetched(struct sessions *ss, struct session *s, const struct job *job);
/* Sends on; false when it waits for room, memory or the store. */
bool session_pop3_send(struct sessions *ss, struct session *s);

#endif
