/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_AUDIT_H
#define CONTROL_STORE_STORE_AUDIT_H

#include "control/store/store.h"
#include "proto/base/writer.h"

/*
 * The audit log: who took which message out of a quarantine, erased an account, changed the
 * directory, who is banned or what greylisting remembers, when and why. A row is written in the
 * batch of the change itself, so that neither is there without the other; that of greylisting behind
 * it. Rows are numbered from 1 without a gap and only ever added; what removes them is their own
 * retention (store_audit_trim()) and nothing else.
 */
enum store_audit_action {
    STORE_AUDIT_RELEASE = 1, /* into the inbox */
    STORE_AUDIT_DELETE,      /* by somebody's order */
    STORE_AUDIT_EXPIRE,      /* it was kept as long as it is to be */
    STORE_AUDIT_EVICT,       /* made room in a full quarantine */
    STORE_AUDIT_ERASE,       /* the account is being erased */
    STORE_AUDIT_ERASED,      /* nothing of the account is left in the mailboxes */
    STORE_AUDIT_BAN,         /* a network, by hand */
    STORE_AUDIT_UNBAN,       /* a network */
    STORE_AUDIT_UNBAN_ALL,
    STORE_AUDIT_FORGET, /* what greylisting knows of a network, or of all */
    /* Changes of the directory that lies in the store; `address` is the key of what was changed. */
    STORE_AUDIT_ACCOUNT_ADD,
    STORE_AUDIT_ACCOUNT_SET,
    STORE_AUDIT_ACCOUNT_PASSWORD,
    STORE_AUDIT_ACCOUNT_DELETE,
    STORE_AUDIT_ACCOUNT_IMPORT,
    STORE_AUDIT_DOMAIN_ADD,
    STORE_AUDIT_DOMAIN_SET,
    STORE_AUDIT_DOMAIN_DELETE,
    STORE_AUDIT_ALIAS_ADD,
    STORE_AUDIT_ALIAS_SET,
    STORE_AUDIT_ALIAS_DELETE,
    STORE_AUDIT_TOKEN_ADD, /* of the API; `address` is its name */
    STORE_AUDIT_TOKEN_DELETE,
    STORE_AUDIT_ACTIONS,
};

enum { STORE_WHO = 256, STORE_WHY = 1024, STORE_RULE = 128 }; /* longest texts, bytes */

/* Who asked for a change, and why: neither is empty, and both are UTF-8 without control characters
 * (store_reason_valid()). */
struct store_reason {
    struct span who, why;
};

struct store_audit {
    uint64_t sequence; /* given by the store */
    uint64_t when_ms;  /* wall clock; given by the store */
    uint8_t action;    /* enum store_audit_action */
    uint64_t account;
    struct id128 message; /* zero where no message is meant */
    uint32_t uid;         /* in the quarantine; 0: no message */
    uint32_t uid_new;     /* in the inbox, RELEASE alone */
    uint64_t size;        /* of the message; ERASED: octets removed */
    uint64_t count;       /* ERASED: messages removed; UNBAN_ALL, FORGET: bans or rows; else 0 */
    struct span address;  /* the recipient as spelled in the envelope; the account's key for ERASE;
                             the network of a ban or of FORGET, which is empty for all */
    struct span rule;     /* id of the rule that had put it into the quarantine */
    struct store_reason for_;
};

enum { STORE_AUDIT_ROW = 128 + STORE_NAME + STORE_RULE + STORE_WHO + STORE_WHY };

/* False ends the walk. Spans are valid during the call. */
typedef bool store_audit_visit(void *context, const struct store_audit *row);

/* Rows with a number greater than `since`, in their order. */
enum store_status store_audit(struct store *store, uint64_t since, store_audit_visit *visit,
                              void *context);
/* The number of the last row, 0 when there has never been one. */
enum store_status store_audit_last(struct store *store, uint64_t *sequence_out);
/*
 * Removes at most `limit` rows that are older than `before_ms`, from the first on. Their numbers do
 * not come again.
 */
enum store_status store_audit_trim(struct store *store, uint64_t before_ms, uint32_t limit,
                                   uint32_t *removed_out);

const char *store_audit_action_name(uint8_t action);
bool store_reason_valid(const struct store_reason *reason);

/* The value of a row; the number is its key. Reading borrows from `value`; false when it is not
 * exactly one that the writer makes. */
void store_audit_put(struct writer *w, const struct store_audit *row);
bool store_audit_read(struct span value, struct store_audit *row_out);

#endif
