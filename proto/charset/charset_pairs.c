/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/charset/charset_pairs.h"

enum { NONE = 0xfffd };

/* The character of a pair, 0 when there is none. */
static uint32_t pair(const uint16_t *table, unsigned lead, unsigned trail)
{
    if (lead < CHARSET_LEAD || lead > 0xfe || trail < CHARSET_TRAIL || trail > 0xfe)
        return 0;
    return table[(lead - CHARSET_LEAD) * CHARSET_TRAILS + trail - CHARSET_TRAIL];
}

/* JIS X 0208 lies in Shift_JIS's table, two rows of 94 to a lead byte. `j1` and `j2`: 0x21 to 0x7e.
 */
static uint32_t jis_0208(unsigned j1, unsigned j2)
{
    unsigned lead, trail;

    if (j1 < 0x21 || j1 > 0x7e || j2 < 0x21 || j2 > 0x7e)
        return 0;
    lead = (j1 - 0x21) / 2 + 0x81;
    if (lead > 0x9f)
        lead += 0x40;
    trail = j2 + (j1 % 2 ? 0x1f : 0x7e);
    if (j1 % 2 && trail >= 0x7f)
        trail++;
    return pair(charset_jis, lead, trail);
}

/* A four-byte code of GB18030: beyond the basic plane in order, within it by runs. */
static uint32_t gb_four(const uint8_t *b)
{
    uint32_t code;
    size_t low = 0, high = charset_gb_runs_count;

    if (b[0] < 0x81 || b[0] == 0xff || b[1] < 0x30 || b[1] > 0x39 || b[2] < 0x81 || b[2] == 0xff ||
        b[3] < 0x30 || b[3] > 0x39)
        return 0;
    code = (((b[0] - 0x81u) * 10 + b[1] - 0x30) * 126 + b[2] - 0x81) * 10 + b[3] - 0x30;
    if (code >= 189000)
        return code - 189000 <= 0xfffff ? code - 189000 + 0x10000 : 0;
    if (code >= 39420)
        return 0;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;

        if (charset_gb_runs[middle].code <= code)
            low = middle;
        else
            high = middle;
    }
    return charset_gb_runs[low].first + (code - charset_gb_runs[low].code);
}

static uint32_t next_gb(struct span s, size_t *len_out)
{
    uint32_t c = s.len > 1 ? pair(charset_gb, s.data[0], s.data[1]) : 0;

    *len_out = 2;
    if (c == 0 && s.len > 3) {
        c = gb_four(s.data);
        *len_out = 4;
    }
    return c;
}

static uint32_t next_sjis(struct span s, size_t *len_out)
{
    *len_out = 1;
    if (s.data[0] >= 0xa1 && s.data[0] <= 0xdf)
        return 0xff61u + s.data[0] - 0xa1;
    *len_out = 2;
    return s.len > 1 ? pair(charset_jis, s.data[0], s.data[1]) : 0;
}

static uint32_t next_euc_jp(struct span s, size_t *len_out)
{
    *len_out = 3;
    if (s.data[0] == 0x8f)
        return s.len > 2 ? pair(charset_jis_0212, s.data[1], s.data[2]) : 0;
    *len_out = 2;
    if (s.len < 2 || s.data[1] < 0xa1)
        return 0;
    if (s.data[0] == 0x8e)
        return s.data[1] <= 0xdf ? 0xff61u + s.data[1] - 0xa1 : 0;
    return s.data[0] >= 0xa1 ? jis_0208(s.data[0] & 0x7fu, s.data[1] & 0x7fu) : 0;
}

/* The character at the begin of `s`, a byte above 127, and its bytes; 0 when it cannot be read. */
static uint32_t next(enum charset_kind kind, struct span s, size_t *len_out)
{
    const uint16_t *table = kind == CHARSET_BIG5 ? charset_big5 : charset_ks;

    if (kind == CHARSET_GB18030)
        return next_gb(s, len_out);
    if (kind == CHARSET_SHIFT_JIS)
        return next_sjis(s, len_out);
    if (kind == CHARSET_EUC_JP)
        return next_euc_jp(s, len_out);
    *len_out = 2;
    return s.len > 1 ? pair(table, s.data[0], s.data[1]) : 0;
}

void charset_pairs(enum charset_kind kind, struct span text, struct writer *out)
{
    while (text.len && !out->full) {
        size_t len = 1;
        uint32_t c = text.data[0] < 0x80 ? text.data[0] : next(kind, text, &len);
        bool none = c == 0 && text.data[0] >= 0x80;

        charset_put(out, none ? NONE : c);
        text = span_skip(text, none ? 1 : len);
    }
}

enum set { ASCII, KATAKANA, JIS_0208, JIS_0212, KS, GB };

/* What switches to a set, and is no text. */
struct escape {
    const char *bytes;
    enum set set;
};

static const struct escape jp_escapes[] = {
    {"\x1b(B", ASCII},    {"\x1b(J", ASCII},     {"\x1b(I", KATAKANA}, {"\x1b$@", JIS_0208},
    {"\x1b$B", JIS_0208}, {"\x1b$(D", JIS_0212}, {NULL, ASCII}};
static const struct escape kr_escapes[] = {
    {"\x1b$)C", ASCII}, {"\x0e", KS}, {"\x0f", ASCII}, {NULL, ASCII}};
static const struct escape hz_escapes[] = {
    {"~{", GB}, {"~}", ASCII}, {"~\n", ASCII}, {NULL, ASCII}};

/* The length of an escape at the begin of `s`, or 0. */
static size_t escape(const struct escape *rows, struct span s, enum set *set_out)
{
    for (; rows->bytes; rows++) {
        struct span bytes = span_text(rows->bytes);

        if (span_equal(span_head(s, bytes.len), bytes)) {
            *set_out = rows->set;
            return bytes.len;
        }
    }
    return 0;
}

/* One character of a set of pairs of 7-bit bytes; 0 when it cannot be read. */
static uint32_t next_of(enum set set, struct span s)
{
    if (s.len < 2)
        return 0;
    switch (set) {
    case JIS_0208:
        return jis_0208(s.data[0], s.data[1]);
    case JIS_0212:
        return pair(charset_jis_0212, s.data[0] | 0x80u, s.data[1] | 0x80u);
    case KS:
        return pair(charset_ks, s.data[0] | 0x80u, s.data[1] | 0x80u);
    case GB:
        return pair(charset_gb, s.data[0] | 0x80u, s.data[1] | 0x80u);
    default:
        return 0;
    }
}

void charset_switched(enum charset_kind kind, struct span text, struct writer *out)
{
    const struct escape *rows = kind == CHARSET_ISO_2022_JP   ? jp_escapes
                                : kind == CHARSET_ISO_2022_KR ? kr_escapes
                                                              : hz_escapes;
    enum set set = ASCII;

    while (text.len && !out->full) {
        size_t len = escape(rows, text, &set);
        uint8_t byte = text.data[0];
        uint32_t c;

        if (len) {
            text = span_skip(text, len);
            continue;
        }
        len = 1;
        if (kind == CHARSET_HZ && set == ASCII && text.len > 1 && byte == '~' &&
            text.data[1] == '~') {
            c = '~';
            len = 2;
        } else if (set == KATAKANA && byte >= 0x21 && byte <= 0x5f) {
            c = 0xff61u + byte - 0x21;
        } else if (set == ASCII || byte <= ' ') {
            c = byte < 0x80 ? byte : NONE;
        } else {
            c = next_of(set, text);
            len = c ? 2 : 1;
            c = c ? c : NONE;
        }
        charset_put(out, c);
        text = span_skip(text, len);
    }
}
