/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_SERVER_H
#define PROTO_POP3_POP3_SERVER_H

#include "proto/base/line.h"
#include "proto/base/parting.h"
#include "proto/pop3/pop3_command.h"
#include "proto/pop3/pop3_mailbox.h"

/*
 * The server side of POP3 (RFC 1939, 2449, 3206, 6856) as a machine without I/O, of the same kind
 * as smtp_server.h: the session calls pop3_server_next() until it says MORE or WAIT and does what
 * each action says.
 */

/* Shared by all sessions, immutable while any of them uses it. */
struct pop3_server_options {
    struct span hostname;   /* of the greeting; printable ASCII, at most 255 */
    uint16_t logins_max;    /* failed logins until the connection is closed, at least 1 */
    uint16_t errors_max;    /* -ERR replies until the connection is closed, at least 1 */
    bool stls;              /* STLS is offered (RFC 2595 section 4) */
    struct span mechanisms; /* of AUTH (RFC 5034): names, a space before each; empty: none */
    bool login;             /* names and passwords are taken on this connection */
    uint32_t login_delay;   /* least seconds between two logins, to be announced; 0: none */
};

enum {
    POP3_LINE_MAX = 255,            /* octets of a command, CRLF included (RFC 2449 section 4) */
    POP3_EXCHANGE_LINE_MAX = 12288, /* of a line of an authentication exchange, as in SMTP (RFC
                                       4954 section 4); RFC 5034 section 4 has no bound */
    POP3_SERVER_BUFFER = 512,       /* size of the line buffer: a command and the name of USER */
    POP3_EXCHANGE_BUFFER = POP3_EXCHANGE_LINE_MAX, /* the same in an exchange */
    POP3_SERVER_ROOM = 1024, /* room in `scratch` that any reply, or a line of a list, fits in */
};

enum pop3_action_kind {
    POP3_ACTION_MORE,   /* *in is used up; call again when there are more bytes */
    POP3_ACTION_BUFFER, /* pop3_server_attach() a buffer, then call again */
    POP3_ACTION_ROOM,   /* send what is in `scratch`, empty it, call again with POP3_SERVER_ROOM */
    POP3_ACTION_WAIT,   /* parked until an answer; do not read on */
    POP3_ACTION_REPLY, /* `bytes` was appended to `scratch`: a reply, or the next lines of a list */
    POP3_ACTION_LOGIN, /* `user`, `password`, `utf8`; pop3_server_open() or pop3_server_answer()
                          with a refusal */
    POP3_ACTION_AUTH,  /* `mechanism`, `initial`, `utf8`: an exchange begins;
                          pop3_server_challenge(),  or as LOGIN */
    POP3_ACTION_RESPONSE, /* `bytes`, the client's line in it; as AUTH */
    POP3_ACTION_RETR, /* fetch message `index`; answer OK when its bytes are at hand, or a refusal
                       */
    POP3_ACTION_MESSAGE, /* send message `index` up to `lines` through pop3_stuff, then answer OK */
    POP3_ACTION_UPDATE,  /* remove what `deleted` marks, `deleted_count` messages, maybe none, and
                            release the mailbox; answer OK or NOT_REMOVED */
    POP3_ACTION_TLS,     /* send what is in `scratch`, drop what has come behind STLS, and begin the
                            handshake; pop3_server_secured() behind it, or the end */
    POP3_ACTION_CLOSE,   /* send what is in `scratch`, release the mailbox if that was not done,
                            close; nothing more is read */
};

/* Spans in an action are valid until the next call of the machine, and no longer than *in or the
 * buffer. */
struct pop3_action {
    enum pop3_action_kind kind;
    enum pop3_reply_id reply; /* REPLY: its row; NONE for the further lines of a list */
    struct span bytes;        /* REPLY, RESPONSE */
    struct span mechanism;    /* AUTH */
    struct span initial;      /* AUTH: without one `data` is NULL */
    struct span user;         /* LOGIN; may hold any byte but CR, LF and NUL */
    struct span password;     /* LOGIN; likewise */
    bool utf8;                /* LOGIN, AUTH: the client has said UTF8 */
    uint32_t index;           /* RETR, MESSAGE: into the mailbox's entries */
    uint32_t lines;           /* RETR, MESSAGE: of the body behind the header; or POP3_LINES_ALL */
    uint32_t deleted_count;   /* UPDATE */
    const uint8_t *deleted;   /* UPDATE: bit index % 8 of byte index / 8 */
};

/* Private to pop3_server.c; here so that a session can hold it. */
struct pop3_server {
    const struct pop3_server_options *options;
    union {
        struct span challenge; /* before the login: of the next reply; borrowed */
        struct {
            const struct pop3_mailbox *mailbox;
            uint8_t *deleted;
        };
    };
    struct line line;
    struct parting parting; /* enum pop3_reply_id */
    uint64_t deleted_octets;
    uint32_t deleted_count;
    uint32_t index; /* of a message, or of the next line of a list */
    uint32_t lines; /* of it that are wanted */
    uint16_t errors;
    uint16_t logins;  /* failed */
    uint8_t state;    /* enum pop3_server_state */
    uint8_t waiting;  /* the enum pop3_action_kind that awaits its answer; 0: none */
    uint8_t verb;     /* the command that is being answered; enum pop3_verb */
    uint8_t user_len; /* octets of the name behind the line in the buffer */
    uint8_t language; /* enum pop3_language; POP3_LANGUAGES: all are to be listed */
    bool utf8;        /* the client has said UTF8 */
    bool worded;      /* `reply` is an OK in the verb's own words */
    bool listing;     /* lines of LIST or UIDL are due behind the reply */
    bool message;     /* MESSAGE is due behind the reply */
    bool upgrade;     /* TLS is due behind the reply */
};

_Static_assert(sizeof(struct pop3_server) <= 192, "an idle session has 256 bytes in all");

/* Borrows `options` until the last call. */
void pop3_server_init(struct pop3_server *s, const struct pop3_server_options *options);

/*
 * The handshake that POP3_ACTION_TLS asked for is done: the session begins anew, without a greeting
 * (RFC 2595 section 4), but for errors and failed logins. No buffer may be attached. False, without
 * effect, when none was asked for.
 */
bool pop3_server_secured(struct pop3_server *s, const struct pop3_server_options *options);

/*
 * The next action, in *action_out and as the result. Takes bytes from *in and moves it behind them.
 * Writes replies to the end of `scratch`. Bound: one pass over what is taken, and what fits in
 * `scratch`.
 */
enum pop3_action_kind pop3_server_next(struct pop3_server *s, struct span *in,
                                       struct writer *scratch, struct pop3_action *action_out);

/*
 * Answers LOGIN, AUTH or RESPONSE with success. `mailbox` and `deleted`, of (count + 7) / 8 zeroed
 * bytes, are borrowed until CLOSE. False, without effect, when no login waits.
 */
bool pop3_server_open(struct pop3_server *s, const struct pop3_mailbox *mailbox, uint8_t *deleted);

/* Answers AUTH or RESPONSE with a challenge in base64, borrowed until its REPLY; RESPONSE follows,
 * for which the buffer must be of POP3_EXCHANGE_BUFFER.
 * False, without effect, when neither waits. */
bool pop3_server_challenge(struct pop3_server *s, struct span challenge);

/*
 * Answers the action that waits: POP3_REPLY_OK, or the row of a refusal, which is sent as it is
 * (LOGIN: AUTH_FAILED, TOO_MANY_LOGINS, LOGIN_DELAY, IN_USE, SYS_TEMP, SYS_PERM). AUTH and
 * RESPONSE likewise, and AUTH_MECHANISM, AUTH_BAD, AUTH_CANCELLED. No login can be answered with
 * OK. False, without effect, when nothing waits. A MESSAGE that could not be sent whole is answered
 * with a refusal: then only CLOSE comes.
 */
bool pop3_server_answer(struct pop3_server *s, enum pop3_reply_id id);

/*
 * Ends the session with a reply of the session's own, without an update (RFC 1939 section 3). A
 * message or a list that is being sent cannot be cut short by a reply: then only CLOSE comes. Not
 * while UPDATE waits.
 */
void pop3_server_stop(struct pop3_server *s, enum pop3_reply_id id);

/* True in an exchange. Where one begins the buffer is to be taken back, and a larger one lent. */
bool pop3_server_in_exchange(const struct pop3_server *s);

/* Lends a buffer of POP3_SERVER_BUFFER bytes, or POP3_EXCHANGE_BUFFER; it is used until
 * pop3_server_detach(). */
void pop3_server_attach(struct pop3_server *s, uint8_t *buffer);

/* Takes the buffer back when nothing is held in it; NULL when there is none or it is in use. */
uint8_t *pop3_server_detach(struct pop3_server *s);

#endif
