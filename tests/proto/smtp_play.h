/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_PROTO_SMTP_PLAY_H
#define TESTS_PROTO_SMTP_PLAY_H

#include "proto/smtp/smtp_server.h"
#include "tests/harness/check.h"

/* The SMTP server played by tests: what a client says in, all that happens out, as one text. */

enum { PLAY_TEXT = 16384 };

/* A session that answers by what it is asked, at once or late, and writes down all that happens. */
struct play {
    struct smtp_server server;
    uint8_t buffer[128];
    uint8_t reply_bytes[2048];
    struct writer scratch;
    struct writer out;
    bool late;    /* answer only when the machine says WAIT */
    bool tiny;    /* the scratch holds one reply, so that room is asked for before each */
    bool rejects; /* the message began with "REJECT" */
    bool begun;   /* the first byte of the message was seen */
    bool prdr;    /* the message asks for a reply for each recipient */
    int open;     /* transactions opened and not reset */
    enum smtp_reply_id answer;
    struct span own;
    uint8_t said[128]; /* what `own` is of */
};

/* Whether the clients to come may say XCLIENT. */
extern bool play_trusted, play_starttls;
void play_begin(struct play *p, void *text, size_t cap);
/* Whether sessions are of a submission server, which takes lines of 128 octets. */
extern bool play_submits;
/* It offers REQUIRETLS. */
extern bool play_secure;

/* Answers what is asked by the name that stands in it, and messages by their first byte. */
void play_decide(struct play *p, const struct smtp_action *a);
/* Writes one action down; false when it ends the feeding of this input. */
bool play_act(struct play *p, const struct smtp_action *a);
/* One input; false when the session has ended. */
bool play_feed(struct play *p, struct span in);

/* Plays the input whole, cut in two at every place and in small steps, from a guard page: always
 * the same comes out. */
void check_plays(const char *input, const char *expected);
extern char play_text[PLAY_TEXT];

/* What comes out at the well-known places. */
#define HELLO "CONNECT <220 mx.example.org ESMTP\r\n"
#define OFFER                                                                                      \
    "<250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-CHUNKING\r\n"   \
    "250-BINARYMIME\r\n250-SMTPUTF8\r\n250-PRDR\r\n"                                               \
    "250-HELP\r\n250-LIMITS MAILMAX=7 RCPTMAX=3\r\n250 ENHANCEDSTATUSCODES\r\n"
#define GREETED HELLO "HELO(c 1)" OFFER
#define SENDER "MAIL(a@b)<250 2.1.0 sender ok\r\n"
#define RECIPIENT "RCPT(x@y)<250 2.1.5 recipient ok\r\n"
#define AHEAD "DATA <354 end with <CRLF>.<CRLF>\r\n"
#define BYE "<221 2.0.0 bye\r\n"

/* 49 octets, ten times, 980 octets. */
#define FORTY_NINE "12345678901234567890123456789012345678901234567\r\n"
#define TEN(x) x x x x x x x x x x
#define TWENTY TEN(FORTY_NINE) TEN(FORTY_NINE)

#endif
