/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_TRANSFER_EXPORT_LIST_H
#define CONTROL_TRANSFER_EXPORT_LIST_H

#include "control/store/store.h"
#include "proto/base/writer.h"

/*
 * The messages of an account's inbox as text, in the order of their UIDs, the same from a store and
 * over the control socket:
 *
 *   row = uid SP date-ms SP flags SP ("0" / "1", forwarded) SP sender LF
 *
 * A sender that has a blank or a control character is left out.
 */
struct export_row {
    uint32_t uid, flags; /* enum store_flag */
    bool forwarded;
    uint64_t date_ms;
    struct span sender; /* in the text */
};

struct export_list {
    size_t len, cap;
    char *text;
    uint64_t mailbox;
    uint32_t uid_validity;
};

/* False: the store failed, or no memory; nothing to free. */
bool export_list_make(struct store *store, uint64_t account, struct export_list *list_out);
void export_list_free(struct export_list *list);
/* Takes a row from the begin of the text. False: there is none, or it is not one. */
bool export_list_next(struct span *text, struct export_row *row_out);

#endif
