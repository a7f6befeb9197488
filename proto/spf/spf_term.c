/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/spf/spf_term.h"

enum argument { ARGUMENT_NONE, ARGUMENT_DOMAIN, ARGUMENT_MAY_DOMAIN, ARGUMENT_IP };

static const struct mechanism {
    const char *name;
    uint8_t mechanism;
    uint8_t argument; /* enum argument */
    bool prefix;      /* dual-cidr-length may follow */
} mechanisms[] = {
    {"all", SPF_TERM_ALL, ARGUMENT_NONE, false},
    {"include", SPF_TERM_INCLUDE, ARGUMENT_DOMAIN, false},
    {"a", SPF_TERM_A, ARGUMENT_MAY_DOMAIN, true},
    {"mx", SPF_TERM_MX, ARGUMENT_MAY_DOMAIN, true},
    {"ptr", SPF_TERM_PTR, ARGUMENT_MAY_DOMAIN, false},
    {"ip4", SPF_TERM_IP4, ARGUMENT_IP, false},
    {"ip6", SPF_TERM_IP6, ARGUMENT_IP, false},
    {"exists", SPF_TERM_EXISTS, ARGUMENT_DOMAIN, false},
};

bool spf_term_next(struct span *record, struct span *term_out)
{
    size_t len = 0;

    while (record->len && record->data[0] == ' ')
        *record = span_skip(*record, 1);
    while (len < record->len && record->data[len] != ' ')
        len++;
    *term_out = span_head(*record, len);
    *record = span_skip(*record, len);
    return len > 0;
}

/* record = version terms *SP ; version = "v=spf1" */
bool spf_term_version(struct span text, struct span *terms_out)
{
    struct span version = span_text("v=spf1");

    if (!span_equal_nocase(span_head(text, version.len), version) ||
        (text.len > version.len && text.data[version.len] != ' '))
        return false;
    *terms_out = span_skip(text, version.len);
    return true;
}

static enum spf_reason check_macros(struct span text, enum spf_macro_place place)
{
    enum spf_macro_status status = spf_macro_check(text, place);

    return status == SPF_MACRO_GOOD            ? SPF_MATCH
           : status == SPF_MACRO_BAD_CHARACTER ? SPF_CHARACTER
                                               : SPF_MACRO;
}

static enum spf_reason check_domain(struct span text)
{
    enum spf_reason reason = check_macros(text, SPF_MACRO_DOMAIN);

    return reason != SPF_MATCH ? reason : spf_macro_ends(text) ? SPF_MATCH : SPF_DOMAIN;
}

/* ip4-cidr-length = "/" ("0" / %x31-39 0*1DIGIT), ip6-cidr-length likewise with up to three: the
 * digits behind the slash. */
static bool read_bits(struct span digits, unsigned most, uint8_t *bits_out)
{
    unsigned bits = 0;

    if (digits.len == 0 || digits.len > 3 || (digits.len > 1 && digits.data[0] == '0'))
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        if ((uint8_t)(digits.data[i] - '0') >= 10)
            return false;
        bits = bits * 10 + (digits.data[i] - '0');
    }
    *bits_out = (uint8_t)bits;
    return bits <= most;
}

/* Where the digits at the end of the text begin. */
static size_t digits_at(struct span text)
{
    size_t at = text.len;

    while (at > 0 && (uint8_t)(text.data[at - 1] - '0') < 10)
        at--;
    return at;
}

/*
 * dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]
 *
 * A domain-spec may have slashes of its own, so the lengths are taken from the end. One without
 * digits, as in "a/", is left to the domain-spec, whose last label has no slash.
 */
static bool take_prefix(struct span *text, struct spf_term *t)
{
    size_t at = digits_at(*text);

    if (at >= 2 && at < text->len && text->data[at - 1] == '/' && text->data[at - 2] == '/') {
        if (!read_bits(span_skip(*text, at), 128, &t->bits6))
            return false;
        text->len = at - 2;
        at = digits_at(*text);
    }
    if (at >= 1 && at < text->len && text->data[at - 1] == '/') {
        if (!read_bits(span_skip(*text, at), 32, &t->bits4))
            return false;
        text->len = at - 1;
    }
    return true;
}

/* ip4-network [ ip4-cidr-length ], ip6-network [ ip6-cidr-length ] */
static enum spf_reason read_network(struct span text, struct spf_term *t)
{
    ptrdiff_t slash = span_find(text, '/');
    struct span address = span_head(text, slash < 0 ? text.len : (size_t)slash);
    bool v4 = t->mechanism == SPF_TERM_IP4;

    /* IPv6 text has a colon; mapped addresses too, although they are IPv4 to the rest of us. */
    if (v4 != (span_find(address, ':') < 0) || !ip_address_parse(address, &t->network))
        return SPF_ADDRESS;
    if (slash >= 0 &&
        !read_bits(span_skip(text, (size_t)slash + 1), v4 ? 32 : 128, v4 ? &t->bits4 : &t->bits6))
        return SPF_PREFIX;
    return SPF_MATCH;
}

static enum spf_reason read_argument(const struct mechanism *m, struct span rest,
                                     struct spf_term *t)
{
    bool colon;

    if (m->prefix && !take_prefix(&rest, t))
        return SPF_PREFIX;
    colon = rest.len && rest.data[0] == ':';
    if (rest.len && !colon)
        return m->prefix && rest.data[0] == '/' ? SPF_PREFIX : SPF_ARGUMENT;
    rest = span_skip(rest, 1);
    if (colon ? m->argument == ARGUMENT_NONE || rest.len == 0
              : m->argument == ARGUMENT_DOMAIN || m->argument == ARGUMENT_IP)
        return SPF_ARGUMENT;
    if (!colon)
        return SPF_MATCH;
    if (m->argument == ARGUMENT_IP)
        return read_network(rest, t);
    t->domain = rest;
    return check_domain(rest);
}

/* redirect = "redirect" "=" domain-spec ; unknown-modifier = name "=" macro-string */
static enum spf_reason read_modifier(struct span name, struct span value, struct spf_term *t)
{
    bool redirect = span_equal_nocase(name, span_text("redirect"));

    t->mechanism = SPF_TERM_OTHER;
    if (!redirect && !span_equal_nocase(name, span_text("exp")))
        return check_macros(value, SPF_MACRO_MODIFIER);
    t->mechanism = redirect ? SPF_TERM_REDIRECT : SPF_TERM_EXP;
    t->domain = value;
    return value.len ? check_domain(value) : SPF_ARGUMENT;
}

/* name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static size_t name_length(struct span text)
{
    size_t n = 0;

    while (n < text.len) {
        uint8_t c = text.data[n];
        bool letter = (uint8_t)(ascii_lower(c) - 'a') < 26;

        if (!letter && (n == 0 || ((uint8_t)(c - '0') >= 10 && c != '-' && c != '_' && c != '.')))
            break;
        n++;
    }
    return n;
}

enum spf_reason spf_term_read(struct span text, struct spf_term *term_out)
{
    struct span name, rest = text;
    bool qualified = text.len && memchr("+-~?", text.data[0], 4) != NULL;

    *term_out = (struct spf_term){.text = text, .bits4 = 32, .bits6 = 128, .qualifier = '+'};
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return SPF_CHARACTER;
    if (qualified) {
        term_out->qualifier = text.data[0];
        rest = span_skip(rest, 1);
    }
    name = span_head(rest, name_length(rest));
    rest = span_skip(rest, name.len);
    if (name.len && !qualified && rest.len && rest.data[0] == '=')
        return read_modifier(name, span_skip(rest, 1), term_out);
    for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
        if (span_equal_nocase(name, span_text(mechanisms[i].name))) {
            term_out->mechanism = mechanisms[i].mechanism;
            return read_argument(&mechanisms[i], rest, term_out);
        }
    return SPF_MECHANISM;
}
