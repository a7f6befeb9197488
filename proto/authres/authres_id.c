/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/authres/authres_id.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Behind blanks and comments, which nest; an open comment takes all. */
static struct span skip_cfws(struct span s)
{
    size_t depth = 0, i = 0;

    for (; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '(')
            depth++;
        else if (depth && c == ')')
            depth--;
        else if (depth && c == '\\')
            i++;
        else if (!depth && !is_blank(c))
            break;
    }
    return span_skip(s, i);
}

/* The next octet of the id; -1: it is over. */
static int next(struct span *s, bool quoted)
{
    uint8_t c;

    if (!s->len)
        return -1;
    c = s->data[0];
    if (quoted ? c == '"' : is_blank(c) || c == ';' || c == '(' || c == '/' || c == '=')
        return -1;
    if (quoted && c == '\\' && s->len > 1) {
        c = s->data[1];
        *s = span_skip(*s, 1);
    }
    *s = span_skip(*s, 1);
    return c;
}

bool authres_is_of(struct span value, struct span authserv_id)
{
    struct span rest = skip_cfws(value);
    bool quoted = rest.len && rest.data[0] == '"';

    rest = span_skip(rest, quoted);
    for (size_t i = 0; i < authserv_id.len; i++) {
        int c = next(&rest, quoted);

        if (c < 0 || ascii_lower((uint8_t)c) != ascii_lower(authserv_id.data[i]))
            return false;
    }
    return next(&rest, quoted) < 0;
}
