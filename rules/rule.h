/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RULES_RULE_H
#define RULES_RULE_H

#include "proto/base/writer.h"

/* A rule as its author wrote it: patterns over scopes, how they combine, and what follows from a
 * hit. */

enum rule_stage {
#define RULE_STAGE(symbol, name) RULE_STAGE_##symbol,
#include "rules/rule_stage.def"
#undef RULE_STAGE
    RULE_STAGES
};

enum rule_scope {
#define RULE_SCOPE(symbol, name, how, stage) RULE_SCOPE_##symbol,
#include "rules/rule_scope.def"
#undef RULE_SCOPE
    RULE_SCOPES
};

enum rule_number {
#define RULE_NUMBER(symbol, name, stage) RULE_NUMBER_##symbol,
#include "rules/rule_number.def"
#undef RULE_NUMBER
    RULE_NUMBERS
};

enum rule_counter {
#define RULE_COUNTER(symbol, name, stage) RULE_COUNTER_##symbol,
#include "rules/rule_counter.def"
#undef RULE_COUNTER
    RULE_COUNTERS
};

enum rule_action {
#define RULE_ACTION(symbol, name, text) RULE_ACTION_##symbol,
#include "rules/rule_action.def"
#undef RULE_ACTION
    RULE_ACTIONS
};

enum rule_flag {
    RULE_CASELESS = 1,  /* ASCII letters match in either case */
    RULE_DOTALL = 2,    /* "." matches line ends too */
    RULE_MULTILINE = 4, /* "^" and "$" match at each line */
};

enum rule_logic {
    RULE_ANY,  /* one of the patterns hits */
    RULE_ALL,  /* every pattern hits, each anywhere in its scope */
    RULE_WHEN, /* as the rule's nodes say */
};

enum rule_pattern_kind {
    RULE_TEXT,    /* found in a scope */
    RULE_NUMBER,  /* a number lies within bounds */
    RULE_REPEATS, /* messages with this one's value were seen so often within a while */
};

enum rule_status {
    RULE_OK,
    RULE_FULL, /* the worker's pool has no stream left: answer 4xx, nothing was skipped silently */
    RULE_REFUSED, /* the rules are wrong or too costly; the errors say which, where and why */
    RULE_STALE,   /* a saved set that does not fit: compile anew */
    RULE_LONG, /* a value beyond RULE_VALUE_MAX: not scanned; to be refused like any overlong field
                */
    RULE_BROKEN, /* out of memory, or Hyperscan failed: on a worker, answer 4xx */
};

enum {
    RULE_ID_MAX = 64,           /* letters, digits, "-", "_" and "." */
    RULE_DESCRIPTION_MAX = 200, /* bytes of UTF-8 without control characters */
    RULE_TEXT_MAX = 200,        /* printable ASCII, so that any reply line holds it */
    RULE_PATTERN_MAX = 8192,    /* bytes */
    RULE_HEADER_MAX = 64,       /* bytes of a header field's name */
    RULE_PATTERNS_MAX = 256,    /* per rule */
    RULE_NODES_MAX = 256,       /* of a rule's logic */
    RULE_DEPTH_MAX = 16,        /* of them within each other */
    RULE_TAGS_MAX = 8,          /* header fields that a rule adds */
    RULE_TAG_MAX = 200,         /* bytes of one: name, ": ", value */
    RULE_SUBJECT_TAG_MAX = 60,  /* printable ASCII in front of a subject */
    RULE_DOMAINS_MAX = 256,     /* per rule; also of tenants */
    RULE_TENANT_MAX = 64,       /* letters, digits, "-", "_" and "." */
    RULE_WITHIN_MIN_MS = 1000,
    RULE_WITHIN_MAX_MS = 7 * 24 * 3600 * 1000,
    RULE_REPEATS_MAX = 1000000, /* a counter counts no further */
    RULE_VALUE_MAX = 65536,     /* bytes of a value that is scanned whole */
    RULE_SCORE_MAX = 1000000,   /* thousandths, either sign */
};

/* Where something was written, for messages. `file` is borrowed. */
struct rule_source {
    struct span file;
    uint32_t line; /* from 1 */
};

struct rule_pattern {
    struct span name;   /* for the rule's logic; may be empty */
    struct span text;   /* the regular expression, or the bytes to find */
    struct span header; /* scope HEADER: the field's name, empty for every field */
    struct rule_source source;
    uint64_t least, most; /* NUMBER, REPEATS: hits from `least` to `most` */
    uint32_t within_ms;   /* REPEATS */
    uint8_t kind;         /* enum rule_pattern_kind */
    uint8_t scope;        /* enum rule_scope, rule_number or rule_counter, by kind */
    uint8_t flags;        /* enum rule_flag, or'ed */
    bool literal;
};

enum rule_op {
    RULE_OP_PATTERN, /* the rule's pattern `count` has hit */
    RULE_OP_RULE,    /* the rule `id` has hit, in shadow or not, whomever it is for */
    RULE_OP_ALL,     /* all of the `count` operands before it */
    RULE_OP_ANY,     /* one of them */
    RULE_OP_NOT,     /* not the operand before it; known at the end of that one's stage */
};

/* A rule's logic in postfix order. */
struct rule_node {
    struct span id;
    struct rule_source source;
    uint16_t count;
    uint8_t op; /* enum rule_op */
};

/* What a rule puts in front of the messages that it hits. */
struct rule_tag {
    struct span fields[RULE_TAGS_MAX]; /* "Name: value" */
    struct span subject;               /* put in front of the subject */
    uint8_t field_count;
};

/* Borrows all its spans from whoever made it. */
struct rule {
    struct span id;
    struct span description;
    struct span text; /* what a REJECT or a DEFER answers, without reply codes; else empty */
    const struct rule_pattern *patterns;
    const struct rule_node *nodes; /* logic WHEN */
    const struct span *domains;    /* of recipients, in any spelling; none: the rule is for all */
    const struct span *tenants;    /* the same, of whom the domains are; where both are given both
                                      must hold */
    struct rule_tag tag;
    struct rule_source source;
    int32_t score; /* thousandths */
    uint16_t pattern_count;
    uint16_t node_count;
    uint16_t domain_count;
    uint16_t tenant_count;
    uint8_t logic;  /* enum rule_logic */
    uint8_t action; /* enum rule_action */
    bool except;    /* for all domains but `domains` */
    bool except_tenants;
    bool shadow;  /* hits are counted and shown, but neither score nor act */
    bool enabled; /* false: keeps its index and never hits */
};

const char *rule_scope_name(enum rule_scope scope);
bool rule_scope_streams(enum rule_scope scope);
/* A tenant's name: of 1 to RULE_TENANT_MAX bytes, and of their characters. */
bool rule_tenant_valid(struct span name);
const char *rule_action_name(enum rule_action action);
/* True when the action answers with the rule's text. */
bool rule_action_answers(enum rule_action action);
const char *rule_stage_name(enum rule_stage stage);
/* False when there is no such scope. "header.NAME" and its short form "subject" yield HEADER and
 * the name. */
bool rule_scope_parse(struct span name, enum rule_scope *scope_out, struct span *header_out);
bool rule_action_parse(struct span name, enum rule_action *action_out);
bool rule_number_parse(struct span name, enum rule_number *number_out);
bool rule_counter_parse(struct span name, enum rule_counter *counter_out);
const char *rule_number_name(enum rule_number number);
const char *rule_counter_name(enum rule_counter counter);
/* The earliest stage at which it is known whether the pattern has hit, and with `whether` also that
 * it has not. */
enum rule_stage rule_pattern_stage(const struct rule_pattern *pattern, bool whether);
/*
 * Checks lengths, characters and that action and text fit together, and writes one line to `errors`
 * for each fault: "file:line: rule 'id': what". Patterns are judged by rule_set_compile(). True
 * when there is no fault.
 */
bool rule_check(const struct rule *rule, struct writer *errors);
/* Begins an error line: "file:line: rule 'id': ". */
void rule_error_begin(struct writer *errors, const struct rule_source *source, struct span id);

/* Writes the key that a domain of any spelling is found by: A-labels in lower case. False: it is no
 * domain, or there is no room. */
bool rule_domain_key(struct span domain, struct writer *key);

#endif
