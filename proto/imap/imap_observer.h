/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_OBSERVER_H
#define PROTO_IMAP_IMAP_OBSERVER_H

#include "proto/base/loose_line.h"
#include "proto/base/sasl_observer.h"

/*
 * Follows an IMAP session between two others (RFC 9051, RFC 3501) by its lines and literals:
 * commands, tagged answers, logins, the way into TLS (and into COMPRESS, behind which nothing is
 * read). What messages are in literals is not read: they are handed out as they stand. Bounded
 * state, two line buffers that are asked for.
 *
 *   literal = "{" number64 ["+"] "}" CRLF *CHAR8                       ; RFC 9051, RFC 7888
 */
enum { IMAP_OBSERVER_LINE_MAX = 4000, IMAP_OBSERVER_TAG = 32 };

enum imap_observed_kind {
    IMAP_OBSERVED_MORE,
    IMAP_OBSERVED_BUFFER,   /* attach IMAP_OBSERVER_LINE_MAX bytes to this direction */
    IMAP_OBSERVED_GREETING, /* text */
    IMAP_OBSERVED_COMMAND,  /* tag, name, text: its first line, secret */
    IMAP_OBSERVED_ANSWER,   /* tag, name: OK, NO or BAD, text, good */
    IMAP_OBSERVED_LITERAL,  /* text: bytes of a literal of this direction */
    IMAP_OBSERVED_LOGIN,    /* name: the mechanism, text: who, good */
    IMAP_OBSERVED_STARTTLS, /* both go on in TLS: no more input is taken */
    IMAP_OBSERVED_COMPRESS, /* both go on compressed: the same */
};

struct imap_observed {
    enum imap_observed_kind kind;
    bool good;
    uint32_t secret;             /* bytes of `text` from here on may be a secret */
    struct span tag, name, text; /* valid until the next call */
};

struct imap_side {
    struct loose_line line;
    uint64_t literal; /* bytes of it still to come */
    bool goes_on;     /* the next line goes on with what stood before a literal */
};

struct imap_observer {
    struct imap_side side[2]; /* client's, server's */
    struct sasl_observer sasl;
    uint8_t awaited; /* which command's tagged answer means something; private */
    uint8_t tag_len;
    uint8_t tag[IMAP_OBSERVER_TAG]; /* of that command */
    uint8_t due;
    bool greeted, good, over;
    bool responding; /* the client's next line is one of an AUTHENTICATE exchange */
    bool user_next;  /* the client's literal is the name of a LOGIN */
};

void imap_observer_init(struct imap_observer *o, bool midstream);
void imap_observer_attach(struct imap_observer *o, bool client, uint8_t *buffer);
uint8_t *imap_observer_take_back(struct imap_observer *o, bool client);
void imap_observer_gap(struct imap_observer *o, bool client);
/* The next event; call again with what is left until MORE. Bound: one pass over the input. */
void imap_observer_feed(struct imap_observer *o, bool client, struct span *in,
                        struct imap_observed *event_out);

#endif
