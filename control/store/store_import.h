/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_STORE_STORE_IMPORT_H
#define CONTROL_STORE_STORE_IMPORT_H

#include "control/store/store.h"

/*
 * A message from elsewhere, with its own date (message->received_ms), flags and keywords. It has an
 * identity that the importer gives it; while a message that came under it is still in the account's
 * inbox, another under the same one is not taken. So an import that was cut can be repeated.
 */
struct store_import {
    struct message *message; /* one delivery, to the inbox */
    struct id128 identity;
    uint32_t flags;       /* enum store_flag */
    struct span keywords; /* each a blob */
    bool there_out;       /* it had been imported before: nothing was done, STORE_OK */
};

#endif
