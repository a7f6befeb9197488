/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_IMAP_H
#define DATAPLANE_SESSION_SESSION_IMAP_H

#include "dataplane/session/session_auth.h"

/*
 * What the parts of an IMAP session share: session_imap.c, session_imap_login.c,
 * session_imap_send.c.
 */

enum { IMAP_PINS_A_JOB = 16, IMAP_NO_JOB = JOB_KINDS };

/* A command under way, or pins that are still in the send queue. Lives in a small chunk; a session
 * that idles, or waits for a command, has none. */
struct imap_work {
    struct chunk *home;
    struct tcp_conn *ended; /* the connection that has ended while pins lie in its queue */
    struct chunk *out;      /* what control has written and is not queued yet */
    struct span piece;      /* bytes of a message behind it, and what holds them */
    void *pin;
    struct span command;    /* in the line buffer, for JOB_IMAP_COMMAND and _APPEND */
    struct transaction *tx; /* the message of an APPEND, or NULL */
    const char *fault;      /* why it is not good; NULL: it is */
    void *unpin[IMAP_PINS_A_JOB];
    uint64_t queued_bytes, heard; /* handed to TCP; of them, when the deadline was set last */
    uint32_t unpin_count;
    uint32_t pins;  /* in the send queue */
    uint8_t wanted; /* enum job_kind that waits for a free job, or IMAP_NO_JOB */
    uint8_t asked;  /* enum job_kind that control has, or IMAP_NO_JOB */
    uint8_t state;  /* enum imap_executed, of the last answer */
    bool more;      /* control has more to say */
    bool append;    /* the command is an APPEND up to its message, */
    bool accepted;  /* and that may come */
    bool whole;     /* it has, */
    bool again;     /* and another follows */
    bool fault_bad; /* the command is BAD for its fault */
    bool nul;       /* there is one in it */
    bool stored;    /* control has it for good */
    bool closed;    /* it has had its last word on it */
    bool answering; /* a command is: the machine waits for its end */
    bool done;      /* it ends an IDLE */
    bool bad;
};

void session_imap_run(struct sessions *ss, struct session *s);
/* The work of the session, begun now where there is none; NULL: no chunk is free, and the session
 * is run again. */
struct imap_work *session_imap_work(struct sessions *ss, struct session *s);
/* Asks what is wanted; true when control has, or will have, the word. */
bool session_imap_pursue(struct sessions *ss, struct session *s);
/* Gives back the work when nothing of it is outstanding. */
void session_imap_rest(struct sessions *ss, struct session *s);

/* session_imap_login.c: LOGIN and AUTHENTICATE, up to control's side of the session. */
void session_imap_auth(struct sessions *ss, struct session *s, enum session_auth_outcome outcome);
void session_imap_opened(struct sessions *ss, struct session *s, const struct job *job);
bool session_imap_wake(struct sessions *ss, struct session *s);
void session_imap_leave(struct sessions *ss, struct session *s);

/* session_imap_append.c: the message of an APPEND. Control has said that it may come. */
void session_imap_append(struct sessions *ss, struct session *s);
/* A piece of it, after session_imap_append_ready(). */
void session_imap_append_take(struct sessions *ss, struct session *s, struct span bytes);
/* SESSION_STEP octets can be taken. False: the session is run again. */
bool session_imap_append_ready(struct sessions *ss, struct session *s);
void session_imap_append_end(struct sessions *ss, struct session *s,
                             const struct imap_action *action);
/* What stands behind it: the end of the command, or (`again`) another message up to its literal. */
void session_imap_append_whole(struct session *s, struct span behind, bool again);
/* What stands behind it was refused. */
void session_imap_append_fail(struct session *s, const struct imap_action *action);
/* It is to be given to control, or refused: once all is written, control is asked. */
void session_imap_append_commit(struct sessions *ss, struct session *s);
/* A row was written. */
void session_imap_append_written(struct sessions *ss, struct session *s, const struct job *job);
/* Control has answered. */
void session_imap_append_done(struct sessions *ss, struct session *s);
/* Nothing of it is wanted any more. False: not yet. */
bool session_imap_append_forget(struct sessions *ss, struct session *s);

/* session_imap_send.c: takes over what control has written, and gives back the chunk it was lent.
 */
void session_imap_take(struct sessions *ss, struct session *s, const struct job_imap *answer);
/* Queues it; false when that waits for room or memory. */
bool session_imap_send(struct sessions *ss, struct session *s);
/* Pins that have come back go to control. False: the session is run again for them. */
bool session_imap_collect(struct sessions *ss, struct session *s);

#endif
