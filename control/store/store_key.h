/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_KEY_H
#define CONTROL_STORE_STORE_KEY_H

#include "control/store/store.h"

/*
 * Keys of rows, the same for every back end; docs/store.md has the table. Integers are big-endian,
 * so that keys sort by number, and every kind of row of one owner lies together.
 */
enum { STORE_KEY = 40 };

struct store_key {
    uint8_t bytes[STORE_KEY];
    size_t len;
};

enum store_table {
    STORE_TABLE_ACCOUNT = 'a',
    STORE_TABLE_BODY = 'b',
    STORE_TABLE_DOMAIN = 'd',
    STORE_TABLE_ENVELOPE = 'e',
    STORE_TABLE_IMPORTED = 'i',
    STORE_TABLE_FLOOR = 'f', /* of tombstones that are still known */
    STORE_TABLE_GONE = 'g',  /* deleted mailboxes that still have messages */
    STORE_TABLE_ENTRY = 'l',
    STORE_TABLE_MAILBOX = 'm',
    STORE_TABLE_PENDING = 'n',
    STORE_TABLE_PREFIX = 'p',
    STORE_TABLE_USAGE = 'q',
    STORE_TABLE_REFERENCE = 'r',
    STORE_TABLE_STATE = 's',
    STORE_TABLE_TREE = 't',
    STORE_TABLE_AUDIT = 'u',
    STORE_TABLE_KEYWORDS = 'w',
    STORE_TABLE_TOMBSTONE = 'x',
    STORE_TABLE_ERASURE = 'z',
};

enum store_reference { STORE_REFERENCE_ENTRY = 1 }; /* who uses a body: an entry of a mailbox */

/* {table}: where a table begins */
struct store_key store_key_table(enum store_table table);
/* {table, id}: rows of accounts, domains, mailboxes, the audit log (id is a row's number),
 * and where a mailbox's entries begin */
struct store_key store_key_id(enum store_table table, uint64_t id);
/* {table, mailbox, uid} */
struct store_key store_key_entry(enum store_table table, uint64_t mailbox, uint32_t uid);
/* {'x', mailbox, modseq, uid} */
struct store_key store_key_tombstone(uint64_t mailbox, uint64_t modseq, uint32_t uid);
/* {'i', account, identity} */
struct store_key store_key_imported(uint64_t account, const struct id128 *identity);
/* {table, message} */
struct store_key store_key_message(enum store_table table, const struct id128 *message);
/* {'r', message, kind, mailbox, uid} */
struct store_key store_key_reference(const struct id128 *message, uint64_t mailbox, uint32_t uid);
/* {'n', incarnation, message} */
struct store_key store_key_pending(uint64_t incarnation, const struct id128 *message);
/* {incarnation, message, row}, in the column family of bodies */
struct store_key store_key_row(uint64_t incarnation, const struct id128 *message, uint32_t row);
/* {mailbox, uid, user}, in the column family of flags; user 0 is the owner */
struct store_key store_key_flags(uint64_t mailbox, uint32_t uid);

/* The same read back. False when the key has another shape. */
bool store_key_read_id(struct span key, uint64_t *id_out);
bool store_key_read_entry(struct span key, uint64_t *mailbox_out, uint32_t *uid_out);
/* Of the family of flags. */
bool store_key_read_flags(struct span key, uint64_t *mailbox_out, uint32_t *uid_out);
bool store_key_read_tombstone(struct span key, uint64_t *modseq_out, uint32_t *uid_out);
bool store_key_read_message(struct span key, struct id128 *message_out);
bool store_key_read_reference(struct span key, struct id128 *message_out, uint64_t *mailbox_out,
                              uint32_t *uid_out);
bool store_key_read_pending(struct span key, uint64_t *incarnation_out, struct id128 *message_out);
bool store_key_read_row(struct span key, uint64_t *incarnation_out, struct id128 *message_out,
                        uint32_t *row_out);

#endif
