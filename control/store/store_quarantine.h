/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_QUARANTINE_H
#define CONTROL_STORE_STORE_QUARANTINE_H

#include "control/store/store_audit.h"

/*
 * An account's quarantine is a mailbox of its own: what is in it counts in its own quota and not in
 * the account's. It is left in two ways, both as changes of store_apply() and with a row in the
 * audit log in the same batch.
 *
 * RELEASE moves an entry into the inbox: a new UID and modification sequence there, a tombstone
 * here; body, header prefix, envelope, internal date, email and thread id stay what they were, the
 * save date is that of the release. Changes are serialised, so of any number of releases one finds
 * the entry; the others are answered STORE_NONE. STORE_FULL: the inbox has no room; nothing was
 * done. DROP removes the entry.
 */
struct store_quarantine {
    uint64_t account;
    uint32_t uid;
    uint8_t action; /* enum store_audit_action; RELEASE for a RELEASE */
    struct store_reason reason;
    uint32_t uid_out; /* in the inbox, of a RELEASE */
};

enum store_quarantine_full {
    STORE_QUARANTINE_OLDEST, /* the oldest messages make room */
    STORE_QUARANTINE_DEFER,  /* a commit is answered STORE_FULL */
};

struct store_quarantine_limits {
    uint64_t quota_octets; /* of each account's quarantine; 0: none */
    uint8_t full;          /* enum store_quarantine_full */
};

/* From the next commit on; not kept over an opening. A quarantine that is over a new limit stays so
 * until the next message comes. With OLDEST a message alone is kept also when it is larger than the
 * limit. */
void store_quarantine_limit(struct store *store, const struct store_quarantine_limits *limits);

#endif
