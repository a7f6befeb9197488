/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_BLAST_BLAST_SESSION_H
#define DATAPLANE_BLAST_BLAST_SESSION_H

#include "dataplane/blast/blast_client.h"
#include "dataplane/blast/blast_flood.h"
#include "dataplane/blast/place_list.h"
#include "proto/base/chance.h"
#include "proto/imap/imap_response.h"

/* Private to dataplane/blast: one session, and the worker's state around them. */
enum { BLAST_SCRATCH = 4096, BLAST_LINE = 512 };

/* A message that comes back, compared as it comes. */
struct blast_reading {
    uint64_t run;
    uint64_t number;
    uint64_t at;      /* bytes compared */
    uint32_t begun;   /* RETR said, so often */
    uint32_t ended;   /* RETR answered */
    uint32_t count;   /* messages in the mailbox */
    uint32_t limit;   /* to be retrieved */
    uint16_t line;    /* bytes of the header line under way, up to BLAST_LINE */
    bool grouped;     /* commands do not wait for answers (RFC 2449 section 6.6) */
    bool seeking;     /* the field that names it was not seen yet */
    bool ours;        /* it names this run */
    bool wrong;       /* other bytes than were sent */
    uint8_t text[96]; /* what the line begins with */
};

/* The response of an IMAP server that is read. */
enum blast_imap_line {
    BLAST_IMAP_OTHER,
    BLAST_IMAP_EXISTS,
    BLAST_IMAP_FETCH,
    BLAST_IMAP_CAPABLE,
};

struct blast_imap {
    struct imap_response response;
    struct chance chance;
    uint64_t exists; /* as the response says */
    uint32_t tag;    /* of the last command */
    uint32_t count;  /* messages in the mailbox */
    uint64_t left;   /* commands of the mix still to be said */
    uint32_t wanted; /* messages that were asked for */
    uint32_t came;
    uint8_t step; /* enum blast_imap_step: the command under way */
    uint8_t line; /* enum blast_imap_line */
    uint8_t part; /* what the next string is: enum blast_imap_part */
    bool good;    /* the answer is OK */
    bool idles;   /* it is among its mailbox's watchers */
};

/* A broken client: the line of the answer under way, and how far its own lines are. */
struct blast_broken {
    uint16_t code;
    uint8_t column, said;
    bool goes_on; /* more lines of the answer follow */
    bool ending;  /* all is said */
};

struct blast_session {
    struct tcp_conn *conn;       /* NULL: the place is free */
    struct chunk *line;          /* lent to the machine while a line is split */
    uint64_t intended;           /* when it was to begin */
    uint64_t since;              /* when what is waited for was said */
    uint64_t seen;               /* when something happened last */
    uint64_t number;             /* of the message */
    struct place_link tick_link; /* of those that tick */
    uint64_t tick;               /* when */
    struct span rest;            /* of the message, that a slow sender is still to send */
    uint32_t allowance;          /* bytes that a slow reader may read before its next tick */
    uint8_t manner;              /* enum blast_manner */
    bool ticks;
    struct place_link link; /* of those that are open, or free */
    uint32_t left;          /* messages that the connection is still to carry */
    uint32_t user;          /* POP3, IMAP: whose mailbox */
    uint32_t good;          /* recipients accepted so far, by bit, the first 32 */
    uint8_t step;           /* of the rate, that it was to begin in */
    bool open, eof, leaving, body, sent, verifies;
    bool shakes, secure; /* TLS: its handshake goes on; it is there */
    bool stands;         /* all that a session that is held still has to do is done */
    bool watches;        /* IMAP: it idles for as long as the load lasts */
    struct smtp_client_mail mail;
    union {
        struct smtp_client smtp;
        struct blast_broken broken;
        struct {
            union {
                struct pop3_client pop3;
                struct blast_imap imap;
            };
            struct blast_reading reading;
        };
    };
};

struct blast_client {
    struct blast_shared *shared;
    const struct blast_order *order;
    struct tcp *tcp;
    struct chunk_pool *pool;
    struct blast_tally *tally;
    struct blast_session *table;
    struct tcp_conn **held; /* those that hold still cost no more than this, see blast_hold.c */
    uint32_t held_count;
    uint32_t held_left;                          /* to be begun */
    bool parting;                                /* the last one is being closed */
    uint64_t stood_at;                           /* when the last one stood; 0: not yet */
    _Atomic uint64_t stood;                      /* the same, for others to see */
    struct smtp_client_options smtp, smtp_again; /* again: behind STARTTLS, where no banner comes */
    struct blast_tls_worker *secure;             /* NULL: without TLS */
    uint64_t now;
    struct place_list ticking; /* the next one first */
    struct blast_flood flood;
    uint32_t index, share, count, places;
    struct place_list free, silent; /* silent: those that are open, the longest first */
    uint32_t address;               /* the next source */
    uint64_t messages_left;         /* not yet given to a session */
    uint64_t logins_left;
    uint64_t number;   /* of the next message */
    uint64_t arrivals; /* open loop: sessions begun or waiting before this one */
    uint64_t due;      /* when the next session may begin, by the rate's limit; nanoseconds */
    uint64_t retry;    /* not before, since there was no port */
    bool warm;         /* a first connection has led somewhere: the way is known */
    uint32_t user;     /* the next mailbox */
    bool capable;      /* POP3, IMAP: the server has told what it can do, or that it will not */
    bool groups;       /* PIPELINING is among it */
    bool literal_plus; /* LITERAL+ is (RFC 7888) */
    struct blast_box *boxes; /* IMAP: the worker's mailboxes */
    uint32_t watching;       /* IMAP: sessions that watch, begun and not over */
    uint32_t watched;        /* the next mailbox that is watched */
    bool dismissed;          /* they were told to end */
    uint32_t phase;          /* as last seen */
    uint64_t finished_at;    /* written before `finished` */
    _Atomic uint32_t finished;
    struct writer scratch;
    uint8_t scratch_bytes[BLAST_SCRATCH];
};

/* ---- blast_client.c: services to the protocols ---- */

/* Sends what is in `scratch`. False: there was no memory, and the session is gone. */
bool blast_session_flush(struct blast_client *c, struct blast_session *s);
/* It failed: `count` is its row. The connection is reset. */
void blast_session_fail(struct blast_client *c, struct blast_session *s, uint64_t *count);
/* It is done: what is left is that the server closes. */
void blast_session_leave(struct blast_client *c, struct blast_session *s);
/* Appends what lies for ever. False: there was no memory, and the session is gone. */
bool blast_session_put(struct blast_client *c, struct blast_session *s, struct span bytes);
/* The protocol begins: on the connection, or under TLS. */
void blast_session_begin(struct blast_client *c, struct blast_session *s);
/* A buffer for the machine; NULL: the session is gone. */
uint8_t *blast_session_line(struct blast_client *c, struct blast_session *s);
static inline uint64_t blast_client_since(const struct blast_client *c, uint64_t since)
{
    return c->now > since ? c->now - since : 0;
}
/* Times are those of clients that behave; verifying is no load. */
static inline void blast_session_measure(struct blast_client *c, const struct blast_session *s,
                                         enum blast_latency what, uint64_t since)
{
    if (!s->manner && !s->verifies && !s->watches)
        log_histogram_add(&c->tally->latency[what], blast_client_since(c, since));
}
/* The tally of the session's step; NULL where the rate has none. */
static inline struct blast_step_tally *blast_session_step(struct blast_client *c,
                                                          const struct blast_session *s)
{
    return c->order->step_count && !s->verifies ? &c->tally->steps[s->step] : NULL;
}
/* Whether a message, or a session, may still be begun. */
static inline bool blast_client_loads(const struct blast_client *c)
{
    return c->phase == BLAST_PHASE_LOAD;
}

/* ---- blast_tls.c: what lies in records ---- */

/* As tcp_peek(), of a session under TLS: what is in the next record. The session may be gone. */
struct span blast_tls_peek(struct blast_client *c, struct blast_session *s);
/* All of it was read. */
void blast_tls_taken(struct blast_client *c, struct blast_session *s);
/* Seals and appends. False: no memory. */
bool blast_tls_write(struct blast_client *c, struct blast_session *s, struct span bytes);

static inline void blast_session_consume(struct blast_client *c, struct blast_session *s, size_t n)
{
    if (s->secure)
        blast_tls_taken(c, s);
    else
        tcp_consume(c->tcp, s->conn, (uint32_t)n);
}

/*
 * All that can be done with what lies unread: `step` makes its machine take one action with *in,
 * and says whether there may be another. What is to be said then leaves.
 */
static inline void blast_session_read(struct blast_client *c, struct blast_session *s,
                                      bool (*step)(struct blast_client *c, struct blast_session *s,
                                                   struct span *in))
{
    struct tcp_conn *conn = s->conn;
    bool more;

    do {
        struct span in = s->secure ? blast_tls_peek(c, s) : tcp_peek(conn);
        bool slow = s->manner == BLAST_MANNER_slow_reader;
        size_t len = in.len;

        if (s->conn != conn)
            return;

        if (slow)
            in = span_head(in, len = len < s->allowance ? len : s->allowance);

        while (step(c, s, &in))
            continue;
        if (s->conn != conn)
            return;
        if (len)
            blast_session_consume(c, s, len - in.len);
        more = s->secure ? len > 0 : tcp_unread(conn) > 0;
        if (slow)
            s->allowance -= (uint32_t)(len - in.len);
        if (s->leaving || s->stands || s->shakes || (slow && !s->allowance))
            break;
    } while (more);
    if (!s->leaving)
        blast_session_flush(c, s);
}

/* ---- blast_hold.c: sessions that hold still ---- */

/* Room for all that the worker may hold. False: no memory. */
bool blast_hold_init(struct blast_client *c);
/* Whether a connection's user is a held one. */
static inline bool blast_hold_is(const struct blast_client *c, const void *user)
{
    return (uintptr_t)user - (uintptr_t)c->held < c->held_count * sizeof(*c->held);
}
/* Takes the connection over from its session. */
void blast_hold_take(struct blast_client *c, struct tcp_conn *conn);
void blast_hold_event(struct blast_client *c, struct tcp_conn *conn, uint32_t events);
/* Ends one as it should: resets it, or closes the very last one, which goes when the server has
 * answered. False: not now, its reset would find no room; or none is left. */
bool blast_hold_let_go(struct blast_client *c);
/* Resets all that are left, whether or not there is room for it. */
void blast_hold_cut(struct blast_client *c);
/* Whether a worker that has nothing else to do has held still for long enough. */
bool blast_hold_is_over(struct blast_client *c);

/* ---- blast_slow.c, blast_broken.c: those that do not behave ---- */

/* Who is what, by the number of the session and the seed. */
enum blast_manner blast_manner_of(const struct blast_order *o, uint64_t number);
static inline bool blast_manner_is_broken(const struct blast_session *s)
{
    return s->manner > BLAST_MANNER_slow_reader;
}
void blast_slow_begin(struct blast_client *c, struct blast_session *s);
void blast_slow_end(struct blast_client *c, struct blast_session *s);
/* Takes those whose time has come; returns how many. */
uint32_t blast_slow_turn(struct blast_client *c);
uint64_t blast_slow_next(const struct blast_client *c);
void blast_broken_begin(struct blast_client *c, struct blast_session *s);
void blast_broken_run(struct blast_client *c, struct blast_session *s);
void blast_broken_tick(struct blast_client *c, struct blast_session *s);
/* It has ended in another way than it meant to; `count` is the row of those that behave. */
void blast_broken_gone(struct blast_client *c, struct blast_session *s, const uint64_t *count);

/* Runs it with what lies unread, and ends it where the server has. */
void blast_session_go_on(struct blast_client *c, struct blast_session *s);
void blast_session_touch(struct blast_client *c, struct blast_session *s);
void blast_session_let_go(struct blast_client *c, struct blast_session *s);
/* All of the message was handed to the connection. */
void blast_smtp_sent(struct blast_client *c, struct blast_session *s);

/* ---- blast_start.c: sessions begin ---- */

enum { BLAST_VERIFIERS = 16 }; /* sessions that read back at a time */
/* Whether there is more to begin. */
bool blast_client_work_left(const struct blast_client *c);
/* When the next session is to begin; UINT64_MAX: not before something changes. */
uint64_t blast_client_next_start(const struct blast_client *c);
/* Begins those whose time has come, some in a turn; returns how many. */
uint32_t blast_client_start_due(struct blast_client *c);

/* ---- blast_client.c: why a connection is gone ---- */

uint64_t *blast_client_count_of(struct blast_client *c, enum tcp_reason reason);

/* ---- blast_smtp.c, blast_pop3.c ---- */

void blast_smtp_begin(struct blast_client *c, struct blast_session *s);
void blast_smtp_run(struct blast_client *c, struct blast_session *s);
/* The session has failed: what becomes of the messages it was to carry. */
void blast_smtp_gone(struct blast_client *c, struct blast_session *s);
void blast_pop3_begin(struct blast_client *c, struct blast_session *s);
void blast_pop3_run(struct blast_client *c, struct blast_session *s);
void blast_pop3_gone(struct blast_client *c, struct blast_session *s);

/* What is spoken: mailboxes are read back by POP3 where the load itself is not IMAP. */
static inline enum blast_work blast_session_work(const struct blast_client *c,
                                                 const struct blast_session *s)
{
    return s->verifies && c->order->work != BLAST_WORK_IMAP ? BLAST_WORK_POP3 : c->order->work;
}

#endif
