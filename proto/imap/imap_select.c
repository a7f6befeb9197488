/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_select.h"

/* Ranges that are left. */
struct store_of_ranges {
    struct imap_range *ranges;
    uint32_t cap;
};

/* known-uids = sequence-set ; "*" is not allowed */
static bool read_set(struct imap_cursor *c, struct store_of_ranges *left, struct imap_set *set)
{
    *set = imap_set_of(left->ranges, left->cap);
    if (!imap_set_parse(c, set))
        return false;
    if (set->saved)
        return imap_cursor_fail(c);
    for (uint32_t i = 0; i < set->count; i++)
        if (set->ranges[i].low == 0 || set->ranges[i].high == 0)
            return imap_cursor_fail(c);
    left->ranges += set->count;
    left->cap -= set->count;
    imap_set_resolve(set, 0);
    return true;
}

static bool read_match(struct imap_cursor *c, struct store_of_ranges *left, struct imap_select *s)
{
    if (!imap_cursor_byte(c, '(') || !read_set(c, left, &s->match_numbers) ||
        !imap_cursor_space(c) || !read_set(c, left, &s->match_uids) || !imap_cursor_byte(c, ')'))
        return false;
    s->matched = true;
    return imap_set_size(&s->match_numbers) == imap_set_size(&s->match_uids) || imap_cursor_fail(c);
}

static bool read_qresync(struct imap_cursor *c, struct store_of_ranges *left, struct imap_select *s)
{
    if (s->qresync)
        return imap_cursor_fail(c);
    s->qresync = true;
    if (!imap_cursor_space(c) || !imap_cursor_byte(c, '(') ||
        !imap_cursor_nz_number(c, &s->uid_validity) || !imap_cursor_space(c) ||
        !imap_cursor_nz_number64(c, &s->modseq))
        return false;
    if (!imap_cursor_take_byte(c, ' '))
        return imap_cursor_byte(c, ')');
    if (!imap_cursor_peek(c, '(')) {
        s->known = true;
        if (!read_set(c, left, &s->uids))
            return false;
        if (!imap_cursor_take_byte(c, ' '))
            return imap_cursor_byte(c, ')');
    }
    return read_match(c, left, s) && imap_cursor_byte(c, ')');
}

bool imap_select_parse(struct imap_cursor *c, struct imap_range *ranges, uint32_t cap,
                       struct imap_select *select_out)
{
    struct store_of_ranges left = {ranges, cap};
    struct imap_select *s = select_out;
    bool first = true;

    *s = (struct imap_select){0};
    if (imap_cursor_end(c))
        return true;
    if (!imap_cursor_space(c) || !imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first)) {
        if (imap_cursor_take_word(c, "CONDSTORE"))
            s->condstore = true;
        else if (!imap_cursor_take_word(c, "QRESYNC"))
            return imap_cursor_fail(c);
        else if (!read_qresync(c, &left, s))
            return false;
    }
    return first ? imap_cursor_fail(c) : imap_cursor_done(c);
}

/* The member behind `n`, 0 at the beginning. */
static bool member(const struct imap_set *set, uint32_t *range, uint32_t *n)
{
    if (*n && *n < set->ranges[*range].high) {
        ++*n;
        return true;
    }
    *range += *n != 0;
    if (*range == set->count)
        return false;
    *n = set->ranges[*range].low;
    return true;
}

bool imap_select_pair(const struct imap_select *s, struct imap_select_pair *at)
{
    return member(&s->match_numbers, &at->number_range, &at->number) &&
           member(&s->match_uids, &at->uid_range, &at->uid);
}
