/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/session/session_sender.h"

#include "dataplane/session/recipient.h"

static enum directory_sight look(const struct sessions *ss, uint64_t account, struct span name)
{
    const struct directory_entry *entry;
    uint8_t text[DIRECTORY_SENDER_KEY];
    struct writer key = writer_of(text, sizeof(text));

    directory_sender_key(&key, account, name);
    return key.full ? DIRECTORY_ABSENT
                    : directory_look(ss->settings.directory, DIRECTORY_SENDER, writer_span(&key),
                                     (uint32_t)(ss->time.wall_ms / 1000), &entry);
}

/* Of the address alone, then of its domain: "@" and what stands behind it. What is not known is
 * known of the address. */
static enum directory_sight look_by_name(const struct sessions *ss, uint64_t account,
                                         const struct address *sender)
{
    uint8_t text[ADDRESS_KEY_MAX];
    struct writer key = writer_of(text, sizeof(text));
    enum directory_sight sight;
    struct span domain;

    if (!recipient_key(ss->settings.directory, sender, &key))
        return DIRECTORY_ABSENT;
    domain = writer_span(&key);
    for (size_t i = 0; i < key.len; i++)
        if (key.data[i] == '@')
            domain = span_skip(writer_span(&key), i);
    sight = look(ss, account, writer_span(&key));
    return sight == DIRECTORY_HERE || look(ss, account, domain) != DIRECTORY_HERE ? sight
                                                                                  : DIRECTORY_HERE;
}

enum smtp_reply_id session_sender_check(const struct sessions *ss, uint64_t account,
                                        const struct address *sender, enum smtp_reply_id refusal)
{
    const struct directory_entry *entry;
    enum smtp_reply_id row = recipient_find(ss, sender, &entry);
    enum directory_sight sight;

    if (row == SMTP_REPLY_NONE)
        for (uint32_t i = 0; i < entry->account_count; i++)
            if (entry->accounts[i].id == account)
                return SMTP_REPLY_NONE;
    sight = look_by_name(ss, account, sender);
    if (sight == DIRECTORY_HERE)
        return SMTP_REPLY_NONE;
    return row == SMTP_REPLY_DIRECTORY_AWAY || sight == DIRECTORY_UNSEEN ? SMTP_REPLY_DIRECTORY_AWAY
                                                                         : refusal;
}
