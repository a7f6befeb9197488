/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address.h"

#include "proto/address/address_char.h"
#include "proto/base/ip_address.h"
#include "proto/base/utf8.h"

enum { LABEL_MAX = 63 };

/* What a parser of a part has read, and where it stopped. */
struct scan {
    const uint8_t *at;
    const uint8_t *end;
    bool allow_utf8;
    bool utf8; /* a byte above 127 was read */
};

static int peek(const struct scan *s)
{
    return address_char_at(s->at, s->end);
}

static bool accept(struct scan *s, uint8_t c)
{
    if (peek(s) != c)
        return false;
    s->at++;
    return true;
}

/*
 * Takes one well-formed character above U+009F when UTF-8 is allowed (RFC 6531 section 3.3,
 * UTF8-non-ascii of RFC 6532 section 3.1).
 */
static bool accept_utf8(struct scan *s)
{
    struct span rest = span_between(s->at, s->end);
    size_t n = s->allow_utf8 && rest.len ? utf8_length(rest) : 0;

    if (n == 0)
        return false;
    s->at += n;
    s->utf8 = true;
    return true;
}

/*
 * Dot-string = Atom *("." Atom)
 * Atom       = 1*atext        ; atext of RFC 5322, and UTF8-non-ascii by RFC 6531
 */
static bool dot_string(struct scan *s)
{
    do {
        const uint8_t *start = s->at;

        while ((s->at < s->end && address_char_atext(*s->at) && ++s->at) || accept_utf8(s))
            ;
        if (s->at == start)
            return false;
    } while (accept(s, '.'));
    return true;
}

/*
 * Quoted-string    = DQUOTE *QcontentSMTP DQUOTE
 * QcontentSMTP     = qtextSMTP / quoted-pairSMTP
 * quoted-pairSMTP  = %d92 %d32-126
 * qtextSMTP        = %d32-33 / %d35-91 / %d93-126      ; and UTF8-non-ascii
 */
static bool quoted_string(struct scan *s)
{
    if (!accept(s, '"'))
        return false;
    while (!accept(s, '"')) {
        if (accept(s, '\\') && (peek(s) < 32 || peek(s) > 126))
            return false;
        if (peek(s) >= 32 && peek(s) <= 126)
            s->at++;
        else if (!accept_utf8(s))
            return false;
    }
    return true;
}

/*
 * sub-domain = Let-dig [Ldh-str]                    ; or a U-label by RFC 6531
 * Let-dig    = ALPHA / DIGIT
 * Ldh-str    = *( ALPHA / DIGIT / "-" ) Let-dig
 */
static enum address_status sub_domain(struct scan *s)
{
    const uint8_t *start = s->at;

    while ((s->at < s->end && (address_char_let_dig(*s->at) || *s->at == '-') && ++s->at) ||
           accept_utf8(s))
        ;
    if (s->at == start || *start == '-' || s->at[-1] == '-')
        return ADDRESS_BAD;
    return s->at - start > LABEL_MAX ? ADDRESS_LONG : ADDRESS_OK;
}

/* Domain = sub-domain *("." sub-domain) */
static enum address_status domain_name(struct scan *s)
{
    enum address_status worst = ADDRESS_OK;
    const uint8_t *start = s->at;

    do {
        enum address_status status = sub_domain(s);

        if (status == ADDRESS_BAD)
            return ADDRESS_BAD;
        if (status == ADDRESS_LONG)
            worst = ADDRESS_LONG;
    } while (accept(s, '.'));
    return s->at - start > ADDRESS_DOMAIN_MAX ? ADDRESS_LONG : worst;
}

/*
 * IPv4-address-literal = Snum 3("."  Snum)
 * Snum                 = 1*3DIGIT          ; 0 to 255, decimal also with leading zeros
 */
static bool ipv4(struct span text, uint8_t bytes_out[4])
{
    struct scan s = {.at = text.data, .end = text.data + text.len};

    for (int i = 0; i < 4; i++) {
        const uint8_t *start = s.at;
        unsigned n = 0;

        if (i && !accept(&s, '.'))
            return false;
        start = s.at;
        while (s.at < s.end && (uint8_t)(*s.at - '0') < 10 && s.at - start < 3)
            n = n * 10 + (unsigned)(*s.at++ - '0');
        if (s.at == start || n > 255)
            return false;
        bytes_out[i] = (uint8_t)n;
    }
    return s.at == s.end;
}

/*
 * IPv6-comp   = [IPv6-hex *5(":" IPv6-hex)] "::" [IPv6-hex *5(":" IPv6-hex)]
 * IPv6v4-comp = [IPv6-hex *3(":" IPv6-hex)] "::" [IPv6-hex *3(":" IPv6-hex) ":"]
 * IPv4-address-literal No more than 6 groups, or 4 before an IPv4 address, stand beside the "::":
 * it is two groups at least.
 */
static bool few_groups(struct span digits)
{
    size_t groups = span_find(digits, '.') >= 0 ? 1 : 0; /* an IPv4 address stands for two */
    bool compressed = false;

    for (size_t i = 0; i < digits.len; i++) {
        bool colon = digits.data[i] == ':';

        groups += !colon && (i == 0 || digits.data[i - 1] == ':');
        compressed |= colon && i && digits.data[i - 1] == ':';
    }
    return !compressed || groups <= 6;
}

/* IPv6-address-literal = "IPv6:" IPv6-addr */
static bool ipv6(struct span text, struct ip_address *address_out)
{
    struct span digits = span_skip(text, 5);

    return span_equal_nocase(span_head(text, 5), span_text("IPv6:")) &&
           span_find(digits, ':') >= 0 && ip_address_parse(digits, address_out) &&
           few_groups(digits);
}

/*
 * General-address-literal = Standardized-tag ":" 1*dcontent
 * Standardized-tag        = Ldh-str
 * dcontent                = %d33-90 / %d94-126
 */
static bool general(struct span text)
{
    ptrdiff_t colon = span_find(text, ':');

    if (colon <= 0 || (size_t)colon + 1 == text.len || !address_char_let_dig(text.data[colon - 1]))
        return false;
    for (ptrdiff_t i = 0; i < colon; i++)
        if (!address_char_let_dig(text.data[i]) && text.data[i] != '-')
            return false;
    for (size_t i = (size_t)colon + 1; i < text.len; i++)
        if (text.data[i] < 33 || text.data[i] > 126 || (text.data[i] > 90 && text.data[i] < 94))
            return false;
    return true;
}

/*
 * address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal )
 * "]"
 */
static enum address_status literal(struct scan *s, uint8_t *kind_out)
{
    struct span rest = span_between(s->at, s->end), text;
    ptrdiff_t close = span_find(rest, ']');
    struct ip_address v6;
    uint8_t v4[4];

    if (close < 0)
        return ADDRESS_BAD;
    text = span_skip(span_head(rest, (size_t)close), 1);
    if (ipv4(text, v4))
        *kind_out = ADDRESS_IPV4;
    else if (ipv6(text, &v6))
        *kind_out = ADDRESS_IPV6;
    else if (general(text) && !span_equal_nocase(span_head(text, 5), span_text("IPv6:")))
        *kind_out = ADDRESS_GENERAL;
    else
        return ADDRESS_BAD;
    s->at += close + 1;
    return close + 1 > ADDRESS_DOMAIN_MAX ? ADDRESS_LONG : ADDRESS_OK;
}

static enum address_status domain_or_literal(struct scan *s, struct address *a)
{
    const uint8_t *start = s->at;
    enum address_status status;

    a->kind = ADDRESS_DOMAIN;
    status = peek(s) == '[' ? literal(s, &a->kind) : domain_name(s);
    a->domain = span_between(start, s->at);
    return status;
}

/*
 * Mailbox    = Local-part "@" ( Domain / address-literal )
 * Local-part = Dot-string / Quoted-string
 */
static enum address_status mailbox(struct scan *s, struct address *a)
{
    const uint8_t *start = s->at;
    enum address_status status;

    a->quoted = peek(s) == '"';
    if (!(a->quoted ? quoted_string(s) : dot_string(s)))
        return ADDRESS_BAD;
    a->local = span_between(start, s->at);
    if (!accept(s, '@'))
        return ADDRESS_BAD;
    status = domain_or_literal(s, a);
    a->utf8 = s->utf8;
    return status == ADDRESS_OK && a->local.len > ADDRESS_LOCAL_MAX ? ADDRESS_LONG : status;
}

/*
 * A-d-l     = At-domain *( "," At-domain )
 * At-domain = "@" Domain
 */
static enum address_status source_route(struct scan *s, struct address *a)
{
    enum address_status worst = ADDRESS_OK;

    do {
        enum address_status status = accept(s, '@') ? domain_name(s) : ADDRESS_BAD;

        if (status == ADDRESS_BAD)
            return status;
        if (status == ADDRESS_LONG)
            worst = status;
    } while (accept(s, ','));
    a->routed = true;
    return accept(s, ':') ? worst : ADDRESS_BAD;
}

/* Path = "<" [ A-d-l ":" ] Mailbox ">", what is between the brackets. */
static enum address_status routed_mailbox(struct scan *s, struct address *a)
{
    enum address_status route = ADDRESS_OK, status;

    if (peek(s) == '@')
        route = source_route(s, a);
    if (route == ADDRESS_BAD)
        return route;
    status = mailbox(s, a);
    return status == ADDRESS_OK ? route : status;
}

/* "<>" and "<Postmaster>" (RFC 5321 sections 4.1.1.2 and 4.1.1.3); false when it is neither. */
static bool special_path(struct scan *s, unsigned options, struct address *a)
{
    static const char postmaster[] = "postmaster";
    size_t len = sizeof(postmaster) - 1;
    struct span rest = span_between(s->at, s->end);

    if ((options & ADDRESS_ALLOW_NULL) && peek(s) == '>') {
        a->kind = ADDRESS_NULL;
        return true;
    }
    if ((options & ADDRESS_ALLOW_POSTMASTER) && rest.len > len && rest.data[len] == '>' &&
        span_equal_nocase(span_head(rest, len), span_text(postmaster))) {
        a->kind = ADDRESS_POSTMASTER;
        a->local = span_head(rest, len);
        s->at += len;
        return true;
    }
    return false;
}

static struct scan scan_of(struct span text, unsigned options)
{
    return (struct scan){.at = text.data,
                         .end = text.data + text.len,
                         .allow_utf8 = (options & ADDRESS_ALLOW_UTF8) != 0};
}

/*
 * Reverse-path = Path / "<>"
 * Forward-path = Path        ; and "<Postmaster>"
 */
enum address_status address_path(struct span *text, unsigned options, struct address *address_out)
{
    struct scan s = scan_of(*text, options);
    struct address a = {.kind = ADDRESS_NULL};
    enum address_status status = ADDRESS_OK;

    if (!accept(&s, '<'))
        return ADDRESS_BAD;
    if (!special_path(&s, options, &a))
        status = routed_mailbox(&s, &a);
    if (status == ADDRESS_BAD || !accept(&s, '>'))
        return ADDRESS_BAD;
    if (status != ADDRESS_OK || s.at - text->data > ADDRESS_PATH_MAX)
        return ADDRESS_LONG;
    *text = span_between(s.at, s.end);
    *address_out = a;
    return ADDRESS_OK;
}

enum address_status address_mailbox(struct span text, unsigned options, struct address *address_out)
{
    struct scan s = scan_of(text, options);
    struct address a = {.kind = ADDRESS_NULL};
    enum address_status status = mailbox(&s, &a);

    if (status == ADDRESS_BAD || s.at != s.end)
        return ADDRESS_BAD;
    if (status != ADDRESS_OK || text.len > ADDRESS_PATH_MAX - 2)
        return ADDRESS_LONG;
    *address_out = a;
    return ADDRESS_OK;
}

enum address_status address_domain(struct span text, unsigned options, struct address *address_out)
{
    struct scan s = scan_of(text, options);
    struct address a = {.kind = ADDRESS_NULL};
    enum address_status status = domain_or_literal(&s, &a);

    if (status == ADDRESS_BAD || s.at != s.end)
        return ADDRESS_BAD;
    if (status != ADDRESS_OK)
        return status;
    a.utf8 = s.utf8;
    *address_out = a;
    return ADDRESS_OK;
}
