/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_OBSERVER_H
#define PROTO_POP3_POP3_OBSERVER_H

#include "proto/base/loose_line.h"
#include "proto/base/sasl_observer.h"
#include "proto/smtp/smtp_reader.h"

/*
 * Follows a POP3 session between two others (RFC 1939, RFC 2449, RFC 2595, RFC 5034): commands
 * paired with their answers, also pipelined; the messages of RETR and TOP, stuffed dots removed.
 * Never refuses anything; bounded state, two line buffers that are asked for.
 */
enum { POP3_OBSERVER_LINE_MAX = 512, POP3_OBSERVER_QUEUE = 64 };

enum pop3_observed_kind {
    POP3_OBSERVED_MORE,
    POP3_OBSERVED_BUFFER,   /* attach POP3_OBSERVER_LINE_MAX bytes to this direction */
    POP3_OBSERVED_GREETING, /* text */
    POP3_OBSERVED_COMMAND,  /* name, text: the line, secret */
    POP3_OBSERVED_ANSWER,   /* name: of the command, good, text */
    POP3_OBSERVED_LOGIN,    /* name: the mechanism, text: who, good */
    POP3_OBSERVED_BEGIN,    /* a message begins; partly: TOP */
    POP3_OBSERVED_TEXT,     /* text: the next bytes of it */
    POP3_OBSERVED_END,      /* it has ended */
    POP3_OBSERVED_STARTTLS, /* both go on in TLS: no more input is taken */
};

struct pop3_observed {
    enum pop3_observed_kind kind;
    bool good, partly;
    uint32_t secret;        /* bytes of `text` from here on may be a secret */
    struct span name, text; /* valid until the next call */
};

struct pop3_observer {
    struct loose_line line[2]; /* client's, server's */
    struct smtp_reader data;
    struct sasl_observer sasl;
    uint8_t queue[POP3_OBSERVER_QUEUE]; /* private kinds, oldest first */
    uint8_t first, count;
    uint8_t due; /* an event that comes before anything else is read */
    bool greeted, good, tls;
    bool responding; /* the next line of the client's is one of an AUTH exchange */
    bool text;       /* the server's next bytes are of an answer of several lines */
    bool message;    /* ... which is a message */
    bool partly;
};

/* `midstream`: the greeting was not seen. */
void pop3_observer_init(struct pop3_observer *o, bool midstream);
void pop3_observer_attach(struct pop3_observer *o, bool client, uint8_t *buffer);
uint8_t *pop3_observer_take_back(struct pop3_observer *o, bool client);
/* Bytes of a direction were not seen. */
void pop3_observer_gap(struct pop3_observer *o, bool client);
/* The next event; call again with what is left until MORE. Bound: one pass over the input. */
void pop3_observer_client(struct pop3_observer *o, struct span *in,
                          struct pop3_observed *event_out);
void pop3_observer_server(struct pop3_observer *o, struct span *in,
                          struct pop3_observed *event_out);

#endif
