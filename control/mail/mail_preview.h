/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_PREVIEW_H
#define CONTROL_MAIL_MAIL_PREVIEW_H

#include "control/store/store_mailbox.h"

/*
 * PREVIEW (RFC 8970): the begin of what a reader of the message would see, as one line of UTF-8.
 * Made when it is asked for, of the first text part that is no attachment, plain text before HTML,
 * decoded: no more than MAIL_PREVIEW_READ octets of a part are read.
 */
enum {
    MAIL_PREVIEW_CHARACTERS = 200,
    MAIL_PREVIEW_MAX = 4 * MAIL_PREVIEW_CHARACTERS,
    MAIL_PREVIEW_READ = 64 * 1024,
};

/* Writes it to `out`, which has room for MAIL_PREVIEW_MAX octets; nothing where there is no text.
 * False: the store has failed, or no memory. */
bool mail_preview_make(struct store *store, const struct store_reading *reading,
                       struct writer *out);

#endif
