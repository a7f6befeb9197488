/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_ROW_H
#define CONTROL_STORE_STORE_ROW_H

#include "control/store/store_mailbox.h"
#include "proto/base/writer.h"

/*
 * Values of rows, the same for every back end; docs/store.md has the table. Each begins with the
 * version of its own encoding. A reader returns false when the value is not exactly one that the
 * writer makes, and reads nothing outside it.
 */
enum {
    STORE_ROW_SMALL = 64,    /* bytes of the longest row that holds numbers alone */
    STORE_ROW_ENTRY = 512,   /* bytes of the longest entry row */
    STORE_ROW_VERDICT = 128, /* longest rule id kept */
    STORE_ROW_KEYWORDS = 1 + STORE_KEYWORDS * (4 + STORE_KEYWORD),
    STORE_ROW_HEAD = 8, /* bytes in front of the content in rows of bodies and prefixes */
};

struct store_row_domain {
    uint64_t tenant;
    uint8_t class; /* enum directory_class */
};

struct store_row_account {
    uint64_t domain, inbox, quarantine, quota_octets;
};

struct store_row_usage {
    uint64_t messages, octets;
    uint64_t full_ms; /* wall clock: mail was refused for want of room then, and none was taken and
                         no room made since; 0: not full */
};

enum { STORE_ROW_GONE = 3 }; /* place of a mailbox that was deleted, and still has messages */

struct store_row_mailbox {
    uint64_t account;
    uint8_t place; /* enum message_place, STORE_FOLDER or STORE_ROW_GONE */
    uint32_t uid_validity;
    uint16_t uses; /* enum store_use */
};

struct store_row_state {
    uint32_t uid_next;
    uint64_t modseq, messages, octets;
};

struct store_row_tombstone {
    struct id128 message;
    uint64_t deleted_ms; /* wall clock */
};

struct store_row_body {
    uint64_t incarnation, size, received_ms;
    uint32_t rows;
};

/* Numbers alone: ids behind names, the schema, counters, rows written so far. */
void store_row_put_number(struct writer *w, uint64_t number);
bool store_row_read_number(struct span value, uint64_t *number_out);
void store_row_put_domain(struct writer *w, const struct store_row_domain *row);
bool store_row_read_domain(struct span value, struct store_row_domain *row_out);
void store_row_put_account(struct writer *w, const struct store_row_account *row);
bool store_row_read_account(struct span value, struct store_row_account *row_out);
void store_row_put_usage(struct writer *w, const struct store_row_usage *row);
bool store_row_read_usage(struct span value, struct store_row_usage *row_out);
void store_row_put_mailbox(struct writer *w, const struct store_row_mailbox *row);
bool store_row_read_mailbox(struct span value, struct store_row_mailbox *row_out);
void store_row_put_state(struct writer *w, const struct store_row_state *row);
bool store_row_read_state(struct span value, struct store_row_state *row_out);
void store_row_put_body(struct writer *w, const struct store_row_body *row);
bool store_row_read_body(struct span value, struct store_row_body *row_out);

/* Keywords, each a blob; the span borrows from `value`. */
void store_row_put_keywords(struct writer *w, struct span keywords);
bool store_row_read_keywords(struct span value, struct span *keywords_out);

/* What never changes of an entry, and (put_flags) what does. Reading fills those fields alone;
 * spans borrow from `value`. */
void store_row_put_entry(struct writer *w, const struct store_entry *entry);
bool store_row_read_entry(struct span value, struct store_entry *entry_out);
void store_row_put_flags(struct writer *w, const struct store_entry *entry);
bool store_row_read_flags(struct span value, struct store_entry *entry_out);
void store_row_put_tombstone(struct writer *w, const struct store_row_tombstone *row);
bool store_row_read_tombstone(struct span value, struct store_row_tombstone *row_out);
/* The first version of it, of schema 1, without the time. */
bool store_row_read_tombstone_1(struct span value, struct id128 *message_out);

/* What an entry says of a message: the bytes of a delivery, its prefix among them; and its enum
 * pop3_form, which an importer may not know, but the part tree does. */
uint64_t store_row_size(const struct message *message, const struct message_delivery *delivery);
uint8_t store_row_form(const struct message *message);

/* Bytes that store_row_put_envelope() needs. */
size_t store_row_envelope_size(const struct message *message);
void store_row_put_envelope(struct writer *w, const struct message *message);
/* Fills envelope and deliveries; spans borrow from `value`. */
bool store_row_read_envelope(struct span value, struct store_message *message_out);

/* {format, codec, cipher, 0, key id}: what was done to the content behind it; all but the format is
 * 0 so far. */
void store_row_put_head(struct writer *w);
/* False when the content is in a form that this program does not know. */
bool store_row_read_content(struct span value, struct span *content_out);

#endif
