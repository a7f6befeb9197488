/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_command.h"
#include "proto/smtp/smtp_reader.h"
#include "proto/smtp/smtp_scan.h"
#include "proto/base/writer.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_ = 32, TEXT_MAX = 64 };

struct run {
    struct smtp_reader reader;
    uint8_t buffer[LINE_MAX_];
    struct writer out;
    bool open; /* chunks of a message were read, and LAST not yet */
};

static void begin(struct run *r, void *text, size_t cap)
{
    smtp_reader_init(&r->reader, LINE_MAX_, TEXT_MAX);
    r->out = writer_of(text, cap);
    r->open = false;
}

/* DATA and BDAT are taken; "GONE" before a BDAT throws its chunk away. */
static void obey(struct run *r, struct span line)
{
    bool gone = span_equal(span_head(line, 4), span_text("GONE"));
    struct smtp_command c;

    if (smtp_command_parse(span_skip(line, gone ? 4 : 0), &c) != SMTP_REPLY_NONE)
        return;
    if (c.verb == SMTP_VERB_DATA)
        smtp_reader_begin_data(&r->reader);
    if (c.verb != SMTP_VERB_BDAT)
        return;
    smtp_reader_begin_chunk(&r->reader, c.size, !r->open, c.last);
    CHECK(smtp_reader_in_chunk(&r->reader));
    if (gone)
        smtp_reader_discard_chunk(&r->reader);
    r->open = !c.last;
}

/* Feeds one input and writes what came of it; false after a refusal. Text stands bare, all else in
 * brackets. */
static bool feed(struct run *r, struct span in)
{
    for (;;) {
        struct span bytes = {0};

        switch (smtp_reader_next(&r->reader, &in, &bytes)) {
        case SMTP_READER_MORE:
            CHECK(in.len == 0);
            return true;
        case SMTP_READER_BUFFER:
            line_attach(&r->reader.line, r->buffer);
            break;
        case SMTP_READER_LINE:
            writer_text(&r->out, "[");
            writer_span_put(&r->out, bytes);
            writer_text(&r->out, "]");
            obey(r, bytes);
            break;
        case SMTP_READER_ODD:
        case SMTP_READER_TEXT:
            CHECK(bytes.len > 0);
            CHECK(bytes.data[bytes.len - 1] != '\r');
            writer_span_put(&r->out, bytes);
            break;
        case SMTP_READER_END:
            writer_text(&r->out, "[END]");
            break;
        case SMTP_READER_CHUNK:
            writer_text(&r->out, "[CHUNK]");
            break;
        case SMTP_READER_LONG:
            writer_text(&r->out, "[LONG]");
            break;
        case SMTP_READER_BAD:
            writer_printf(&r->out, "[%s]", line_form_name(smtp_reader_form(&r->reader)));
            return false;
        }
    }
}

/* Whole, cut in two at every place, cut in three at some, byte by byte; from and to guard pages. */
static void check_reads(const char *input, size_t len, const char *expected)
{
    static char text[4096];
    struct span whole = guard_copy(span_of(input, len), true);
    struct run r;

    for (size_t cut = 0; cut <= len; cut++) {
        begin(&r, text, sizeof(text));
        if (feed(&r, span_head(whole, cut)))
            feed(&r, span_skip(whole, cut));
        if (!CHECK_TEXT(writer_span(&r.out), expected))
            printf("# cut at %zu\n", cut);
    }
    for (size_t step = 1; step <= 7; step++) {
        begin(&r, text, sizeof(text));
        for (size_t at = 0; at < len; at += step)
            if (!feed(&r, span_head(span_skip(whole, at), step)))
                break;
        CHECK_TEXT(writer_span(&r.out), expected);
    }
    guard_free(whole);
}

#define READS(input, expected) check_reads(input, sizeof(input) - 1, expected)

static void commands_and_data_follow_each_other(void)
{
    READS("EHLO x\r\nDATA\r\nSubject: a\r\n\r\nb\r\n.\r\nQUIT\r\n",
          "[EHLO x][DATA]Subject: a\r\n\r\nb\r\n[END][QUIT]");
    READS("DATA\r\n.\r\nDATA\r\nx\r\n.\r\n", "[DATA][END][DATA]x\r\n[END]");
}

static void dots_are_unstuffed(void)
{
    READS("DATA\r\n..\r\n...\r\n.a\r\na.\r\n.\r\n", "[DATA].\r\n..\r\na\r\na.\r\n[END]");
    READS("DATA\r\na\r\n..\r\n.\r\n", "[DATA]a\r\n.\r\n[END]");
    READS("DATA\r\n.. .\r\n.\r\n", "[DATA]. .\r\n[END]");
}

static void an_empty_input_is_nothing(void)
{
    READS("", "");
    READS("DATA\r\n", "[DATA]");
}

static void lf_dot_lf(void)
{
    READS("DATA\r\na\n.\nMAIL\r\n", "[DATA]a[bare LF]");
}

static void lf_dot_crlf(void)
{
    READS("DATA\r\na\n.\r\nMAIL\r\n", "[DATA]a[bare LF]");
}

static void crlf_dot_lf(void)
{
    READS("DATA\r\na\r\n.\nMAIL\r\n", "[DATA]a\r\n[bare LF]");
}

static void cr_dot_cr(void)
{
    READS("DATA\r\na\r.\rMAIL\r\n", "[DATA]a[bare CR]");
}

static void cr_dot_crlf(void)
{
    READS("DATA\r\na\r.\r\nMAIL\r\n", "[DATA]a[bare CR]");
}

static void crlf_dot_cr(void)
{
    READS("DATA\r\na\r\n.\rMAIL\r\n", "[DATA]a\r\n[bare CR]");
}

static void cr_crlf(void)
{
    READS("DATA\r\na\r\r\n.\r\r\n", "[DATA]a[bare CR]");
    READS("DATA\r\na\r\n.\r\r\nMAIL\r\n", "[DATA]a\r\n[bare CR]");
}

static void crlf_dot_crcrlf_and_lfcr(void)
{
    READS("DATA\r\na\r\n.\r\r\n", "[DATA]a\r\n[bare CR]");
    READS("DATA\r\na\n\r.\n\r", "[DATA]a[bare LF]");
}

static void lf_at_the_very_start(void)
{
    READS("DATA\r\n\n.\r\n", "[DATA][bare LF]");
    READS("DATA\r\n.\n", "[DATA][bare LF]");
    READS("\nDATA\r\n", "[bare LF]");
}

static void crlf_dot_nul_crlf(void)
{
    READS("DATA\r\na\r\n.\0\r\nMAIL\r\n", "[DATA]a\r\n[NUL]");
    READS("DATA\r\na\r\n\0.\r\nMAIL\r\n", "[DATA]a\r\n[NUL]");
}

static void crlf_nul_in_between(void)
{
    READS("DATA\r\na\r\0\n.\r\n", "[DATA]a[bare CR]");
}

static void nul_in_text_and_in_commands(void)
{
    READS("DATA\r\na\0b\r\n.\r\n", "[DATA]a[NUL]");
    READS("NOOP\0\r\n", "[NUL]");
}

static void bare_line_ends_in_commands(void)
{
    READS("NOOP\r\nNOOP\nDATA\r\n", "[NOOP][bare LF]");
    READS("NOOP\rDATA\r\n", "[bare CR]");
    READS("NOOP\r\r\n", "[bare CR]");
}

static void cr_at_the_end_waits(void)
{
    READS("DATA\r\na\r", "[DATA]a");
    READS("DATA\r\n.", "[DATA]");
    READS("DATA\r\n.\r", "[DATA]");
    READS("DATA\r\n..", "[DATA].");
}

static void other_line_ends_are_text(void)
{
    READS("DATA\r\na\x0b.\x0c\x85\xe2\x80\xa8.\r\n.\r\n",
          "[DATA]a\x0b.\x0c\x85\xe2\x80\xa8.\r\n[END]");
}

static void a_long_command_line_is_skipped(void)
{
    READS("123456789012345678901234567890\r\nNOOP\r\n", "[123456789012345678901234567890][NOOP]");
    READS("1234567890123456789012345678901\r\nNOOP\r\n", "[LONG][NOOP]");
    READS("12345678901234567890123456789012345678901234567890123\r\nNOOP\r\n", "[LONG][NOOP]");
    READS("1234567890123456789012345678901\rx\r\nNOOP\r\n", "[bare CR]");
    READS("12345678901234567890123456789012345678\nNOOP\r\n", "[bare LF]");
    READS("12345678901234567890123456789012345678\0\r\n", "[NUL]");
    READS("12345678901234567890123456789012345678\r\r\n", "[bare CR]");
}

#define S60 "123456789012345678901234567890123456789012345678901234567890"

static void a_long_text_line_is_named_once(void)
{
    READS("DATA\r\n" S60 "123\r\n.\r\n", "[DATA]" S60 "123\r\n[END]");
    READS("DATA\r\n" S60 "1234\r\n.\r\n", "[DATA]" S60 "1234[LONG]\r\n[END]");
    READS("DATA\r\n" S60 "12345\r\n.\r\n", "[DATA]" S60 "1234[LONG]5\r\n[END]");
    READS("DATA\r\na\r\n" S60 S60 S60 "\r\n" S60 S60 "\r\n.\r\n",
          "[DATA]a\r\n" S60 "1234[LONG]56789012345678901234567890123456789012345678901234567890" S60
          "\r\n" S60 "1234[LONG]56789012345678901234567890123456789012345678901234567890\r\n[END]");
    READS("DATA\r\n" S60 "1234\0", "[DATA]" S60 "1234[LONG][NUL]");
    READS("DATA\r\n" S60 "123\r\r\n", "[DATA]" S60 "123[bare CR]");
    READS("DATA\r\n." S60 "1234\n", "[DATA]" S60 "1234[bare LF]");
}

/* Chunks of RFC 3030. */

static void chunks_are_counted(void)
{
    READS("BDAT 6\r\nab\r\ncdBDAT 4 LAST\r\ne\r\nfQUIT\r\n",
          "[BDAT 6]ab\r\ncd[CHUNK][BDAT 4 LAST]e\r\nf[CHUNK][QUIT]");
    READS("BDAT 0\r\nBDAT 1\r\nxBDAT 0 LAST\r\nNOOP\r\n",
          "[BDAT 0][CHUNK][BDAT 1]x[CHUNK][BDAT 0 LAST][CHUNK][NOOP]");
    READS("BDAT 6 LAST\r\nNOOP\r\nNOOP\r\n", "[BDAT 6 LAST]NOOP\r\n[CHUNK][NOOP]");
    READS("BDAT 3\r\nab", "[BDAT 3]ab");
}

static void dots_in_chunks_are_text(void)
{
    READS("BDAT 17 LAST\r\n.\r\n..\r\n.a\r\n.\r\n.\r\nDATA\r\n..\r\n.\r\n",
          "[BDAT 17 LAST].\r\n..\r\n.a\r\n.\r\n.\r\n[CHUNK][DATA].\r\n[END]");
    READS("BDAT 2\r\n\r\nBDAT 1\r\n.BDAT 2 LAST\r\n\r\n",
          "[BDAT 2]\r\n[CHUNK][BDAT 1].[CHUNK][BDAT 2 LAST]\r\n[CHUNK]");
}

static void a_line_end_may_be_split_over_chunks(void)
{
    READS("BDAT 2\r\na\rBDAT 2 LAST\r\n\nb", "[BDAT 2]a[CHUNK][BDAT 2 LAST]\r\nb[CHUNK]");
    READS("BDAT 2\r\na\rBDAT 0\r\nBDAT 1 LAST\r\n\n",
          "[BDAT 2]a[CHUNK][BDAT 0][CHUNK][BDAT 1 LAST]\r\n[CHUNK]");
    /* A command line that is skipped in between is no part of it. */
    READS("BDAT 2\r\na\r1234567890123456789012345678901234567890\r\nBDAT 1 LAST\r\n\n",
          "[BDAT 2]a[CHUNK][LONG][BDAT 1 LAST]\r\n[CHUNK]");
}

static void bare_line_ends_in_chunks(void)
{
    READS("BDAT 4\r\na\nb\r\n", "[BDAT 4]a[bare LF]");
    READS("BDAT 4\r\na\rbc", "[BDAT 4]a[bare CR]");
    READS("BDAT 4\r\na\r\r\n", "[BDAT 4]a[bare CR]");
    READS("BDAT 3\r\na\0b", "[BDAT 3]a[NUL]");
    READS("BDAT 3\r\n\n.\n", "[BDAT 3][bare LF]");
    READS("BDAT 2\r\na\rBDAT 1\r\nb", "[BDAT 2]a[CHUNK][BDAT 1][bare CR]");
    READS("BDAT 1\r\naBDAT 1\r\n\n", "[BDAT 1]a[CHUNK][BDAT 1][bare LF]");
    READS("BDAT 2 LAST\r\na\r\nNOOP\r\n", "[BDAT 2 LAST]a[bare CR]");
    READS("BDAT 2\r\na\rBDAT 0 LAST\r\nNOOP\r\n", "[BDAT 2]a[CHUNK][BDAT 0 LAST][bare CR]");
    READS("BDAT 2 LAST\r\nab\n", "[BDAT 2 LAST]ab[CHUNK][bare LF]");
}

static void a_chunk_begins_its_message_anew(void)
{
    READS("BDAT 2\r\na\rGONEBDAT 0 LAST\r\nBDAT 1 LAST\r\nx",
          "[BDAT 2]a[CHUNK][GONEBDAT 0 LAST][CHUNK][BDAT 1 LAST]x[CHUNK]");
}

static void a_chunk_nobody_wants_is_passed_by_count(void)
{
    READS("GONEBDAT 9 LAST\r\na\nb\rc\0d\r\nNOOP\r\n", "[GONEBDAT 9 LAST][CHUNK][NOOP]");
    READS("GONEBDAT 0\r\nNOOP\r\n", "[GONEBDAT 0][CHUNK][NOOP]");
    READS("GONEBDAT 5\r\nNOOP", "[GONEBDAT 5]");
}

static void a_long_text_line_in_chunks_is_named_once(void)
{
    READS("BDAT 60\r\n" S60 "BDAT 9 LAST\r\n1234567\r\n",
          "[BDAT 60]" S60 "[CHUNK][BDAT 9 LAST]1234[LONG]567\r\n[CHUNK]");
    READS("BDAT 60 LAST\r\n" S60 "BDAT 60 LAST\r\n" S60,
          "[BDAT 60 LAST]" S60 "[CHUNK][BDAT 60 LAST]" S60 "[CHUNK]");
}

/* What smtp_scan() promises, said byte by byte. */
static size_t scan_slowly(struct smtp_scan *scan, struct span s)
{
    bool start = scan->at_start;
    int64_t line = scan->line_start;
    size_t i;

    for (i = 0; i < s.len; i++) {
        uint8_t c = s.data[i], before = i ? s.data[i - 1] : 0;

        if (c == '\n' ? before != '\r' : (int64_t)i >= line + scan->line_max)
            break;
        if (c == 0 || (c == '\r' && (i + 1 == s.len || s.data[i + 1] != '\n')) ||
            (c == '.' && start))
            break;
        start = c == '\n';
        if (start)
            line = (int64_t)i + 1;
    }
    scan->line_start = line - (int64_t)i;
    return i;
}

static uint32_t draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Mostly text, with CRLF, stuffed dots and now and then something wrong. */
static void fill(uint8_t *bytes, size_t len, uint32_t *seed)
{
    static const char odd[] = "\r\n\0.\rx";
    uint32_t rare = draw(seed) % 2 ? 4000 : 400;

    for (size_t i = 0; i < len; i++) {
        uint32_t n = draw(seed) % rare;

        bytes[i] = n < 6 ? (uint8_t)odd[n] : (uint8_t)('a' + n % 26);
        if (n % 400 > 380 && i + 1 < len) {
            bytes[i++] = '\r';
            bytes[i] = '\n';
        }
    }
}

static void scans_agree_with_the_slow_one(void)
{
    static uint8_t bytes[400];
    uint32_t seed = 1;

    for (int round = 0; round < 20000; round++) {
        size_t len = draw(&seed) % sizeof(bytes);
        struct smtp_scan slow = {.line_start = -(int64_t)(draw(&seed) % 60),
                                 .line_max = 64 + draw(&seed) % 100,
                                 .at_start = draw(&seed) & 1};
        struct smtp_scan base, fast;
        size_t expected;

        /* Long enough for each line there may be, or just not. */
        if (draw(&seed) % 2)
            slow.line_max = 64 + (int64_t)len - draw(&seed) % 64;
        if (slow.line_max < SMTP_SCAN_LINE_MIN || draw(&seed) % 8 == 0)
            slow.line_max = SMTP_SCAN_UNLIMITED;
        base = fast = slow;
        if (draw(&seed) % 4 == 0)
            slow.line_start = base.line_start = fast.line_start = SMTP_SCAN_UNLIMITED;
        fill(bytes, len, &seed);
        expected = scan_slowly(&slow, span_of(bytes, len));
        if (!CHECK(smtp_scan_baseline(&base, span_of(bytes, len)) == expected &&
                   base.line_start == slow.line_start) ||
            !CHECK(smtp_scan(&fast, span_of(bytes, len)) == expected &&
                   fast.line_start == slow.line_start))
            return;
    }
}

static void scans_stay_inside(void)
{
    uint8_t bytes[200];

    memset(bytes, 'a', sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++)
        for (int at_end = 0; at_end < 2; at_end++) {
            struct span s = guard_copy(span_of(bytes, len), at_end);
            struct smtp_scan scan = {.line_max = SMTP_SCAN_UNLIMITED};

            CHECK(smtp_scan(&scan, s) == len);
            scan = (struct smtp_scan){.line_max = SMTP_SCAN_UNLIMITED};
            CHECK(smtp_scan_baseline(&scan, s) == len);
            guard_free(s);
        }
}

/* Whole inputs come out as one span: a span is cut only where it must be. */
static void many_lines_are_one_span(void)
{
    struct span in = span_text("DATA\r\na\r\nbb\r\n\r\nccc\r\n.\r\n"), bytes;
    struct run r;
    char text[8];

    begin(&r, text, sizeof(text));
    CHECK(smtp_reader_next(&r.reader, &in, &bytes) == SMTP_READER_LINE);
    smtp_reader_begin_data(&r.reader);
    CHECK(smtp_reader_next(&r.reader, &in, &bytes) == SMTP_READER_TEXT);
    CHECK_TEXT(bytes, "a\r\nbb\r\n\r\nccc\r\n");
    CHECK(smtp_reader_next(&r.reader, &in, &bytes) == SMTP_READER_END);
}

static void refusal_is_final(void)
{
    struct span in = span_text("\nNOOP\r\n"), bytes;
    struct run r;
    char text[8];

    begin(&r, text, sizeof(text));
    CHECK(smtp_reader_next(&r.reader, &in, &bytes) == SMTP_READER_BAD);
    CHECK(smtp_reader_next(&r.reader, &in, &bytes) == SMTP_READER_BAD);
    CHECK(smtp_reader_form(&r.reader) == LINE_FORM_BARE_LF);
}

int main(void)
{
    check_begin();
    CHECK_CASE(commands_and_data_follow_each_other);
    CHECK_CASE(dots_are_unstuffed);
    CHECK_CASE(an_empty_input_is_nothing);
    CHECK_CASE(lf_dot_lf);
    CHECK_CASE(lf_dot_crlf);
    CHECK_CASE(crlf_dot_lf);
    CHECK_CASE(cr_dot_cr);
    CHECK_CASE(cr_dot_crlf);
    CHECK_CASE(crlf_dot_cr);
    CHECK_CASE(cr_crlf);
    CHECK_CASE(crlf_dot_crcrlf_and_lfcr);
    CHECK_CASE(lf_at_the_very_start);
    CHECK_CASE(crlf_dot_nul_crlf);
    CHECK_CASE(crlf_nul_in_between);
    CHECK_CASE(nul_in_text_and_in_commands);
    CHECK_CASE(bare_line_ends_in_commands);
    CHECK_CASE(cr_at_the_end_waits);
    CHECK_CASE(other_line_ends_are_text);
    CHECK_CASE(a_long_command_line_is_skipped);
    CHECK_CASE(a_long_text_line_is_named_once);
    CHECK_CASE(chunks_are_counted);
    CHECK_CASE(dots_in_chunks_are_text);
    CHECK_CASE(a_line_end_may_be_split_over_chunks);
    CHECK_CASE(bare_line_ends_in_chunks);
    CHECK_CASE(a_chunk_begins_its_message_anew);
    CHECK_CASE(a_chunk_nobody_wants_is_passed_by_count);
    CHECK_CASE(a_long_text_line_in_chunks_is_named_once);
    CHECK_CASE(scans_agree_with_the_slow_one);
    CHECK_CASE(scans_stay_inside);
    CHECK_CASE(many_lines_are_one_span);
    CHECK_CASE(refusal_is_final);
    return check_end();
}
