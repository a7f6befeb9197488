/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_xclient.h"

enum { TEXT_MAX = 255 };

static const char *const names[SMTP_XCLIENT_ATTRIBUTES] = {"NAME", "ADDR",  "PORT",     "PROTO",
                                                           "HELO", "LOGIN", "DESTADDR", "DESTPORT"};

static int hex_digit(uint8_t c)
{
    if ((uint8_t)(c - '0') < 10)
        return c - '0';
    return (uint8_t)(c - 'A') < 6 ? c - 'A' + 10 : -1;
}

/* The octet at xtext->data[0], taken from it; -1: none can stand there. */
static int take_octet(struct span *xtext)
{
    uint8_t c = xtext->data[0];
    int high, low;

    if (c < 33 || c > 126 || c == '=')
        return -1;
    if (c != '+') {
        *xtext = span_skip(*xtext, 1);
        return c;
    }
    high = xtext->len > 2 ? hex_digit(xtext->data[1]) : -1;
    low = xtext->len > 2 ? hex_digit(xtext->data[2]) : -1;
    if (high < 0 || low < 0)
        return -1;
    *xtext = span_skip(*xtext, 3);
    return high * 16 + low;
}

/*
 * xtext   = *( xchar / hexchar )                                       ; RFC 3461 section 4
 * xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "="
 * hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
 * What it stands for may have no control bytes here: it goes into header fields and records.
 */
static bool is_text(struct span xtext)
{
    size_t n = 0;

    for (; xtext.len; n++) {
        int c = take_octet(&xtext);

        if (c < 32 || c == 127)
            return false;
    }
    return n > 0 && n <= TEXT_MAX;
}

void smtp_xtext_put(struct writer *w, struct span xtext)
{
    while (xtext.len) {
        int c = take_octet(&xtext);

        if (c < 0)
            return;
        writer_byte(w, (uint8_t)c);
    }
}

static bool read_port(struct span value, uint16_t *port_out)
{
    unsigned n = 0;

    if (value.len == 0 || value.len > 5)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t digit = (uint8_t)(value.data[i] - '0');

        if (digit > 9)
            return false;
        n = n * 10 + digit;
    }
    *port_out = (uint16_t)n;
    return n <= UINT16_MAX;
}

/* With the prefix "IPV6:" or, where it can be nothing else, without. */
static bool read_address(struct span value, struct ip_address *address_out)
{
    if (span_equal_nocase(span_head(value, 5), span_text("IPV6:")))
        value = span_skip(value, 5);
    return ip_address_parse(value, address_out);
}

static bool read_protocol(struct span value, bool *esmtp_out)
{
    *esmtp_out = span_equal_nocase(value, span_text("ESMTP"));
    return *esmtp_out || span_equal_nocase(value, span_text("SMTP"));
}

static bool read_text(struct span value, struct span *text_out)
{
    *text_out = value;
    return is_text(value);
}

static bool read_value(struct smtp_xclient *x, enum smtp_xclient_attribute which, struct span value)
{
    switch (which) {
    case SMTP_XCLIENT_NAME:
        return read_text(value, &x->name);
    case SMTP_XCLIENT_ADDR:
        return read_address(value, &x->addr);
    case SMTP_XCLIENT_PORT:
        return read_port(value, &x->port);
    case SMTP_XCLIENT_PROTO:
        return read_protocol(value, &x->esmtp);
    case SMTP_XCLIENT_HELO:
        return read_text(value, &x->helo);
    case SMTP_XCLIENT_LOGIN:
        return read_text(value, &x->login);
    case SMTP_XCLIENT_DESTADDR:
        return read_address(value, &x->dest);
    case SMTP_XCLIENT_DESTPORT:
        return read_port(value, &x->dest_port);
    case SMTP_XCLIENT_ATTRIBUTES:
        break;
    }
    return false;
}

static bool read_attribute(struct smtp_xclient *x, struct span name, struct span value)
{
    unsigned which = 0;
    bool temporary = span_equal_nocase(value, span_text("[TEMPUNAVAIL]"));

    while (which < SMTP_XCLIENT_ATTRIBUTES && !span_equal_nocase(name, span_text(names[which])))
        which++;
    if (which == SMTP_XCLIENT_ATTRIBUTES || x->given & 1u << which)
        return false;
    x->given |= (uint8_t)(1u << which);
    if (!temporary && !span_equal_nocase(value, span_text("[UNAVAILABLE]")))
        return read_value(x, (enum smtp_xclient_attribute)which, value);
    x->unavailable |= (uint8_t)(1u << which);
    x->temporary |= temporary && which == SMTP_XCLIENT_NAME;
    return true;
}

/*
 * xclient-command = "XCLIENT" 1*( SP attribute-name "=" attribute-value )
 * attribute-value = xtext
 */
bool smtp_xclient_parse(struct span text, struct smtp_xclient *xclient_out)
{
    struct smtp_xclient x = {0};

    while (text.len) {
        ptrdiff_t end = span_find(text, ' ');
        struct span word = span_head(text, end < 0 ? text.len : (size_t)end);
        ptrdiff_t equals = span_find(word, '=');

        text = span_skip(text, word.len);
        while (text.len && text.data[0] == ' ')
            text = span_skip(text, 1);
        if (equals < 0 || !read_attribute(&x, span_head(word, (size_t)equals),
                                          span_skip(word, (size_t)equals + 1)))
            return false;
    }
    if (x.given)
        *xclient_out = x;
    return x.given != 0;
}
