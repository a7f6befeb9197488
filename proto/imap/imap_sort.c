/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_sort.h"

#include "proto/imap/imap_address.h"
#include "proto/imap/imap_date.h"
#include "proto/mime/mime_date.h"
#include "proto/mime/mime_tree.h"
#include "proto/mime/mime_word.h"

static const char *const names[] = {"ARRIVAL", "CC", "DATE",        "FROM",     "SIZE",
                                    "SUBJECT", "TO", "DISPLAYFROM", "DISPLAYTO"};

static bool is_number(unsigned key)
{
    return key == IMAP_SORT_ARRIVAL || key == IMAP_SORT_DATE || key == IMAP_SORT_SIZE;
}

static void add(struct imap_sort *s, uint8_t key, bool reverse)
{
    for (unsigned i = 0; i < s->count; i++)
        if (s->keys[i] == key)
            return;
    s->keys[s->count] = key;
    s->reverse[s->count++] = reverse;
}

static bool criteria(struct imap_cursor *c, struct imap_sort *s)
{
    bool first = true;

    memset(s, 0, sizeof(*s));
    if (!imap_cursor_open(c))
        return false;
    while (imap_cursor_item(c, &first)) {
        bool reverse = imap_cursor_take_word(c, "REVERSE");
        uint8_t key = 0;

        if (reverse && !imap_cursor_space(c))
            return false;
        while (key < IMAP_SORT_KEYS && !imap_cursor_take_word(c, names[key]))
            key++;
        if (key == IMAP_SORT_KEYS)
            return imap_cursor_fail(c);
        add(s, key, reverse);
    }
    return s->count || imap_cursor_fail(c);
}

bool imap_sort_parse(struct imap_cursor *c, struct imap_sort *sort_out, struct imap_search *search)
{
    return imap_search_parse_return(c, search) && criteria(c, sort_out) && imap_cursor_space(c) &&
           imap_cursor_astring(c, &search->charset) && imap_cursor_space(c) &&
           imap_search_parse_keys(c, search);
}

static int compare_text(struct span a, struct span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.data, b.data, n) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool imap_sort_before(const struct imap_sort *sort, const union imap_sort_value *a,
                      const union imap_sort_value *b)
{
    for (unsigned i = 0; i < sort->count; i++) {
        int order = is_number(sort->keys[i])
                        ? (a[i].number > b[i].number) - (a[i].number < b[i].number)
                        : compare_text(a[i].text, b[i].text);

        if (order)
            return sort->reverse[i] ? order > 0 : order < 0;
    }
    return false;
}

int64_t imap_sort_date(struct span value, int64_t internal)
{
    struct mime_date m;
    struct imap_date d;
    int64_t seconds;

    if (!mime_date_parse(value, &m))
        return internal;
    d = (struct imap_date){.year = m.year,
                           .month = m.month,
                           .day = m.day,
                           .hour = m.hour,
                           .minute = m.minute,
                           .second = m.second,
                           .zone = m.zone};
    return imap_date_seconds(&d, &seconds) ? seconds : internal;
}

void imap_sort_address(struct span value, bool display, const struct mime_charset *charsets,
                       struct writer *out)
{
    uint8_t scratch[MIME_TREE_VALUE_MAX];
    struct imap_address_list list = imap_address_list_of(value, scratch, sizeof(scratch));
    struct imap_address a;

    if (!imap_address_next(&list, &a) || a.kind == IMAP_ADDRESS_GROUP_END)
        return;
    if (display && a.name.len) {
        (void)mime_word_decode(a.name, charsets, out);
        return;
    }
    writer_span_put(out, a.mailbox);
    if (!display || a.kind == IMAP_ADDRESS_GROUP)
        return;
    writer_byte(out, '@');
    writer_span_put(out, a.host);
}
