/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_SMTP_SMTP_COMMAND_H
#define PROTO_SMTP_SMTP_COMMAND_H

#include "proto/address/address.h"
#include "proto/smtp/smtp_reply.h"
#include "proto/smtp/smtp_xclient.h"

enum smtp_verb {
    SMTP_VERB_UNKNOWN,
#define SMTP_VERB(name, offered) SMTP_VERB_##name,
#include "proto/smtp/smtp_verb.def"
#undef SMTP_VERB
    SMTP_VERB_COUNT,
};

/* The BODY parameter of MAIL (RFC 6152 section 3, RFC 3030 section 3). */
enum smtp_body_type {
    SMTP_BODY_7BIT, /* also when nothing was declared */
    SMTP_BODY_8BITMIME,
    SMTP_BODY_BINARYMIME,
};

/* One command line. Spans point into the line. */
struct smtp_command {
    enum smtp_verb verb;
    struct span argument; /* EHLO, HELO: the name. NOOP, VRFY, HELP: the text, perhaps empty. AUTH:
                             the mechanism */
    struct span initial;  /* AUTH: the initial response, where there is one */
    struct address path;  /* MAIL, RCPT: UTF-8 is grammar here, whether it is allowed or not */
    uint64_t size;   /* MAIL: declared octets (RFC 1870), 0 when not declared. BDAT: of the chunk */
    uint8_t body;    /* MAIL: enum smtp_body_type */
    bool parameters; /* MAIL, RCPT: there are some, good or not */
    bool last;       /* BDAT: the message ends with this chunk */
    bool smtputf8;   /* MAIL, VRFY (RFC 6531 section 3.4) */
    bool on_behalf;  /* MAIL: an AUTH parameter names who submitted it first (RFC 4954 section 5) */
    bool require_tls; /* MAIL: it may go on under TLS only (RFC 8689) */
    bool prdr;        /* MAIL: a reply for each recipient is asked for (draft-hall-prdr) */
    struct smtp_xclient xclient; /* XCLIENT */
};

/*
 * Reads a command line without its CRLF. Returns SMTP_REPLY_NONE when it is good, else the row that
 * refuses it; `verb` and `parameters` are set in either case, and the rest only when good. Spaces
 * behind the line, behind a verb and behind the colon of MAIL and RCPT are forgiven (RFC 5321
 * section 4.1.1). Bound: one pass over the line.
 */
enum smtp_reply_id smtp_command_parse(struct span line, struct smtp_command *command_out);

/* The verb's name in upper case; "?" for SMTP_VERB_UNKNOWN. */
const char *smtp_verb_name(enum smtp_verb verb);

/* True for a verb that brings no message nearer: EHLO, HELO, RSET, NOOP, VRFY, HELP, EXPN. */
bool smtp_verb_idle(enum smtp_verb verb);

#endif
