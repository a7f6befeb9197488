/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_POP3_POP3_COMMAND_H
#define PROTO_POP3_POP3_COMMAND_H

#include "proto/pop3/pop3_reply.h"

enum pop3_verb {
    POP3_VERB_UNKNOWN,
#define POP3_VERB(name) POP3_VERB_##name,
#include "proto/pop3/pop3_verb.def"
#undef POP3_VERB
    POP3_VERB_COUNT,
};

#define POP3_LINES_ALL UINT32_MAX /* the whole message */

/* One command line. Spans point into the line. */
struct pop3_command {
    enum pop3_verb verb;
    struct span argument; /* USER: the name. PASS: the password with its spaces. LANG: the range.
                             AUTH: the mechanism */
    struct span initial;  /* AUTH: the initial response, where there is one */
    uint32_t number;      /* LIST, UIDL, RETR, TOP, DELE: message-number, 0 when none was given */
    uint32_t lines;       /* TOP: lines of the body, at most POP3_LINES_ALL - 1 */
};

/*
 * Reads a command line without its CRLF. Returns POP3_REPLY_NONE when it is good, else the row that
 * refuses it; `verb` is set in either case, and the rest only when good. Bound: one pass over the
 * line.
 */
enum pop3_reply_id pop3_command_parse(struct span line, struct pop3_command *command_out);

#endif
