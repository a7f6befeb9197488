/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_sender.h"

#include "dataplane/session/recipient.h"

static bool is_granted(struct directory *d, uint64_t account, struct span name)
{
    uint8_t text[DIRECTORY_SENDER_KEY];
    struct writer key = writer_of(text, sizeof(text));

    directory_sender_key(&key, account, name);
    return !key.full && directory_find(d, DIRECTORY_SENDER, writer_span(&key)) != NULL;
}

/* Of the address alone, then of its domain: "@" and what stands behind it. */
static bool is_named(struct directory *d, uint64_t account, const struct address *sender)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer key = writer_of(text, sizeof(text));
    struct span domain;

    if (!recipient_key(d, sender, &key))
        return false;
    domain = writer_span(&key);
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '@')
            domain = span_skip(writer_span(&key), i);
    return is_granted(d, account, writer_span(&key)) || is_granted(d, account, domain);
}

bool session_sender_may(const struct sessions *ss, uint64_t account, const struct address *sender)
{
    struct directory *d = ss->settings.directory;
    const struct directory_entry *entry;

    if (recipient_find(d, sender, &entry) == SMTP_REPLY_NONE)
        for (uint32_t i = 0; i < entry->account_count; i++)
            if (entry->accounts[i].id == account)
                return true;
    return is_named(d, account, sender);
}
