/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_cursor.h"

#include "proto/base/utf8.h"

struct imap_cursor imap_cursor_of(struct span args, bool utf8, void *scratch, size_t size)
{
    if (args.data == NULL)
        args = span_text("");
    return (struct imap_cursor){.at = args.data,
                                .end = args.data + args.len,
                                .scratch = writer_of(scratch, size),
                                .utf8 = utf8};
}

/*
 * ATOM-CHAR = <any CHAR except atom-specials>
 * atom-specials = "(" / ")" / "{" / SP / CTL / list-wildcards / quoted-specials / resp-specials
 */
bool imap_is_atom_char(uint8_t c)
{
    switch (c) {
    case '(':
    case ')':
    case '{':
    case '%':
    case '*':
    case '"':
    case '\\':
    case ']':
        return false;
    default:
        return c > ' ' && c < 0x7f;
    }
}

static bool is_astring_char(uint8_t c)
{
    return imap_is_atom_char(c) || c == ']';
}

static bool is_list_char(uint8_t c)
{
    return is_astring_char(c) || c == '%' || c == '*';
}

bool imap_cursor_fail(struct imap_cursor *c)
{
    c->bad = true;
    return false;
}

static size_t left(const struct imap_cursor *c)
{
    return (size_t)(c->end - c->at);
}

bool imap_cursor_end(const struct imap_cursor *c)
{
    return !c->bad && c->at == c->end;
}

bool imap_cursor_peek(const struct imap_cursor *c, uint8_t byte)
{
    return !c->bad && c->at < c->end && *c->at == byte;
}

bool imap_cursor_take_byte(struct imap_cursor *c, uint8_t byte)
{
    if (!imap_cursor_peek(c, byte))
        return false;
    c->at++;
    return true;
}

bool imap_cursor_take_word(struct imap_cursor *c, const char *word)
{
    struct span s = span_text(word);

    if (c->bad || left(c) < s.len || !span_equal_nocase(span_of(c->at, s.len), s))
        return false;
    if (left(c) > s.len && imap_is_atom_char(c->at[s.len]))
        return false;
    c->at += s.len;
    return true;
}

bool imap_cursor_byte(struct imap_cursor *c, uint8_t byte)
{
    return imap_cursor_take_byte(c, byte) || imap_cursor_fail(c);
}

bool imap_cursor_space(struct imap_cursor *c)
{
    return imap_cursor_byte(c, ' ');
}

bool imap_cursor_done(struct imap_cursor *c)
{
    return imap_cursor_end(c) || imap_cursor_fail(c);
}

bool imap_cursor_open(struct imap_cursor *c)
{
    if (!imap_cursor_byte(c, '('))
        return false;
    return ++c->depth <= IMAP_DEPTH_MAX || imap_cursor_fail(c);
}

bool imap_cursor_item(struct imap_cursor *c, bool *first)
{
    if (imap_cursor_take_byte(c, ')')) {
        c->depth--;
        return false;
    }
    if (!*first && !imap_cursor_space(c))
        return false;
    *first = false;
    return !c->bad && (c->at < c->end || imap_cursor_fail(c));
}

/* 1*char of one kind */
static bool run(struct imap_cursor *c, bool (*is)(uint8_t), struct span *out)
{
    const uint8_t *begin = c->at;

    while (!c->bad && c->at < c->end && is(*c->at))
        c->at++;
    if (c->at == begin)
        return imap_cursor_fail(c);
    *out = span_between(begin, c->at);
    return true;
}

bool imap_cursor_atom(struct imap_cursor *c, struct span *out)
{
    return run(c, imap_is_atom_char, out);
}

/* Backslashes out of a quoted string that has some. */
static bool unescape(struct imap_cursor *c, struct span raw, struct span *out)
{
    size_t begin = c->scratch.len;

    for (size_t i = 0; i < raw.len; i++) {
        if (raw.data[i] == '\\')
            i++;
        writer_byte(&c->scratch, raw.data[i]);
    }
    if (c->scratch.full)
        return imap_cursor_fail(c);
    *out = span_of(c->scratch.data + begin, c->scratch.len - begin);
    return true;
}

/*
 * quoted = DQUOTE *QUOTED-CHAR DQUOTE
 * QUOTED-CHAR = <any TEXT-CHAR except quoted-specials> / "\" quoted-specials / UTF8-2 / ...
 */
static bool quoted(struct imap_cursor *c, struct span *out)
{
    const uint8_t *at = c->at + 1;
    bool escaped = false;

    for (; at < c->end && *at != '"'; at++) {
        if (*at == 0 || *at == '\r' || *at == '\n' || (*at >= 0x80 && !c->utf8))
            return imap_cursor_fail(c);
        if (*at != '\\')
            continue;
        if (++at == c->end || (*at != '"' && *at != '\\'))
            return imap_cursor_fail(c);
        escaped = true;
    }
    if (at == c->end)
        return imap_cursor_fail(c);
    *out = span_between(c->at + 1, at);
    if (c->utf8 && utf8_needed(*out) && !utf8_valid(*out))
        return imap_cursor_fail(c);
    c->at = at + 1;
    return !escaped || unescape(c, *out, out);
}

/* "{" number64 ["+"] "}" CRLF, behind what may stand before it; true with the size. */
static bool announced(struct imap_cursor *c, uint64_t *size_out)
{
    if (!imap_cursor_byte(c, '{') || !imap_cursor_number64(c, size_out))
        return false;
    (void)imap_cursor_take_byte(c, '+');
    return imap_cursor_byte(c, '}') && imap_cursor_byte(c, '\r') && imap_cursor_byte(c, '\n');
}

static bool literal(struct imap_cursor *c, struct span *out)
{
    uint64_t size;

    if (!announced(c, &size))
        return false;
    if (size > left(c))
        return imap_cursor_fail(c);
    *out = span_of(c->at, (size_t)size);
    c->at += size;
    return true;
}

bool imap_cursor_string(struct imap_cursor *c, struct span *out)
{
    if (imap_cursor_peek(c, '"'))
        return quoted(c, out);
    return literal(c, out);
}

static bool starts_string(const struct imap_cursor *c)
{
    return imap_cursor_peek(c, '"') || imap_cursor_peek(c, '{');
}

bool imap_cursor_astring(struct imap_cursor *c, struct span *out)
{
    return starts_string(c) ? imap_cursor_string(c, out) : run(c, is_astring_char, out);
}

bool imap_cursor_nstring(struct imap_cursor *c, struct span *out)
{
    if (!imap_cursor_take_word(c, "NIL"))
        return imap_cursor_string(c, out);
    *out = span_of(NULL, 0);
    return true;
}

bool imap_cursor_list_mailbox(struct imap_cursor *c, struct span *out)
{
    return starts_string(c) ? imap_cursor_string(c, out) : run(c, is_list_char, out);
}

bool imap_cursor_binary(struct imap_cursor *c, struct span *out)
{
    return imap_cursor_take_byte(c, '~') ? literal(c, out) : imap_cursor_string(c, out);
}

bool imap_cursor_announced(struct imap_cursor *c, uint64_t *size_out, bool *literal8_out)
{
    *literal8_out = imap_cursor_take_byte(c, '~');
    return announced(c, size_out) && imap_cursor_done(c);
}

static bool number(struct imap_cursor *c, uint64_t least, uint64_t most, uint64_t *out)
{
    const uint8_t *begin = c->at;
    uint64_t n = 0;

    for (; !c->bad && c->at < c->end && (uint8_t)(*c->at - '0') < 10; c->at++) {
        unsigned digit = (unsigned)(*c->at - '0');

        if (n > (most - digit) / 10)
            return imap_cursor_fail(c);
        n = 10 * n + digit;
    }
    if (c->at == begin || n < least)
        return imap_cursor_fail(c);
    *out = n;
    return true;
}

static bool number32(struct imap_cursor *c, uint64_t least, uint32_t *out)
{
    uint64_t n = 0;

    if (!number(c, least, UINT32_MAX, &n))
        return false;
    *out = (uint32_t)n;
    return true;
}

bool imap_cursor_number(struct imap_cursor *c, uint32_t *out)
{
    return number32(c, 0, out);
}

/* nz-number = digit-nz *DIGIT: no zero in front, either. */
bool imap_cursor_nz_number(struct imap_cursor *c, uint32_t *out)
{
    return imap_cursor_peek(c, '0') ? imap_cursor_fail(c) : number32(c, 1, out);
}

bool imap_cursor_number64(struct imap_cursor *c, uint64_t *out)
{
    return number(c, 0, INT64_MAX, out);
}

bool imap_cursor_nz_number64(struct imap_cursor *c, uint64_t *out)
{
    return imap_cursor_peek(c, '0') ? imap_cursor_fail(c) : number(c, 1, INT64_MAX, out);
}

bool imap_cursor_partial(struct imap_cursor *c, uint64_t *offset_out, uint64_t *len_out)
{
    return imap_cursor_byte(c, '<') && imap_cursor_number64(c, offset_out) &&
           imap_cursor_byte(c, '.') && imap_cursor_nz_number64(c, len_out) &&
           imap_cursor_byte(c, '>');
}

bool imap_cursor_flag(struct imap_cursor *c, struct span *out)
{
    const uint8_t *begin = c->at;
    struct span name;

    (void)imap_cursor_take_byte(c, '\\');
    if (!imap_cursor_atom(c, &name))
        return false;
    *out = span_between(begin, c->at);
    return true;
}
