/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_EXPORT_RUN_H
#define CONTROL_TRANSFER_EXPORT_RUN_H

#include "control/transfer/export_list.h"
#include "control/transfer/import_run.h"

/*
 * Writes the messages of a list to a Maildir or an mboxrd that is not there yet. Each comes piece by
 * piece from where it lies.
 */
struct export_run {
    struct span list; /* export_list.h */
    uint64_t unique;  /* of the mailbox, for names: its UIDVALIDITY */
    /* The bytes of one message, until `visit` refuses. STORE_NONE: it is not there any more. */
    enum store_status (*fetch)(void *context, uint32_t uid, store_bytes_visit *visit, void *visit_context);
    void *context;
    enum transfer_format format; /* MAILDIR or MBOXRD; AUTO is a Maildir */
    /* A message that will come back changed, or that could not be written: which, and why. */
    void (*tell)(void *tell_context, const char *where, const char *why);
    void *tell_context;
    uint64_t exported, gone; /* out; gone: deleted since the list was made */
};

/* False: it ended early, which was told. What was written so far is there. */
bool export_run(struct export_run *run, const char *path);

#endif
