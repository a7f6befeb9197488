/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_flag.h"

static const struct flag_row {
    const char *name;
    uint8_t flag;
} rows[] = {
    {"\\Answered", IMAP_FLAG_ANSWERED}, {"\\Flagged", IMAP_FLAG_FLAGGED},
    {"\\Deleted", IMAP_FLAG_DELETED},   {"\\Seen", IMAP_FLAG_SEEN},
    {"\\Draft", IMAP_FLAG_DRAFT},       {"\\Recent", IMAP_FLAG_RECENT},
};

unsigned imap_flag_of(struct span name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (span_equal_nocase(name, span_text(rows[i].name)))
            return rows[i].flag;
    return 0;
}

const char *imap_flag_name(enum imap_flag flag)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (rows[i].flag == flag)
            return rows[i].name;
    return "";
}

static void add_keyword(struct imap_flags *flags, struct span name)
{
    for (size_t i = 0; i < flags->keyword_count; i++)
        if (span_equal_nocase(flags->keywords[i], name))
            return;
    if (flags->keyword_count == IMAP_KEYWORDS_MAX || name.len > IMAP_KEYWORD_MAX)
        flags->too_many = true;
    else
        flags->keywords[flags->keyword_count++] = name;
}

static bool add(struct imap_cursor *c, struct imap_flags *flags)
{
    struct span name;
    unsigned flag;

    if (!imap_cursor_flag(c, &name))
        return false;
    flag = imap_flag_of(name);
    if (flag & IMAP_FLAG_SYSTEM)
        flags->system |= (uint8_t)flag;
    else if (flag || name.data[0] == '\\')
        flags->unknown = true;
    else
        add_keyword(flags, name);
    return true;
}

bool imap_flags_parse_list(struct imap_cursor *c, struct imap_flags *flags_out)
{
    bool first = true;

    memset(flags_out, 0, sizeof(*flags_out));
    if (!imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first))
        (void)add(c, flags_out);
    return !c->bad;
}

bool imap_flags_parse(struct imap_cursor *c, struct imap_flags *flags_out)
{
    if (imap_cursor_peek(c, '('))
        return imap_flags_parse_list(c, flags_out);
    memset(flags_out, 0, sizeof(*flags_out));
    do
        (void)add(c, flags_out);
    while (imap_cursor_take_byte(c, ' '));
    return !c->bad;
}
