/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_status.h"

static const char *const names[] = {
#define STATUS_ITEM(NAME, text) text,
#include "proto/imap/imap_status_item.def"
#undef STATUS_ITEM
};

const char *imap_status_name(enum imap_status_item item)
{
    return names[item];
}

uint32_t imap_status_read(struct imap_cursor *c)
{
    uint32_t wanted = 0;
    bool first = true;

    if (!imap_cursor_open(c))
        return 0;
    while (imap_cursor_item(c, &first)) {
        unsigned item = 0;

        while (item < IMAP_STATUS_ITEMS && !imap_cursor_take_word(c, names[item]))
            item++;
        if (item == IMAP_STATUS_ITEMS)
            imap_cursor_fail(c);
        else
            wanted |= 1u << item;
    }
    if (wanted == 0)
        imap_cursor_fail(c);
    return c->bad ? 0 : wanted;
}
