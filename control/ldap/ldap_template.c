/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ldap/ldap_template.h"

#include "proto/base/ascii.h"

static bool plain(uint8_t c)
{
    uint8_t letter = ascii_lower(c);

    return (uint8_t)(letter - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '-' || c == '.' ||
           c == '_' || c == '@';
}

void ldap_template_escape(struct writer *out, struct span value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (plain(value.data[i])) {
            writer_byte(out, value.data[i]);
            continue;
        }
        writer_byte(out, '\\');
        writer_hex(out, value.data[i], 2);
    }
}

bool ldap_template_needs_domain(struct span text)
{
    for (size_t i = 0; i + 1 < text.len; i++)
        if (text.data[i] == '%' && text.data[++i] == 'd')
            return true;
    return false;
}

/* Behind the last "@"; the name's length where it has none. */
static size_t domain_at(struct span name)
{
    size_t at = name.len;

    while (at > 0 && name.data[at - 1] != '@')
        at--;
    return at ? at : name.len;
}

bool ldap_template_expand(struct writer *out, struct span text, struct span name)
{
    size_t domain = domain_at(name);
    struct span user = span_head(name, domain < name.len ? domain - 1 : name.len);

    if (name.len == 0 || name.len > LDAP_TEMPLATE_NAME_MAX || user.len == 0 ||
        (domain == name.len && ldap_template_needs_domain(text)))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] != '%' || i + 1 == text.len) {
            writer_byte(out, text.data[i]);
            continue;
        }
        switch (text.data[++i]) {
        case 's':
            ldap_template_escape(out, name);
            break;
        case 'u':
            ldap_template_escape(out, user);
            break;
        case 'd':
            ldap_template_escape(out, span_skip(name, domain));
            break;
        default:
            writer_byte(out, text.data[i]);
        }
    }
    return !out->full;
}

static bool placeholders(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '%' && (++i == text.len || !memchr("sud%", text.data[i], 4)))
            return false;
    return true;
}

/* attr = attributedescription of RFC 4512 section 2.5; behind it may stand what an extensible match
 * has. */
static bool attribute(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(plain(s.data[i]) && s.data[i] != '@') && s.data[i] != ';' && s.data[i] != ':')
            return false;
    return s.len > 0;
}

/* assertionvalue = valueencoding, with the asterisks of a substring filter. */
static bool assertion(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\\') {
            if (i + 2 >= s.len || ascii_hex(s.data[i + 1]) < 0 || ascii_hex(s.data[i + 2]) < 0)
                return false;
            i += 2;
        } else if (s.data[i] == 0 || s.data[i] == '(' || s.data[i] == ')') {
            return false;
        }
    }
    return true;
}

/* item = attr filtertype assertionvalue; filtertype = "=" / "~=" / ">=" / "<=" / ":=" */
static bool item(struct span s)
{
    ptrdiff_t equals = span_find(s, '=');
    struct span name;

    if (equals <= 0)
        return false;
    name = span_head(s, (size_t)equals);
    if (memchr("~<>:", name.data[name.len - 1], 4))
        name.len--;
    return attribute(name) && assertion(span_skip(s, (size_t)equals + 1));
}

/*
 * filter = "(" ( "&" *filter / "|" *filter / "!" filter / item ) ")"
 *
 * Walked with a stack of how many filters each open one still takes.
 */
static const char *check_filter(struct span s)
{
    int takes[LDAP_TEMPLATE_DEPTH + 1] = {1}; /* -1: any number */
    int depth = 0;

    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.data[i], next = i + 1 < s.len ? s.data[i + 1] : 0;
        struct span rest = span_skip(s, i + 1);
        ptrdiff_t end = span_find(rest, ')');

        if (c == ')') {
            if (depth == 0 || takes[depth] > 0)
                return "a parenthesis closes what is not open or not complete";
            depth--;
            i++;
            continue;
        }
        if (c != '(' || takes[depth] == 0)
            return "expected one filter of RFC 4515, in parentheses";
        if (takes[depth] > 0)
            takes[depth]--;
        if (next == '&' || next == '|' || next == '!') {
            if (depth == LDAP_TEMPLATE_DEPTH)
                return "it is too deep";
            takes[++depth] = next == '!' ? 1 : -1;
            i += 2;
            continue;
        }
        if (end < 0 || !item(span_head(rest, (size_t)end)))
            return "expected attribute, \"=\" and value, and \\xx for ( ) * \\ in it";
        i += 1 + (size_t)end + 1;
    }
    return depth || takes[0] ? "a parenthesis is not closed" : NULL;
}

const char *ldap_template_check(struct span text, enum ldap_template_kind kind)
{
    uint8_t bytes[LDAP_TEMPLATE_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));

    if (!placeholders(text))
        return "expected %s, %u, %d or %% behind a percent sign";
    if (kind == LDAP_TEMPLATE_DN)
        return NULL;
    if (!ldap_template_expand(&w, text, span_text("u@d")))
        return "it is too long";
    return check_filter(writer_span(&w));
}
