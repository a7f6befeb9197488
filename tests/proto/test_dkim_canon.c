/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/ascii.h"
#include "proto/base/tag_list.h"
#include "proto/base/writer.h"
#include "proto/dkim/dkim_body.h"
#include "proto/dkim/dkim_header.h"
#include "proto/dkim/dkim_message.h"
#include "tests/harness/check.h"

static uint8_t out[1 << 20];

static void put(void *context, struct span bytes)
{
    writer_span_put(context, bytes);
}

static void body_in(struct writer *w, enum dkim_canon canon, struct span in, size_t cut)
{
    struct dkim_canon_body b;

    dkim_canon_body_init(&b, canon);
    dkim_canon_body_feed(&b, span_head(in, cut), put, w);
    dkim_canon_body_feed(&b, span_skip(in, cut), put, w);
    dkim_canon_body_finish(&b, put, w);
}

/* Byte for byte, and cut at every place. */
static bool body_is(enum dkim_canon canon, const char *text, const char *expected)
{
    struct span in = guard_copy(span_text(text), true);
    bool good = true;

    for (size_t cut = 0; cut <= in.len; cut++) {
        struct writer w = writer_of(out, sizeof(out));

        body_in(&w, canon, in, cut);
        good = good && span_equal(writer_span(&w), span_text(expected));
    }
    {
        struct writer w = writer_of(out, sizeof(out));
        struct dkim_canon_body b;

        dkim_canon_body_init(&b, canon);
        for (size_t i = 0; i < in.len; i++)
            dkim_canon_body_feed(&b, span_head(span_skip(in, i), 1), put, &w);
        dkim_canon_body_finish(&b, put, &w);
        good = good && span_equal(writer_span(&w), span_text(expected));
    }
    guard_free(in);
    return good;
}

static bool field_is(enum dkim_canon canon, const char *text, const char *expected)
{
    struct span in = guard_copy(span_text(text), true);
    bool good = true;

    for (size_t cut = 0; cut <= in.len; cut++) {
        struct writer w = writer_of(out, sizeof(out));
        struct dkim_canon_field f;

        dkim_canon_field_init(&f, canon);
        dkim_canon_field_feed(&f, span_head(in, cut), put, &w);
        dkim_canon_field_feed(&f, span_skip(in, cut), put, &w);
        dkim_canon_field_finish(&f, put, &w);
        good = good && span_equal(writer_span(&w), span_text(expected));
    }
    guard_free(in);
    return good;
}

/* RFC 6376 section 3.4.5. */
static void examples_of_the_rfc(void)
{
    CHECK(field_is(DKIM_RELAXED, "A: X", "a:X"));
    CHECK(field_is(DKIM_RELAXED, "B : Y\t\r\n\tZ  ", "b:Y Z"));
    CHECK(field_is(DKIM_SIMPLE, "B : Y\t\r\n\tZ  ", "B : Y\t\r\n\tZ  "));
    CHECK(body_is(DKIM_RELAXED, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n"));
    CHECK(body_is(DKIM_SIMPLE, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n"));
}

static void bodies(void)
{
    CHECK(body_is(DKIM_SIMPLE, "", "\r\n"));
    CHECK(body_is(DKIM_RELAXED, "", ""));
    CHECK(body_is(DKIM_SIMPLE, "\r\n\r\n", "\r\n"));
    CHECK(body_is(DKIM_RELAXED, "\r\n \t\r\n", ""));
    CHECK(body_is(DKIM_SIMPLE, " \r\n", " \r\n"));
    CHECK(body_is(DKIM_SIMPLE, "a", "a\r\n"));
    CHECK(body_is(DKIM_RELAXED, "a ", "a\r\n"));
    CHECK(body_is(DKIM_SIMPLE, "a\r\n\r\nb\r\n\r\n", "a\r\n\r\nb\r\n"));
    CHECK(body_is(DKIM_RELAXED, "a\r\n \r\n\t\r\nb\r\n\r\n", "a\r\n\r\n\r\nb\r\n"));
    CHECK(body_is(DKIM_RELAXED, "a  b\tc \td", "a b c d\r\n"));
    /* CR and LF alone are bytes like others. */
    CHECK(body_is(DKIM_SIMPLE, "a\rb\nc\r", "a\rb\nc\r\r\n"));
    CHECK(body_is(DKIM_RELAXED, "a \rb \n\r\r\n", "a \rb \n\r\r\n"));
    CHECK(body_is(DKIM_RELAXED, "\r\n\r\n \r", "\r\n\r\n \r\r\n"));
    CHECK(body_is(DKIM_RELAXED, "\n", "\n\r\n"));
}

static void fields(void)
{
    CHECK(field_is(DKIM_RELAXED, "SubJect \t: \r\n a\r\n  b\t\tc\r\n ", "subject:a b c"));
    CHECK(field_is(DKIM_RELAXED, "X:", "x:"));
    CHECK(field_is(DKIM_RELAXED, "X:a:b ", "x:a:b"));
    CHECK(field_is(DKIM_RELAXED, "X:a \rb\r", "x:a \rb\r"));
    CHECK(field_is(DKIM_RELAXED, "X:\r\r\n a", "x:\r a"));
}

/* What the relaxed form is, written down as plainly as can be. */
static void plain_relaxed(struct writer *w, struct span in)
{
    size_t ends = 0;
    bool any = false;

    while (in.len) {
        size_t len = 0, at = w->len;
        bool blank = false, content = false;

        while (len < in.len &&
               !(in.data[len] == '\r' && len + 1 < in.len && in.data[len + 1] == '\n'))
            len++;
        for (size_t i = 0; i < len; i++) {
            if (ascii_blank(in.data[i])) {
                blank = true;
                continue;
            }
            for (; !content && ends; ends--)
                writer_text(w, "\r\n");
            content = true;
            if (blank)
                writer_byte(w, ' ');
            blank = false;
            writer_byte(w, in.data[i]);
        }
        any = any || w->len > at;
        ends++;
        in = span_skip(in, len + 2);
    }
    if (any)
        writer_text(w, "\r\n");
}

/* Long bodies of few different bytes: every way that an edit can lie in a block of the scanner. */
static void long_bodies(void)
{
    static const char letters[] = "ab \t\r\n\r\nxyz\r\n";
    static uint8_t body[3000], expected[4000];
    uint64_t chance = 1;

    for (unsigned round = 0; round < 400; round++) {
        size_t len = 0, cut;
        struct writer plain = writer_of(expected, sizeof(expected));
        struct writer w = writer_of(out, sizeof(out));

        while (len < round * 7 + 1) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            body[len++] = chance >> 60 < 11 + round % 5 ? (uint8_t)('a' + (chance >> 40) % 26)
                                                        : (uint8_t)letters[(chance >> 33) % 13];
        }
        cut = chance % len;
        plain_relaxed(&plain, span_of(body, len));
        body_in(&w, DKIM_RELAXED, span_of(body, len), cut);
        CHECK(span_equal(writer_span(&w), writer_span(&plain)));
        CHECK(dkim_canon_scan(span_of(body, len), true) ==
              dkim_canon_scan(span_of(body, len), false));
    }
}

/* A hash for every l=, from one pass, is the hash of that much. */
static void lengths(void)
{
    static const char text[] = "one\r\ntwo  three\r\n\r\nfour\r\n";
    static struct dkim_body whole, part;
    int wants[64], one;

    dkim_body_init(&whole);
    dkim_body_init(&part);
    for (unsigned i = 0; i < 30; i++)
        wants[i] = dkim_body_want(&whole, DKIM_SIMPLE, i % 3 ? DKIM_SHA256 : DKIM_SHA1, i);
    CHECK(dkim_body_want(&whole, DKIM_SIMPLE, DKIM_SHA256, 4) == wants[4]);
    for (size_t i = 0; text[i]; i++)
        dkim_body_feed(&whole, span_of(text + i, 1));
    dkim_body_finish(&whole);
    CHECK(dkim_body_total(&whole, DKIM_SIMPLE) == strlen(text));
    for (unsigned i = 0; i < 30; i++) {
        const struct dkim_body_want *w = &whole.wants[wants[i]];

        CHECK(w->done == (i <= strlen(text)));
        dkim_body_begin(&part);
        one = dkim_body_want(&part, DKIM_SIMPLE, w->hash, DKIM_LENGTH_ALL);
        dkim_body_feed(&part, span_head(span_text(text), i));
        dkim_body_finish(&part);
        /* Without its last line end the end is made up: no l= says that. */
        if (w->done && i >= 2 && text[i - 1] == '\n' && text[i - 3] != '\n')
            CHECK(memcmp(part.wants[one].digest, w->digest, 20) == 0);
    }
    dkim_body_begin(&whole);
    for (unsigned i = 0; i < DKIM_BODY_WANTS_MAX; i++)
        CHECK(dkim_body_want(&whole, DKIM_RELAXED, DKIM_SHA256, i) == (int)i);
    CHECK(dkim_body_want(&whole, DKIM_RELAXED, DKIM_SHA256, 10000) == -1);
    dkim_body_fini(&whole);
    dkim_body_fini(&part);
}

static void headers_are_cut_anywhere(void)
{
    static const char text[] = "From: a\r\nTo : b\r\n\tc\r\nnone\r\nfrom: d\r\n\r\nbody\r\n";
    static struct dkim_message m;
    static struct dkim_pick pick;
    uint8_t room[256];

    dkim_message_init(&m);
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct span first = span_head(span_text(text), cut), rest = span_skip(span_text(text), cut);
        bool done = false;

        dkim_message_begin(&m, room, sizeof(room));
        done = dkim_message_header(&m, &first);
        done = dkim_message_header(&m, &rest) || done;
        CHECK(done && m.header.count == 4 && !m.header.cut);
        CHECK(first.len + rest.len == 6);
        CHECK_TEXT(dkim_header_field(&m.header, 1), "To : b\r\n\tc");
        CHECK_TEXT(dkim_header_name(&m.header, 1), "To");
        CHECK(!dkim_message_end(&m));
    }
    dkim_pick_init(&pick, &m.header, DKIM_FIELD_NONE);
    CHECK(dkim_pick_next(&pick, span_text("FROM")) == 3);
    CHECK(dkim_pick_next(&pick, span_text("from")) == 0);
    CHECK(dkim_pick_next(&pick, span_text("from")) == DKIM_FIELD_NONE);
    CHECK(dkim_pick_next(&pick, span_text("x")) == DKIM_FIELD_NONE);
    dkim_pick_init(&pick, &m.header, 3);
    CHECK(dkim_pick_next(&pick, span_text("from")) == 0);
    dkim_message_begin(&m, room, 20);
    {
        struct span all = span_text(text);

        CHECK(dkim_message_header(&m, &all) && m.header.cut);
    }
    dkim_message_begin(&m, room, sizeof(room));
    {
        struct span all = span_text("A: b\r\nC: d");

        CHECK(!dkim_message_header(&m, &all) && dkim_message_end(&m) && m.header.count == 2);
    }
    dkim_message_fini(&m);
}

static void lists_of_tags(void)
{
    static struct tag_list tags;
    struct span value = span_text(" a :\r\n b::c"), piece;
    uint64_t n;
    bool more = true;

    CHECK(tag_list_read(span_text(" a = b c\r\n d ; e= ;f_2==;"), &tags) == TAG_LIST_GOOD);
    CHECK(tags.count == 3);
    CHECK_TEXT(tag_list_find(&tags, "a")->value, "b c\r\n d");
    CHECK_TEXT(tag_list_find(&tags, "f_2")->value, "=");
    CHECK(tag_list_find(&tags, "A") == NULL);
    CHECK(tag_list_read(span_text("a=1;;b=2"), &tags) == TAG_LIST_SYNTAX);
    CHECK(tag_list_read(span_text("a=1;b"), &tags) == TAG_LIST_SYNTAX);
    CHECK(tag_list_read(span_text(""), &tags) == TAG_LIST_SYNTAX);
    CHECK(tag_list_read(span_text("1a=1"), &tags) == TAG_LIST_SYNTAX);
    CHECK(tag_list_read(span_text("a=\1"), &tags) == TAG_LIST_SYNTAX);
    CHECK(tag_list_read(span_text("a=1; a=1"), &tags) == TAG_LIST_TWICE);
    CHECK(tag_list_read(span_text("a=1; A=1"), &tags) == TAG_LIST_GOOD);
    CHECK(tag_number(span_text("012"), 12, &n) && n == 12);
    CHECK(tag_number(span_text("99999999999999999999999"), 76, &n) && n == UINT64_MAX);
    CHECK(!tag_number(span_text("1234"), 3, &n) && !tag_number(span_text("-1"), 3, &n) &&
          !tag_number(span_text(""), 3, &n));
    CHECK(tag_piece(&value, &more, &piece) && span_equal(piece, span_text("a")));
    CHECK(tag_piece(&value, &more, &piece) && span_equal(piece, span_text("b")));
    CHECK(tag_piece(&value, &more, &piece) && piece.len == 0);
    CHECK(tag_piece(&value, &more, &piece) && span_equal(piece, span_text("c")));
    CHECK(!tag_piece(&value, &more, &piece));
    CHECK(tag_has_piece(span_text("x: FROM"), "from") &&
          !tag_has_piece(span_text("xfrom"), "from"));
}

int main(void)
{
    check_begin();
    CHECK_CASE(examples_of_the_rfc);
    CHECK_CASE(bodies);
    CHECK_CASE(fields);
    CHECK_CASE(long_bodies);
    CHECK_CASE(lengths);
    CHECK_CASE(headers_are_cut_anywhere);
    CHECK_CASE(lists_of_tags);
    return check_end();
}
