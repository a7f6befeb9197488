/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"
#include "proto/imap/imap_name.h"

/* Names of mailboxes: good ones, apart from each other and from those that always are. */
static const char *fault_of(struct span text)
{
    uint8_t bytes[IMAP_NAME_MAX];
    struct writer name = writer_of(bytes, sizeof(bytes));
    enum imap_name_status status = imap_name_read(text, true, &name, NULL);

    if (imap_name_is_inbox(text) || span_equal(text, span_text("Quarantine")))
        return "expected neither INBOX nor Quarantine";
    if (status != IMAP_NAME_OK)
        return imap_name_text(status);
    if (!span_equal(writer_span(&name), text))
        return "expected the name without a \"/\" at its end, and composed (NFC)";
    return NULL;
}

void config_check_imap(const struct config *config, const char *path, struct config_errors *errors)
{
    const struct config_special_use *u = &config->imap.special_use;
    const char *const names[] = {u->drafts, u->sent, u->trash, u->junk, u->archive};
    static const char *const keys[] = {"drafts", "sent", "trash", "junk", "archive"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct span name = span_text(names[i]);
        const char *fault = name.len ? fault_of(name) : NULL;

        if (fault)
            config_error(errors, path, 0, "imap.special_use.%s: %s", keys[i], fault);
        for (size_t k = 0; k < i && name.len; k++)
            if (span_equal(name, span_text(names[k])))
                config_error(errors, path, 0,
                             "imap.special_use.%s: expected another name than %s's", keys[i],
                             keys[k]);
    }
}
