/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_SESSION_TRANSACTION_H
#define DATAPLANE_SESSION_TRANSACTION_H

#include "dataplane/session/session.h"
#include "dataplane/session/transaction_measure.h"
#include "dataplane/session/transaction_subject.h"
#include "proto/mime/mime_html.h"
#include "proto/mime/mime_readings.h"
#include "proto/mime/mime_tree.h"
#include "rules/rule_match.h"

/*
 * A message on its way through the engine, from MAIL to the reply that ends it: envelope, kept
 * body, the state of MIME reader and rules, the record. Lives in one large chunk, with further ones
 * for what does not fit.
 */

enum transaction_step {
    TRANSACTION_READING,    /* up to the final dot */
    TRANSACTION_WRITING,    /* the message is whole; rows are still being written */
    TRANSACTION_COMMITTING, /* control decides */
    TRANSACTION_OVER,       /* answered */
    TRANSACTION_REFUSED,    /* at MAIL: ends with the reply */
};

struct transaction_recipient {
    struct rule_policy policy; /* rules and thresholds of its domain */
    uint8_t verdict;           /* enum rule_action, once judged */
    bool by_score;             /* the thresholds decided */
    int32_t rule;              /* the rule that decided, or RULE_NONE */
    struct span text;          /* what a refusal of this recipient alone would answer */
    int32_t spared; /* the rule that would have refused it at RCPT, had it not been exempt; or
                       RULE_NONE */
    bool looping;   /* the message was delivered to it before */
    bool forwarded; /* it goes on to another server, by an entry of the directory */
};

/* Some of a message's deliveries. */
struct delivery_set {
    uint64_t bits[(MESSAGE_DELIVERIES + 63) / 64];
};

static inline void delivery_set_add(struct delivery_set *set, uint32_t delivery)
{
    set->bits[delivery / 64] |= UINT64_C(1) << delivery % 64;
}

static inline bool delivery_set_has(const struct delivery_set *set, uint32_t delivery)
{
    return set->bits[delivery / 64] >> delivery % 64 & 1;
}

/* A recipient that was accepted at RCPT, in that order. */
struct transaction_accepted {
    struct span address; /* as spelled */
    struct span text;    /* of `row`; borrowed from the rules */
    struct delivery_set deliveries;
    uint8_t record; /* its place in the record */
    bool recorded;
    uint8_t row; /* enum smtp_reply_id: what refuses the message for it alone; NONE: nothing */
};

/* A message that goes by, between two others. */
struct transaction_observed {
    uint16_t code; /* the server's answer to it; 0: not seen */
    struct span reply;
};

struct transaction {
    struct chunk
        *arena; /* the chunk that this struct lies in, and those taken later; newest first */
    struct record *record;
    struct rule_generation *rules;
    struct rule_match *match;
    int32_t named_rule; /* whose id was put into the record last */
    struct record_text named;
    struct chunk *rows; /* full chunks that wait for a job, oldest first */
    struct chunk *rows_last;
    struct chunk *keep;  /* the chunk that is being filled */
    struct chunk *first; /* the first row, held back; see transaction_subject.h */
    struct chunk *late;  /* the same, among `rows` at last */
    uint32_t unread;     /* last bytes of `keep` that were not read yet */
    struct job *commit;  /* out, or NULL */
    uint32_t writes;     /* JOB_STORE_WRITE out */
    uint8_t step;        /* enum transaction_step */
    uint8_t reply;       /* enum smtp_reply_id that ended it */
    bool failed;         /* content is no longer read */
    bool committed;      /* control said that it is durable */
    bool ordinary;       /* a recipient was accepted that is not exempt from content refusal */
    bool data;           /* DATA or a chunk was accepted */
    bool answered;       /* the row in `reply` was sent */
    bool stamped;        /* carries stamps of its own */
    bool prdr;           /* a reply for each recipient was asked for */
    bool each;           /* and is being given */
    uint8_t sender_row;  /* enum smtp_reply_id: what the rules refuse the sender with, applied at
                            RCPT; NONE: nothing */
    struct span sender_text;
    bool sender_named;           /* the next are filled; not for the null sender */
    uint64_t sender_names[2][2]; /* of the sender, of its domain; for messages, for recipients */
    struct span reply_text;
    struct span subject, from, message_id;                   /* decoded, in the arena */
    struct span heads[RECORD_HEADS], trace[RECORD_RECEIVED]; /* the same */
    uint64_t declared;                                       /* octets, with SIZE; 0: not */
    uint64_t anomalies;
    uint32_t received;     /* Received fields of the message's own header */
    uint32_t tls_required; /* TLS-Required fields of it */
    uint64_t end_us;       /* monotonic: the final dot */
    uint64_t asked_us;     /* monotonic: the commit was asked */
    uint64_t commit_us;
    uint64_t began_cycles[STAGES]; /* the worker's cycles when it began, to measure the window */
    uint64_t began_busy;
    uint64_t began_bytes; /* of sessions.bytes_read */
    uint64_t bytes;       /* read by this transaction's session since */
    uint64_t heard;       /* of them, when the deadline was set last */
    uint64_t rate_us;     /* session_pressure.c: since when, and since which of `bytes`, the rate
                             is measured */
    uint64_t rate_bytes;
    uint64_t cycles[STAGES]; /* of its own stamps */
    uint64_t cycles_total;
    uint8_t
        part_scope; /* enum rule_scope that the open leaf's DATA goes to; HTML: its text to BODY */
    bool hold;      /* the first row is to be held back */
    struct transaction_subject titles;
    struct mime_html html;
    struct transaction_measure measure;
    struct submission *submission; /* transaction_submission.h; NULL: at an MX */
    struct job *greylist;          /* the question about the recipient that waits, or NULL */
    struct job *directory;         /* the question about the address that waits, or NULL */
    uint8_t directory_for;         /* enum session_directory_for */
    struct address asked;          /* that recipient or address, in the arena */
    int32_t asked_spared;          /* what the rules said of it */
    struct rule_verdict verdict;
    struct rule_verdict refused; /* of the recipient at hand, where a rule refuses it at RCPT */
    uint8_t other_scope[MIME_READINGS]; /* part_scope of the other readings */
    struct mime_tree tree;
    void *digest; /* of the open leaf, or NULL */
    uint8_t *digests;
    uint32_t digest_count;
    struct transaction_observed *observed; /* tap: what another server made of it */
    uint32_t accepted_count;
    struct {
        const struct directory *directory; /* NULL: nobody was looked for */
        uint64_t changes, at_s;
    } seen; /* the directory before the first recipient was looked for: recipient_seen() */
    struct message
        message; /* cleared up to `delivery`; what follows is written before it is read */
    struct mime_readings mime;
    struct transaction_accepted accepted[MESSAGE_DELIVERIES];
    struct transaction_recipient recipient[MESSAGE_DELIVERIES];
    struct delivery_set
        delivery_of[MESSAGE_DELIVERIES]; /* by the record's recipient; empty where it was refused */
    uint8_t kept_from[MESSAGE_DELIVERIES]; /* of the deliveries that are left, their place in
                                              `recipient` */
};
_Static_assert(MESSAGE_DELIVERIES <= UINT8_MAX, "kept_from");

/* Mail to postmasters and abuse alone: rules do not refuse it. */
static inline bool transaction_exempt(const struct transaction *tx)
{
    return tx->message.deliveries && !tx->ordinary;
}

/* Why a transaction could not begin: NULL and the row to answer. */
struct transaction *transaction_begin(struct sessions *ss, struct session *s,
                                      enum smtp_reply_id *why_out);
/* There is room to note that rows are to be discarded, or none are; otherwise the session is run
 * again. */
bool transaction_may_end(struct sessions *ss, struct session *s, const struct transaction *tx);
/* Gives everything back but what control still has; the record is sent. No commit may be out. */
void transaction_end(struct sessions *ss, struct session *s, struct transaction *tx);
/* The same without a record. */
void transaction_forget(struct sessions *ss, struct transaction *tx);
/* The same, of a message that no row was written of. */
void transaction_drop(struct sessions *ss, struct transaction *tx);
/* The last row, for the commit. */
void transaction_close(struct sessions *ss, struct transaction *tx);
/* `size` bytes of the message's own memory, aligned to 8; NULL when no chunk is left. */
void *transaction_memory(struct sessions *ss, struct transaction *tx, size_t size);
/* A copy there, in *copy_out; false: no memory, and it is empty. */
bool transaction_copy(struct sessions *ss, struct transaction *tx, struct span bytes,
                      struct span *copy_out);

/* The rule's id in the record, there once however often it is asked for; empty for RULE_NONE. */
struct record_text transaction_rule_id(struct transaction *tx, int32_t rule);

/* True when SESSION_STEP more bytes of body can be kept; else the session stalls. */
bool transaction_ready(struct sessions *ss, struct session *s, struct transaction *tx);
/* Copies a piece of the body, at most SESSION_STEP bytes, after transaction_ready(). */
void transaction_keep(struct sessions *ss, struct session *s, struct transaction *tx,
                      struct span bytes);
/*
 * Keeps a piece of the body likewise. What lies behind what was kept before is read with it, by
 * transaction_read() at the latest, which has to come before anything else is made of the message
 * and before its turn ends: what arrives in several frames is read at once. SMTP_REPLY_NONE, or the
 * row that refuses the message, as transaction_content_feed() tells it.
 */
enum smtp_reply_id transaction_take(struct sessions *ss, struct session *s, struct transaction *tx,
                                    struct span bytes, struct span *text_out);
/* Reads what was taken and not read. */
enum smtp_reply_id transaction_read(struct sessions *ss, struct transaction *tx,
                                    struct span *text_out);
/* Hands over full rows while there are jobs. */
void transaction_write(struct sessions *ss, struct session *s, struct transaction *tx);
/* The first row, if one is held back, waits for a job like others. */
void transaction_release(struct transaction *tx);
/* Asks for the commit, once all rows were written; false: no job is free yet. */
bool transaction_commit(struct sessions *ss, struct session *s, struct transaction *tx);

/* ---- what the message says (transaction_content.c) ---- */

bool transaction_content_begin(struct sessions *ss, struct transaction *tx);
/* Reads a piece of the message. SMTP_REPLY_NONE, or the row that refuses it from here on, with its
 * text. */
enum smtp_reply_id transaction_content_feed(struct sessions *ss, struct transaction *tx,
                                            struct span bytes, struct span *text_out);
enum smtp_reply_id transaction_content_finish(struct sessions *ss, struct transaction *tx);
/*
 * What the other readings give, and what lies within the DATA of each: the rules see all of it.
 * These two are used by transaction_content.c and transaction_reading.c alone.
 */
enum smtp_reply_id transaction_reading_event(struct sessions *ss, struct transaction *tx,
                                             const struct mime_event *event);
/* Bytes for a scope that streams, in one of RULE_LANES; or a value for one that does not. */
enum smtp_reply_id transaction_rules(struct sessions *ss, struct transaction *tx, unsigned lane,
                                     enum rule_scope scope, struct span bytes);
/* The part that was fed in a lane ends. */
enum smtp_reply_id transaction_rules_close(struct sessions *ss, struct transaction *tx,
                                           unsigned lane, enum rule_scope scope);
/* The row that a status of the rules asks for. */
enum smtp_reply_id transaction_rules_row(struct sessions *ss, const struct transaction *tx,
                                         enum rule_status status);
/* An anomaly is counted, kept for the record and shown to the rules. */
enum smtp_reply_id transaction_anomaly(struct sessions *ss, struct transaction *tx,
                                       enum mime_anomaly which);
/* The row for an action of the rules: NONE, RULE_REJECTED or RULE_DEFERRED. */
enum smtp_reply_id transaction_refusal(enum rule_action action);

/* ---- digests of leaves (transaction_digest.c) ---- */

void transaction_digest_begin(struct sessions *ss, struct transaction *tx);
void transaction_digest_feed(struct sessions *ss, struct transaction *tx, struct span bytes);
void transaction_digest_end(struct sessions *ss, struct transaction *tx, uint16_t part);
/* The message is over: what is open is given back, and what there is goes into the record. */
void transaction_digest_record(struct sessions *ss, struct transaction *tx);

/* ---- stamps (transaction_stamp.c) ---- */

/* The cycles since the last stamp were spent on `stage`. Nothing unless a stamped message is being
 * worked on. */
static inline void transaction_stamp(struct sessions *ss, enum stage stage)
{
    if (ss->stamping) {
        uint64_t now = stage_now();

        ss->stamping->cycles[stage] += now - ss->stamp;
        ss->stamp = now;
        ss->stamps++;
    }
}
/* Stamping goes on for, or stops with, the message. */
void transaction_stamp_on(struct sessions *ss, struct transaction *tx);
void transaction_stamp_off(struct sessions *ss);
void transaction_stamp_begin(struct sessions *ss, struct transaction *tx);
/* Fills the record's cycles, apportioning what was not stamped. */
void transaction_stamp_end(struct sessions *ss, struct transaction *tx);

#endif
