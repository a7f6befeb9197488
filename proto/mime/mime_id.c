/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_id.h"

#include "proto/base/ascii.h"

/* The "<" that is not within a comment or a quoted string: its offset, or s.len. */
static size_t find_bracket(struct span s)
{
    size_t depth = 0, i = 0;
    bool quoted = false;

    for (; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '\\')
            i++;
        else if (quoted)
            quoted = c != '"';
        else if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (c == '"' && !depth)
            quoted = true;
        else if (c == '<' && !depth)
            return i;
    }
    return s.len;
}

/* msg-id = [CFWS] "<" id-left "@" id-right ">" [CFWS] */
bool mime_id_next(struct span *value, bool first, struct span *id_out)
{
    while (value->len) {
        size_t at = find_bracket(*value);
        ptrdiff_t end;

        if (at == value->len) {
            *id_out = ascii_trim(*value);
            *value = span_skip(*value, value->len);
            return first && id_out->len && span_find(*id_out, '<') < 0;
        }
        *value = span_skip(*value, at + 1);
        first = false;
        end = span_find(*value, '>');
        *id_out = ascii_trim(span_head(*value, end < 0 ? value->len : (size_t)end));
        *value = span_skip(*value, end < 0 ? value->len : (size_t)end + 1);
        if (id_out->len)
            return true;
    }
    return false;
}
