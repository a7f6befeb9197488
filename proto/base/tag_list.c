/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/tag_list.h"

#include "proto/base/ascii.h"

/* tag-name = ALPHA *ALNUMPUNC */
static bool good_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = ascii_lower(name.data[i]);
        bool letter = (uint8_t)(c - 'a') < 26;

        if (!letter && (i == 0 || ((uint8_t)(c - '0') > 9 && c != '_')))
            return false;
    }
    return name.len > 0;
}

/* tag-value = [ tval *( 1*(WSP / FWS) tval ) ]; tval = 1*VALCHAR; VALCHAR = %x21-3A / %x3C-7E */
static bool good_value(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((value.data[i] < ' ' && !ascii_folding(value.data[i])) || value.data[i] == 0x7f)
            return false;
    return true;
}

static enum tag_list_status read_tag(struct tag_list *list, struct span spec)
{
    ptrdiff_t equals = span_find(spec, '=');
    struct tag *tag = &list->tags[list->count];

    if (equals < 0)
        return TAG_LIST_SYNTAX;
    if (list->count == TAG_LIST_MAX)
        return TAG_LIST_MANY;
    tag->name = ascii_trim(span_head(spec, (size_t)equals));
    tag->room = span_skip(spec, (size_t)equals + 1);
    tag->value = ascii_trim(tag->room);
    if (!good_name(tag->name) || !good_value(tag->value))
        return TAG_LIST_SYNTAX;
    for (uint32_t i = 0; i < list->count; i++)
        if (span_equal(list->tags[i].name, tag->name))
            return TAG_LIST_TWICE;
    list->count++;
    return TAG_LIST_GOOD;
}

enum tag_list_status tag_list_read(struct span text, struct tag_list *list_out)
{
    enum tag_list_status status;

    list_out->count = 0;
    do {
        ptrdiff_t end = span_find(text, ';');
        struct span spec = span_head(text, end < 0 ? text.len : (size_t)end);

        status = read_tag(list_out, spec);
        if (status != TAG_LIST_GOOD)
            return status;
        text = span_skip(text, spec.len + (end >= 0));
    } while (ascii_trim(text).len);
    return TAG_LIST_GOOD;
}

const struct tag *tag_list_find(const struct tag_list *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (span_equal(list->tags[i].name, span_text(name)))
            return &list->tags[i];
    return NULL;
}

bool tag_number(struct span value, size_t digits, uint64_t *number_out)
{
    uint64_t n = 0;

    if (value.len == 0 || value.len > digits)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t digit = (uint8_t)(value.data[i] - '0');

        if (digit > 9)
            return false;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            n = UINT64_MAX;
    }
    *number_out = n;
    return true;
}

bool tag_piece(struct span *value, bool *more, struct span *piece_out)
{
    ptrdiff_t colon;

    if (!*more)
        return false;
    colon = span_find(*value, ':');
    *more = colon >= 0;
    *piece_out = ascii_trim(span_head(*value, *more ? (size_t)colon : value->len));
    *value = span_skip(*value, *more ? (size_t)colon + 1 : value->len);
    return true;
}

bool tag_has_piece(struct span value, const char *piece)
{
    struct span found;
    bool more = true;

    while (tag_piece(&value, &more, &found))
        if (span_equal_nocase(found, span_text(piece)))
            return true;
    return false;
}
