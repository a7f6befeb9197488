/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_OBSERVER_H
#define PROTO_SMTP_SMTP_OBSERVER_H

#include "proto/base/sasl_observer.h"
#include "proto/smtp/smtp_command.h"
#include "proto/smtp/smtp_odd.h"
#include "proto/smtp/smtp_reader.h"
#include "proto/smtp/smtp_reply_reader.h"

/*
 * Follows a conversation between two others. What the client sends is read as what the server
 * answered makes it: message data begins behind the 354, not behind the word DATA. Bytes of each
 * direction are handed in as they come, the two interleaved as the hosts saw them; events come out.
 * Never refuses anything; bounded state, no memory but two line buffers that are asked for.
 *
 * A transaction is told as
 *
 *   MAIL, RCPT*, ANSWER*, BEGIN, TEXT*, END, VERDICT
 *
 * or ends with ABANDONED at any point. Commands and their answers are told one by one, because
 * clients send several at a time: the ANSWER to a RCPT has its index. A transaction that the
 * observer did not see begin has a BEGIN without MAIL.
 */
enum { SMTP_OBSERVER_LINE_MAX = 2048, SMTP_OBSERVER_QUEUE = 64 };

enum smtp_observed_kind {
    SMTP_OBSERVED_MORE,          /* all input taken */
    SMTP_OBSERVED_WAIT,          /* the input is left: what it is depends on an answer that was not
                                    seen yet. Come again behind it, or after smtp_observer_assume() */
    SMTP_OBSERVED_CLIENT_BUFFER, /* attach SMTP_OBSERVER_LINE_MAX bytes to this direction */
    SMTP_OBSERVED_SERVER_BUFFER, /* attach SMTP_REPLY_LINE_MAX bytes */
    SMTP_OBSERVED_GREETING,      /* code, text */
    SMTP_OBSERVED_COMMAND,       /* verb, text: the line, secret; HELO, EHLO: name */
    SMTP_OBSERVED_MAIL, /* the same, of a MAIL that may open a transaction, perhaps in place of one
                           whose DATA was refused: name, smtputf8 */
    SMTP_OBSERVED_RCPT, /* the same, of a RCPT in one: name, index */
    SMTP_OBSERVED_RESPONSE,  /* text: a line of an AUTH exchange, all of it secret */
    SMTP_OBSERVED_ANSWER,    /* verb, index (RCPT of this transaction, else NONE), code, text:
                                the reply's last line */
    SMTP_OBSERVED_ABANDONED, /* the transaction is over without a whole message */
    SMTP_OBSERVED_BEGIN,     /* the message begins; assumed */
    SMTP_OBSERVED_TEXT,      /* text: the next bytes of it, stuffed dots removed */
    SMTP_OBSERVED_END,       /* the message is whole, but for gaps */
    SMTP_OBSERVED_VERDICT,   /* code, text: what the server answered it; code 0: not seen */
    SMTP_OBSERVED_AUTH,      /* code, text: the mechanism, name: who, where that is to be seen */
    SMTP_OBSERVED_STARTTLS,  /* both directions go on in TLS: no more input is taken */
    SMTP_OBSERVED_ANOMALY, /* anomaly; once a conversation, those of message data once a message and
                              before its END */
};

enum { SMTP_OBSERVER_NO_INDEX = UINT16_MAX };

struct smtp_observed {
    enum smtp_observed_kind kind;
    enum smtp_verb verb;
    uint16_t index;       /* of a RCPT in its transaction, in order */
    uint16_t code;        /* of a reply */
    uint16_t enhanced[3]; /* its status code, zeros when there is none */
    uint8_t anomaly;      /* enum smtp_anomaly */
    bool esmtp;           /* EHLO */
    bool smtputf8;        /* MAIL */
    bool assumed;         /* the answer was not seen: taken as it usually is */
    uint32_t secret;      /* bytes of `text` from here on may be a secret */
    struct span text;     /* valid until the next call */
    struct span name;     /* of HELO, EHLO; path as spelled, without brackets and source route */
};

struct smtp_pending {
    uint8_t what;   /* enum smtp_verb, or a private kind of smtp_observer.c */
    uint8_t serial; /* of the transaction it is of */
    uint16_t index;
};

struct smtp_observer {
    struct loose_line line; /* the client's */
    struct smtp_reader data;
    struct smtp_reply_reader replies;
    struct sasl_observer sasl;
    struct smtp_odd odd;
    struct smtp_pending queue[SMTP_OBSERVER_QUEUE]; /* commands without an answer, oldest first */
    uint8_t queue_first, queue_count;
    uint8_t state;     /* what the client's next bytes are; private */
    uint8_t waits_for; /* while held: what was sent last, as in the queue */
    uint8_t serial;    /* counts transactions */
    bool open;         /* a MAIL was seen that was not refused */
    bool text;         /* its message has begun */
    bool ended;        /* it is whole, the verdict is awaited */
    bool lmtp;         /* a reply for each recipient ends a message (RFC 2033 section 4.2) */
    bool refused_data; /* DATA was refused: the next MAIL may begin anew */
    bool greeted, spoke, helo_answered, chunking;
    bool one_sided;
    bool lost_answer; /* what is waited for may lie in a gap */
    bool last_chunk;
    bool assumed;        /* what was awaited last was not seen */
    uint16_t recipients; /* of the transaction */
    uint16_t accepted;
    uint16_t each;       /* PRDR: replies for single recipients that are still to come */
    uint16_t early_code; /* of an answer that came before the last chunk was whole; 0: none */
    uint64_t chunk;      /* octets of the chunk whose command is held */
    uint32_t due;        /* events that come before anything else is read; private */
    uint64_t anomalies, anomalies_told;
    struct smtp_reply_line answer; /* what due events are about */
};

/* `midstream`: its beginning, and so the greeting, was not seen. */
void smtp_observer_init(struct smtp_observer *o, bool midstream);
void smtp_observer_attach_client(struct smtp_observer *o, uint8_t *buffer);
void smtp_observer_attach_server(struct smtp_observer *o, uint8_t *buffer);
/* A buffer that holds nothing, or NULL. */
uint8_t *smtp_observer_take_back(struct smtp_observer *o, bool client);
/* The server's direction is not seen at all: what it said is taken for what it usually says. */
void smtp_observer_one_sided(struct smtp_observer *o);
/* The answer that is awaited is taken for what it usually is. */
void smtp_observer_assume(struct smtp_observer *o);
/* The client's bytes are held back for an answer. */
bool smtp_observer_waits(const struct smtp_observer *o);
/* Both directions have gone on in TLS. */
bool smtp_observer_in_tls(const struct smtp_observer *o);
/* `len` bytes of a direction were not seen. Bound: O(1). */
void smtp_observer_client_gap(struct smtp_observer *o, uint64_t len);
void smtp_observer_server_gap(struct smtp_observer *o);
/*
 * The next event. *in moves behind what was taken; call again with what is left until MORE, WAIT or
 * STARTTLS. Bound: one pass over the input.
 */
void smtp_observer_client(struct smtp_observer *o, struct span *in,
                          struct smtp_observed *event_out);
void smtp_observer_server(struct smtp_observer *o, struct span *in,
                          struct smtp_observed *event_out);
/* No more bytes of the client will come, or the conversation has ended: events until MORE. */
void smtp_observer_finish(struct smtp_observer *o, struct smtp_observed *event_out);
static inline bool smtp_observer_in_text(const struct smtp_observer *o)
{
    return o->text && !o->ended;
}

#endif
