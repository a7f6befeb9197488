/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_downgrade.h"

#include "proto/base/ascii.h"

#include "proto/base/base64.h"
#include "proto/base/utf8.h"
#include "proto/mime/mime_word.h"

enum way { WAY_EXCISE, WAY_ADDRESSES, WAY_PATH, WAY_PARAMETERS, WAY_TEXT };

static const struct {
    const char *name;
    enum way way;
} fields[] = {
#define POP3_DOWNGRADE(name_, way_) {.name = name_, .way = WAY_##way_},
#include "proto/pop3/pop3_downgrade.def"
#undef POP3_DOWNGRADE
};

/* An address under a domain that will never exist (RFC 2606), as RFC 6858 section 3.1 proposes. */
#define NOBODY "<invalid@internationalized-address.invalid>"

/* 45 bytes become 60 characters, and the word 72: at most 75, and 76 with what stands before it on
 * the line (RFC 2047 section 2). */
enum { WORD_BYTES = 45, FIRST_WORD_BYTES = 30 };

/* Unfolds: the line ends go, the blanks stay (RFC 5322 section 2.2.3). */
static void put_unfolded(struct writer *w, struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] != '\r' && s.data[i] != '\n')
            writer_byte(w, s.data[i]);
}

/*
 * encoded-word = "=?" charset "?" encoding "?" encoded-text "?="       ; RFC 2047 section 2
 * As many as it takes, each on a line of its own and of whole characters. `text` is well-formed.
 */
static void put_words(struct writer *w, struct span text)
{
    bool first = true;

    while (text.len) {
        size_t most = first ? FIRST_WORD_BYTES : WORD_BYTES, n = text.len < most ? text.len : most;

        while (n < text.len && (text.data[n] & 0xc0) == 0x80)
            n--;
        writer_text(w, first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?");
        base64_put(w, span_head(text, n));
        writer_text(w, "?=");
        text = span_skip(text, n);
        first = false;
    }
}

/* ---- address lists ---- */

/*
 * Where a run of characters ends that are not quoted, in a comment, in angle brackets or in a
 * domain literal: at the first character of `stops`, or at the end. Backslashes quote in the first
 * two.
 */
static size_t scan(struct span s, const char *stops)
{
    unsigned comments = 0;
    bool quoted = false;
    uint8_t closing = 0;

    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.data[i];

        if (c == '\\' && (quoted || comments))
            i++;
        else if (quoted)
            quoted = c != '"';
        else if (c == '(')
            comments++;
        else if (comments)
            comments -= c == ')';
        else if (c == '"')
            quoted = true;
        else if (closing)
            closing = c == closing ? 0 : closing;
        else if (c && strchr(stops, c))
            return i;
        else if (c == '<' || c == '[')
            closing = c == '<' ? '>' : ']';
    }
    return s.len;
}

/* Without comments and folds, and unless `raw` as it would be shown: without quotes, well-formed.
 */
static void put_shown(struct writer *w, struct span s, bool raw)
{
    unsigned comments = 0;

    for (size_t i = 0; i < s.len;) {
        uint8_t c = s.data[i];
        size_t n = c < 0x80 ? 1 : utf8_length(span_skip(s, i));
        bool escape = c == '\\' && i + 1 < s.len && s.data[i + 1] < 0x80;

        if (escape && raw && !comments)
            writer_byte(w, '\\');
        if (escape)
            c = s.data[++i];
        if (!escape && (c == '(' || c == ')')) {
            comments += c == '(';
            comments -= c == ')' && comments;
        } else if (!comments && (raw || c != '"' || escape) && c != '\r' && c != '\n') {
            writer_span_put(w, n ? span_of(s.data + i, n) : span_text("\xef\xbf\xbd"));
        }
        i += n ? n : 1;
    }
}

/*
 * mailbox = name-addr / addr-spec                                      ; RFC 5322 section 3.4
 */
static void put_mailbox(struct writer *w, struct span s, struct writer *scratch)
{
    size_t angle = scan(s, "<");
    struct span inside = span_skip(s, angle + 1);
    ptrdiff_t end = span_find(inside, '>');
    bool named = angle < s.len, broken;
    struct span address = named ? span_head(inside, end < 0 ? inside.len : (size_t)end) : s;
    struct writer shown;
    size_t address_len;

    if (!utf8_needed(s)) {
        put_unfolded(w, s);
        return;
    }
    /* The address without comments first, behind it what is shown for the whole. */
    scratch->len = 0;
    put_shown(scratch, ascii_trim(address), true);
    scratch->len = ascii_trim(writer_span(scratch)).len;
    address_len = scratch->len;
    broken = utf8_needed(writer_span(scratch));
    shown = writer_of(scratch->data + address_len, scratch->cap - address_len);
    if (named)
        put_shown(&shown, ascii_trim(span_head(s, angle)), false);
    if (broken && shown.len)
        writer_byte(&shown, ' ');
    if (broken)
        put_shown(&shown, ascii_trim(address), false);
    w->full |= scratch->full || shown.full;
    if (utf8_needed(writer_span(&shown))) {
        put_words(w, ascii_trim(writer_span(&shown)));
        writer_text(w, "\r\n ");
    } else if (named) {
        put_shown(w, ascii_trim(span_head(s, angle)), true);
        writer_byte(w, ' ');
    }
    writer_text(w, broken ? NOBODY : named ? "<" : "");
    if (!broken)
        writer_span_put(w, span_of(scratch->data, address_len));
    writer_text(w, !broken && named ? ">" : "");
}

static void put_group_name(struct writer *w, struct span name, struct writer *scratch)
{
    scratch->len = 0;
    put_shown(scratch, name, false);
    w->full |= scratch->full;
    if (utf8_needed(name))
        put_words(w, ascii_trim(writer_span(scratch)));
    else
        put_unfolded(w, name);
    writer_text(w, ": ");
}

/*
 * address-list = (address *("," address)) / obs-addr-list
 * group        = display-name ":" [group-list] ";" [CFWS]              ; RFC 5322 section 3.4
 */
static void put_addresses(struct writer *w, struct span s, struct writer *scratch)
{
    bool begun = false;

    while (s.len) {
        size_t end = scan(s, ",;:");
        struct span one = ascii_trim(span_head(s, end));
        uint8_t stop = end < s.len ? s.data[end] : 0;

        if (begun && one.len)
            writer_text(w, ",\r\n ");
        if (stop == ':')
            put_group_name(w, one, scratch);
        else if (one.len)
            put_mailbox(w, one, scratch);
        if (stop == ';')
            writer_byte(w, ';');
        begun = stop != ':' && (begun || one.len || stop == ';');
        s = span_skip(s, end + 1);
    }
}

/* ---- the others ---- */

/*
 * content := "Content-Type" ":" type "/" subtype *(";" parameter)      ; RFC 2045 section 5.1
 */
static bool put_parameters(struct writer *w, struct span s)
{
    bool first = true;

    while (s.len) {
        size_t end = scan(s, ";");
        struct span one = ascii_trim(span_head(s, end));

        if (first && utf8_needed(one))
            return false;
        if (one.len && !utf8_needed(one)) {
            writer_text(w, first ? "" : ";\r\n ");
            put_unfolded(w, one);
        }
        first = false;
        s = span_skip(s, end + 1);
    }
    return true;
}

static void put_text(struct writer *w, struct span s, struct writer *scratch)
{
    scratch->len = 0;
    mime_word_decode(s, NULL, scratch);
    w->full |= scratch->full;
    put_words(w, writer_span(scratch));
}

static enum way way_of(struct span name)
{
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (span_equal_nocase(name, span_text(fields[i].name)))
            return fields[i].way;
    return WAY_EXCISE;
}

static bool put_value(enum way way, struct span value, struct writer *out, struct writer *scratch)
{
    switch (way) {
    case WAY_ADDRESSES:
        put_addresses(out, value, scratch);
        return true;
    case WAY_PATH:
        writer_text(out, NOBODY);
        return true;
    case WAY_PARAMETERS:
        return put_parameters(out, value);
    case WAY_TEXT:
        put_text(out, value, scratch);
        return true;
    case WAY_EXCISE:
        break;
    }
    return false;
}

bool pop3_downgrade_field(struct span field, struct writer *out, struct writer *scratch)
{
    ptrdiff_t colon = span_find(field, ':');
    struct span name = ascii_trim(span_head(field, colon < 0 ? 0 : (size_t)colon));
    size_t before = out->len;

    scratch->full = false;
    writer_span_put(out, name);
    writer_text(out, ": ");
    if (colon >= 0 &&
        put_value(way_of(name), ascii_trim(span_skip(field, (size_t)colon + 1)), out, scratch)) {
        writer_text(out, "\r\n");
        if (!out->full)
            return true;
    }
    out->len = before;
    out->full = false;
    return false;
}
