/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_ERASE_H
#define CONTROL_STORE_STORE_ERASE_H

#include "control/store/store_audit.h"

/*
 * Erasing an account. It begins with one durable batch, after which the account is not found any
 * more and gets no mail; then what it had is removed in steps of bounded size. Whoever opens the
 * store finds what a crash left unfinished and goes on with store_erase_step().
 */
struct store_erasure {
    uint64_t account, inbox, quarantine;
    uint64_t messages, octets;      /* removed so far */
    uint64_t shared, shared_octets; /* of these, bodies that others refer to: they stay */
    struct span key;                /* the account's; valid during the call that hands it out */
};

typedef bool store_erasure_visit(void *context, const struct store_erasure *erasure);

/* The account with this key. STORE_NONE: there is none (or it is being erased). */
enum store_status store_erase(struct store *store, struct span key,
                              const struct store_reason *reason, uint64_t *account_out);
/*
 * One step of the oldest erasure that is unfinished: at most a few hundred messages. STORE_NONE:
 * nothing is left to do. `visit` sees the erasure as it is after the step; *done_out: it is over.
 */
enum store_status store_erase_step(struct store *store, store_erasure_visit *visit, void *context,
                                   bool *done_out);

enum { STORE_ERASURE_ROW = 128 + STORE_NAME + STORE_WHO + STORE_WHY };

/* The value of the row that says how far an erasure has come; its key is the account. */
void store_erasure_put(struct writer *w, const struct store_erasure *row,
                       const struct store_reason *reason);
bool store_erasure_read(struct span value, struct store_erasure *row_out,
                        struct store_reason *reason_out);

#endif
