/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_fetch.h"
#include "proto/imap/imap_write.h"
#include "tests/harness/check.h"

static struct imap_fetch fetch;

/* Read at the edge of memory, and told again: names, "!" where \Seen is set, "<offset.length>". */
static void check(const char *text, const char *expected)
{
    static uint8_t scratch[1024], out[4096];
    struct span copy = guard_copy(span_text(text), true);
    struct imap_cursor c = imap_cursor_of(copy, false, scratch, sizeof(scratch));
    struct writer w = writer_of(out, sizeof(out));

    if (!imap_fetch_parse(&c, true, &fetch)) {
        CHECK(c.bad);
        writer_text(&w, "bad");
    } else {
        for (unsigned i = 0; i < fetch.count; i++) {
            writer_text(&w, i ? " " : "");
            imap_fetch_put_name(&w, &fetch.items[i]);
            if (fetch.items[i].partial)
                writer_printf(&w, "+%u", (unsigned)fetch.items[i].len);
            writer_text(&w, fetch.items[i].lazy ? "~" : "");
            writer_text(&w, fetch.items[i].seen ? "!" : "");
        }
    }
    if (!CHECK_TEXT(writer_span(&w), expected))
        check_that(false, __FILE__, __LINE__, text);
    guard_free(copy);
}

static void plain(void)
{
    check("flags", "FLAGS");
    check("(FLAGS UID flags)", "FLAGS UID");
    check("ALL", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE");
    check("fast", "FLAGS INTERNALDATE RFC822.SIZE");
    check("full", "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY");
    check("(rfc822 rfc822.header rfc822.text rfc822.size body bodystructure)",
          "RFC822! RFC822.HEADER RFC822.TEXT! RFC822.SIZE BODY BODYSTRUCTURE");
    check("(modseq emailid threadid savedate)", "MODSEQ EMAILID THREADID SAVEDATE");
    check("(ALL)", "bad");
    check("()", "bad");
    check("", "bad");
    check("flags uid", "bad");
    check("(flags", "bad");
    check("flagss", "bad");
    check("body.peek", "bad");
}

static void sections(void)
{
    check("body[]", "BODY[]!");
    check("BODY.PEEK[]<10.20>", "BODY[]<10>+20");
    check("(body[text] body.peek[header])", "BODY[TEXT]! BODY[HEADER]");
    check("body.peek[1.2.3]", "BODY[1.2.3]");
    check("body.peek[1.mime]", "BODY[1.MIME]");
    check("body.peek[1.header]", "BODY[1.HEADER]");
    check("body.peek[header.fields (from \"x y\" {2}\r\nto)]",
          "BODY[HEADER.FIELDS (from \"x y\" to)]");
    check("body.peek[2.header.fields.not (a\"b)]", "bad");
    check("body.peek[2.header.fields.not (\"a\\\"b\")]<0.1>",
          "BODY[2.HEADER.FIELDS.NOT (\"a\\\"b\")]<0>+1");
    check("binary[1.2]<0.5>", "BINARY[1.2]<0>+5!");
    check("(binary.peek[] binary.size[3])", "BINARY[] BINARY.SIZE[3]");
    check("binary.size[3]<0.1>", "bad");
    check("binary[header]", "bad");
    check("body[mime]", "bad");
    check("body[0]", "bad");
    check("body[1.]", "bad");
    check("body[1.x]", "bad");
    check("body[header.fields]", "bad");
    check("body[header.fields ()]", "bad");
    check("body[header.fields (\"\")]", "bad");
    check("body[]<0.0>", "bad");
    check("body[]<1>", "bad");
    check("body[", "bad");
    check("body[99999]", "BODY[65535]!");
    check("body[4294967296]", "bad");
}

static void deep_section(void)
{
    char text[256] = "body[1", *at = text + strlen(text);

    for (int i = 1; i < IMAP_SECTION_DEPTH; i++)
        at = stpcpy(at, ".1");
    strcpy(at, "]");
    check("flags", "FLAGS");
    {
        struct imap_cursor c = imap_cursor_of(span_text(text), false, NULL, 0);

        CHECK(imap_fetch_parse(&c, false, &fetch) && !fetch.items[0].section.nowhere);
        strcpy(at, ".1]");
        c = imap_cursor_of(span_text(text), false, NULL, 0);
        CHECK(imap_fetch_parse(&c, false, &fetch) && fetch.items[0].section.nowhere);
    }
}

static void preview(void)
{
    check("preview", "PREVIEW");
    check("(preview (lazy) flags)", "PREVIEW~ FLAGS");
    check("preview (lazy)", "PREVIEW~");
    check("preview (changedsince 1)", "PREVIEW");
    CHECK(fetch.changed);
    check("(preview (hasty))", "bad");
}

static void modifiers(void)
{
    struct imap_cursor c;

    check("flags (changedsince 12345)", "FLAGS");
    CHECK(fetch.changed && fetch.changed_since == 12345 && !fetch.vanished);
    check("(flags) (vanished changedsince 1)", "FLAGS");
    CHECK(fetch.vanished);
    check("flags (vanished)", "bad");
    check("flags (changedsince)", "bad");
    check("flags ()", "bad");
    check("flags (foo 1)", "bad");
    check("flags (changedsince 1 changedsince 2)", "bad");
    c = imap_cursor_of(span_text("flags (changedsince 1 vanished)"), false, NULL, 0);
    CHECK(!imap_fetch_parse(&c, false, &fetch));
}

static void too_many(void)
{
    char text[IMAP_FETCH_ITEMS_MAX * 10 + 40], *at = stpcpy(text, "(body[1]");
    struct imap_cursor c;

    for (int i = 1; i < IMAP_FETCH_ITEMS_MAX; i++)
        at = stpcpy(at, " body[1]");
    strcpy(at, ")");
    c = imap_cursor_of(span_text(text), false, NULL, 0);
    CHECK(imap_fetch_parse(&c, false, &fetch) && fetch.count == IMAP_FETCH_ITEMS_MAX);
    strcpy(at, " flags)");
    c = imap_cursor_of(span_text(text), false, NULL, 0);
    CHECK(!imap_fetch_parse(&c, false, &fetch));
}

static void field_names(void)
{
    struct imap_cursor c =
        imap_cursor_of(span_text("body[header.fields (From \"To\")]"), false, NULL, 0);

    CHECK(imap_fetch_parse(&c, false, &fetch));
    CHECK(imap_section_names_field(&fetch.items[0].section, span_text("from")));
    CHECK(imap_section_names_field(&fetch.items[0].section, span_text("TO")));
    CHECK(!imap_section_names_field(&fetch.items[0].section, span_text("cc")));
}

static void check_write(void (*write)(struct writer *, struct span, bool), struct span text,
                        bool utf8, const char *expected)
{
    static uint8_t out[8192];
    struct writer w = writer_of(out, sizeof(out));

    write(&w, text, utf8);
    CHECK_TEXT(writer_span(&w), expected);
}

static void strings(void)
{
    check_write(imap_write_string, span_text("a b"), false, "\"a b\"");
    check_write(imap_write_string, span_text(""), false, "\"\"");
    check_write(imap_write_string, span_text("\"\\"), false, "\"\\\"\\\\\"");
    check_write(imap_write_string, span_text("a\r\n"), false, "{3}\r\na\r\n");
    check_write(imap_write_string, span_text("\xc3\xa4"), false, "{2}\r\n\xc3\xa4");
    check_write(imap_write_string, span_text("\xc3\xa4"), true, "\"\xc3\xa4\"");
    check_write(imap_write_string, span_text("\xc3"), true, "{1}\r\n\xc3");
    check_write(imap_write_string, span_of("a\0b", 3), false, "\"a?b\"");
    check_write(imap_write_string, span_of("\0\r", 2), false, "{2}\r\n?\r");
    check_write(imap_write_nstring, span_of(NULL, 0), false, "NIL");
    check_write(imap_write_nstring, span_text(""), false, "\"\"");
    check_write(imap_write_astring, span_text("a]"), false, "a]");
    check_write(imap_write_astring, span_text(""), false, "\"\"");
    check_write(imap_write_astring, span_text("NIL"), false, "\"NIL\"");
    check_write(imap_write_astring, span_text("a*"), false, "\"a*\"");
}

static void words(void)
{
    static uint8_t out[256];
    struct writer w = writer_of(out, sizeof(out));
    bool first = true;

    imap_write_flags(&w, IMAP_FLAG_SEEN | IMAP_FLAG_ANSWERED | IMAP_FLAG_RECENT, &first);
    imap_write_flag(&w, span_text("$x"), &first);
    CHECK_TEXT(writer_span(&w), "\\Answered \\Seen \\Recent $x");
    w = writer_of(out, sizeof(out));
    imap_write_date_time(&w, 837596665, -420);
    imap_write_date_time(&w, 0, 90);
    CHECK_TEXT(writer_span(&w), "\"17-Jul-1996 02:44:25 -0700\"\" 1-Jan-1970 01:30:00 +0130\"");
    w = writer_of(out, sizeof(out));
    imap_write_literal(&w, 5);
    imap_write_literal8(&w, 0);
    imap_write_quoted(&w, span_text("a\xc3\r\"b"));
    CHECK_TEXT(writer_span(&w), "{5}\r\n~{0}\r\n\"a??\\\"b\"");
}

int main(void)
{
    check_begin();
    CHECK_CASE(plain);
    CHECK_CASE(sections);
    CHECK_CASE(deep_section);
    CHECK_CASE(preview);
    CHECK_CASE(modifiers);
    CHECK_CASE(too_many);
    CHECK_CASE(field_names);
    CHECK_CASE(strings);
    CHECK_CASE(words);
    return check_end();
}
