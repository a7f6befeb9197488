/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_HANDOFF_RECORD_H
#define DATAPLANE_HANDOFF_RECORD_H

#include "dataplane/handoff/counters.h"
#include "dataplane/handoff/message.h"
#include "dataplane/handoff/stage.h"

/*
 * What a worker tells of a message or a connection, once, when it is over. The worker fills a slot,
 * control writes it as one line of JSON. All texts lie in the slot's own arena; what does not fit
 * is left out and counted in `cut`.
 */
enum record_kind {
    RECORD_MESSAGE,
    RECORD_CONNECTION,
};

enum {
    RECORD_ARENA = 16 * 1024,
    RECORD_RULES = 32,
    RECORD_HEAD_MAX = 512,     /* bytes of a field of the header that is told */
    RECORD_RECEIVED = 6,       /* Received fields that are told, the latest hops */
    RECORD_RECEIVED_MAX = 256, /* bytes of each */
};

/* Fields of the message's own header that are told as texts. */
enum record_head {
#define RECORD_HEAD(name, FIELD) RECORD_HEAD_##name,
#include "dataplane/handoff/record_head.def"
#undef RECORD_HEAD
    RECORD_HEADS,
};

/* What the engine was to the conversation. */
enum record_role { RECORD_SERVE, RECORD_TAP };

/* A place of a recipient's mail beside those of enum message_place: its mailbox for junk. */
enum { RECORD_PLACE_JUNK = MESSAGE_QUARANTINE + 1 };

/* A text in the arena. */
struct record_text {
    uint16_t at, len;
};

struct record_recipient {
    struct record_text address;
    uint16_t code;           /* what RCPT was answered */
    uint16_t data_code;      /* what it was answered behind the message, with PRDR; 0 otherwise */
    uint8_t verdict;         /* enum rule_action as decided for this recipient */
    uint8_t place;           /* enum message_place or RECORD_PLACE_JUNK, where accepted */
    struct record_text rule; /* id of the rule that the verdict is of */
};

struct record_peer {
    struct ip_address client, server;
    uint16_t client_port, server_port;
    bool relayed;          /* a trusted proxy stood between, and said so */
    struct ip_address via; /* the proxy */
    uint16_t via_port;
};

/* Where a message that goes by in IMAP is. */
enum record_direction { RECORD_NOT_IMAP, RECORD_APPENDED, RECORD_FETCHED };

struct record_imap {
    uint8_t direction;                /* enum record_direction */
    bool whole;                       /* all of it was seen */
    struct record_text user, mailbox; /* who logged in; empty: not seen */
    uint32_t uidvalidity, uid;        /* 0: not seen */
    uint32_t number;                  /* among the mailbox's messages; 0: appended */
};

struct record_message {
    struct id128 id, connection;
    uint64_t began_ms, ended_ms; /* wall clock at MAIL and at the reply to the data */
    uint64_t end_of_data_us;     /* from the final dot to the reply, in microseconds */
    uint64_t commit_us; /* of that, from the job asked to its answer; 0 when there was none */
    struct record_peer peer;
    struct record_text helo, sender, subject, from, message_id;
    struct record_text heads[RECORD_HEADS];
    struct record_text received[RECORD_RECEIVED]; /* from the first on; empty behind the last */
    struct record_text client_name, login;        /* as XCLIENT said */
    struct record_text reply;                     /* text of the final reply, with its codes */
    uint16_t code;                                /* of the final reply; 0 when there was none */
    uint8_t verdict;                              /* enum rule_action of the message as a whole */
    bool esmtp, smtputf8;
    uint8_t role;            /* enum record_role */
    bool cycles_apportioned; /* this message carried no stamps of its own */
    struct record_text rule; /* id of the deciding rule */
    uint32_t rule_count;     /* all that matched; at most RECORD_RULES are named */
    uint64_t anomalies;  /* bit i: row i of mime_anomaly.def */
    int32_t score;
    struct record_imap imap;
    uint64_t size;
    struct record_text tree; /* encoded part tree, as stored */
    /* Of leaves, in order: index of the part in 2 bytes, big-endian, and its SHA-256 in 32. */
    struct record_text digests;
    uint32_t recipient_count;
    uint64_t cycles[STAGES];
    uint64_t cycles_total; /* measured by itself, not summed */
    bool spf, spf_helo;    /* SPF was asked; about HELO's identity */
    uint8_t spf_result;    /* enum spf_result */
    /* So many of each as there are counted: what lies behind is never cleared, so that its lines
     * need not come from the processor that read the slot last. */
    struct record_text rules[RECORD_RULES];
    struct record_recipient recipients[MESSAGE_DELIVERIES];
};

struct record_connection {
    struct id128 id;
    uint64_t began_ms, ended_ms;
    struct record_peer peer;
    struct record_text helo, reason, protocol;
    struct record_text user, user_refused;     /* who logged in; else the name of the last try */
    struct record_text last_refusal;           /* the row's counter; empty: none was refused */
    struct record_text tls_version, tls_suite; /* empty: in the clear */
    struct record_text tls_name;               /* that the client asked for */
    bool tls_resumed;
    uint8_t tls_client; /* enum tls_client: its certificate */
    bool early;         /* spoke before it was greeted */
    uint64_t bytes_in, bytes_out;
    uint32_t commands, messages, refusals;
    uint32_t logins_refused; /* POP3: wrong names or passwords */
};

struct record {
    uint16_t worker;
    uint8_t kind; /* enum record_kind */
    bool cut;     /* some text did not fit */
    uint16_t used;
    union {
        struct record_message message;
        struct record_connection connection;
    };
    uint8_t arena[RECORD_ARENA];
};

/* Copies `bytes` into the arena, at most `limit` of them, as they are: the writer makes them safe
 * to print. */
struct record_text record_put(struct record *r, struct span bytes, size_t limit);
static inline struct span record_text_span(const struct record *r, struct record_text t)
{
    return span_of(r->arena + t.at, t.len);
}
/* Empties a slot for its next use; the arena is left as it is. */
void record_reset(struct record *r, enum record_kind kind);

#endif
