/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/mime/mime_base64.h"
#include "proto/mime/mime_base64_run.h"
#include "proto/mime/mime_qp.h"
#include "proto/mime/mime_scan.h"
#include "proto/mime/mime_word.h"
#include "tests/harness/check.h"

#include <stdio.h>

struct row {
    const char *in;
    const char *out;
    unsigned flags;
};

/* Decodes `in` cut at `cut`, with little room at a time, and checks text and flags. */
static void decode_base64(const struct row *row, size_t cut)
{
    uint8_t out[256], room[7];
    struct writer all = writer_of(out, sizeof(out));
    struct span whole = guard_copy(span_text(row->in), true);
    struct span parts[2] = {span_head(whole, cut), span_skip(whole, cut)};
    struct mime_base64 b;
    struct writer w;

    mime_base64_init(&b);
    for (int i = 0; i < 2; i++)
        while (parts[i].len) {
            w = writer_of(room, 3 + cut % 5);
            mime_base64_feed(&b, &parts[i], &w);
            writer_span_put(&all, writer_span(&w));
        }
    mime_base64_finish(&b, &all);
    CHECK_TEXT(writer_span(&all), row->out);
    CHECK(b.flags == row->flags);
    guard_free(whole);
}

static void base64_rows(void)
{
    static const struct row rows[] = {
        {"", "", 0},
        {"QQ==", "A", 0},
        {"QUI=", "AB", 0},
        {"QUJD", "ABC", 0},
        {"QUJDRA==", "ABCD", 0},
        {"QU\r\nJ D\tRA=\r\n=\r\n", "ABCD", 0},
        {"Q!U*JD", "ABC", MIME_BASE64_BAD},
        {"Q\xc3\xa4UJD", "ABC", MIME_BASE64_BAD},
        {"QQ==QUJD", "A", MIME_BASE64_BEHIND},
        {"QQ==\r\n.\r\n", "A", MIME_BASE64_BAD},
        {"QQ===", "A", MIME_BASE64_BAD},
        {"QQ=UJD", "A\x05\x09", MIME_BASE64_BAD | MIME_BASE64_CUT},
        {"=QUJD=", "ABC", MIME_BASE64_BAD},
        {"QUJDRA", "ABCD", MIME_BASE64_CUT},
        {"QUJDR", "ABC", MIME_BASE64_CUT},
        {"QUI", "AB", MIME_BASE64_CUT},
        {"////++++", "\xff\xff\xff\xfb\xef\xbe", 0},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (size_t cut = 0; cut <= strlen(rows[r].in); cut++)
            decode_base64(&rows[r], cut);
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* What was encoded comes back, for all lengths and bytes, in lines of 76. */
static void base64_round_trip(void)
{
    uint8_t bytes[600], text[1000], back[604];

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 167 + i / 7);
    for (size_t len = 0; len < sizeof(bytes); len += 1 + len / 20) {
        struct writer w = writer_of(text, sizeof(text)), out = writer_of(back, sizeof(back));
        struct mime_base64 b;
        struct span in;

        for (size_t i = 0; i < len; i += 3) {
            uint32_t v = (uint32_t)bytes[i] << 16 | (i + 1 < len ? bytes[i + 1] << 8 : 0) |
                         (i + 2 < len ? bytes[i + 2] : 0);

            for (int k = 0; k < 4; k++)
                writer_byte(&w,
                            i + (size_t)k > len ? '=' : (uint8_t)alphabet[v >> (18 - 6 * k) & 63]);
            if (i % 57 == 54)
                writer_text(&w, "\r\n");
        }
        in = writer_span(&w);
        mime_base64_init(&b);
        mime_base64_feed(&b, &in, &out);
        mime_base64_finish(&b, &out);
        CHECK(in.len == 0 && b.flags == 0 && span_equal(writer_span(&out), span_of(bytes, len)));
    }
}

/* Groups up to the first byte that is neither of the alphabet nor blank, a byte at a time. */
static void plain_run(struct span in, struct writer *out)
{
    uint32_t v = 0;
    size_t n = 0;

    for (size_t i = 0; i < in.len && mime_base64_value[in.data[i]] <= MIME_BASE64_BLANK; i++) {
        if (mime_base64_value[in.data[i]] == MIME_BASE64_BLANK)
            continue;
        v = v << 6 | mime_base64_value[in.data[i]];
        if (++n % 4 == 0)
            writer_uint(out, v & 0xffffff, 3);
    }
}

/* What a run gives, and what there is behind it, is all there is; and no byte beyond the room is
 * written. */
static void check_run(enum mime_base64_set set, struct span whole, size_t room, struct span all)
{
    enum { MARK = 0xa5, SIZE = 700 };
    uint8_t memory[SIZE], again[SIZE];
    struct writer out = writer_of(memory, room), rest = writer_of(again, sizeof(again));
    struct span in = whole;
    bool agrees;

    /* At an odd place. */
    out.len = 1;
    memset(memory, MARK, sizeof(memory));
    if (!mime_base64_run_by(set, &in, &out))
        return;
    agrees = out.len >= 1 && out.len <= out.cap && memory[0] == MARK &&
             in.data + in.len == whole.data + whole.len;
    for (size_t i = out.cap; i < sizeof(memory); i++)
        agrees &= memory[i] == MARK;
    writer_span_put(&rest, span_skip(writer_span(&out), 1));
    plain_run(in, &rest);
    CHECK(agrees && span_equal(writer_span(&rest), all));
}

static void check_runs(struct span text, size_t room)
{
    uint8_t memory[700];
    struct writer out = writer_of(memory, sizeof(memory));
    struct span in = guard_copy(text, true);

    plain_run(in, &out);
    for (enum mime_base64_set set = 0; set < MIME_BASE64_SETS; set++)
        check_run(set, in, room ? room : out.len + 5, writer_span(&out));
    guard_free(in);
}

/* Each byte at each place of texts of each length, in lines and without. */
static void base64_runs_agree_with_a_plain_one(void)
{
    uint8_t text[200];

    for (size_t line = 4; line <= 80; line += 19) {
        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = i % (line + 2) < line    ? (uint8_t)alphabet[(i * 29 + i / 64) % 64]
                      : i % (line + 2) == line ? '\r'
                                               : '\n';
        for (size_t len = 0; len <= sizeof(text); len++)
            check_runs(span_of(text, len), 0);
        for (size_t at = 0; at < 100; at++) {
            uint8_t was = text[at];

            for (unsigned c = 0; c < 256; c += line == 4 ? 1 : 13) {
                text[at] = (uint8_t)c;
                check_runs(span_of(text, 140), 0);
            }
            text[at] = was;
        }
    }
}

/* Whatever room there is. */
static void base64_runs_stop_for_room(void)
{
    uint8_t text[400];

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 30 == 29 ? ' ' : (uint8_t)alphabet[i * 29 % 64];
    for (size_t room = 1; room < 350; room++)
        check_runs(span_of(text, sizeof(text)), room);
}

/* Longer than any of them takes at once. */
static void base64_runs_are_long(void)
{
    static uint8_t text[10000], all[8000], want[8000];
    struct writer wanted = writer_of(want, sizeof(want));

    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = i % 78 == 76 ? '\r' : i % 78 == 77 ? '\n' : (uint8_t)alphabet[i * 29 % 64];
    plain_run(span_of(text, sizeof(text)), &wanted);
    for (enum mime_base64_set set = 0; set < MIME_BASE64_SETS; set++) {
        struct writer got = writer_of(all, sizeof(all));
        struct span in = span_of(text, sizeof(text));

        if (mime_base64_run_by(set, &in, &got))
            CHECK(in.len < 4 && span_equal(writer_span(&got), writer_span(&wanted)));
    }
}

static void decode_qp(const struct row *row, size_t first, size_t step)
{
    uint8_t out[1024], room[MIME_QP_HELD + 3];
    struct writer all = writer_of(out, sizeof(out));
    struct span whole = guard_copy(span_text(row->in), true), in = whole;
    struct mime_qp q;

    mime_qp_init(&q);
    for (size_t n = first; in.len || n == first; n = step) {
        struct span part = span_head(in, n);

        in = span_skip(in, part.len);
        while (part.len) {
            struct writer w = writer_of(room, MIME_QP_HELD + 1 + n % 3);

            mime_qp_feed(&q, &part, &w);
            writer_span_put(&all, writer_span(&w));
        }
        if (n == first && first == step)
            n = step;
        if (in.len == 0)
            break;
    }
    mime_qp_finish(&q, &all);
    CHECK_TEXT(writer_span(&all), row->out);
    CHECK(q.bad == (row->flags != 0));
    guard_free(whole);
}

#define BLANKS "                                                  " /* 50 */

static void qp_rows(void)
{
    static const struct row rows[] = {
        {"", "", 0},
        {"plain text\r\nmore\r\n", "plain text\r\nmore\r\n", 0},
        {"a=3Db=3db", "a=b=b", 0},
        {"=C3=A4", "\xc3\xa4", 0},
        {"soft=\r\nbreak=\nhere", "softbreakhere", 0},
        {"soft= \t \r\nbreak", "softbreak", 0},
        {"blank \t\r\nend \nlast \t", "blank\r\nend\nlast", 0},
        {"in  side", "in  side", 0},
        {"=20\r\n", " \r\n", 0},
        {"=XY=4", "=XY=4", 1},
        {"=4Z=\rx", "=4Z=\rx", 1},
        {"== = x", "== = x", 1},
        {"a==3D=3D", "a==3D=", 1},
        {"a==\nb=\nc", "a==\nbc", 1},
        {"end=", "end", 0},
        {"a\rb \r c\r\r\n", "a\rb \r c\r\r\n", 0},
        {"x" BLANKS BLANKS "\r\ny", "x" BLANKS "                              \r\ny", 0},
        {"x" BLANKS BLANKS "y", "x" BLANKS BLANKS "y", 0},
        {"=" BLANKS BLANKS "y", "=" BLANKS BLANKS "y", 1},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        for (size_t cut = 1; cut <= strlen(rows[r].in); cut++)
            decode_qp(&rows[r], cut, 1000);
        for (size_t step = 1; step < 5; step++)
            decode_qp(&rows[r], step, step);
    }
}

static bool reversed(void *context, struct span charset, struct span text, struct writer *out)
{
    if (!span_equal_nocase(charset, span_text((const char *)context)))
        return false;
    for (size_t i = text.len; i-- > 0;)
        writer_byte(out, text.data[i]);
    return true;
}

static void words(void)
{
    static const struct {
        const char *in;
        const char *out;
        bool known;
    } rows[] = {
        {" plain  text \r\n", "plain  text", true},
        {"folded\r\n text\n more", "folded text more", true},
        {"=?utf-8?q?J=C3=B6rg_X?=", "J\xc3\xb6rg X", true},
        {"=?UTF-8?B?SsO2cmc=?= <a@b>", "J\xc3\xb6rg <a@b>", true},
        {"=?iso-8859-1?q?=E4?= =?iso-8859-1*de?Q?=F6?=", "\xc3\xa4\xc3\xb6", true},
        {"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c", true},
        /* a character split over two words, in two encodings */
        {"=?utf-8?q?=E2=82?= =?utf-8?B?rA==?=", "\xe2\x82\xac", true},
        {"=?windows-1252?q?=80=81?=", "\xe2\x82\xac\xef\xbf\xbd", true},
        {"=?us-ascii?q?a=E4?=", "a\xef\xbf\xbd", true},
        {"=?rot?q?abc?=x", "cbax", true},
        {"a =?x-none?q?b_c?= =?x-none?q?d?= e", "a =?x-none?q?b_c?= =?x-none?q?d?= e", false},
        {"=?utf-8?x?a?=", "=?utf-8?x?a?=", true},
        {"=?utf-8?q?open", "=?utf-8?q?open", true},
        {"=?=?utf-8?q?a?=", "=?a", true},
        {"raw \xc3\xa4 \xe4", "raw \xc3\xa4 \xef\xbf\xbd", true},
        {"=?utf-8?q?two words?=", "two words", true},
        {"=?utf-8?q?a=20\r\n \t b?= c", "a b c", true},
        {"=?utf-8?b?YW\r\n  Jj?=", "abc", true},
        {"", "", true},
    };
    static char name[] = "rot";
    struct mime_charset other = {.to_utf8 = reversed, .context = name};

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint8_t text[256];
        struct writer w = writer_of(text, sizeof(text));
        struct span in = guard_copy(span_text(rows[r].in), r % 2);

        CHECK(mime_word_decode(in, &other, &w) == rows[r].known);
        CHECK_TEXT(writer_span(&w), rows[r].out);
        guard_free(in);
    }
}

static void words_behind_text(void)
{
    static const struct {
        const char *in, *out;
        bool apart;
    } rows[] = {
        {"[list]=?utf-8?q?news?=", "[list] news", true},
        {"a=?utf-8?q?b?=c=?utf-8?q?d?=", "a bc d", true},
        {"a =?utf-8?q?b?= c", "a b c", false},
        {"(=?utf-8?q?a?=)", "(a)", false},
        {"x,=?utf-8?q?a?=", "x,a", false},
        {"=?utf-8?q?a?==?utf-8?q?b?=", "ab", false},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        uint8_t text[256];
        struct writer w = writer_of(text, sizeof(text));
        struct span in = guard_copy(span_text(rows[r].in), r % 2);

        CHECK(mime_word_decode_apart(in, NULL, &w) == rows[r].apart);
        CHECK_TEXT(writer_span(&w), rows[r].out);
        guard_free(in);
    }
}

/* A long value with many words stays linear and within its writer. */
static void words_are_bounded(void)
{
    static uint8_t value[16384], text[64];
    struct writer in = writer_of(value, sizeof(value)), w = writer_of(text, sizeof(text));

    while (writer_room(&in) > 20)
        writer_text(&in, "=?utf-8?q?=C3=A4?= ");
    mime_word_decode(writer_span(&in), NULL, &w);
    CHECK(w.full && w.len == 64);
    in = writer_of(value, sizeof(value));
    while (writer_room(&in) > 20)
        writer_text(&in, "=?x?q?");
    w = writer_of(text, sizeof(text));
    mime_word_decode(writer_span(&in), NULL, &w);
    CHECK(w.full && w.len == 64);
}

static size_t scan_plainly(struct span s, struct mime_scan *scan)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] != '\n')
            continue;
        if (i + 1 == s.len || s.data[i + 1] == '-')
            return i;
        scan->lines++;
        scan->bare |= i == 0 || s.data[i - 1] != '\r';
    }
    return s.len;
}

static size_t line_plainly(struct span s, char first)
{
    size_t i = 0;

    while (i < s.len && (s.data[i] != '\n' || (i + 1 < s.len && s.data[i + 1] != (uint8_t)first)))
        i++;
    return i;
}

/* Against the plain reading, on texts of the bytes that matter, at every length and alignment. */
static void scan_agrees_with_a_plain_one(void)
{
    static const char bytes[] = "xxxxxxx\r\r\n\n-";
    uint8_t text[200];
    uint32_t seed = 1;

    for (int n = 0; n < 40000; n++) {
        struct mime_scan a = {0}, b = {0}, c = {0};
        size_t len = (size_t)n % sizeof(text), stop;
        struct span s;

        for (size_t i = 0; i < len; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = (uint8_t)bytes[(seed >> 24) % (n % 3 ? n % 7 ? 11 : 12 : 7)];
        }
        if (n % 3 == 0 && len)
            text[(seed >> 16) % len] = '\n';
        s = n % 50 ? span_of(text, len) : guard_copy(span_of(text, len), n % 100);
        stop = scan_plainly(s, &b);
        CHECK(mime_scan_delimiter(&a, s, false) == stop);
        CHECK(a.lines == b.lines && a.bare == b.bare);
        CHECK(mime_scan_delimiter_baseline(&c, s, false) == stop);
        CHECK(c.lines == b.lines && c.bare == b.bare);
        a = c = (struct mime_scan){0};
        mime_scan_all(&a, s, n & 1);
        mime_scan_all_baseline(&c, s, n & 1);
        CHECK(a.lines == c.lines && a.bare == c.bare);
        stop = line_plainly(s, bytes[n % 12]);
        CHECK(mime_scan_line(s, (uint8_t)bytes[n % 12]) == stop);
        CHECK(mime_scan_line_baseline(s, (uint8_t)bytes[n % 12]) == stop);
        if (n % 50 == 0)
            guard_free(s);
    }
}

/* Counts are gathered bytewise: more lines than a byte holds, at the worst density. */
static void scan_counts_many_lines(void)
{
    static uint8_t text[3 * 16 * 256 + 5];
    struct mime_scan all = {0}, until = {0};

    memset(text, '\n', sizeof(text));
    mime_scan_all(&all, span_of(text, sizeof(text)), true);
    CHECK(all.lines == sizeof(text) && all.bare);
    CHECK(mime_scan_delimiter(&until, span_of(text, sizeof(text)), true) == sizeof(text) - 1);
    CHECK(until.lines == sizeof(text) - 1);
}

int main(void)
{
    check_begin();
    CHECK_CASE(base64_rows);
    CHECK_CASE(base64_round_trip);
    CHECK_CASE(base64_runs_agree_with_a_plain_one);
    CHECK_CASE(base64_runs_stop_for_room);
    CHECK_CASE(base64_runs_are_long);
    CHECK_CASE(qp_rows);
    CHECK_CASE(words);
    CHECK_CASE(words_behind_text);
    CHECK_CASE(words_are_bounded);
    CHECK_CASE(scan_agrees_with_a_plain_one);
    CHECK_CASE(scan_counts_many_lines);
    return check_end();
}
