/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_macro.h"

#include "proto/base/ascii.h"
#include "proto/base/cursor.h"

enum { DIGITS_MAX = 100000 }; /* no value has more parts: larger numbers mean the same */

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_letter(uint8_t c)
{
    return (uint8_t)(ascii_lower(c) - 'a') < 26;
}

/* One piece of a macro string. */
struct piece {
    enum { PIECE_LITERAL, PIECE_MACRO, PIECE_BAD_CHARACTER, PIECE_BAD_MACRO } kind;
    struct span literal; /* what it stands for */
    bool itself;         /* one octet of the text that stands for itself */
    uint8_t letter;      /* of a macro, as written */
    unsigned parts;      /* to keep from the right; 0: all */
    bool reverse;
    struct span delimiters; /* empty: dots */
};

/*
 * macro-expand = ( "%{" macro-letter transformers *delimiter "}" ) / "%%" / "%_" / "%-"
 * transformers = *DIGIT [ "r" ]
 * delimiter    = "." / "-" / "+" / "," / "/" / "_" / "="
 */
static bool read_macro(struct cursor *c, struct piece *p)
{
    const uint8_t *at;

    p->letter = cursor_u8(c);
    if (c->bad || !is_letter(p->letter) ||
        !memchr("slodiphcrtv", ascii_lower(p->letter), sizeof("slodiphcrtv") - 1))
        return false;
    if (c->at < c->end && is_digit(*c->at)) {
        for (p->parts = 0; c->at < c->end && is_digit(*c->at); c->at++)
            if (p->parts < DIGITS_MAX)
                p->parts = p->parts * 10 + (*c->at - '0');
        if (p->parts == 0)
            return false; /* section 7.3: "the value MUST be nonzero" */
    }
    if (c->at < c->end && ascii_lower(*c->at) == 'r') {
        p->reverse = true;
        c->at++;
    }
    for (at = c->at; c->at < c->end && *c->at != '}'; c->at++)
        if (!memchr(".-+,/_=", *c->at, 7))
            return false;
    p->delimiters = span_between(at, c->at);
    return cursor_u8(c) == '}';
}

static void read_percent(struct cursor *c, struct piece *p)
{
    uint8_t next = cursor_u8(c);

    p->kind = PIECE_LITERAL;
    if (next == '%')
        p->literal = span_text("%");
    else if (next == '_')
        p->literal = span_text(" ");
    else if (next == '-')
        p->literal = span_text("%20");
    else
        p->kind = next == '{' && read_macro(c, p) ? PIECE_MACRO : PIECE_BAD_MACRO;
}

/* False at the end of the text. */
static bool next_piece(struct cursor *c, struct piece *p)
{
    uint8_t octet;

    *p = (struct piece){.kind = PIECE_LITERAL};
    if (cursor_left(c) == 0)
        return false;
    octet = cursor_u8(c);
    if (octet == '%')
        read_percent(c, p);
    else if (octet < ' ' || octet > '~')
        p->kind = PIECE_BAD_CHARACTER;
    else
        *p = (struct piece){.literal = span_of(c->at - 1, 1), .itself = true};
    return true;
}

enum spf_macro_status spf_macro_check(struct span text, enum spf_macro_place place)
{
    struct cursor c = cursor_of(text);
    struct piece p;

    while (next_piece(&c, &p)) {
        uint8_t letter = ascii_lower(p.letter);

        if (p.kind == PIECE_BAD_MACRO || (p.kind == PIECE_MACRO && place == SPF_MACRO_DOMAIN &&
                                          (letter == 'c' || letter == 'r' || letter == 't')))
            return SPF_MACRO_BAD_MACRO;
        if (p.kind == PIECE_BAD_CHARACTER || (place != SPF_MACRO_TEXT && c.at[-1] == ' '))
            return SPF_MACRO_BAD_CHARACTER;
    }
    return SPF_MACRO_GOOD;
}

/*
 * domain-end = ( "." toplabel [ "." ] ) / macro-expand
 * toplabel   = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
 */
static bool is_toplabel(struct span s)
{
    bool other = false;

    if (s.len == 0 || s.data[0] == '-' || s.data[s.len - 1] == '-')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!is_letter(s.data[i]) && !is_digit(s.data[i]) && s.data[i] != '-')
            return false;
        other = other || !is_digit(s.data[i]);
    }
    return other;
}

bool spf_macro_ends(struct span text)
{
    struct cursor c = cursor_of(text);
    const uint8_t *behind = text.data; /* the last macro */
    struct span tail;
    struct piece p;
    size_t dot;

    while (next_piece(&c, &p))
        if (!p.itself)
            behind = c.at;
    tail = span_between(behind, c.end);
    if (tail.len == 0)
        return text.len > 0;
    if (tail.data[tail.len - 1] == '.')
        tail.len--;
    for (dot = tail.len; dot > 0 && tail.data[dot - 1] != '.'; dot--)
        ;
    return dot > 0 && is_toplabel(span_skip(tail, dot));
}

bool spf_macro_has(struct span text, uint8_t letter)
{
    struct cursor c = cursor_of(text);
    struct piece p;

    while (next_piece(&c, &p))
        if (p.kind == PIECE_MACRO && ascii_lower(p.letter) == letter)
            return true;
    return false;
}

/* The last bytes of what was put; what was before them is gone, and `cut` says so. */
struct tail {
    uint8_t bytes[4 * SPF_VALUE_MAX];
    size_t len;
    bool cut;
};

static void tail_put(struct tail *t, struct span s)
{
    size_t gone;

    if (t->len + s.len > sizeof(t->bytes)) {
        t->cut = true;
        if (s.len >= sizeof(t->bytes)) {
            s = span_skip(s, s.len - sizeof(t->bytes));
            t->len = 0;
        } else {
            /* Half at least, so that bytes are not moved for each octet. */
            gone = t->len + s.len - sizeof(t->bytes);
            gone = gone > t->len / 2 ? gone : t->len / 2;
            memmove(t->bytes, t->bytes + gone, t->len - gone);
            t->len -= gone;
        }
    }
    if (s.len)
        memcpy(t->bytes + t->len, s.data, s.len);
    t->len += s.len;
}

/*
 * Section 7.3: IPv6 addresses as nibbles between dots. Letters are capitals as in the published
 * test suite; DNS takes no notice of it.
 */
static void put_ip(struct writer *w, const struct ip_address *ip)
{
    static const char hex[] = "0123456789ABCDEF";

    if (ip_address_is_v4(ip)) {
        ip_address_put(w, ip);
        return;
    }
    for (size_t i = 0; i < 32; i++) {
        if (i)
            writer_byte(w, '.');
        writer_byte(w, (uint8_t)hex[ip->bytes[i / 2] >> (i & 1 ? 0 : 4) & 15]);
    }
}

/* What a letter stands for; `w` has the room for values that are made here. */
static struct span value_of(uint8_t letter, const struct spf_macro_values *v, struct writer *w)
{
    switch (letter) {
    case 's':
        writer_span_put(w, v->local);
        writer_byte(w, '@');
        writer_span_put(w, v->origin);
        break;
    case 'l':
        return v->local;
    case 'o':
        return v->origin;
    case 'd':
        return v->domain;
    case 'p':
        return v->validated;
    case 'h':
        return v->helo;
    case 'r':
        return v->receiver;
    case 'i':
        put_ip(w, &v->ip);
        break;
    case 'c':
        ip_address_put(w, &v->ip);
        break;
    case 't':
        writer_number(w, v->now);
        break;
    default:
        writer_text(w, ip_address_is_v4(&v->ip) ? "in-addr" : "ip6");
        break;
    }
    return writer_span(w);
}

static bool is_delimiter(struct span delimiters, uint8_t c)
{
    return delimiters.len ? span_find(delimiters, c) >= 0 : c == '.';
}

/* Splits, reverses and takes parts from the right, joined by dots. */
static void transform(struct span value, const struct piece *p, struct writer *w)
{
    struct span parts[SPF_VALUE_MAX + 1];
    size_t count = 0, begin = 0, keep;

    value = span_head(value, SPF_VALUE_MAX);
    for (size_t i = 0; i <= value.len; i++) {
        if (i < value.len && !is_delimiter(p->delimiters, value.data[i]))
            continue;
        parts[count++] = span_of(value.data + begin, i - begin);
        begin = i + 1;
    }
    keep = p->parts && p->parts < count ? p->parts : count;
    for (size_t i = count - keep; i < count; i++) {
        if (i > count - keep)
            writer_byte(w, '.');
        writer_span_put(w, parts[p->reverse ? count - 1 - i : i]);
    }
}

/* Section 7.3: a capital letter asks for the escaping of URLs (RFC 3986 section 2.3). */
static void escape(struct span s, struct writer *w)
{
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            writer_byte(w, c);
        } else {
            writer_byte(w, '%');
            writer_byte(w, (uint8_t) "0123456789ABCDEF"[c >> 4]);
            writer_byte(w, (uint8_t) "0123456789ABCDEF"[c & 15]);
        }
    }
}

static void expand(struct span text, const struct spf_macro_values *v, struct tail *t)
{
    uint8_t made[SPF_VALUE_MAX + 1], joined[SPF_VALUE_MAX + 1], escaped[3 * SPF_VALUE_MAX + 3];
    struct cursor c = cursor_of(text);
    struct piece p;

    while (next_piece(&c, &p)) {
        struct writer value = writer_of(made, sizeof(made));
        struct writer parts = writer_of(joined, sizeof(joined));
        struct writer url = writer_of(escaped, sizeof(escaped));

        if (p.kind != PIECE_MACRO) {
            tail_put(t, p.literal);
            continue;
        }
        transform(value_of(ascii_lower(p.letter), v, &value), &p, &parts);
        if (p.letter == ascii_lower(p.letter)) {
            tail_put(t, writer_span(&parts));
        } else {
            escape(writer_span(&parts), &url);
            tail_put(t, writer_span(&url));
        }
    }
}

bool spf_macro_text(struct span text, const struct spf_macro_values *values, struct writer *w)
{
    struct tail t = {.len = 0};

    expand(text, values, &t);
    if (!t.cut)
        writer_span_put(w, span_of(t.bytes, t.len));
    return !t.cut && !w->full;
}

void spf_macro_domain(struct span text, const struct spf_macro_values *values, struct writer *w)
{
    struct tail t = {.len = 0};
    struct span domain;
    ptrdiff_t dot;

    expand(text, values, &t);
    domain = span_of(t.bytes, t.len);
    if (domain.len && domain.data[domain.len - 1] == '.')
        domain.len--;
    while (t.cut || domain.len > SPF_EXPANDED_MAX) {
        dot = span_find(domain, '.');
        domain = span_skip(domain, dot < 0 ? domain.len : (size_t)dot + 1);
        t.cut = false;
    }
    writer_span_put(w, domain);
}
