/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_WATCHED_H
#define CONTROL_STORE_STORE_WATCHED_H

#include <stdatomic.h>

#include "control/store/store_mailbox.h"

/* Mailboxes whose changes somebody wants to hear of: a bit for each id, in leaves that are made
 * when the first of their mailboxes is marked, and stay. Any thread, no lock. */
struct store_watched {
    _Atomic(_Atomic uint64_t *) *leaves; /* NULL: nobody ever asked */
    store_watch_visit *visit;
    void *context;
    store_watch_visit *visit_all;
    void *context_all;
};

void store_watched_fini(struct store_watched *w);
/* What back ends call once a change can be seen. */
void store_watched_tell(struct store *store, uint64_t mailbox);

#endif
