/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_store.h"

static bool modifiers(struct imap_cursor *c, struct imap_store *s)
{
    bool first = true;

    (void)imap_cursor_open(c);
    while (imap_cursor_item(c, &first)) {
        if (s->unchanged || !imap_cursor_take_word(c, "UNCHANGEDSINCE"))
            return imap_cursor_fail(c);
        s->unchanged = true;
        (void)(imap_cursor_space(c) && imap_cursor_number64(c, &s->unchanged_since));
    }
    return !first && imap_cursor_space(c);
}

bool imap_store_parse(struct imap_cursor *c, struct imap_store *store_out)
{
    struct imap_store *s = store_out;

    memset(s, 0, sizeof(*s));
    if (imap_cursor_peek(c, '(') && !modifiers(c, s))
        return imap_cursor_fail(c);
    if (imap_cursor_take_byte(c, '+'))
        s->action = IMAP_STORE_ADD;
    else if (imap_cursor_take_byte(c, '-'))
        s->action = IMAP_STORE_REMOVE;
    s->silent = imap_cursor_take_word(c, "FLAGS.SILENT");
    if (!s->silent && !imap_cursor_take_word(c, "FLAGS"))
        return imap_cursor_fail(c);
    return imap_cursor_space(c) && imap_flags_parse(c, &s->flags) && imap_cursor_done(c);
}

bool imap_append_parse(struct imap_cursor *c, struct imap_append *append_out)
{
    struct imap_append *a = append_out;

    memset(a, 0, sizeof(*a));
    if (!imap_cursor_space(c))
        return false;
    if (imap_cursor_peek(c, '(') && !(imap_flags_parse_list(c, &a->flags) && imap_cursor_space(c)))
        return false;
    if (imap_cursor_peek(c, '"')) {
        a->dated = true;
        if (!imap_cursor_date_time(c, &a->date, &a->zone) || !imap_cursor_space(c))
            return false;
    }
    a->utf8 = imap_cursor_take_word(c, "UTF8");
    if (a->utf8 && !(imap_cursor_space(c) && imap_cursor_byte(c, '(')))
        return false;
    if (!imap_cursor_announced(c, &a->size, &a->literal8))
        return false;
    return !a->utf8 || a->literal8 || imap_cursor_fail(c);
}
