/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_CLIENT_H
#define PROTO_SMTP_SMTP_CLIENT_H

#include "proto/base/writer.h"
#include "proto/smtp/smtp_reply_reader.h"

/*
 * The sending side of SMTP (RFC 5321) as a machine without I/O, for whoever hands mail on: the load
 * generator, later the relay. The caller opens the connection, calls smtp_client_next() until it
 * says MORE, does what each action says, and sends what has gathered in `scratch` when it has no
 * more input. The machine knows one transaction at a time, writes its commands (in one group where
 * the server offers PIPELINING, RFC 2920), and tells every reply; message bytes are the caller's.
 *
 * A reply that arrives before its command was sent is a fault (`early`): it may have been put in by
 * somebody in between, which matters most before a TLS handshake. Who sends `scratch` late sees
 * less of this, so it is to be sent when the machine says MORE.
 *
 * TLS: STARTTLS is seen in `offers`, and said by smtp_client_starttls(); a caller that has done the
 * handshake calls smtp_client_init() anew with `greeted` set, since RFC 3207 section 4.2 has
 * everything forgotten. Seam: AUTH will be a command of the caller's at READY.
 */
enum smtp_keyword {
#define SMTP_KEYWORD(name, text) SMTP_KEYWORD_##name,
#include "proto/smtp/smtp_keyword.def"
#undef SMTP_KEYWORD
    SMTP_KEYWORDS,
};

enum smtp_client_fault {
#define SMTP_CLIENT_FAULT(name, text) SMTP_CLIENT_FAULT_##name,
#include "proto/smtp/smtp_client_fault.def"
#undef SMTP_CLIENT_FAULT
    SMTP_CLIENT_FAULTS,
};

/* What a reply answers. */
enum smtp_client_step {
    SMTP_CLIENT_BANNER,
    SMTP_CLIENT_EHLO,
    SMTP_CLIENT_HELO,
    SMTP_CLIENT_STARTTLS,
    SMTP_CLIENT_MAIL,
    SMTP_CLIENT_RCPT,
    SMTP_CLIENT_DATA,
    SMTP_CLIENT_END, /* the final dot, or a chunk of BDAT */
    SMTP_CLIENT_RSET,
    SMTP_CLIENT_QUIT,
    SMTP_CLIENT_STEPS,
};

/* Shared by all sessions, immutable while any of them uses it. */
struct smtp_client_options {
    struct span hostname; /* of EHLO; printable ASCII, at most 255 */
    uint32_t lines_max;   /* of one reply, at least 1 */
    bool pipelining;      /* used where it is offered */
    bool chunking;        /* likewise: messages go by BDAT, as one chunk (RFC 3030) */
    bool greeted;         /* no banner comes: EHLO is said at once */
};

/* An envelope. Borrowed until DONE; paths as they stand between the angle brackets, valid by RFC
 * 5321 section 4.1.2, at most 320 octets each. */
struct smtp_client_mail {
    struct span sender; /* empty: the null reverse-path */
    const struct span *recipients;
    uint32_t recipient_count; /* at least 1 */
    uint64_t size;  /* octets of the message, line ends as CRLF; told with SIZE; 0: not known, which
                       `chunking` cannot do with */
    bool eight_bit; /* BODY=8BITMIME, where it is offered */
};

enum {
    SMTP_CLIENT_LINE = SMTP_REPLY_LINE_MAX, /* size of the line buffer */
    SMTP_CLIENT_ROOM = 512,                 /* room in `scratch` that any command fits in */
};

enum smtp_client_kind {
    SMTP_CLIENT_ACTION_MORE,   /* *in is used up: call again when there are more bytes */
    SMTP_CLIENT_ACTION_BUFFER, /* smtp_client_attach() a line buffer, then call again */
    SMTP_CLIENT_ACTION_ROOM,  /* send what is in `scratch`, empty it, call again with that much room
                               */
    SMTP_CLIENT_ACTION_REPLY, /* `step`, `code`, `enhanced`, `text`, `index`: tells, asks nothing */
    SMTP_CLIENT_ACTION_READY, /* between transactions: smtp_client_begin(), smtp_client_starttls(),
                                 smtp_client_quit(), or none of them */
    SMTP_CLIENT_ACTION_BODY,  /* send the message, as `chunk` says, then smtp_client_sent() */
    SMTP_CLIENT_ACTION_DONE,  /* the transaction is over: `step`, `code`, `enhanced`, `accepted` */
    SMTP_CLIENT_ACTION_CLOSE, /* close the connection: `fault`, none after an answered QUIT. Without
                                 DONE before it: what became of a message that was sent is not known
                               */
};

struct smtp_client_action {
    enum smtp_client_kind kind;
    enum smtp_client_step step; /* REPLY: what it answers; DONE: what decided */
    uint16_t code; /* REPLY, DONE; DONE: 0 when the message exceeds what the server takes */
    uint16_t enhanced[3];
    struct span text;  /* REPLY: of its last line; valid until the next call; bytes as they came */
    uint32_t index;    /* REPLY to RCPT: into the envelope's recipients */
    uint32_t accepted; /* DONE: recipients for whom the server has taken the message; 0 unless END
                          was answered with 2yz */
    bool chunk; /* BODY: the bytes as they are, all of them (the command was written); else dots
                   doubled and CRLF.CRLF at the end */
    enum smtp_client_fault fault;
};

/* A run of commands of one kind that were said and not answered. */
struct smtp_client_run {
    uint8_t step;
    uint32_t count;
};

/* Private to smtp_client.c; here so that a session can hold it. */
struct smtp_client {
    const struct smtp_client_options *options;
    const struct smtp_client_mail *mail;
    struct smtp_reply_reader reader;
    uint64_t size_max; /* what the server takes, 0: not said */
    struct smtp_client_run asked[4];
    uint8_t asked_count;
    uint8_t phase;   /* enum phase */
    uint8_t fault;   /* enum smtp_client_fault */
    uint8_t decided; /* enum smtp_client_step: of the transaction */
    bool esmtp, told, mail_said, data_said, mail_good, done;
    bool ahead;                 /* bytes are in hand that came before whatever is said now */
    bool early;                 /* and the reply that they begin was awaited by nobody */
    uint32_t offers;            /* bits 1 << enum smtp_keyword */
    uint32_t said, heard, good; /* recipients: RCPT said, answered, accepted */
    uint32_t lines;             /* of the reply under way */
    uint16_t code, enhanced[3]; /* that decided the transaction */
    uint16_t first[3];          /* the first enhanced code of the reply under way */
};

/* Borrows `options` until the last call. */
void smtp_client_init(struct smtp_client *c, const struct smtp_client_options *options);
/*
 * The next action, in *action_out and as the result. Takes bytes from *in and moves it behind them;
 * writes commands to the end of `scratch`. Bound: one pass over what is taken, and what fits in
 * `scratch`.
 */
enum smtp_client_kind smtp_client_next(struct smtp_client *c, struct span *in,
                                       struct writer *scratch,
                                       struct smtp_client_action *action_out);
/* Answers READY: a transaction. False, without effect, when it is not READY. */
bool smtp_client_begin(struct smtp_client *c, const struct smtp_client_mail *mail);
/* Answers READY: QUIT is said. False, without effect, when it is not READY. */
bool smtp_client_quit(struct smtp_client *c);
/*
 * Answers READY: STARTTLS is said (RFC 3207). False, without effect, when it is not READY. Its
 * reply is told; behind one of 2yz comes the handshake, and nothing more from this machine until
 * smtp_client_init(); behind any other it is READY again.
 */
bool smtp_client_starttls(struct smtp_client *c);
/* Answers BODY: all bytes of the message were handed to the connection. */
void smtp_client_sent(struct smtp_client *c);
/* Whether the server's reply to EHLO has the keyword. */
static inline bool smtp_client_offers(const struct smtp_client *c, enum smtp_keyword keyword)
{
    return c->offers >> keyword & 1;
}
/* What the next reply will answer; SMTP_CLIENT_STEPS when none is awaited. */
enum smtp_client_step smtp_client_awaits(const struct smtp_client *c);
/* Lends a buffer of SMTP_CLIENT_LINE bytes. */
static inline void smtp_client_attach(struct smtp_client *c, uint8_t *buffer)
{
    smtp_reply_reader_attach(&c->reader, buffer);
}
/* Takes it back when nothing is held in it; NULL when there is none or it is in use. */
static inline uint8_t *smtp_client_detach(struct smtp_client *c)
{
    return loose_line_take_back(&c->reader.line);
}
const char *smtp_client_step_name(enum smtp_client_step step);
const char *smtp_client_fault_text(enum smtp_client_fault fault);

#endif
