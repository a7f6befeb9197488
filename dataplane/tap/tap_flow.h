/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DATAPLANE_TAP_TAP_FLOW_H
#define DATAPLANE_TAP_TAP_FLOW_H

#include "dataplane/capture/tap_input.h"
#include "dataplane/handoff/tap_source.h"
#include "dataplane/session/transaction.h"
#include "dataplane/tap/tap_imap.h"
#include "dataplane/tap/tap_secure.h"
#include "dataplane/tcp/tcp_observer.h"
#include "proto/detect/detect.h"
#include "proto/pop3/pop3_observer.h"
#include "proto/smtp/smtp_observer.h"

/*
 * One connection of two others, from its first bytes to its end: what is spoken is recognised, read
 * by the observer of its protocol, and told. Private to this folder. All memory is taken when the
 * tap is made: places for flows, and chunks for what they hold.
 */
enum { TAP_TEXT = 128 }; /* bytes of a greeting or a name that are kept */

enum tap_stage {
    TAP_DETECTING, /* what came is held until it says what it is */
    TAP_SMTP,
    TAP_POP3,
    TAP_IMAP,
    TAP_TLS,   /* nothing is known of what is in it */
    TAP_BLIND, /* nothing of it is looked at */
};

struct tap_text {
    uint8_t len;
    uint8_t bytes[TAP_TEXT];
};

struct tap_flow {
    struct tcp_observed_flow *seen;
    struct tap_flow *next_free;
    struct tap_flow_facts facts;
    struct session s; /* what transactions know of their session; never in a table */
    struct tap_message message;
    struct chunk *held;     /* DETECTING: pieces of both directions; SMTP: bytes of the client's */
    struct chunk *line[2];  /* line buffers, by direction */
    struct tap_secure *tls; /* NULL: none, or it is not looked at any more */
    uint64_t time_ns;
    uint8_t stage; /* enum tap_stage */
    bool was_mail; /* a session is told of at the end */
    bool started_tls;
    bool warned; /* that one direction alone is seen */
    bool esmtp;
    bool busy;   /* held bytes are being read */
    bool opened; /* read under TLS */
    uint32_t commands, messages, logins;
    struct tap_text greeting, name;
    union {
        struct smtp_observer smtp;
        struct pop3_observer pop3;
        struct tap_imap *imap; /* IMAP */
    };
};

struct tap {
    const struct tap_source *source;
    uint32_t worker, workers;
    struct tcp_observer *observer;
    struct tap_input *input;
    struct sessions *ss;
    struct chunk_pool *pool;
    struct tap_flow *flows, *free;
    uint32_t used;            /* of flows, ever: what is behind was never touched */
    uint64_t flows_unseen;    /* no place for them */
    uint64_t messages_unread; /* no memory for them */
    uint64_t by_protocol[DETECT_OTHER + 1];
    uint64_t sessions, messages, logins, anomalies;
    uint64_t frames, losses;
    bool (*pass)(void *context, const struct observed_packet *packet); /* struct tap_options */
    void *pass_context;
    uint64_t epoch_ns;         /* what makes a frame's time one since 1970 */
    uint32_t conversations;    /* of mail, at the moment */
    struct tls_crypto *crypto; /* NULL: no TLS is opened */
    uint8_t *tls_room;         /* of a record that is being read */
    struct tap_imap_counters imap;
    uint64_t tls_handshakes, tls_opened, tls_records;
    uint64_t tls_unread[TAP_UNREADS];
};

/* The calls of the observer of TCP; context is the struct tap. */
extern const struct tcp_observer_calls tap_flow_calls;

/* Bytes of a direction, of the protocol at hand. */
void tap_flow_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
/* Those that were under TLS, which may have to be recognised first; `offset` counts them. */
void tap_flow_plain(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes,
                    uint64_t offset);
/* So many bytes of what is spoken were not seen. */
void tap_flow_hole(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len);
/* From here on another protocol; nothing of the one before is left. */
void tap_flow_become(struct tap *t, struct tap_flow *f, enum tap_stage stage);
uint8_t *tap_flow_line(struct tap *t, struct tap_flow *f, enum tcp_direction d);
void tap_flow_note(struct tap_text *text, struct span bytes);
static inline struct span tap_flow_text(const struct tap_text *text)
{
    return span_of(text->bytes, text->len);
}

/* ---- what is said of it ---- */

/* Fills in who and when, and says it. */
void tap_flow_say(struct tap *t, struct tap_flow *f, struct tap_event *event);
void tap_flow_anomaly(struct tap *t, struct tap_flow *f, const char *name, const char *what,
                      const char *direction);
void tap_flow_login(struct tap *t, struct tap_flow *f, struct span mechanism, struct span who,
                    bool good);

/* A command or an answer; POP3's and IMAP's login, whose name is the session's. */
void tap_flow_line_said(struct tap *t, struct tap_flow *f, enum tap_event_kind kind,
                        struct span name, struct span text, uint32_t secret);
void tap_flow_user(struct tap *t, struct tap_flow *f, struct span mechanism, struct span who,
                   bool good);

/* ---- protocols: tap_smtp.c, tap_pop3.c, tap_imap.c ---- */

void tap_smtp_begin(struct tap *t, struct tap_flow *f);
void tap_smtp_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
void tap_smtp_gap(struct tap *t, struct tap_flow *f, enum tcp_direction d, uint64_t len);
void tap_smtp_end(struct tap *t, struct tap_flow *f);
void tap_pop3_begin(struct tap *t, struct tap_flow *f);
void tap_pop3_bytes(struct tap *t, struct tap_flow *f, enum tcp_direction d, struct span bytes);
void tap_pop3_end(struct tap *t, struct tap_flow *f);

/* ---- messages: tap_message.c ---- */

/* The sender is known: a transaction like those of serve, without deliveries. */
void tap_message_open(struct tap *t, struct tap_flow *f, struct tap_message *m, struct span sender,
                      bool smtputf8);
/* A recipient, and later what the server answered it. */
void tap_message_recipient(struct tap *t, struct tap_flow *f, struct span address);
void tap_message_answer(struct tap *t, struct tap_flow *f, uint16_t index, uint16_t code);
void tap_message_begin(struct tap *t, struct tap_flow *f, struct tap_message *m);
void tap_message_bytes(struct tap *t, struct tap_message *m, struct span bytes);
/* All of it was seen; what the rules make of it is decided. */
void tap_message_end(struct tap *t, struct tap_message *m);
/* The server's answer: the record is written. code 0: it was not seen. */
void tap_message_verdict(struct tap *t, struct tap_flow *f, struct tap_message *m, uint16_t code,
                         struct span reply);
/* It never comes, or only in part: told when some of it was seen. */
void tap_message_drop(struct tap *t, struct tap_flow *f, struct tap_message *m);
/* The same, and nothing is told. */
void tap_message_forget(struct tap *t, struct tap_message *m);

#endif
