/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_name.h"

#include <stdlib.h>
#include <uninorm.h>

#include "proto/base/utf8.h"
#include "proto/imap/imap_write.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* The value of a digit of modified BASE64, or -1. */
static int digit_value(uint8_t c)
{
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

static void put_utf8(struct writer *out, uint32_t c)
{
    uint8_t bytes[4];
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};

    for (size_t i = n; i-- > 1; c >>= 6)
        bytes[i] = (uint8_t)(0x80 | (c & 0x3f));
    bytes[0] = (uint8_t)(lead[n] | c);
    writer_span_put(out, span_of(bytes, n));
}

/* A character; `at` moves behind it. What is not well formed is one U+FFFD a byte. */
static uint32_t next_character(struct span s, size_t *at)
{
    uint8_t first = s.data[*at];
    size_t n = first < 0x80 ? 1 : utf8_length(span_skip(s, *at));
    uint32_t c = n == 1 ? first : first & (0x7fu >> n);

    if (n == 0) {
        ++*at;
        return 0xfffd;
    }
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (s.data[*at + i] & 0x3f);
    *at += n;
    return c;
}

/* UTF-16 out of one shift, "&" to "-"; *at is behind the "&" and moves behind the "-". */
static bool read_shift(struct span utf7, size_t *at, struct writer *out)
{
    uint32_t bits = 0, have = 0, high = 0;

    for (; *at < utf7.len && utf7.data[*at] != '-'; ++*at) {
        int value = digit_value(utf7.data[*at]);
        uint32_t unit;

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have < 16)
            continue;
        have -= 16;
        unit = bits >> have & 0xffff;
        if (high ? (unit & 0xfc00) != 0xdc00 : (unit & 0xfc00) == 0xdc00)
            return false;
        if (high)
            put_utf8(out, 0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
        else if ((unit & 0xfc00) != 0xd800)
            put_utf8(out, unit);
        high = high ? 0 : (unit & 0xfc00) == 0xd800 ? unit : 0;
    }
    return high == 0 && (*at)++ < utf7.len;
}

static bool decode(struct span utf7, struct writer *out)
{
    for (size_t at = 0; at < utf7.len;) {
        uint8_t c = utf7.data[at++];

        if (c < ' ' || c > '~')
            return false;
        if (c != '&') {
            writer_byte(out, c);
        } else if (at < utf7.len && utf7.data[at] == '-') {
            writer_byte(out, '&');
            at++;
        } else if (!read_shift(utf7, &at, out)) {
            return false;
        }
    }
    return !out->full;
}

bool imap_name_from_utf7(struct span utf7, struct writer *out)
{
    uint8_t again[IMAP_NAME_UTF7_MAX];
    struct writer w = writer_of(again, sizeof(again)), before = *out;

    if (decode(utf7, out)) {
        /* There is one right spelling (RFC 3501 section 5.1.3): what it reads as, written. */
        imap_name_to_utf7(span_of(out->data + before.len, out->len - before.len), &w);
        if (!w.full && span_equal(writer_span(&w), utf7))
            return true;
    }
    *out = before;
    return false;
}

/* Bits of UTF-16 on their way into digits. */
struct shift {
    uint32_t bits;
    unsigned have;
    bool open;
};

static void shift_unit(struct shift *s, struct writer *out, uint32_t unit)
{
    if (!s->open)
        writer_byte(out, '&');
    s->open = true;
    s->bits = s->bits << 16 | unit;
    for (s->have += 16; s->have >= 6;) {
        s->have -= 6;
        writer_byte(out, (uint8_t)digits[s->bits >> s->have & 0x3f]);
    }
}

static void shift_end(struct shift *s, struct writer *out)
{
    if (!s->open)
        return;
    if (s->have)
        writer_byte(out, (uint8_t)digits[s->bits << (6 - s->have) & 0x3f]);
    writer_byte(out, '-');
    *s = (struct shift){0};
}

void imap_name_to_utf7(struct span name, struct writer *out)
{
    struct shift s = {0};

    for (size_t at = 0; at < name.len;) {
        uint32_t c = next_character(name, &at);

        if (c >= ' ' && c <= '~') {
            shift_end(&s, out);
            writer_byte(out, (uint8_t)c);
            if (c == '&')
                writer_byte(out, '-');
        } else if (c < 0x10000) {
            shift_unit(&s, out, c);
        } else {
            shift_unit(&s, out, 0xd800 + ((c - 0x10000) >> 10));
            shift_unit(&s, out, 0xdc00 + ((c - 0x10000) & 0x3ff));
        }
    }
    shift_end(&s, out);
}

void imap_name_put(struct writer *out, struct span name, bool utf8)
{
    uint8_t utf7[IMAP_NAME_UTF7_MAX];
    struct writer w = writer_of(utf7, sizeof(utf7));

    if (!utf8)
        imap_name_to_utf7(name, &w);
    imap_write_astring(out, utf8 ? name : writer_span(&w), utf8);
}

/* Control characters and the two line ends of Unicode (RFC 6855 section 3); U+0080 to U+009F are no
 * well-formed UTF-8 here (proto/base/utf8.h). */
static bool has_control(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < ' ' || s.data[i] == 0x7f)
            return true;
        if (s.data[i] == 0xe2 && s.len - i > 2 && s.data[i + 1] == 0x80 &&
            (s.data[i + 2] == 0xa8 || s.data[i + 2] == 0xa9))
            return true;
    }
    return false;
}

static bool begins_with_inbox(struct span name)
{
    return imap_name_is_inbox(span_head(name, 5)) && (name.len == 5 || name.data[5] == '/');
}

/* To NFC, so that a name is one name however its letters are put together (RFC 9051 section 5.1);
 * wildcards and "/" stay what they are. */
static enum imap_name_status compose(uint8_t *begin, struct writer *out)
{
    uint8_t bytes[IMAP_NAME_MAX], *composed;
    struct span name = span_between(begin, out->data + out->len);
    size_t len = sizeof(bytes), ascii = 0;

    while (ascii < name.len && name.data[ascii] < 0x80)
        ascii++;
    if (ascii == name.len)
        return IMAP_NAME_OK;
    composed = u8_normalize(UNINORM_NFC, name.data, name.len, bytes, &len);
    if (composed != bytes)
        free(composed);
    if (!composed)
        return IMAP_NAME_BAD;
    if (composed != bytes || len > name.len + writer_room(out))
        return IMAP_NAME_LONG;
    memcpy(begin, bytes, len);
    out->len = out->len - name.len + len;
    return IMAP_NAME_OK;
}

/* To UTF-8, by whichever spelling is agreed; what both names and patterns must be. */
static enum imap_name_status read_wire(struct span wire, bool utf8, struct writer *out)
{
    uint8_t *begin = out->data + out->len;
    struct span name;

    if (utf8 && !utf8_valid(wire))
        return IMAP_NAME_BAD;
    if (wire.len > (utf8 ? IMAP_NAME_MAX : IMAP_NAME_UTF7_MAX))
        return IMAP_NAME_LONG;
    if (utf8)
        writer_span_put(out, wire);
    else if (!imap_name_from_utf7(wire, out))
        return IMAP_NAME_BAD;
    name = span_between(begin, out->data + out->len);
    if (out->full || name.len > IMAP_NAME_MAX)
        return IMAP_NAME_LONG;
    if (has_control(name))
        return IMAP_NAME_CONTROL;
    if (begins_with_inbox(name))
        memcpy(begin, "INBOX", 5);
    return compose(begin, out);
}

static enum imap_name_status check_levels(struct span name)
{
    unsigned depth = 1;
    size_t len = 0;

    for (size_t i = 0; i <= name.len; i++) {
        if (i < name.len && (name.data[i] == '*' || name.data[i] == '%'))
            return IMAP_NAME_WILD;
        if (i < name.len && name.data[i] != '/') {
            if (++len > IMAP_NAME_PART)
                return IMAP_NAME_LONG;
            continue;
        }
        if (len == 0)
            return IMAP_NAME_EMPTY;
        len = 0;
        if (i < name.len && ++depth > IMAP_NAME_DEPTH)
            return IMAP_NAME_LONG;
    }
    return IMAP_NAME_OK;
}

enum imap_name_status imap_name_read(struct span wire, bool utf8, struct writer *out,
                                     bool *trailing_out)
{
    struct writer before = *out;
    enum imap_name_status status = read_wire(wire, utf8, out);
    bool trailing = out->len > before.len + 1 && out->data[out->len - 1] == '/';

    out->len -= trailing ? 1 : 0;
    if (trailing_out)
        *trailing_out = trailing;
    if (status == IMAP_NAME_OK)
        status = check_levels(span_of(out->data + before.len, out->len - before.len));
    if (status != IMAP_NAME_OK)
        *out = before;
    return status;
}

enum imap_name_status imap_name_read_pattern(struct span wire, bool utf8, struct writer *out)
{
    struct writer before = *out;
    enum imap_name_status status = read_wire(wire, utf8, out);

    if (status != IMAP_NAME_OK)
        *out = before;
    return status;
}

const char *imap_name_text(enum imap_name_status status)
{
    static const char *const texts[] = {
        [IMAP_NAME_OK] = "",
        [IMAP_NAME_BAD] = "Name is not well encoded",
        [IMAP_NAME_EMPTY] = "Name is empty or has an empty level",
        [IMAP_NAME_CONTROL] = "Name has control characters",
        [IMAP_NAME_WILD] = "Name has \"*\" or \"%\"",
        [IMAP_NAME_LONG] = "Name is too long or has too many levels",
    };

    return texts[status];
}

bool imap_name_is_inbox(struct span name)
{
    return span_equal_nocase(name, span_text("INBOX"));
}

struct span imap_name_parent(struct span name)
{
    while (name.len && name.data[name.len - 1] != '/')
        name.len--;
    return span_head(name, name.len ? name.len - 1 : 0);
}
