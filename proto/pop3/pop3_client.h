/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_CLIENT_H
#define PROTO_POP3_POP3_CLIENT_H

#include "proto/base/line.h"
#include "proto/base/writer.h"
#include "proto/pop3/pop3_command.h"

/*
 * The client side of POP3 (RFC 1939) as a machine without I/O. The caller says commands when it
 * likes, several before an answer where the server can PIPELINING (RFC 2449 section 6.6), and gets
 * what was answered, in the order in which it has asked. Lists come line by line and messages as
 * runs of bytes, dots undone: nothing is gathered, so its memory does not depend on the mailbox.
 *
 * Seam: after STLS (RFC 2595) the caller calls pop3_client_init() anew with `greeted`.
 */
enum pop3_client_fault {
#define POP3_CLIENT_FAULT(name, text) POP3_CLIENT_FAULT_##name,
#include "proto/pop3/pop3_client_fault.def"
#undef POP3_CLIENT_FAULT
    POP3_CLIENT_FAULTS,
};

enum {
    POP3_CLIENT_LINE = 512, /* size of the line buffer: RFC 2449 section 4 has answers end there */
    POP3_CLIENT_ASKED = 16, /* commands said and not answered, at most */
    POP3_CLIENT_ROOM = 300, /* room in `scratch` that any command fits in */
    POP3_CLIENT_GREETING = POP3_VERB_UNKNOWN, /* what the first answer answers */
};

enum pop3_client_kind {
    POP3_CLIENT_ACTION_MORE,    /* *in is used up: call again when there are more bytes */
    POP3_CLIENT_ACTION_BUFFER,  /* pop3_client_attach() a line buffer, then call again */
    POP3_CLIENT_ACTION_ANSWER,  /* `verb`, `ok`, `bytes`: the text behind the status */
    POP3_CLIENT_ACTION_ENTRY,   /* `verb`, `number`, `bytes`: a line of a list behind its answer */
    POP3_CLIENT_ACTION_MESSAGE, /* `bytes` of the message that RETR or TOP has answered */
    POP3_CLIENT_ACTION_END,     /* of the list or the message */
    POP3_CLIENT_ACTION_BROKEN,  /* `fault`: close; nothing more is read */
};

/* Spans are valid until the next call, and no longer than *in or the line buffer. */
struct pop3_client_action {
    enum pop3_client_kind kind;
    enum pop3_verb verb;
    bool ok;
    uint32_t number; /* ENTRY of LIST and UIDL: of the message */
    struct span bytes;
    enum pop3_client_fault fault;
};

/* Private to pop3_client.c; here so that a session can hold it. */
struct pop3_client {
    struct line line;
    uint8_t asked[POP3_CLIENT_ASKED]; /* a ring: enum pop3_verb, and whether a list was meant */
    uint8_t first, count;
    uint8_t state; /* enum pop3_client_state */
    uint8_t verb;  /* whose list or message is read */
    uint8_t at;    /* within a message: enum pop3_place */
    uint8_t fault;
};

/* `greeted`: no greeting comes any more. */
void pop3_client_init(struct pop3_client *c, bool greeted);
/*
 * Appends a command: `argument` behind a blank, unless it is empty; no CR, LF or NUL in it, at most
 * 250 octets. LIST and UIDL without an argument are answered by lists. False, without effect: too
 * many are unanswered, or no room.
 */
bool pop3_client_say(struct pop3_client *c, enum pop3_verb verb, struct span argument,
                     struct writer *scratch);
/* The same with a message's number. */
bool pop3_client_say_number(struct pop3_client *c, enum pop3_verb verb, uint32_t number,
                            struct writer *scratch);
/* The next action, in *action_out and as the result. Takes bytes from *in and moves it behind them.
 * Bound: one pass over what is taken. */
enum pop3_client_kind pop3_client_next(struct pop3_client *c, struct span *in,
                                       struct pop3_client_action *action_out);
/* Commands that were said, and not answered to the end of what follows. */
uint32_t pop3_client_unanswered(const struct pop3_client *c);
/* Lends a buffer of POP3_CLIENT_LINE bytes. */
static inline void pop3_client_attach(struct pop3_client *c, uint8_t *buffer)
{
    line_attach(&c->line, buffer);
}
/* Takes it back when nothing is held in it; NULL when there is none or it is in use. */
static inline uint8_t *pop3_client_detach(struct pop3_client *c)
{
    return line_take_back(&c->line);
}
const char *pop3_client_fault_text(enum pop3_client_fault fault);

/* The response code of an answer's text (RFC 2449 section 8), without its brackets; empty: none. */
struct span pop3_client_code(struct span text);

#endif
