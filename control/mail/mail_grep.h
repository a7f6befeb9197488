/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_GREP_H
#define CONTROL_MAIL_MAIL_GREP_H

#include "control/store/store_mailbox.h"
#include "proto/base/writer.h"

/*
 * Text of a message looked for as SEARCH does (RFC 9051 section 6.4.4): transfer encoding, encoded
 * words and charsets undone, letters compared without case as Unicode folds it, by libunistring
 * (sharp s is ss: more than RFC 5051's i;unicode-casemap finds, so I18NLEVEL=1 is not offered).
 */
struct mail_needle {
    uint8_t *text; /* as it is compared; free() */
    size_t len;
};

/* Of UTF-8. False: it is none, or there is no memory. */
bool mail_needle_make(struct span text, struct mail_needle *needle_out);

enum mail_grep_where { MAIL_GREP_FIELD, MAIL_GREP_BODY, MAIL_GREP_TEXT };

struct mail_grep {
    enum mail_grep_where where; /* in one header field, the bodies, or both and the whole header */
    struct span name;           /* FIELD: of the field */
    const struct mail_needle *needle; /* empty: is there such a field? */
};

/* One pass over the message, up to the first match. */
enum store_status mail_grep(struct store *store, const struct store_reading *reading,
                            const struct mail_grep *what, bool *found_out);

#endif
