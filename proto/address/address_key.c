/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address.h"

#include "proto/base/ip_address.h"

#include <idn2.h>
#include <stdlib.h>
#include <unicase.h>
#include <uninorm.h>

static void put_lower(struct writer *w, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        writer_byte(w, ascii_lower(s.data[i]));
}

/* Normalization form C, of the folded text when it is to be folded. */
static bool put_composed(struct writer *w, struct span local, bool fold)
{
    uint8_t memory[4 * ADDRESS_LOCAL_MAX];
    size_t len = sizeof(memory);
    uint8_t *text = fold ? u8_casefold(local.data, local.len, NULL, UNINORM_NFC, memory, &len)
                         : u8_normalize(UNINORM_NFC, local.data, local.len, memory, &len);

    if (!text)
        return false;
    writer_span_put(w, span_of(text, len));
    if (text != memory)
        free(text);
    return true;
}

static bool put_local(struct writer *w, const struct address *a, bool fold)
{
    uint8_t memory[ADDRESS_LOCAL_MAX];
    struct writer plain = writer_of(memory, sizeof(memory));
    struct span s = a->local;
    bool ascii = true;

    if (a->quoted)
        s = span_skip(span_head(s, s.len - 1), 1);
    for (size_t i = 0; i < s.len; i++) {
        if (a->quoted && s.data[i] == '\\')
            i++;
        writer_byte(&plain, fold ? ascii_lower(s.data[i]) : s.data[i]);
        ascii = ascii && s.data[i] < 0x80;
    }
    if (plain.full)
        return false;
    if (!ascii)
        return put_composed(w, writer_span(&plain), fold);
    writer_span_put(w, writer_span(&plain));
    return true;
}

/* The A-labels of a domain that has bytes above 127. */
static bool put_a_labels(struct writer *w, struct span domain)
{
    uint8_t text[ADDRESS_DOMAIN_MAX + 1];
    uint8_t *labels = NULL;
    struct address judged;
    bool ok;

    if (domain.len > ADDRESS_DOMAIN_MAX)
        return false;
    memcpy(text, domain.data, domain.len);
    text[domain.len] = 0;
    ok = idn2_lookup_u8(text, &labels,
                        IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES) ==
         IDN2_OK;
    /* The mapping of UTS #46 can yield what is no domain: a spacing accent becomes a space and an
     * accent. */
    ok = ok && address_domain(span_text((const char *)labels), 0, &judged) == ADDRESS_OK &&
         judged.kind == ADDRESS_DOMAIN;
    if (ok)
        put_lower(w, span_text((const char *)labels));
    idn2_free(labels);
    return ok;
}

/* The text between the brackets was judged by the parser; here it is only brought to one form. */
static void put_literal(struct writer *w, const struct address *a)
{
    struct span text = span_skip(span_head(a->domain, a->domain.len - 1), 1);
    struct ip_address ip;

    if (a->kind == ADDRESS_IPV6 && ip_address_parse(span_skip(text, 5), &ip)) {
        writer_text(w, ip_address_is_v4(&ip) ? "[" : "[ipv6:");
        ip_address_put(w, &ip);
        writer_byte(w, ']');
    } else {
        put_lower(w, a->domain);
    }
}

/* Without the leading zeros that Snum allows. */
static void put_ipv4(struct writer *w, struct span domain)
{
    unsigned n = 0;

    for (size_t i = 0; i < domain.len; i++) {
        uint8_t c = domain.data[i];

        if ((uint8_t)(c - '0') < 10) {
            n = n * 10 + (unsigned)(c - '0');
            continue;
        }
        if (i)
            writer_number(w, n);
        writer_byte(w, c);
        n = 0;
    }
}

static bool put_domain(struct writer *w, const struct address *a)
{
    bool utf8 = false;

    if (a->kind == ADDRESS_IPV4) {
        put_ipv4(w, a->domain);
        return true;
    }
    if (a->kind != ADDRESS_DOMAIN) {
        put_literal(w, a);
        return true;
    }
    for (size_t i = 0; i < a->domain.len; i++)
        utf8 |= a->domain.data[i] >= 0x80;
    if (utf8)
        return put_a_labels(w, a->domain);
    put_lower(w, a->domain);
    return true;
}

bool address_key(struct writer *w, const struct address *address, bool fold_local)
{
    size_t start = w->len;
    bool ok = true;

    if (address->kind == ADDRESS_POSTMASTER) {
        put_lower(w, address->local);
    } else if (address->kind != ADDRESS_NULL) {
        ok = put_local(w, address, fold_local);
        writer_byte(w, '@');
        ok = ok && put_domain(w, address);
    }
    if (ok && !w->full && w->len - start <= ADDRESS_KEY_MAX)
        return true;
    w->len = start;
    return false;
}

static bool equal_folded(struct span s, struct span lower)
{
    bool equal = s.len == lower.len;

    for (size_t i = 0; equal && i < s.len; i++)
        equal = ascii_lower(s.data[i]) == lower.data[i];
    return equal;
}

bool address_role(struct span local)
{
    return equal_folded(local, span_text("postmaster")) || equal_folded(local, span_text("abuse"));
}

struct span address_a_labels(struct span domain, uint8_t room[ADDRESS_KEY_MAX])
{
    struct writer w = writer_of(room, ADDRESS_KEY_MAX);
    struct address a;
    size_t i;

    for (i = 0; i < domain.len && domain.data[i] < 0x80; i++)
        ;
    if (i == domain.len || address_domain(domain, ADDRESS_ALLOW_UTF8, &a) != ADDRESS_OK ||
        a.kind != ADDRESS_DOMAIN)
        return domain;
    return put_a_labels(&w, domain) ? writer_span(&w) : domain;
}
