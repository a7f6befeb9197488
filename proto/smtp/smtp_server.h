/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_SERVER_H
#define PROTO_SMTP_SMTP_SERVER_H

#include "proto/smtp/smtp_command.h"
#include "proto/smtp/smtp_reader.h"

/*
 * The receiving side of SMTP (RFC 5321) as a machine without I/O. The session calls
 * smtp_server_next() until it says MORE or WAIT and does what each action says; replies gather in
 * `scratch` and go out together, which is all that PIPELINING (RFC 2920) takes. The machine keeps
 * no envelope and no message: the session does.
 *
 * Life of a transaction: a MAIL that is answered with acceptance opens it; exactly one RESET closes
 * it, behind the reply that decides it (that of the final dot or the last chunk, RSET's, EHLO's,
 * QUIT's, an answered 421). So whatever the session keeps for a transaction, and every own text it
 * answers with, is released at RESET.
 */

/* Shared by all sessions, immutable while any of them uses it. */
struct smtp_server_options {
    struct span hostname;      /* of the greeting and EHLO; printable ASCII, at most 255 */
    uint64_t size_max;         /* octets of a message, offered as SIZE; 0: no limit */
    uint32_t text_line_max;    /* octets of a line of a message; 0: no limit */
    uint32_t messages_max;     /* of a connection, offered as MAILMAX; that the session sees to */
    uint16_t command_line_max; /* octets of a command line with CRLF; the line buffer's size */
    uint8_t recipients_max;    /* accepted a transaction; 100 or more, RFC 5321 section 4.5.3.1.8 */
    uint16_t errors_max;       /* 5xx replies until 421, at least 1; an accepted message forgives */
    struct span mechanisms;    /* of a submission server, which takes mail from who has logged in
                                  alone: names, a space before each; empty: AUTH is not offered */
    bool cleartext;            /* passwords are taken over a stream that is not protected */
    uint16_t idle_max; /* commands that bring no message nearer (EHLO, RSET, NOOP, VRFY, HELP,
                          EXPN) until 421, since the last accepted message; 0: no limit */
    bool starttls;     /* STARTTLS is offered (RFC 3207) */
    bool requiretls;   /* REQUIRETLS is (RFC 8689): for streams under TLS alone */
};

enum {
    SMTP_COMMAND_LINE_MAX = 1024, /* default: 512 and what the offered extensions add */
    SMTP_TEXT_LINE_MAX = 65536,   /* default: RFC 5321 section 4.5.3.1.6 says 1000, senders more */
    SMTP_SERVER_ROOM = 1024,      /* room in `scratch` that any reply is sure to fit in */
};

enum smtp_action_kind {
    SMTP_ACTION_MORE,   /* *in is used up; call again when there are more bytes */
    SMTP_ACTION_BUFFER, /* smtp_server_attach() a line buffer, then call again */
    SMTP_ACTION_ROOM,   /* send what is in `scratch`, empty it, call again with SMTP_SERVER_ROOM */
    SMTP_ACTION_WAIT, /* parked until smtp_server_answer() or smtp_server_stop(); do not read on */
    SMTP_ACTION_CONNECT, /* first of all; answer with OK or a refusal */
    SMTP_ACTION_REPLY, /* `bytes`, the whole reply, was appended to `scratch`; `reply` is its row */
    SMTP_ACTION_HELO,  /* `name`, `esmtp`; answer. An open transaction ends after acceptance */
    SMTP_ACTION_XCLIENT, /* `xclient`: whom the trusted client speaks for; answer. After acceptance
                            CONNECT asks again, as for a new connection */
    SMTP_ACTION_AUTH, /* `mechanism`, `initial`: an exchange begins; answer AUTH_CHALLENGE with the
                         challenge as own text, AUTH_OK, or a refusal, which ends it */
    SMTP_ACTION_RESPONSE, /* `bytes`, the client's line, or `too_long`, which ends it; answer as
                             AUTH */
    SMTP_ACTION_MAIL,     /* `path`, `size`, `body`, `smtputf8`, `prdr`, `require_tls`; answer */
    SMTP_ACTION_RCPT,     /* `path`; answer */
    SMTP_ACTION_DATA,    /* DATA, or a chunk of BDAT: answer OK and message bytes follow, or refuse:
                            DATA leaves the transaction, a chunk leads to its end */
    SMTP_ACTION_TEXT,    /* `bytes` of the message */
    SMTP_ACTION_REFUSED, /* the machine refuses the message that is being read, with row `reply`: no
                            TEXT, no END follow; the rest is swallowed and the refusal sent at the
                            final dot, or behind this chunk and each that follows */
    SMTP_ACTION_END,     /* the message is whole; answer with ACCEPTED and the id as own text, or a
                            refusal */
    SMTP_ACTION_VERDICT, /* END was answered with PRDR: what of accepted recipient `index`? Asked
                            for each in the order of RCPT; OK accepts, or a refusal */
    SMTP_ACTION_FINAL,   /* behind the last VERDICT: answer as END */
    SMTP_ACTION_RESET,   /* the transaction is over: release it */
    SMTP_ACTION_TLS,     /* send what is in `scratch`, drop what has come behind STARTTLS, and begin
                            the handshake; smtp_server_secured() behind it, or the end */
    SMTP_ACTION_CLOSE,   /* send what is in `scratch` and close; nothing more is read */
};

/* Spans in an action are valid until the next call of the machine, and no longer than *in or the
 * line buffer. */
struct smtp_action {
    enum smtp_action_kind kind;
    enum smtp_reply_id reply; /* REPLY, REFUSED */
    bool ends;                /* REPLY: the transaction, if there is one, ends with it */
    struct span bytes;        /* REPLY, TEXT, RESPONSE */
    struct span mechanism;    /* AUTH */
    struct span initial;      /* AUTH: without one `data` is NULL */
    bool too_long;            /* RESPONSE */
    struct span name;         /* HELO: the client's name for itself; bounded, no control bytes */
    bool esmtp;               /* HELO: it said EHLO */
    uint8_t body;             /* MAIL: enum smtp_body_type */
    uint64_t size;            /* MAIL: declared octets, 0 when not declared */
    struct address path;      /* MAIL, RCPT */
    bool smtputf8;            /* MAIL: the message may have UTF-8 in header and addresses */
    bool prdr;                /* MAIL: END may be answered with PRDR */
    bool require_tls;         /* MAIL: the message goes on under TLS, or not at all (RFC 8689) */
    uint16_t index;           /* VERDICT */
    struct smtp_xclient xclient;
};

/* Private to smtp_server.c; here so that a session can hold it. */
struct smtp_server {
    const struct smtp_server_options *options;
    struct smtp_reader reader;
    const uint8_t *own_text;     /* of `reply`; borrowed */
    const uint8_t *refusal_text; /* of `refusal`; borrowed */
    uint64_t size;               /* octets of the message so far */
    uint16_t own_text_len, refusal_text_len;
    uint16_t errors;
    uint16_t idle;      /* commands that brought no message nearer, up to the limit */
    uint8_t recipients; /* accepted in this transaction */
    uint8_t verdict;    /* the next recipient to be asked for */
    uint8_t state;      /* enum smtp_server_state */
    uint8_t waiting;    /* the enum smtp_action_kind that awaits its answer; 0: none */
    uint8_t reply;      /* to be sent next; enum smtp_reply_id */
    uint8_t refusal;    /* of the message or the chunk that is being swallowed */
    uint8_t farewell;   /* to be sent behind `reply` and RESET, before CLOSE */
    bool esmtp : 1;     /* the last greeting was EHLO */
    bool refused : 1;   /* REFUSED is due */
    bool own : 1;       /* the refusal is the machine's own */
    bool reset : 1;     /* RESET is due behind the reply */
    bool closing : 1;   /* CLOSE is due behind all that is due */
    bool trusted : 1;   /* XCLIENT is offered */
    bool known : 1;     /* the client has logged in */
    bool upgrade : 1;   /* TLS is due behind the reply */
    bool utf8 : 1;      /* of the transaction: SMTPUTF8, PRDR, BODY=BINARYMIME */
    bool prdr : 1;
    bool binary : 1;
};

_Static_assert(sizeof(struct smtp_server) <= 192, "an idle session has 256 bytes in all");

/* Borrows `options` until the last call. */
void smtp_server_init(struct smtp_server *s, const struct smtp_server_options *options);

/*
 * The handshake that SMTP_ACTION_TLS asked for is done: all that the client has said before is
 * forgotten (RFC 3207 section 4.2), but for its errors. No line buffer may be attached. False,
 * without effect, when none was asked for.
 */
bool smtp_server_secured(struct smtp_server *s, const struct smtp_server_options *options);

/* Offers XCLIENT from here on: the client is one that may speak for others. */
void smtp_server_trust(struct smtp_server *s);

/*
 * The next action, in *action_out and as the result. Takes bytes from *in and moves it behind them.
 * Writes replies to the end of `scratch`. Bound: one pass over what is taken.
 */
enum smtp_action_kind smtp_server_next(struct smtp_server *s, struct span *in,
                                       struct writer *scratch, struct smtp_action *action_out);

/*
 * Answers the CONNECT, HELO, XCLIENT, AUTH, RESPONSE, MAIL, RCPT, DATA, END, VERDICT or FINAL that
 * waits. SMTP_REPLY_OK accepts with the reply that the command calls for; any other row is sent as
 * it is, and accepts or refuses by its code (a 421 also closes). Where PRDR was asked for, END may
 * be answered with PRDR: that is not the end, VERDICT and FINAL follow. A chunk's refusal is sent
 * behind the chunk, and its acceptance is no reply yet. `own_text` replaces the row's text unless
 * empty; borrowed until the REPLY, and that of a refused message until RESET. False, without
 * effect, when nothing waits.
 */
bool smtp_server_answer(struct smtp_server *s, enum smtp_reply_id id, struct span own_text);

/*
 * Refuses, between two TEXT actions or two chunks, the message that is being read: no TEXT and no
 * END follow; `id`, a 4xx or 5xx row, is sent at the final dot, or behind each chunk to come.
 * `own_text` is borrowed until RESET. Takes the place of a refusal of the machine's own, which is
 * what comes of bytes behind those that were looked at late. False, without effect, when no message
 * is being read or the session has refused it already.
 */
bool smtp_server_refuse(struct smtp_server *s, enum smtp_reply_id id, struct span own_text);

/*
 * Ends the session with a reply of the session's own (421: timeout, draining, too many
 * connections): what was answered and not yet sent, RESET when a transaction is open, REPLY and
 * CLOSE follow. An answer that was waited for is not waited for any more and will be ignored: a
 * session whose END is waiting must not call this before it knows that nothing was committed.
 */
void smtp_server_stop(struct smtp_server *s, enum smtp_reply_id id);

/* Lends a line buffer of options->command_line_max bytes; it is used until smtp_server_detach(). */
void smtp_server_attach(struct smtp_server *s, uint8_t *buffer);

/* Takes the line buffer back when nothing is held in it; NULL when there is none or it is in use.
 */
uint8_t *smtp_server_detach(struct smtp_server *s);

/* True while CONNECT waits for its answer: nothing of the client's was read yet. */
bool smtp_server_connecting(const struct smtp_server *s);

/* True between MAIL's acceptance and RESET. */
bool smtp_server_in_transaction(const struct smtp_server *s);

/* True while the client's next line of an authentication exchange is awaited or judged. */
bool smtp_server_in_exchange(const struct smtp_server *s);

/* True while a command line has begun and not ended. */
bool smtp_server_in_line(const struct smtp_server *s);

/* True while message bytes are expected, for the choice of a timeout (RFC 5321 section 4.5.3.2). */
bool smtp_server_in_data(const struct smtp_server *s);

#endif
