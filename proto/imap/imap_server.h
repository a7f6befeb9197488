/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_SERVER_H
#define PROTO_IMAP_IMAP_SERVER_H

#include "proto/base/parting.h"
#include "proto/imap/imap_reader.h"
#include "proto/imap/imap_reply.h"

/*
 * The server side of IMAP (RFC 9051, RFC 3501) as a machine without I/O, of the same kind as
 * smtp_server.h: the session calls imap_server_next() until it says MORE or WAIT and does what each
 * action says. It frames commands, knows the states, and does what needs no mailbox: greeting,
 * CAPABILITY, STARTTLS, logins, LOGOUT. Every other command is handed out whole, one at a time;
 * whoever executes it writes all of its answer, the tagged line included.
 */

/* Shared by all sessions, immutable while any of them uses it. */
struct imap_server_options {
    struct span hostname;   /* of the greeting; printable ASCII, at most 255 */
    uint16_t logins_max;    /* failed logins until the connection is closed, at least 1 */
    uint16_t errors_max;    /* NO of ours and BAD until the connection is closed, at least 1 */
    bool starttls;          /* STARTTLS is offered (RFC 9051 section 6.2.1) */
    bool login;             /* names and passwords are taken on this connection */
    struct span mechanisms; /* of AUTHENTICATE: names, a space before each; empty: none */
    struct imap_reader_limits limits; /* `command` at most IMAP_SERVER_COMMAND_MAX */
};

enum {
    IMAP_SERVER_BUFFER = 4096 - 32, /* the first buffer that is asked for */
    IMAP_SERVER_COMMAND_MAX = 65536 - 512,
    IMAP_SERVER_ROOM = 1024, /* room in `scratch` that any reply fits in */
    IMAP_EXCHANGE_LINE_MAX = 12288,
};

enum imap_action_kind {
    IMAP_ACTION_MORE,   /* *in is used up; call again when there are more bytes */
    IMAP_ACTION_BUFFER, /* imap_server_attach() a buffer of at least `size`, then call again */
    IMAP_ACTION_ROOM,   /* send what is in `scratch`, empty it, call again with IMAP_SERVER_ROOM */
    IMAP_ACTION_WAIT,   /* parked until an answer; do not read on */
    IMAP_ACTION_REPLY,  /* a reply was appended to `scratch` */
    IMAP_ACTION_LOGIN,  /* `user`, `password`; imap_server_open() or _answer() with a refusal */
    IMAP_ACTION_AUTH,   /* `mechanism`, `initial`: an exchange begins; _challenge(), or as LOGIN */
    IMAP_ACTION_RESPONSE, /* `bytes`, the client's line in it; as AUTH */
    IMAP_ACTION_COMMAND,  /* `bytes`, a whole command without its last CRLF, `verb`: to be executed.
                             They stay until imap_server_executed() */
    IMAP_ACTION_DONE,     /* `bytes`: the line that ends IDLE; as COMMAND */
    IMAP_ACTION_APPEND, /* `bytes`: of APPEND up to a message's literal (a further one: what stands
                           between), `size`, `literal8`; imap_server_append() */
    IMAP_ACTION_DATA,   /* `bytes` of the message, never empty */
    IMAP_ACTION_DATA_END,   /* it is whole; `nul`: it has one, which a `literal8` may */
    IMAP_ACTION_APPEND_END,  /* `bytes` behind the last message; as COMMAND */
    IMAP_ACTION_APPEND_FAIL, /* what stands behind a message was refused: `bytes` says why (it
                                lasts), `bad` that it is a fault of the command; as COMMAND */
    IMAP_ACTION_TLS,   /* send what is in `scratch`, drop what has come behind STARTTLS, and begin
                          the handshake; imap_server_secured() behind it, or the end */
    IMAP_ACTION_COMPRESS, /* imap_server_compress(); behind its reply (IMAP_REPLY_COMPRESSED) both
                             directions are compressed */
    IMAP_ACTION_CLOSE, /* send what is in `scratch`, close; nothing more is read */
};

/* Spans in an action are valid until the next call of the machine, and no longer than *in or the
 * buffer. */
struct imap_action {
    enum imap_action_kind kind;
    enum imap_reply_id reply; /* REPLY */
    struct span bytes;
    struct span mechanism, initial; /* AUTH: without an initial response `data` is NULL */
    struct span user, password;     /* LOGIN */
    uint64_t size;                  /* APPEND; BUFFER */
    uint8_t verb;                   /* COMMAND: enum imap_verb */
    bool literal8, nul, bad;
};

/* What the executor of a command leaves the session in. */
enum imap_executed {
    IMAP_EXECUTED_AUTH, /* no mailbox is selected */
    IMAP_EXECUTED_SELECTED,
    IMAP_EXECUTED_IDLE, /* IDLE goes on: the next is IMAP_ACTION_DONE */
    IMAP_EXECUTED_OVER, /* it has said BYE: the session ends */
};

/* Private to imap_server.c; here so that a session can hold it. */
struct imap_server {
    const struct imap_server_options *options;
    struct imap_reader reader;
    uint8_t *buffer;        /* the tag of the command under way, then the reader's part */
    struct parting parting; /* enum imap_reply_id */
    uint16_t errors;
    uint16_t logins; /* failed */
    uint8_t state;   /* enum imap_state */
    uint8_t waiting; /* the enum imap_action_kind that awaits its answer; 0: none */
    uint8_t tag_len;
    uint8_t refusal;   /* enum imap_refusal of the reply that is due */
    bool exchange : 1; /* the next line is one of an authentication exchange */
    bool idling : 1;
    bool listing : 1; /* the capabilities are due before the reply */
    bool named : 1;   /* and who we are */
    bool upgrade : 1; /* TLS is due behind the reply */
    bool compressed : 1; /* COMPRESS was accepted */
    bool appending : 1; /* a message of the command under way was taken */
};

_Static_assert(sizeof(struct imap_server) <= 88, "an idle session has 256 bytes in all");

/* Borrows `options` until the last call. */
void imap_server_init(struct imap_server *s, const struct imap_server_options *options);
/*
 * The handshake that IMAP_ACTION_TLS asked for is done: the session begins anew, without a greeting
 * (RFC 9051 section 6.2.1), but for errors and failed logins. False, without effect, when none was
 * asked for.
 */
bool imap_server_secured(struct imap_server *s, const struct imap_server_options *options);

/*
 * The next action, in *action_out and as the result. Takes bytes from *in and moves it behind them.
 * Writes replies to the end of `scratch`. Bound: one pass over what is taken.
 */
enum imap_action_kind imap_server_next(struct imap_server *s, struct span *in,
                                       struct writer *scratch, struct imap_action *action_out);

/* Answers LOGIN, AUTH or RESPONSE with success. False, without effect, when none waits. */
bool imap_server_open(struct imap_server *s);
/* Answers AUTH or RESPONSE with a challenge in base64, which is written to `scratch`. Likewise. */
bool imap_server_challenge(struct imap_server *s, struct span challenge, struct writer *scratch);
/* Answers LOGIN, AUTH or RESPONSE with a refusal. Likewise. */
bool imap_server_answer(struct imap_server *s, enum imap_reply_id id);
/* COMMAND, DONE, APPEND_END, or an APPEND that was refused: its answer is written. `bad`: the
 * command was, which counts as an error. Likewise. */
bool imap_server_executed(struct imap_server *s, enum imap_executed how, bool bad);
/* COMPRESS: it can be done, or there is no memory for it. Likewise. */
bool imap_server_compress(struct imap_server *s, bool can);
/* APPEND: the message is taken; "+ " is said where the client waits for it. Likewise. */
bool imap_server_append(struct imap_server *s);
/* APPEND: it is not; the executor writes the answer, then imap_server_executed(). What the client
 * sends of the command all the same is passed over. Likewise. */
bool imap_server_append_refuse(struct imap_server *s);

/* Ends the session with a reply of the session's own, without an answer to what is under way. */
void imap_server_stop(struct imap_server *s, enum imap_reply_id id);
/* Between two commands, or idling: nothing of one is held. */
bool imap_server_between(const struct imap_server *s);

/* Lends a buffer; what the one before held is copied. Returns the one before, NULL: none. */
uint8_t *imap_server_attach(struct imap_server *s, uint8_t *buffer, uint32_t size);
/* Takes the buffer back when nothing is held in it; NULL when there is none or it is in use. */
uint8_t *imap_server_detach(struct imap_server *s);

/* What APPENDLIMIT says (RFC 7889): octets of a message that are always taken. */
uint64_t imap_server_append_limit(const struct imap_server_options *options);
/* The capabilities of the machine's state now, each with a space before it. */
void imap_server_put_capabilities(const struct imap_server_options *options, unsigned state,
                                  struct writer *w);

#endif
