/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_POP3_H
#define DATAPLANE_SESSION_SESSION_POP3_H

#include "dataplane/session/session_auth.h"
#include "proto/pop3/pop3_stuff.h"
#include "proto/pop3/pop3_top.h"

/* What the parts of a POP3 session share: session_pop3.c, session_pop3_login.c,
 * session_pop3_send.c. */

enum { PINS_A_JOB = 16, NO_JOB = JOB_KINDS };

/* A login under way, then the open mailbox. Lives in a medium chunk. */
struct retrieval {
    struct chunk *home;
    struct tcp_conn *ended; /* the connection that has ended while pins lie in its queue */
    const struct pop3_mailbox *view;
    uint64_t account;
    struct span user, password; /* in `home`; the password is wiped once it was judged */
    struct ip_address client;
    uint64_t offset;         /* of the message that is read: bytes asked for so far */
    uint64_t queued_bytes;   /* of messages, handed to TCP */
    uint64_t heard;          /* of them, when the deadline was set last */
    struct span piece;       /* what is left to queue of the store's last answer */
    struct span queued;      /* stuffed out of `piece` but not queued yet, for want of a chunk */
    void *pin;               /* that holds `piece` */
    void *unpin[PINS_A_JOB]; /* to give back */
    const uint8_t *deleted;
    uint32_t deleted_count;
    uint32_t unpin_count;
    uint32_t pins;   /* in the send queue */
    uint32_t index;  /* of the message that is read */
    uint8_t wanted;  /* enum job_kind that waits for a free job, or NO_JOB */
    uint8_t asked;   /* enum job_kind that control has, or NO_JOB */
    uint8_t parting; /* enum pop3_reply_id that QUIT gets once the mailbox is released */
    uint8_t held;    /* enum pop3_reply_id of a refused login, until the deadline; 0: none */
    bool utf8;       /* the client has said UTF8 */
    bool sending;
    struct pop3_stuff stuff;
    struct pop3_top top;
};

/* session_pop3.c: asks what is wanted; true when control has, or will have, the word, or an answer
 * is held back. */
bool session_pop3_pursue(struct sessions *ss, struct session *s);
/* Gives back the retrieval, which holds nothing of control's. */
void session_pop3_release(struct sessions *ss, struct session *s);

/* session_pop3_login.c: from PASS to the open mailbox. */
void session_pop3_login(struct sessions *ss, struct session *s, const struct pop3_action *a);
/* What comes of a step of an exchange. */
void session_pop3_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome);
void session_pop3_fill_open(const struct sessions *ss, const struct retrieval *r, struct job *job);
void session_pop3_judged(struct sessions *ss, struct session *s, const struct job *job);
void session_pop3_opened(struct sessions *ss, struct session *s, const struct job *job);

/* session_pop3_send.c: a message on its way out. */
void session_pop3_fetch(struct sessions *ss, struct session *s, const struct pop3_action *a);
void session_pop3_fetched(struct sessions *ss, struct session *s, const struct job *job);
/* Sends on; false when it waits for room, memory or the store. */
bool session_pop3_send(struct sessions *ss, struct session *s);

#endif
