/* SPDX-License-Identifier: BSD-3-Clause */
/* The first byte chooses a kind of row; the rest is its value, as a damaged disk might give it. */
#include <stdlib.h>

#include "control/store/store_row.h"

/* What a reader hands out lies in the value. */
static void inside(struct span value, struct span part)
{
    if (part.len && (part.data < value.data || part.data + part.len > value.data + value.len))
        abort();
}

static void read_entry(struct span value)
{
    struct store_entry entry;

    if (store_row_read_entry(value, &entry)) {
        inside(value, entry.verdict);
        inside(value, entry.uidl);
    }
    if (store_row_read_flags(value, &entry))
        inside(value, entry.keywords);
}

static void read_envelope(struct span value)
{
    static struct store_message message;

    if (!store_row_read_envelope(value, &message))
        return;
    inside(value, message.envelope.sender);
    inside(value, message.envelope.helo);
    if (message.deliveries > MESSAGE_DELIVERIES)
        abort();
    for (uint32_t i = 0; i < message.deliveries; i++)
        inside(value, message.delivery[i].recipient);
}

static void read_small(uint8_t kind, struct span value)
{
    union {
        struct store_row_domain domain;
        struct store_row_account account;
        struct store_row_usage usage;
        struct store_row_mailbox mailbox;
        struct store_row_state state;
        struct store_row_body body;
        struct store_row_tombstone tombstone;
        uint64_t number;
    } row;

    switch (kind) {
    case 0:
        store_row_read_number(value, &row.number);
        break;
    case 1:
        store_row_read_domain(value, &row.domain);
        break;
    case 2:
        store_row_read_account(value, &row.account);
        break;
    case 3:
        store_row_read_usage(value, &row.usage);
        break;
    case 4:
        store_row_read_mailbox(value, &row.mailbox);
        break;
    case 5:
        store_row_read_state(value, &row.state);
        break;
    case 6:
        store_row_read_body(value, &row.body);
        break;
    default:
        store_row_read_tombstone(value, &row.tombstone);
        store_row_read_tombstone_1(value, &row.tombstone.message);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span value, content;

    if (size == 0)
        return 0;
    value = span_of(data + 1, size - 1);
    if (data[0] % 10 < 8)
        read_small(data[0] % 10, value);
    else if (data[0] % 10 == 8)
        read_entry(value);
    else
        read_envelope(value);
    if (store_row_read_content(value, &content))
        inside(value, content);
    return 0;
}
