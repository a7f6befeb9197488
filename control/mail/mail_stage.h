/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_STAGE_H
#define CONTROL_MAIL_MAIL_STAGE_H

#include <stdatomic.h>

#include "control/store/store_mailbox.h"

/*
 * The messages of an APPEND that came before its last (RFC 3502): copies of what the worker had of
 * them, so that it has room for the next. Rows that were written ahead lie in the store, and are
 * discarded where the command fails.
 */
enum {
    MAIL_STAGE_OCTETS = 16 << 20, /* memory of one command's; a message takes its last row */
    MAIL_STAGE_ALL = 256 << 20,   /* and of all commands together */
};

struct mail_staged;

struct mail_stage {
    struct mail_staged *first, *last;
    uint32_t count;
    size_t octets;
    _Atomic size_t *all; /* octets of all stages: of every thread's */
};

/* Takes over a message: its rows are the stage's from now on. False, without effect: it would be
 * more than STORE_APPENDS with the one behind it, more octets than are allowed, or there is no
 * memory. */
bool mail_stage_put(struct mail_stage *stage, const struct message *message,
                    const struct store_append_row *row);
/* Rows for STORE_APPEND, one for each, to `rows`; they borrow from the stage. */
void mail_stage_rows(const struct mail_stage *stage, struct store_append_row *rows);
/* Gives back its memory. `stored`: the messages are in a mailbox; else their rows are discarded. */
void mail_stage_free(struct mail_stage *stage, struct store *store, bool stored);

#endif
