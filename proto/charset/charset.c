/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/charset/charset.h"

#include "proto/charset/charset_pairs.h"

enum { NAME_MAX = 32 }; /* bytes of a loose name; longer is not known */

void charset_put(struct writer *out, uint32_t c)
{
    uint8_t bytes[4];
    size_t n = 0;

    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        writer_byte(out, (uint8_t)c);
        return;
    }
    if (c < 0x800) {
        bytes[n++] = (uint8_t)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            bytes[n++] = (uint8_t)(0xe0 | c >> 12);
        } else {
            bytes[n++] = (uint8_t)(0xf0 | c >> 18);
            bytes[n++] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
        }
        bytes[n++] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    }
    bytes[n++] = (uint8_t)(0x80 | (c & 0x3f));
    writer_span_put(out, span_of(bytes, n));
}

/* Units of 16 bits, of which two may be a character. */
struct units {
    struct writer *out;
    uint32_t high; /* a first surrogate that waits for its second; 0: none */
};

static void unit_put(struct units *u, uint32_t unit)
{
    if (u->high && unit >= 0xdc00 && unit < 0xe000) {
        charset_put(u->out, 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00));
        u->high = 0;
        return;
    }
    if (u->high)
        charset_put(u->out, 0xfffd);
    u->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
    if (!u->high)
        charset_put(u->out, unit);
}

static void units_end(struct units *u)
{
    if (u->high)
        charset_put(u->out, 0xfffd);
    u->high = 0;
}

/* Without a byte order mark big-endian (RFC 2781 section 4.3). */
static void utf_16(struct span text, bool little, struct writer *out)
{
    struct units u = {.out = out};
    bool marked = text.len > 1 && ((text.data[0] == 0xff && text.data[1] == 0xfe) ||
                                   (text.data[0] == 0xfe && text.data[1] == 0xff));

    if (marked) {
        little = text.data[0] == 0xff;
        text = span_skip(text, 2);
    }
    for (; text.len > 1 && !out->full; text = span_skip(text, 2))
        unit_put(&u, (uint32_t)text.data[little ? 1 : 0] << 8 | text.data[little ? 0 : 1]);
    units_end(&u);
    if (text.len == 1)
        charset_put(out, 0xfffd);
}

static int base64_value(uint8_t c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* UTF-7 (RFC 2152): "+" begins base64 of UTF-16, "-" or what is no base64 ends it; "+-" is a plus.
 */
static void utf_7(struct span text, struct writer *out)
{
    struct units u = {.out = out};
    uint32_t bits = 0;
    int count = 0;
    bool shifted = false;

    for (; text.len && !out->full; text = span_skip(text, 1)) {
        uint8_t c = text.data[0];
        int value = base64_value(c);

        if (shifted && value >= 0) {
            bits = (bits << 6 | (uint32_t)value) & 0xffffff;
            count += 6;
            if (count >= 16) {
                count -= 16;
                unit_put(&u, bits >> count & 0xffff);
            }
            continue;
        }
        units_end(&u);
        if (shifted && c == '-') {
            shifted = false;
        } else if (!shifted && c == '+' && text.len > 1 && text.data[1] == '-') {
            text = span_skip(text, 1);
            charset_put(out, '+');
        } else if (!shifted && c == '+') {
            shifted = true;
            bits = 0;
            count = 0;
        } else {
            shifted = false;
            charset_put(out, c < 0x80 ? c : 0xfffd);
        }
    }
    units_end(&u);
}

static void single(const uint16_t *upper, struct span text, struct writer *out)
{
    for (size_t i = 0; i < text.len && !out->full; i++) {
        uint8_t byte = text.data[i];
        uint32_t c = byte < 0x80 ? byte : upper[byte - 0x80];

        charset_put(out, byte >= 0x80 && c == 0 ? 0xfffd : c);
    }
}

/* A name's letters and digits in lower case: "ISO_8859-2" is iso88592. False when it is too long.
 */
static bool loose(struct span name, char loose_out[NAME_MAX + 1])
{
    size_t n = 0;

    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = ascii_lower(name.data[i]);

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if (n == NAME_MAX)
            return false;
        loose_out[n++] = (char)c;
    }
    loose_out[n] = 0;
    return n > 0;
}

static const struct charset_name *find(struct span charset)
{
    char name[NAME_MAX + 1];
    size_t low = 0, high = charset_names_count;

    if (!loose(charset, name))
        return NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, charset_names[middle].name);

        if (order == 0)
            return &charset_names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static bool to_utf8(void *context, struct span charset, struct span text, struct writer *out)
{
    const struct charset_name *found = find(charset);

    if (!found)
        return false;
    switch (found->kind) {
    case CHARSET_SINGLE:
        single(found->upper, text, out);
        break;
    case CHARSET_UTF_8:
        mime_charset_clean(text, out);
        break;
    case CHARSET_UTF_7:
        utf_7(text, out);
        break;
    case CHARSET_UTF_16:
    case CHARSET_UTF_16LE:
        utf_16(text, found->kind == CHARSET_UTF_16LE, out);
        break;
    case CHARSET_HZ:
    case CHARSET_ISO_2022_JP:
    case CHARSET_ISO_2022_KR:
        charset_switched(found->kind, text, out);
        break;
    default:
        charset_pairs(found->kind, text, out);
        break;
    }
    return true;
}

const struct mime_charset charset_all = {.to_utf8 = to_utf8};
