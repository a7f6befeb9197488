/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_word.h"

#include "proto/base/ascii.h"
#include "proto/base/ascii_run.h"

#include "proto/mime/mime_base64.h"

enum { PENDING_MAX = 2048, CHARSET_MAX = 64 };

/*
 * Adjacent words of one charset, decoded but not yet UTF-8: a character may be split over two of
 * them.
 */
struct pending {
    struct span charset;
    struct span raw; /* from the first word's begin to the last one's end */
    size_t len;
    uint8_t bytes[PENDING_MAX];
};

struct word {
    struct span charset;
    struct span text;
    uint8_t encoding; /* 'q' or 'b' */
    size_t len;       /* of the whole word */
};

static bool token(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] <= ' ' || s.data[i] >= 0x7f)
            return false;
    return s.len > 0 && s.len <= CHARSET_MAX;
}

/*
 * The "?=" that ends a word's text: its offset, or -1. What lies before *clear is known to hold
 * none, so that many words without an end do not read the same bytes again and again.
 */
static ptrdiff_t text_end(struct span text, const uint8_t **clear)
{
    size_t i = *clear > text.data ? (size_t)(*clear - text.data) : 0;

    for (; i + 1 < text.len; i++)
        if (text.data[i] == '?' && text.data[i + 1] == '=')
            return (ptrdiff_t)i;
    *clear = text.data + i;
    return -1;
}

/*
 * encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="   (RFC 2047 section
 * 2, RFC 2231 section 5). `s` begins with "=?". Differs in that encoded-text may hold blanks and
 * folds, and may be longer than 75, because mail programs write that and others read it.
 */
static bool parse_word(struct span s, const uint8_t **clear, struct word *word_out)
{
    struct span rest = span_skip(s, 2);
    ptrdiff_t mark = span_find(span_head(rest, CHARSET_MAX + 1), '?'), language, end;

    if (mark < 0 || !token(span_head(rest, (size_t)mark)))
        return false;
    word_out->charset = span_head(rest, (size_t)mark);
    language = span_find(word_out->charset, '*');
    if (language >= 0)
        word_out->charset.len = (size_t)language;
    rest = span_skip(rest, (size_t)mark + 1);
    if (rest.len < 4 || rest.data[1] != '?')
        return false;
    word_out->encoding = ascii_lower(rest.data[0]);
    if (word_out->encoding != 'q' && word_out->encoding != 'b')
        return false;
    rest = span_skip(rest, 2);
    end = text_end(rest, clear);
    if (end < 0 || end > PENDING_MAX - 3)
        return false;
    word_out->text = span_head(rest, (size_t)end);
    word_out->len = (size_t)(rest.data + end + 2 - s.data);
    return true;
}

/* Decodes into the pending bytes; these have room, as no encoding grows. */
static void decode_word(const struct word *word, struct pending *p)
{
    struct writer w = writer_of(p->bytes + p->len, PENDING_MAX - p->len);
    struct span s = word->text;
    struct mime_base64 b;

    if (word->encoding == 'b') {
        mime_base64_init(&b);
        mime_base64_feed(&b, &s, &w);
        mime_base64_finish(&b, &w);
        p->len += w.len;
        return;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '\r' || s.data[i] == '\n') {
            /* A fold within a word: its blanks were put there by whoever folded. */
            while (i + 1 < s.len && ascii_folding(s.data[i + 1]))
                i++;
        } else if (s.data[i] == '_') {
            writer_byte(&w, ' ');
        } else if (s.data[i] == '=' && i + 2 < s.len && ascii_hex(s.data[i + 1]) >= 0 &&
                   ascii_hex(s.data[i + 2]) >= 0) {
            writer_byte(&w, (uint8_t)(ascii_hex(s.data[i + 1]) << 4 | ascii_hex(s.data[i + 2])));
            i += 2;
        } else {
            writer_byte(&w, s.data[i]);
        }
    }
    p->len += w.len;
}

/* Text outside encoded words: line ends vanish. */
static void put_text(struct span s, struct writer *out)
{
    size_t from = 0;

    for (size_t i = 0; i <= s.len; i++)
        if (i == s.len || s.data[i] == '\r' || s.data[i] == '\n') {
            mime_charset_clean(span_of(s.data + from, i - from), out);
            from = i + 1;
        }
}

static bool put_pending(struct pending *p, const struct mime_charset *other, struct writer *out)
{
    bool known = true;

    if (p->raw.len == 0)
        return true;
    if (!mime_charset_to_utf8(other, p->charset, span_of(p->bytes, p->len), out)) {
        put_text(p->raw, out);
        known = false;
    }
    p->raw.len = 0;
    p->len = 0;
    return known;
}

static bool all_blank(struct span s)
{
    return ascii_trim(s).len == 0;
}

/* The next "=?", or the end. */
static size_t find_mark(struct span s)
{
    for (size_t i = 0;;) {
        ptrdiff_t found = span_find(span_skip(s, i), '=');

        if (found < 0)
            return s.len;
        i += (size_t)found + 1;
        if (i < s.len && s.data[i] == '?')
            return i - 1;
    }
}

static bool joins(const struct pending *p, const struct word *word)
{
    /* Three bytes more: the decoder of base64 asks for them before each step. */
    return span_equal_nocase(p->charset, word->charset) &&
           PENDING_MAX - p->len >= word->text.len + 3;
}

/*
 * RFC 2047 section 5 (1): a word "MUST be separated from any adjacent 'encoded-word' or 'text' by
 * 'linear-white-space'". Not where a phrase or comment begins.
 */
static bool wants_blank(struct span before)
{
    uint8_t last = before.len ? before.data[before.len - 1] : ' ';

    return !ascii_folding(last) && !memchr("(\"<,;:", last, 6);
}

/* `apart`: where a word stands right behind text a blank is put between, and that is noted. */
static bool decode(struct span value, const struct mime_charset *other, struct writer *out,
                   bool *apart)
{
    struct span s = ascii_trim(value), between;
    const uint8_t *clear = s.data;
    bool known = true;
    size_t from = 0; /* of s.data: text not yet written, behind the last word */
    size_t at = find_mark(s);
    struct pending p;

    /* Most values are one line of ASCII without a word. */
    if (at == s.len && s.len <= writer_room(out) && ascii_printable(s) == s.len) {
        writer_span_put(out, s);
        return true;
    }
    p.raw.len = p.len = 0;
    while (at < s.len) {
        struct word word;

        if (!parse_word(span_skip(s, at), &clear, &word)) {
            at += 2;
            at += find_mark(span_skip(s, at));
            continue;
        }
        between = span_of(s.data + from, at - from);
        if (p.raw.len && all_blank(between)) {
            if (!joins(&p, &word))
                known = put_pending(&p, other, out) && known;
        } else {
            known = put_pending(&p, other, out) && known;
            put_text(between, out);
            if (apart && wants_blank(between)) {
                writer_byte(out, ' ');
                *apart = true;
            }
        }
        decode_word(&word, &p);
        if (p.raw.len == 0) {
            p.charset = word.charset;
            p.raw.data = s.data + at;
        }
        at += word.len;
        from = at;
        p.raw.len = (size_t)(s.data + at - p.raw.data);
        at += find_mark(span_skip(s, at));
    }
    known = put_pending(&p, other, out) && known;
    put_text(span_skip(s, from), out);
    return known;
}

bool mime_word_decode(struct span value, const struct mime_charset *other, struct writer *out)
{
    return decode(value, other, out, NULL);
}

bool mime_word_decode_apart(struct span value, const struct mime_charset *other, struct writer *out)
{
    bool apart = false;

    decode(value, other, out, &apart);
    return apart;
}

void mime_word_unfold(struct span value, struct writer *out)
{
    struct span s = ascii_trim(value);
    size_t from = 0;

    if (s.len <= writer_room(out) && ascii_printable(s) == s.len) {
        writer_span_put(out, s);
        return;
    }
    for (size_t i = 0; i <= s.len && !out->full; i++)
        if (i == s.len || s.data[i] == '\r' || s.data[i] == '\n') {
            struct span piece = span_head(span_of(s.data + from, i - from), writer_room(out));

            writer_span_put(out, piece);
            out->full = out->full || piece.len < i - from;
            from = i + 1;
        }
}
