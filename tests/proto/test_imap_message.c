/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_address.h"
#include "proto/imap/imap_envelope.h"
#include "proto/imap/imap_extent.h"
#include "proto/imap/imap_structure.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

/* ENVELOPE, BODYSTRUCTURE and BODY[...] out of part trees. */

static uint8_t out[1 << 16];

static void put(struct writer *w, struct span s)
{
    if (s.data)
        writer_span_put(w, s);
    else
        writer_byte(w, '-');
}

/* "name/route/mailbox/host" of each; "group{" and "}". */
static void check_addresses(const char *text, const char *expected)
{
    static uint8_t scratch[512];
    struct span copy = guard_copy(span_text(text), true);
    struct imap_address_list list = imap_address_list_of(copy, scratch, sizeof(scratch));
    struct writer w = writer_of(out, sizeof(out));
    struct imap_address a;

    while (imap_address_next(&list, &a)) {
        if (a.kind == IMAP_ADDRESS_GROUP_END) {
            writer_text(&w, "} ");
            continue;
        }
        if (a.kind == IMAP_ADDRESS_GROUP) {
            put(&w, a.mailbox);
            writer_text(&w, "{ ");
            continue;
        }
        put(&w, a.name);
        writer_byte(&w, '/');
        put(&w, a.route);
        writer_byte(&w, '/');
        put(&w, a.mailbox);
        writer_byte(&w, '/');
        put(&w, a.host);
        writer_byte(&w, ' ');
    }
    if (!CHECK_TEXT(writer_span(&w), expected))
        check_that(false, __FILE__, __LINE__, text);
    guard_free(copy);
}

static void addresses(void)
{
    check_addresses("", "");
    check_addresses("joe@example.net", "-/-/joe/example.net ");
    check_addresses("Joe Q. Public <john.q.public@example.com>",
                    "Joe Q. Public/-/john.q.public/example.com ");
    check_addresses("\"Giant; \\\"Big\\\" Box\" <sysservices@example.net>, a@b ,, c@d",
                    "Giant; \"Big\" Box/-/sysservices/example.net -/-/a/b -/-/c/d ");
    check_addresses("a (comment (in it)) b <x@y> (who)", "a b/-/x/y ");
    check_addresses("x@y (Real \\(Name)", "Real (Name/-/x/y ");
    check_addresses("<x@y> (Real)", "Real/-/x/y ");
    check_addresses("=?utf-8?q?=C3=A4?= <x@y>", "=?utf-8?q?=C3=A4?=/-/x/y ");
    check_addresses("A Group:Ed <joe@where.test>,j@o;, z@z",
                    "A Group{ Ed/-/joe/where.test -/-/j/o } -/-/z/z ");
    check_addresses("Undisclosed recipients:;", "Undisclosed recipients{ } ");
    check_addresses("open: a@b", "open{ -/-/a/b } ");
    check_addresses("<@a,@b:x@y>", "-/@a,@b/x/y ");
    check_addresses("\"a b\"@c, x@[1.2.3.4]", "-/-/a b/c -/-/x/[1.2.3.4] ");
    check_addresses("a . b @ c . d", "-/-/a.b/c.d ");
}

static void broken_addresses(void)
{
    check_addresses("joe", "-/-/joe/MISSING_DOMAIN ");
    check_addresses("\"\" <a@b>", "-/-/a/b ");
    check_addresses("<>", "-/-/MISSING_MAILBOX/MISSING_DOMAIN ");
    check_addresses("@x", "-/-/MISSING_MAILBOX/x ");
    check_addresses("a@b <c@d", "a@b/-/c/d ");
    check_addresses("\"a", "-/-/a/MISSING_DOMAIN ");
    check_addresses("(a", "");
    check_addresses("<a@b> junk, c@d", "-/-/a/b -/-/c/d ");
    check_addresses(";;,a@b;", "-/-/a/b ");
    check_addresses(":a@b", "-/-/a/b ");
    check_addresses("a@b@c", "-/-/a/b@c ");
    check_addresses("x:y:z;", "x{ -/-/y:z/MISSING_DOMAIN } ");
}

static struct mime_tree_part root_of(struct span tree)
{
    struct mime_tree_read read;
    struct mime_tree_part part = {0};

    CHECK(mime_tree_read_init(&read, tree) && mime_tree_read_next(&read, &part) == MIME_TREE_NEXT);
    return part;
}

static void check_envelope(const char *prefix, const char *message, bool utf8, const char *expected)
{
    static uint8_t scratch[1024];
    struct writer w = writer_of(out, sizeof(out)), s = writer_of(scratch, sizeof(scratch));
    struct mime_tree_part part = root_of(mime_tree_of(span_text(message)));
    struct imap_envelope envelope;

    imap_envelope_read(&part, span_text(prefix), &s, &envelope);
    imap_envelope_put(&w, &envelope, utf8);
    CHECK_TEXT(writer_span(&w), expected);
    /* Whatever the room: a prefix of it, never beyond. */
    for (size_t cap = 0; cap < strlen(expected); cap++) {
        w = writer_of(out, cap);
        imap_envelope_put(&w, &envelope, utf8);
        CHECK(w.full && w.len <= cap);
    }
}

static void envelopes(void)
{
    check_envelope("", "\r\n", false, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    check_envelope("",
                   "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\nFrom: A B <a@x>\r\nSubject: \"an\r\n "
                   "other\"\r\nTo: b@y, c@z\r\nCc:\r\nSender:\r\nIn-Reply-To: <1@x>\r\nMessage-ID: "
                   "<2@x>\r\n\r\n",
                   false,
                   "(\"Mon, 7 Feb 1994 21:52:25 -0800\" \"\\\"an other\\\"\" ((\"A B\" NIL \"a\" "
                   "\"x\")) ((\"A B\" NIL \"a\" \"x\")) ((\"A B\" NIL \"a\" \"x\")) ((NIL NIL "
                   "\"b\" \"y\")(NIL NIL \"c\" \"z\")) NIL NIL \"<1@x>\" \"<2@x>\")");
    check_envelope(
        "", "Subject:\r\nFrom: a@x\r\nReply-To: r@x\r\nBcc: g: h@i;\r\n\r\n", false,
        "(NIL \"\" ((NIL NIL \"a\" \"x\")) ((NIL NIL \"a\" \"x\")) ((NIL NIL \"r\" "
        "\"x\")) NIL NIL ((NIL NIL \"g\" NIL)(NIL NIL \"h\" \"i\")(NIL NIL NIL NIL)) NIL "
        "NIL)");
    check_envelope(
        "", "Subject: a\t  b \r\n\tc\r\nFrom: \"x  y\" <z@z>\r\n\r\n", false,
        "(NIL \"a b c\" ((\"x y\" NIL \"z\" \"z\")) ((\"x y\" NIL \"z\" \"z\")) ((\"x y\" "
        "NIL \"z\" \"z\")) NIL NIL NIL NIL NIL)");
    check_envelope("", "Subject: \xc3\xa4\r\n\r\n", false,
                   "(NIL {2}\r\n\xc3\xa4 NIL NIL NIL NIL NIL NIL NIL NIL)");
    check_envelope("", "Subject: \xc3\xa4\r\n\r\n", true,
                   "(NIL \"\xc3\xa4\" NIL NIL NIL NIL NIL NIL NIL NIL)");
}

/* What a delivery puts before the message counts first. */
static void envelope_with_prefix(void)
{
    check_envelope("Return-Path: <x@y>\r\nSubject: [tag]\r\n\tmine\r\nX-Y: z\r\nSubject: no\r\n",
                   "Subject: yours\r\nMessage-ID: <1@x>\r\n\r\n", false,
                   "(NIL \"[tag] mine\" NIL NIL NIL NIL NIL NIL NIL \"<1@x>\")");
}

static void check_structure(const char *message, bool extended, const char *expected)
{
    struct writer w = writer_of(out, sizeof(out));
    struct span tree = mime_tree_of(span_text(message));

    CHECK(imap_structure_put(&w, tree, extended, false));
    CHECK_TEXT(writer_span(&w), expected);
    for (size_t cap = 0; cap < strlen(expected); cap++) {
        w = writer_of(out, cap);
        CHECK(imap_structure_put(&w, tree, extended, false) && w.full && w.len <= cap);
    }
    /* A tree that ends early is none, and never left. */
    for (size_t n = 0; n < tree.len; n++) {
        struct span copy = guard_copy(span_head(tree, n), true);

        w = writer_of(out, sizeof(out));
        CHECK(!imap_structure_put(&w, copy, extended, false));
        guard_free(copy);
    }
}

static void structures(void)
{
    check_structure("\r\nhello\r\n", false,
                    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 7 1)");
    check_structure("Content-Type: Text/HTML; charset=utf-8; x=\"a \\\"b\"\r\nContent-ID: <i@x>\r\n"
                    "Content-Description: d\r\nContent-Transfer-Encoding: BASE64\r\nContent-MD5: "
                    "m==\r\nContent-Language: en, de\r\nContent-Disposition: attachment; "
                    "filename=f\r\nContent-Location: l\r\n\r\nQUJD\r\n",
                    true,
                    "(\"Text\" \"HTML\" (\"charset\" \"utf-8\" \"x\" \"a \\\"b\") \"<i@x>\" \"d\" "
                    "\"BASE64\" 6 1 \"m==\" (\"attachment\" (\"filename\" \"f\")) (\"en\" \"de\") "
                    "\"l\")");
    /* Values in pieces (RFC 2231), in whatever order they stand; one that is missing ends them. */
    check_structure("Content-Type: a/b; n*1=er; n*0=long; m*0*=utf-8''%C3%B8; m*1=\"x y\"; "
                    "k*1=c; l*0=a; l*2=c\r\n\r\n",
                    false,
                    "(\"a\" \"b\" (\"n\" \"longer\" \"m*\" \"utf-8''%C3%B8x%20y\" \"k*1\" \"c\" "
                    "\"l\" \"a\" \"l*2\" \"c\") NIL NIL \"7bit\" 0)");
    check_structure("Content-Type: image/png\r\n\r\nabc", true,
                    "(\"image\" \"png\" NIL NIL NIL \"7bit\" 3 NIL NIL NIL NIL)");
}

static const char mixed[] = "From: u@x\r\n"
                            "Content-Type: multipart/mixed; boundary=b\r\n"
                            "\r\n"
                            "prologue\r\n"
                            "--b\r\n"
                            "Content-Type: text/x-own; charset=utf-8\r\n"
                            "\r\n"
                            "one\r\n"
                            "\r\n--b\r\n"
                            "Content-Type: message/rfc822\r\n"
                            "\r\n"
                            "Subject: inner\r\n"
                            "Content-Type: multipart/alternative; boundary=c\r\n"
                            "\r\n"
                            "--c\r\n"
                            "\r\n"
                            "two\r\n"
                            "\r\n--c--\r\n"
                            "\r\n--b\r\n"
                            "Content-Type: message/rfc822\r\n"
                            "\r\n"
                            "Subject: flat\r\n"
                            "\r\n"
                            "three\r\n"
                            "--b--\r\n"
                            "epilogue\r\n";

static void nested_structure(void)
{
    check_structure(
        mixed, false,
        "((\"text\" \"x-own\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 5 1)(\"message\" \"rfc822\" "
        "NIL NIL NIL \"7bit\" 88 (NIL \"inner\" NIL NIL NIL NIL NIL NIL NIL NIL) ((\"text\" "
        "\"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 1) \"alternative\") "
        "8)(\"message\" "
        "\"rfc822\" NIL NIL NIL \"7bit\" 22 (NIL \"flat\" NIL NIL NIL NIL NIL NIL NIL NIL) "
        "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 5 0) 2) \"mixed\")");
    check_structure("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
                    true,
                    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 1 0 NIL NIL "
                    "NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)");
}

/* What claims a structure and has none must not be told as one. */
static void structures_that_are_none(void)
{
    check_structure("Content-Type: multipart/mixed; boundary=b\r\n\r\nnothing\r\n", false,
                    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" 0 0) "
                    "\"mixed\")");
    check_structure("Content-Type: multipart/mixed\r\n\r\nnothing\r\n", false,
                    "(\"application\" \"octet-stream\" NIL NIL NIL \"7bit\" 9)");
}

/* The section's bytes of prefix and message; NULL: there is none. */
static void check_section(const char *prefix, const char *message, const char *name,
                          const char *expected)
{
    static char whole[4096];
    static uint8_t scratch[256];
    struct imap_cursor c = imap_cursor_of(span_text(name), false, scratch, sizeof(scratch));
    struct span tree = mime_tree_of(span_text(message)), bytes;
    struct writer w = writer_of(out, sizeof(out));
    struct imap_section section;
    struct imap_extent e;
    bool found;

    strcat(strcpy(whole, prefix), message);
    CHECK(imap_extent_size(tree, strlen(prefix)) == strlen(whole));
    if (!CHECK(*name == 0 || imap_section_parse(&c, false, &section)))
        return;
    if (*name == 0)
        section = (struct imap_section){0};
    found = imap_extent_find(tree, strlen(prefix), &section, &e);
    if (!CHECK(found == (expected != NULL)))
        check_that(false, __FILE__, __LINE__, name);
    if (!found || !expected || !CHECK(e.offset + e.len <= strlen(whole)))
        return;
    bytes = span_of(whole + e.offset, (size_t)e.len);
    if (section.kind == IMAP_SECTION_FIELDS || section.kind == IMAP_SECTION_FIELDS_NOT) {
        struct imap_fields f;

        imap_fields_init(&f, &section);
        imap_fields_feed(&f, bytes, &w);
        imap_fields_finish(&f, &w);
        bytes = writer_span(&w);
    }
    if (!CHECK_TEXT(bytes, expected))
        check_that(false, __FILE__, __LINE__, name);
}

static void sections(void)
{
    check_section("", mixed, "", mixed);
    check_section("", mixed, "header",
                  "From: u@x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n");
    check_section("", mixed, "text", strstr(mixed, "prologue"));
    check_section("", mixed, "1", "one\r\n");
    check_section("", mixed, "1.mime", "Content-Type: text/x-own; charset=utf-8\r\n\r\n");
    check_section("", mixed, "2.mime", "Content-Type: message/rfc822\r\n\r\n");
    check_section("", mixed, "2.header",
                  "Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n");
    check_section("", mixed, "2.header.fields (subject x)", "Subject: inner\r\n\r\n");
    check_section("", mixed, "2.text", "--c\r\n\r\ntwo\r\n\r\n--c--\r\n");
    check_section("", mixed, "2.1", "two\r\n");
    check_section("", mixed, "2.1.mime", "\r\n");
    check_section("", mixed, "3", "Subject: flat\r\n\r\nthree");
    check_section("", mixed, "3.1", "three");
    check_section("", mixed, "3.text", "three");
    check_section("", mixed, "3.1.mime", "Subject: flat\r\n\r\n");
    check_section("", mixed, "4", NULL);
    check_section("", mixed, "1.1", "one\r\n");
    check_section("", mixed, "1.header", NULL);
    check_section("", mixed, "3.1.text", NULL);
    check_section("", mixed, "3.1.1", NULL);
    check_section("", mixed, "3.2", NULL);
    check_section("", mixed, "1.2", NULL);
    check_section("", mixed, "1.1.1", NULL);
    check_section("", mixed, "2.1.1", "two\r\n");
}

static void sections_of_one_part(void)
{
    check_section("", "A: b\r\n\r\nx\r\n", "1", "x\r\n");
    check_section("", "A: b\r\n\r\nx\r\n", "1.mime", "A: b\r\n\r\n");
    check_section("", "A: b\r\n\r\nx\r\n", "2", NULL);
    check_section("", "A: b\r\n\r\nx\r\n", "1.1", NULL);
    check_section("", "A: b\r\n\r\nx\r\n", "1.header", NULL);
    check_section("", "\r\n", "text", "");
    check_section("", "A: b\r\n", "header.fields (a)", "A: b\r\n\r\n");
    check_section("", "A: b\r\n", "text", "");
}

static void sections_behind_a_prefix(void)
{
    check_section("P: q\r\n", mixed, "header.fields.not (content-type)",
                  "P: q\r\nFrom: u@x\r\n\r\n");
    check_section("P: q\r\n", "A: b\r\n\r\nx\r\n", "", "P: q\r\nA: b\r\n\r\nx\r\n");
    check_section("P: q\r\n", "A: b\r\n\r\nx\r\n", "header", "P: q\r\nA: b\r\n\r\n");
    check_section("P: q\r\n", "A: b\r\n\r\nx\r\n", "text", "x\r\n");
    check_section("P: q\r\n", mixed, "2.1", "two\r\n");
    check_section("P: q\r\n", mixed, "2.header.fields.not (subject)",
                  "Content-Type: multipart/alternative; boundary=c\r\n\r\n");
}

static void partial(void)
{
    struct imap_extent e = {.offset = 100, .len = 10};

    imap_extent_cut(&e, 2, 3);
    CHECK(e.offset == 102 && e.len == 3);
    imap_extent_cut(&e, 2, UINT64_MAX);
    CHECK(e.offset == 104 && e.len == 1);
    imap_extent_cut(&e, 2, 1);
    CHECK(e.len == 0);
}

/* However the header comes, the same fields are chosen of it. */
static void check_fields(const char *list, struct span header, const char *expected)
{
    static uint8_t scratch[600];
    struct imap_cursor c = imap_cursor_of(span_text(list), false, scratch, sizeof(scratch));
    struct imap_section section;

    if (!CHECK(imap_section_parse(&c, false, &section)))
        return;
    for (size_t cut = 0; cut <= header.len; cut++) {
        struct span first = guard_copy(span_head(header, cut), true),
                    second = guard_copy(span_skip(header, cut), true);
        struct writer w = writer_of(out, sizeof(out));
        struct imap_fields f, count;

        imap_fields_init(&f, &section);
        imap_fields_init(&count, &section);
        imap_fields_feed(&f, first, &w);
        imap_fields_feed(&f, second, &w);
        imap_fields_feed(&count, header, NULL);
        imap_fields_finish(&f, &w);
        imap_fields_finish(&count, NULL);
        guard_free(first);
        guard_free(second);
        if (!CHECK_TEXT(writer_span(&w), expected) || !CHECK(count.len == w.len && f.len == w.len))
            return;
    }
}

static void fields(void)
{
    struct span header =
        span_text("From x\r\nA: 1\r\nBc : 2\r\n\t3\r\n 4\r\nb: 5\r\nA:6\r\n\r\nA: 7\r\n");
    char longer[700], expected[700];

    check_fields("header.fields (a)", header, "A: 1\r\nA:6\r\n\r\n");
    check_fields("header.fields (\"BC\" x)", header, "Bc : 2\r\n\t3\r\n 4\r\n\r\n");
    check_fields("header.fields.not (bc a)", header, "From x\r\nb: 5\r\n\r\n");
    check_fields("header.fields (q)", header, "\r\n");
    check_fields("header.fields (a)", span_text(" x\r\nA: 1\n\nA: 2"), "A: 1\n\r\n");
    check_fields("header.fields.not (a)", span_text("b"), "b\r\n");
    memset(longer, 'x', 400);
    strcpy(longer + 400, ": 1\r\nA: 2\r\n");
    check_fields("header.fields (a)", span_text(longer), "A: 2\r\n\r\n");
    strcat(strcpy(expected, longer), "\r\n");
    check_fields("header.fields.not (b)", span_text(longer), expected);
}

int main(void)
{
    check_begin();
    CHECK_CASE(addresses);
    CHECK_CASE(broken_addresses);
    CHECK_CASE(envelopes);
    CHECK_CASE(envelope_with_prefix);
    CHECK_CASE(structures);
    CHECK_CASE(nested_structure);
    CHECK_CASE(structures_that_are_none);
    CHECK_CASE(sections);
    CHECK_CASE(sections_of_one_part);
    CHECK_CASE(sections_behind_a_prefix);
    CHECK_CASE(partial);
    CHECK_CASE(fields);
    return check_end();
}
