/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_SESSION_H
#define DATAPLANE_SESSION_SESSION_H

#include "dataplane/handoff/budget.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/session/sessions.h"
#include "proto/imap/imap_server.h"
#include "proto/pop3/pop3_server.h"
#include "proto/smtp/smtp_server.h"

/*
 * One connection: the byte stream, the protocol machine, and what is outstanding with control.
 * Private to this folder.
 *
 * FREE -> OPEN -> LINGERING -> FREE. A session lingers while control has a job of its, or pins of
 * the store are still to be given back; it then has no connection any more, or one that only waits
 * for acknowledgements.
 */
enum session_state { SESSION_FREE, SESSION_OPEN, SESSION_LINGERING };

enum { SESSION_NAME = 32 };       /* octets of a name that lie in the session itself */
#define SESSION_NONE UINT32_MAX   /* no place in the table */
#define SESSION_NOBODY UINT32_MAX /* as a job's generation: nobody waits for its answer */

struct transaction;
struct retrieval;
struct imap_work;
struct session_crypto;

struct session {
    struct tcp_conn *conn; /* NULL once TCP has let go */
    union {
        struct transaction *tx; /* SMTP: the message under way */
        struct retrieval *pop3; /* POP3: the login under way, then the open mailbox */
        struct imap_work *work; /* IMAP: the command under way, or pins of one that was */
    };
    struct chunk *line; /* the line buffer, while one is attached */
    struct chunk *more; /* session_more.h: what few sessions need; NULL until then */
    uint64_t deadline;  /* monotonic microseconds */
    union {
        uint64_t since;            /* monotonic: the connect, or the last accepted message */
        struct imap_session *mail; /* IMAP: control's side of it, once somebody has logged in */
    };
    uint64_t began_ms;
    uint64_t bytes_in, bytes_out;
    uint32_t next, prev; /* in the timer's slot, or the free list */
    uint16_t slot;       /* of the timer */
    uint8_t protocol;    /* enum listener_protocol */
    uint8_t state;       /* enum session_state */
    bool eof : 1;        /* the peer sends no more */
    bool closing : 1;    /* nothing more is read */
    bool stalled : 1;    /* in the queue of those that wait for a chunk or a job */
    bool spoke : 1;      /* a command was answered, or a chunk began, since the deadline was set */
    bool esmtp : 1;
    bool header : 1;      /* a PROXY header has to come first */
    bool begun : 1;       /* a command line has begun, and its deadline is set */
    bool known : 1;       /* POP3: the name is of who logged in; else of who tried */
    bool early : 1;       /* SMTP: spoke before it was greeted */
    bool counted : 1;     /* IMAP: among the sessions of the account */
    bool idling : 1;      /* IMAP: IDLE */
    bool news : 1;        /* IMAP: there are some */
    bool packed : 1;      /* session_pack.h: IMAP: both directions are compressed */
    bool tls : 1;         /* session_tls.h: there is, or is to be, a layer of records */
    uint8_t network_bits; /* of the client's network as it is counted, of 128; 0: not counted */
    uint8_t last_refusal; /* the last row that refused: of smtp_reply.def or pop3_reply.def */
    uint8_t name_len;
    uint32_t generation; /* counts the sessions that used this place */
    uint32_t commands, messages, refusals;
    struct id128 id;
    uint8_t name[SESSION_NAME]; /* who it says it is: session_name() */
    union {
        struct smtp_server smtp;
        struct pop3_server pop3_server;
        struct {
            struct imap_server imap;
            uint64_t account;
        };
    };
};
_Static_assert(sizeof(struct session) <= BUDGET_SESSION, "what an idle session may have");

struct sessions {
    struct sessions_options options;
    struct session *table;
    struct session_pack **packs; /* by place: session_pack.h */
    uint32_t free; /* first free place */
    uint32_t count;
    struct turn_time time;
    struct counters *counters;
    struct id128_source ids;
    /* Our copy of the published settings, so that machines may borrow from it for longer than a
     * turn. */
    struct settings settings;
    struct smtp_server_options smtp_options, smtp_starttls, /* the latter offers it */
        smtp_secure;
    /* In the clear, where STARTTLS or STLS is offered; under TLS by session_auth_has(). */
    struct smtp_server_options submission_options, submission_starttls,
        submission_secure[SASL_CONNECTIONS];
    struct pop3_server_options pop3_options, pop3_stls, pop3_secure[SASL_CONNECTIONS];
    struct imap_server_options imap_options, imap_starttls, imap_secure[SASL_CONNECTIONS];
    /* Names of the mechanisms that are offered then, a space before each. */
    uint8_t mechanisms[SASL_CONNECTIONS][128];
    struct rule_generation *rules; /* published; pinned by transactions */
    bool draining;
    uint64_t drain_deadline;
    uint32_t ban_next, ban_left;  /* sessions to be looked at for who was banned: the next, how many
                                   */
    uint64_t bytes_read;          /* from all connections: what shares of a burst are measured by */
    uint8_t spf_given;            /* outside of any connection: judge_source.h */
    uint32_t sampled;             /* counts messages, to stamp one in N */
    struct transaction *stamping; /* the message whose stages are being stamped */
    uint64_t stamp;               /* the last stamp */
    uint64_t stamps;              /* taken for messages */
    uint64_t split[STAGES];       /* message stages of stamped messages, to apportion the others */
    struct session_crypto *crypto;
    struct writer out; /* replies gathered in one turn of one session */
    uint8_t *mime_scratch;
    uint8_t *header_text; /* one decoded header field */
    uint32_t *stalled;    /* a queue with a place for every session, oldest at `stalled_first` */
    uint32_t stalled_first, stalled_count;
    struct job_store_discard discards[64]; /* rows to discard once a job is free */
    uint32_t discard_count;
    struct retrieval *ahead_oldest, *ahead_newest; /* session_pop3_ahead.c */
    uint64_t tick;                                 /* the timer's slot that was looked at last */
    uint64_t sweep_tick; /* the same, when the last sweep for slow peers ended */
    uint32_t sweep;      /* the session it looks at next */
    uint64_t
        turned_away; /* TCP's count when session_pressure_tell() spoke last, and when that was */
    uint64_t told_full;
    uint32_t slots[256]; /* first session of each */
};

enum {
    SESSION_OUT = 8192,
    SESSION_MIME_SCRATCH = 65536,
    SESSION_HEADER_TEXT = 48 * 1024,
    SESSION_STEP = 16384
};

/*
 * What a deadline moves on for while a message is read or sent: not for every byte, or a peer that
 * drips could hold its session for ever.
 */
enum { SESSION_PIECE = 4096 };

static inline uint32_t session_index(const struct sessions *ss, const struct session *s)
{
    return (uint32_t)(s - ss->table);
}

/* The protocol's machine is SMTP's, of an MX or for submission. */
static inline bool session_is_smtp(const struct session *s)
{
    return s->protocol == LISTENER_SMTP || s->protocol == LISTENER_SUBMISSION;
}

/* An empty job that names the session; NULL: none free, and the session is noted as stalled. */
struct job *session_job(struct sessions *ss, struct session *s, enum job_kind kind);
/* The session is run again in the next turn. */
void session_stall(struct sessions *ss, struct session *s);
/* What the client says, from the byte stream or out of records: the first contiguous run of it,
 * empty when there is none; opening a record may end the session. Valid until session_consume(), or
 * until another session is worked on. */
struct span session_peek(struct sessions *ss, struct session *s);
/* Drops `n` bytes from the front of that run. */
void session_consume(struct sessions *ss, struct session *s, uint32_t n);
bool session_unread(const struct sessions *ss, const struct session *s);
/* Gives what is in `out` to TCP. False: no memory for it, the connection was aborted. */
bool session_flush(struct sessions *ss, struct session *s);
/* Room for a reply is there; otherwise the peer reads too slowly and the session waits for
 * acknowledgements. */
bool session_may_write(struct sessions *ss, struct session *s);
/* No more is read or written; the connection ends once what was written is acknowledged. */
void session_shutdown(struct sessions *ss, struct session *s);
/* Resets the connection. The session itself ends when it is settled, so a step in
 * progress may go on. */
void session_abort(struct sessions *ss, struct session *s, const char *reason);
void session_deadline(struct sessions *ss, struct session *s, uint64_t milliseconds);

/* Why we end a session. */
enum session_end { SESSION_TIMED_OUT, SESSION_DRAINED, SESSION_BANNED };

/* What a protocol does with a session of its; one table each. A connection is there but where it
 * says otherwise. */
struct session_protocol {
    /* The connection is there, or TLS has come behind a command: session_tls_upgraded(). */
    void (*begin)(struct sessions *ss, struct session *s);
    /* Reads and writes as far as it can. */
    void (*run)(struct sessions *ss, struct session *s);
    /* Takes a job back; maybe without a connection. */
    void (*answer)(struct sessions *ss, struct session *s, struct job *job);
    /* The deadline has passed. True: it was the end of a wait of ours, and what was held back is
     * done now. */
    bool (*wake)(struct sessions *ss, struct session *s);
    /* The peer is told, if anything can be said, and the session ends. */
    void (*expire)(struct sessions *ss, struct session *s, enum session_end why);
    /* In the middle of what a drain lets it finish. */
    bool (*busy)(const struct session *s);
    /* Nothing is outstanding with control; collects what it can of it. Maybe without a connection.
     */
    bool (*idle)(struct sessions *ss, struct session *s);
    /* The session is idle and ends: gives back what it has. NULL: `idle` has done so. */
    void (*gone)(struct sessions *ss, struct session *s);
    /* The connection goes: its account counts the session no more. */
    void (*leave)(struct sessions *ss, struct session *s);
    /* The connection has ended. True: pins of the store lie in its queue, so the protocol keeps it
     * and forgets it itself. NULL: never. */
    bool (*holds)(struct session *s, struct tcp_conn *conn);
    /* The line buffer of the machine: what class of chunk it takes now, lent and taken back (false:
     * it is in use). Without the first two the protocol lends its own. */
    enum chunk_class (*line_class)(const struct session *s);
    void (*attach)(struct session *s, uint8_t *buffer);
    bool (*detach)(struct session *s);
    /* Counter of the last refusal. */
    const char *(*refusal)(const struct session *s);
    /* Milliseconds that a peer may take to read the last of it. */
    uint32_t (*patience)(const struct sessions *ss);
};
extern const struct session_protocol session_smtp_protocol, session_pop3_protocol,
    session_imap_protocol;

/* The protocol of the session. */
static inline const struct session_protocol *session_protocol(const struct session *s)
{
    static const struct session_protocol *const protocols[] = {
        [LISTENER_SMTP] = &session_smtp_protocol,
        [LISTENER_SUBMISSION] = &session_smtp_protocol,
        [LISTENER_POP3] = &session_pop3_protocol,
        [LISTENER_IMAP] = &session_imap_protocol,
    };

    return protocols[s->protocol];
}

/* A whole message is judged, and its commit asked for. `row`: what is known against it. */
void session_smtp_decide(struct sessions *ss, struct session *s, enum smtp_reply_id row);

/* Says something in the log, about this client. */
void session_log(struct sessions *ss, enum log_message message, const struct ip_address *client);
/* Writes the connection's record, or counts it as dropped. */
void session_record(struct sessions *ss, struct session *s, const char *reason);

#endif
