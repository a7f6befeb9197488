/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PROTO_IMAP_IMAP_COMMAND_H
#define PROTO_IMAP_IMAP_COMMAND_H

#include "proto/base/span.h"

/* The states of a connection (RFC 9051 section 3), as bits. */
enum imap_state {
    IMAP_STATE_NONAUTH = 1,
    IMAP_STATE_AUTH = 2,
    IMAP_STATE_SELECTED = 4,
    IMAP_STATE_ANY = 7,
};

enum imap_verb {
    IMAP_VERB_NONE,
#define VERB(NAME, name, states, uid) IMAP_VERB_##NAME,
#include "proto/imap/imap_verb.def"
#undef VERB
    IMAP_VERBS
};

/* Why a command was refused before it was understood: one row, one counter, one text. */
enum imap_refusal {
    IMAP_REFUSAL_NONE,
#define REFUSAL(NAME, name, text) IMAP_REFUSAL_##NAME,
#include "proto/imap/imap_refusal.def"
#undef REFUSAL
    IMAP_REFUSALS
};

enum { IMAP_TAG_MAX = 128 }; /* octets; a longer tag is none */

/* Spans point into the bytes that were read. */
struct imap_command {
    struct span tag;  /* empty: none that could be answered by; then answer "* BAD" */
    struct span name; /* as written, without "UID" */
    struct span args; /* behind the name's blank; the literals stand in it as they came */
    uint8_t verb;     /* enum imap_verb */
    bool uid;         /* "UID" stood before the name */
    bool spaced;      /* a blank follows the name: "NOOP " is not "NOOP" */
};

/*
 * command = tag SP (name / "UID" SP name) [SP args]                     ; RFC 9051 section 9
 *
 * Reads a command without its last CRLF, or its begin. On IMAP_REFUSAL_TAG and _VERB what was read
 * before is set. Bound: one pass over tag and name.
 */
enum imap_refusal imap_command_parse(struct span bytes, struct imap_command *command_out);

/* The states a verb is allowed in, enum imap_state or-ed; its name in capitals. */
unsigned imap_verb_states(enum imap_verb verb);
const char *imap_verb_name(enum imap_verb verb);
/* A refusal's text for the tagged BAD (or NO), with its response code; its name for a counter. */
const char *imap_refusal_text(enum imap_refusal refusal);
const char *imap_refusal_name(enum imap_refusal refusal);

#endif
