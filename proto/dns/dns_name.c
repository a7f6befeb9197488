/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dns/dns_name.h"

#include "proto/base/ascii.h"

bool dns_name_of_text(struct span text, struct dns_name *name_out)
{
    struct writer w = writer_of(name_out->wire, sizeof(name_out->wire));
    ptrdiff_t dot;
    size_t label;

    name_out->len = 0;
    if (text.len == 0)
        return false;
    do {
        dot = span_find(text, '.');
        label = dot < 0 ? text.len : (size_t)dot;
        if (label == 0 || label > DNS_LABEL_MAX)
            return false;
        writer_byte(&w, (uint8_t)label);
        writer_span_put(&w, span_head(text, label));
        text = span_skip(text, label + (dot >= 0));
    } while (text.len);
    writer_byte(&w, 0);
    if (w.full)
        return false;
    name_out->len = (uint8_t)w.len;
    return true;
}

bool dns_name_read(struct cursor *c, struct dns_name *name_out)
{
    size_t len = 0;
    uint8_t label;

    name_out->len = 0;
    do {
        struct span octets;

        label = cursor_u8(c);
        if (label > DNS_LABEL_MAX)
            c->bad = true;
        octets = cursor_take(c, label);
        if (c->bad || len + 1 + label > DNS_NAME_MAX)
            return false;
        name_out->wire[len++] = label;
        if (label)
            memcpy(name_out->wire + len, octets.data, label);
        len += label;
    } while (label);
    name_out->len = (uint8_t)len;
    return true;
}

/* The next label of a name, and moves `at` behind it; empty at the root. */
static struct span next_label(const struct dns_name *name, size_t *at)
{
    size_t len = *at < name->len ? name->wire[*at] : 0;
    struct span label = span_of(name->wire + *at + 1, len);

    *at += 1 + len;
    return len ? label : span_of(NULL, 0);
}

static void put_octet(struct writer *w, uint8_t c)
{
    if (c == '.' || c == '\\' || c == '"' || c == '(' || c == ')' || c == ';' || c == '@' ||
        c == '$') {
        writer_byte(w, '\\');
        writer_byte(w, c);
    } else if (c > ' ' && c < 0x7f) {
        writer_byte(w, c);
    } else {
        writer_byte(w, '\\');
        writer_digits(w, c, 3);
    }
}

void dns_name_put(struct writer *w, const struct dns_name *name)
{
    struct span label;
    size_t at = 0;

    if (name->len <= 1) {
        writer_byte(w, '.');
        return;
    }
    while ((label = next_label(name, &at)).len) {
        if (label.data != name->wire + 1)
            writer_byte(w, '.');
        for (size_t i = 0; i < label.len; i++)
            put_octet(w, label.data[i]);
    }
}

bool dns_name_plain(const struct dns_name *name)
{
    struct span label;
    size_t at = 0;

    while ((label = next_label(name, &at)).len)
        for (size_t i = 0; i < label.len; i++)
            if (label.data[i] <= ' ' || label.data[i] >= 0x7f || label.data[i] == '.')
                return false;
    return true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    /* Lengths of labels are below 64, and no letters. */
    return span_equal_nocase(span_of(a->wire, a->len), span_of(b->wire, b->len));
}

bool dns_name_under(const struct dns_name *name, const struct dns_name *parent)
{
    struct span tail = span_of(name->wire, name->len);
    struct span top = span_of(parent->wire, parent->len);

    if (top.len == 0)
        return false;
    while (tail.len > top.len)
        tail = span_skip(tail, 1 + tail.data[0]);
    return span_equal_nocase(tail, top);
}

unsigned dns_name_labels(const struct dns_name *name)
{
    unsigned labels = 0;
    size_t at = 0;

    while (next_label(name, &at).len)
        labels++;
    return labels;
}

bool dns_name_reverse(const struct ip_address *address, const char *zone, struct dns_name *name_out)
{
    bool v4 = ip_address_is_v4(address);
    uint8_t text[DNS_TEXT_MAX + 1];
    struct writer w = writer_of(text, sizeof(text));

    for (size_t i = 16; i-- > (v4 ? 12 : 0);) {
        if (v4) {
            writer_number(&w, address->bytes[i]);
        } else {
            writer_hex(&w, address->bytes[i] & 15, 1);
            writer_byte(&w, '.');
            writer_hex(&w, address->bytes[i] >> 4, 1);
        }
        writer_byte(&w, '.');
    }
    writer_text(&w, zone ? zone : v4 ? "in-addr.arpa" : "ip6.arpa");
    name_out->len = 0;
    return !w.full && dns_name_of_text(writer_span(&w), name_out);
}
