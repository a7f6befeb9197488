/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/ascii_run.h"
#include "proto/base/cursor.h"
#include "proto/base/id128.h"
#include "proto/base/ip_address.h"
#include "proto/base/line.h"
#include "proto/base/peer_text.h"
#include "tests/harness/check.h"

/* Feeds `input` cut at `cut` and writes what came of it: lines in brackets, then a word for a
 * refusal. */
static void read_lines(struct span input, size_t cut, struct writer *out)
{
    uint8_t buffer[16];
    struct line l;
    struct span parts[2] = {span_head(input, cut), span_skip(input, cut)};

    line_init(&l, sizeof(buffer));
    for (int i = 0; i < 2; i++) {
        struct span in = parts[i], line = {0};

        for (;;) {
            enum line_status status = line_feed(&l, &in, &line);

            if (status == LINE_BUFFER) {
                line_attach(&l, buffer);
                continue;
            }
            if (status == LINE_MORE)
                break;
            if (status == LINE_DONE) {
                writer_byte(out, '[');
                writer_span_put(out, line);
                writer_byte(out, ']');
                continue;
            }
            writer_text(out, status == LINE_LONG ? "long" : line_form_name(l.form));
            return;
        }
    }
    CHECK(line_idle(&l) || l.held > 0);
}

static void lines_do_not_depend_on_splits(void)
{
    static const struct {
        const char *in;
        size_t len;
        const char *out;
    } rows[] = {
        {"QUIT\r\nNOOP\r\n", 12, "[QUIT][NOOP]"},
        {"\r\n\r\n", 4, "[][]"},
        {"a\nb\r\n", 5, "bare LF"},
        {"ok\r\na\rb\r\n", 9, "[ok]bare CR"},
        {"a\r\r\n", 4, "bare CR"},
        {"a\0b\r\n", 5, "NUL"},
        {"12345678901234\r\nx\r\n", 19, "[12345678901234][x]"},
        {"123456789012345\r\n", 17, "long"},
        {"12345678901234567890", 20, "long"},
        {"123456789012345\rx", 17, "long"},
        {"12345678901234567890\n", 21, "long"},
    };

    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (size_t cut = 0; cut <= rows[r].len; cut++) {
            struct span guarded = guard_copy(span_of(rows[r].in, rows[r].len), true);
            uint8_t text[64];
            struct writer w = writer_of(text, sizeof(text));

            read_lines(guarded, cut, &w);
            CHECK_TEXT(writer_span(&w), rows[r].out);
            guard_free(guarded);
        }
}

static void scan_stops_at_each_special_byte(void)
{
    uint8_t bytes[40];

    memset(bytes, 0xff, sizeof(bytes));
    CHECK(line_scan(span_of(bytes, sizeof(bytes))) == sizeof(bytes));
    for (size_t at = 0; at < sizeof(bytes); at++)
        for (int c = 0; c < 3; c++) {
            memset(bytes, 0x80, sizeof(bytes));
            bytes[at] = (uint8_t) "\r\n"[c];
            CHECK(line_scan(span_of(bytes, sizeof(bytes))) == at);
        }
}

static void printable_ascii_ends_where_something_else_begins(void)
{
    static const uint8_t odd[] = {0, '\t', 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0xff};
    uint8_t bytes[50];

    memset(bytes, 'x', sizeof(bytes));
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct span s = guard_copy(span_of(bytes, len), true);

        CHECK(ascii_printable(s) == len);
        for (size_t i = 0; i < len * sizeof(odd); i++) {
            uint8_t *at = (uint8_t *)s.data + i / sizeof(odd), c = odd[i % sizeof(odd)];

            *at = c;
            CHECK(ascii_printable(s) == (c >= 0x20 && c < 0x7f ? len : i / sizeof(odd)));
            *at = 'x';
        }
        guard_free(s);
    }
}

static void peer_text_lets_no_control_byte_through(void)
{
    uint8_t text[64];
    struct writer w = writer_of(text, sizeof(text));

    peer_text(&w, span_of("a\r\nb\0c\x7f", 7), 60, PEER_TEXT_ASCII);
    CHECK_TEXT(writer_span(&w), "a??b?c?");
    w.len = 0;
    peer_text(&w, span_text("\xc3\xa4\xc3\x28\xed\xa0\x80\xc2\x85"), 60, PEER_TEXT_UTF8);
    CHECK_TEXT(writer_span(&w), "\xc3\xa4?(?????");
    w.len = 0;
    peer_text(&w, span_text("\xc3\xa4"), 60, PEER_TEXT_ASCII);
    CHECK_TEXT(writer_span(&w), "??");
    w.len = 0;
    peer_text(&w, span_text("abcdefghij"), 8, PEER_TEXT_ASCII);
    CHECK_TEXT(writer_span(&w), "abcde...");
    w.len = 0;
    peer_text(&w, span_text("abcdefgh"), 8, PEER_TEXT_ASCII);
    CHECK_TEXT(writer_span(&w), "abcdefgh");
}

static void ids_sort_by_time_and_never_go_back(void)
{
    struct id128_source source = {.node = 1, .worker = 2};
    struct id128 before = id128_next(&source, 5000), after, again;
    uint8_t text[ID128_TEXT];
    struct writer w = writer_of(text, sizeof(text));

    for (int i = 0; i < 100; i++) {
        after = id128_next(&source, i % 2 ? 4000 : 5000);
        CHECK(memcmp(before.bytes, after.bytes, 16) < 0);
        before = after;
    }
    id128_put(&w, &after);
    CHECK(w.len == ID128_TEXT && id128_parse(writer_span(&w), &again));
    CHECK(memcmp(again.bytes, after.bytes, 16) == 0);
    CHECK(!id128_parse(span_text("Z0000000000000000000000000"), &again));
    CHECK(!id128_parse(span_text("0000000000000000000000000U"), &again));
}

static void addresses_read_and_write(void)
{
    static const char *const good[] = {"198.18.0.1", "2001:2::1", "::"};
    struct ip_address a;

    for (size_t i = 0; i < 3; i++) {
        uint8_t text[IP_ADDRESS_TEXT];
        struct writer w = writer_of(text, sizeof(text));

        CHECK(ip_address_parse(span_text(good[i]), &a));
        CHECK(ip_address_is_v4(&a) == (i == 0));
        ip_address_put(&w, &a);
        CHECK_TEXT(writer_span(&w), good[i]);
    }
    CHECK(!ip_address_parse(span_text("198.18.0"), &a));
    CHECK(!ip_address_parse(span_text("198.18.0.1/24"), &a));
    CHECK(!ip_address_parse(span_of("1.2.3.4\0x", 9), &a));
}

static void cursor_and_writer_stay_in_bounds(void)
{
    uint8_t bytes[16];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct cursor c;

    writer_uint(&w, 0x0102030405060708ull, 8);
    writer_blob(&w, span_text("abcd"));
    CHECK(!w.full && w.len == 16);
    writer_byte(&w, 1);
    CHECK(w.full && w.len == 16);
    c = cursor_of(writer_span(&w));
    CHECK(cursor_u64(&c) == 0x0102030405060708ull);
    CHECK_TEXT(cursor_blob(&c), "abcd");
    CHECK(!c.bad && cursor_u8(&c) == 0 && c.bad);
}

static void digits_have_their_width(void)
{
    uint8_t memory[16];
    struct writer w = writer_of(memory, sizeof(memory));

    writer_digits(&w, 7, 2);
    writer_digits(&w, 12345, 4);
    writer_hex(&w, 0xbeef, 8);
    CHECK_TEXT(writer_span(&w), "0723450000beef");
    /* All of them or none. */
    writer_digits(&w, 1, 3);
    CHECK(w.full && w.len == 14);
}

int main(void)
{
    check_begin();
    CHECK_CASE(lines_do_not_depend_on_splits);
    CHECK_CASE(scan_stops_at_each_special_byte);
    CHECK_CASE(printable_ascii_ends_where_something_else_begins);
    CHECK_CASE(peer_text_lets_no_control_byte_through);
    CHECK_CASE(ids_sort_by_time_and_never_go_back);
    CHECK_CASE(addresses_read_and_write);
    CHECK_CASE(cursor_and_writer_stay_in_bounds);
    CHECK_CASE(digits_have_their_width);
    return check_end();
}
