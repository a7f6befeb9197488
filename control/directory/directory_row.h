/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_DIRECTORY_DIRECTORY_ROW_H
#define CONTROL_DIRECTORY_DIRECTORY_ROW_H

#include "control/directory/directory_backend.h"

/*
 * The rows of the back end "store", as the store keeps them: a key {kind, name} and a value that
 * begins with the version of its encoding. Integers are big-endian; a text is its length in 32 bits
 * and its octets; names are keys of addresses and domains. docs/directory.md has the table.
 */
enum directory_row_kind {
    DIRECTORY_ROW_ACCOUNT = 'a',
    DIRECTORY_ROW_DOMAIN = 'd',
    DIRECTORY_ROW_ALIAS = 'l',
};

/* Beside them: of an account that another back end has. */
enum { DIRECTORY_ROW_UNIQUE = 'u' };

enum {
    DIRECTORY_ROW_NAMES = DIRECTORY_ACCOUNTS, /* most in a list */
    DIRECTORY_ROW_KEY = 1 + 320,
    DIRECTORY_ROW_VALUE = 49152, /* octets of the longest value */
};

struct directory_row_list {
    uint32_t count;
    struct span name[DIRECTORY_ROW_NAMES];
};

struct directory_row_account {
    bool disabled; /* gets mail, and cannot log in */
    uint64_t quota;
    struct span mailbox, hash;
    struct span scram[SCRAM_HASHES];
    struct directory_row_list send_as; /* keys, or "@" and a domain */
    struct directory_row_list forward; /* addresses on other servers */
    bool keep_copy;                    /* what is forwarded is in its mailbox too */
};

struct directory_row_domain {
    struct directory_policy policy;
    struct span catch_all; /* a key; empty: none */
};

struct directory_row_alias {
    struct directory_row_list members; /* keys */
    struct directory_row_list forward; /* addresses on other servers. One of both at least */
};

/* What stays of an account leads to it. */
struct directory_row_unique {
    uint64_t id;
    struct span key; /* that it was known by last */
};

void directory_row_key(struct writer *w, enum directory_row_kind kind, struct span name);
void directory_row_put_account(struct writer *w, const struct directory_row_account *row);
void directory_row_put_domain(struct writer *w, const struct directory_row_domain *row);
void directory_row_put_alias(struct writer *w, const struct directory_row_alias *row);
/* False when the value is not exactly one that the writer makes. Spans borrow from it. */
bool directory_row_read_account(struct span value, struct directory_row_account *row_out);
bool directory_row_read_domain(struct span value, struct directory_row_domain *row_out);
void directory_row_put_unique(struct writer *w, const struct directory_row_unique *row);
bool directory_row_read_unique(struct span value, struct directory_row_unique *row_out);
bool directory_row_read_alias(struct span value, struct directory_row_alias *row_out);

#endif
