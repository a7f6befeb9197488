/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/transfer/maildir_name.h"
#include "control/transfer/mbox_writer.h"
#include "tests/harness/check.h"

/* ---- what a reader says, as text ---- */

struct heard {
    struct span file;
    size_t len;
    char text[16384];
};

static bool hear(void *context, struct span bytes)
{
    struct heard *h = context;

    CHECK(bytes.len < sizeof(h->text) - h->len);
    memcpy(h->text + h->len, bytes.data, bytes.len);
    h->len += bytes.len;
    return true;
}

static bool hear_begin(void *context, const struct mbox_from *from)
{
    char line[512];
    int n = snprintf(line, sizeof(line), "[%.*s %llu]", (int)from->sender_len, from->sender,
                     (unsigned long long)from->date_ms / 1000);

    return hear(context, span_of(line, (size_t)n));
}

static bool hear_end(void *context, uint32_t flags)
{
    char line[16];
    int n = snprintf(line, sizeof(line), "[%u]", flags);

    return hear(context, span_of(line, (size_t)n));
}

static bool is_boundary(void *context, uint64_t offset)
{
    const struct heard *h = context;
    struct span rest = span_skip(h->file, (size_t)(offset < h->file.len ? offset : h->file.len));

    if (offset > h->file.len)
        return false;
    if (rest.len && rest.data[0] == '\n')
        rest = span_skip(rest, 1);
    return rest.len == 0 || span_equal(span_head(rest, 5), span_text("From "));
}

static bool read_cut(struct span file, enum mbox_format format, size_t cut, struct heard *h)
{
    struct mbox_events events = {
        .context = h, .begin = hear_begin, .bytes = hear, .end = hear_end, .boundary = is_boundary};
    static struct mbox_reader r;

    h->file = file;
    h->len = 0;
    mbox_reader_init(&r, format, &events);
    /* Each is called, whatever those before it said. */
    bool before = mbox_reader_feed(&r, span_head(file, cut));
    bool behind = mbox_reader_feed(&r, span_skip(file, cut));

    return mbox_reader_finish(&r) && before && behind;
}

/* In one piece, and cut in two at every point, and at the edges of memory. */
static void reads_as(const char *file, enum mbox_format format, const char *expected)
{
    static struct heard whole, cut;
    struct span text = span_text(file);

    CHECK(read_cut(text, format, text.len, &whole));
    CHECK_TEXT(span_of(whole.text, whole.len), expected);
    for (size_t at = 0; at <= text.len; at++) {
        read_cut(text, format, at, &cut);
        CHECK(span_equal(span_of(cut.text, cut.len), span_of(whole.text, whole.len)));
    }
    for (int end = 0; end < 2; end++) {
        struct span copy = guard_copy(text, end);

        CHECK(read_cut(copy, format, copy.len / 2, &cut));
        guard_free(copy);
    }
}

#define FROM "From a@b.test Thu Jan  1 00:01:00 1970\n"

static void messages_are_told_apart(void)
{
    reads_as("", MBOX_RD, "");
    reads_as(FROM "S: x\n\nbody\n\n" FROM "S: y\n\nmore\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nbody\r\n[0][a@b.test 60]S: y\r\n\r\nmore\r\n[0]");
    reads_as("\n" FROM "S: x\r\n\r\nbody\r\n\r\n", MBOX_RD, "[a@b.test 60]S: x\r\n\r\nbody\r\n[0]");
    /* No empty line between, no line end at the end. */
    reads_as(FROM "S: x\n\nbody\n" FROM "S: y\n\nmore", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nbody\r\n[0][a@b.test 60]S: y\r\n\r\nmore[0]");
    /* Nothing but a header, nothing but a body, nothing. */
    reads_as(FROM "S: x\n\n" FROM "\nbody\n\n" FROM "\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n[0][a@b.test 60]\r\nbody\r\n[0][a@b.test 60][0]");
    reads_as(FROM "S: x\n\n\n\n\nend\n\n\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\n\r\n\r\n\r\nend\r\n\r\n\r\n[0]");
}

static void a_line_that_only_looks_so_is_text(void)
{
    reads_as(FROM "S: x\n\nFrom here on\nFrom Thu Jan 1\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nFrom here on\r\nFrom Thu Jan 1\r\n[0]");
}

static void quoting_is_undone_where_it_can_be(void)
{
    reads_as(FROM "S: x\n\n>From me\n>>From you\n> From\n>Fro\n>\n>>>\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nFrom me\r\n>From you\r\n> From\r\n>Fro\r\n>\r\n>>>\r\n[0]");
    reads_as(FROM "S: x\n\n>From me\n>>From you\n\n", MBOX_O,
             "[a@b.test 60]S: x\r\n\r\n>From me\r\n>>From you\r\n[0]");
}

static void flags_stand_at_the_end_of_the_header(void)
{
    reads_as(FROM "S: x\nStatus: RO\nX-Status: AFTD\nX-Keywords: $Forwarded\n\nb\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nb\r\n[63]");
    reads_as(FROM "S: x\nX-Keywords: $Forwarded Work\n\nb\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\n\r\nb\r\n[96]");
    /* In the middle they are the message's, but are read. */
    reads_as(FROM "Status: R\nS: x\n\nb\n\n", MBOX_RD,
             "[a@b.test 60]Status: R\r\nS: x\r\n\r\nb\r\n[1]");
    /* A message that came with fields of that name: the last ones are the format's. */
    reads_as(FROM "X-Status: A\nStatus: R\nStatus: O\nX-Status: F\nX-Keywords: \n\nb\n\n", MBOX_RD,
             "[a@b.test 60]X-Status: A\r\nStatus: R\r\n\r\nb\r\n[4]");
    reads_as(FROM "Status: R\n\n" FROM "Status: RO\n", MBOX_RD, "[a@b.test 60][1][a@b.test 60][1]");
    reads_as(FROM "S: x\nStatus: R\n folded\n\nb\n\n", MBOX_RD,
             "[a@b.test 60]S: x\r\nStatus: R\r\n folded\r\n\r\nb\r\n[1]");
}

static void a_length_counts_where_it_fits(void)
{
    reads_as(FROM "Content-Length: 46\n\n" FROM "within\n\n" FROM "S: y\n\nz\n\n", MBOX_CL2,
             "[a@b.test 60]Content-Length: 46\r\n\r\n"
             "From a@b.test Thu Jan  1 00:01:00 1970\r\nwithin\r\n[0]"
             "[a@b.test 60]S: y\r\n\r\nz\r\n[0]");
    /* One that leads into the middle of something is not believed. */
    reads_as(FROM "Content-Length: 3\n\nbody\n\n" FROM "S: y\n\nz\n\n", MBOX_CL2,
             "[a@b.test 60]Content-Length: 3\r\n\r\nbody\r\n[0][a@b.test 60]S: y\r\n\r\nz\r\n[0]");
    reads_as(FROM "Content-Length: 999999999999999\n\nb\n\n", MBOX_CL2,
             "[a@b.test 60]Content-Length: 999999999999999\r\n\r\nb\r\n[0]");
    reads_as(FROM "Content-Length: 46\n\n" FROM "S: y\n\n", MBOX_RD,
             "[a@b.test 60]Content-Length: 46\r\n[0][a@b.test 60]S: y\r\n[0]");
}

static void no_mbox_is_refused(void)
{
    static struct heard h;

    CHECK(!read_cut(span_text("Subject: x\n\nbody\n"), MBOX_RD, 3, &h) && h.len == 0);
    CHECK(!read_cut(span_text("From nobody knows when\n"), MBOX_RD, 3, &h) && h.len == 0);
}

static uint64_t date_of(const char *line)
{
    struct mbox_from from;

    return mbox_from_parse(span_text(line), &from) ? from.date_ms : UINT64_MAX;
}

static void dates_of_from_lines(void)
{
    CHECK(date_of("From a Sat Feb 29 12:00:01 2020") == 1582977601000);
    CHECK(date_of("From a b c Sat Feb 29 12:00 2020") == 1582977600000);
    CHECK(date_of("From a Sat Feb 29 12:00:00 2020 +0100") == 1582974000000);
    CHECK(date_of("From a Sat Feb 29 12:00:00 CET 2020") == 1582977600000);
    CHECK(date_of("From a Sat Feb 29 12:00:00 -0130 2020") == 1582983000000);
    CHECK(date_of("From  Sat Feb 29 12:00:00 2020") == 1582977600000);
    CHECK(date_of("From a Wed Dec 31 23:59:59 1969") == 0);
    CHECK(date_of("From a Sat Feb 32 12:00:00 2020") == UINT64_MAX);
    CHECK(date_of("From a Sat Feb 29 24:00:00 2020") == UINT64_MAX);
    CHECK(date_of("From a Sat Feb 29 12:00:00:00 2020") == UINT64_MAX);
    CHECK(date_of("From a Sat Feb 29 12:00:00 2020 more words") == UINT64_MAX);
    CHECK(date_of("From a Sat Foo 29 12:00:00 2020") == UINT64_MAX);
    CHECK(date_of("from a Sat Feb 29 12:00:00 2020") == UINT64_MAX);
    CHECK(date_of("From ") == UINT64_MAX && date_of("") == UINT64_MAX);
}

/* ---- what a writer writes is read as the same ---- */

struct file {
    size_t len;
    char text[16384];
};

static bool to_file(void *context, struct span bytes)
{
    struct file *f = context;

    memcpy(f->text + f->len, bytes.data, bytes.len);
    f->len += bytes.len;
    return true;
}

static bool write_cut(const char *message, size_t cut, uint32_t flags, struct file *f)
{
    struct mbox_writer w = {.bytes = to_file, .context = f};
    struct mbox_from from = {.date_ms = 1582977601000, .sender_len = 3, .sender = "a@b"};

    f->len = 0;
    mbox_writer_begin(&w, &from, flags);
    mbox_writer_feed(&w, span_head(span_text(message), cut));
    mbox_writer_feed(&w, span_skip(span_text(message), cut));
    CHECK(mbox_writer_end(&w));
    return !w.changed;
}

static void what_is_written_is_read(void)
{
    static const char *const messages[] = {
        "",
        "\r\n",
        "S: x\r\n",
        "S: x\r\n\r\n",
        "S: x\r\n\r\n\r\n\r\n",
        "S: x\r\n\r\nFrom me\r\n>From you\r\n>>>>From all\r\n>\r\nFro\r\nFrom\r\nFrom \r\n",
        "From me\r\n>From you\r\n\r\nbody\r\n",
        "Status: R\r\nX-Status: A\r\n\r\nStatus: O\r\n",
        "X-Keywords: k\r\n\r\n\r\n",
        "S: x\r\n folded\r\n\r\nFrom a@b Thu Jan  1 00:01:00 1970\r\n\r\n",
        "\r\nno header\r\n",
    };
    static struct heard h;
    static struct file f, again;
    char expected[1024];

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        for (uint32_t flags = 0; flags < 64; flags += 7) {
            snprintf(expected, sizeof(expected), "[a@b 1582977601]%s[%u]", messages[i], flags);
            CHECK(write_cut(messages[i], 0, flags, &f));
            CHECK(read_cut(span_of(f.text, f.len), MBOX_RD, 0, &h));
            CHECK_TEXT(span_of(h.text, h.len), expected);
        }
        for (size_t cut = 0; cut <= strlen(messages[i]); cut++) {
            write_cut(messages[i], cut, 63, &again);
            CHECK(span_equal(span_of(f.text, f.len), span_of(again.text, again.len)));
        }
    }
    CHECK(!write_cut("S: x\r\n\r\nno end", 0, 0, &f) && !write_cut("a\nb\r\n", 0, 0, &f) &&
          !write_cut("a\rb\r\n", 0, 0, &f) && !write_cut("a\r", 0, 0, &f));
}

static void long_lines_go_through(void)
{
    static char text[9000], expected[9100];
    static struct heard h;
    static struct file f;

    for (size_t len = 1000; len < 1050; len++) {

        memset(text, '>', len);
        snprintf(text + len, 100, "From me\r\n");
        write_cut(text, 0, 0, &f);
        CHECK(read_cut(span_of(f.text, f.len), MBOX_RD, 7, &h));
        snprintf(expected, sizeof(expected), "[a@b 1582977601]%s[0]", text);
        CHECK_TEXT(span_of(h.text, h.len), expected);
    }
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 3] = '\r';
    text[sizeof(text) - 2] = '\n';
    write_cut(text, 0, 0, &f);
    CHECK(read_cut(span_of(f.text, f.len), MBOX_RD, 7, &h) && h.len > 9000);
}

static void names_in_a_maildir(void)
{
    struct maildir_name n = maildir_name_parse(span_text("1582977601.M5P6.host,S=12:2,FRS"));
    char text[16];
    struct writer w = writer_of(text, sizeof(text));

    CHECK(n.delivered == 1582977601 &&
          n.flags == (MAILDIR_FLAGGED | MAILDIR_REPLIED | MAILDIR_SEEN));
    n = maildir_name_parse(span_text("a:2,b:2,TaDx"));
    CHECK(n.delivered == 0 && n.flags == (MAILDIR_TRASHED | MAILDIR_DRAFT | MAILDIR_OTHERS));
    n = maildir_name_parse(span_text("a:2,Sac"));
    CHECK(n.flags == (MAILDIR_SEEN | MAILDIR_OTHERS));
    CHECK(maildir_name_parse(span_text("1:1,S")).flags == 0);
    CHECK(maildir_name_parse(span_text("123456789012.x")).delivered == 0);
    CHECK(maildir_name_parse(span_text("12345")).delivered == 0);
    CHECK(maildir_name_parse(span_text("")).flags == 0);
    CHECK(maildir_name_parse(span_text(":2,P")).flags == MAILDIR_PASSED);
    maildir_name_put_flags(&w, 63);
    CHECK_TEXT(writer_span(&w), ":2,DFPRST");
    for (size_t len = 0; len <= 12; len++) {
        struct span copy = guard_copy(span_head(span_text("12.a:2,FRSDx"), len), true);

        maildir_name_parse(copy);
        guard_free(copy);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(messages_are_told_apart);
    CHECK_CASE(a_line_that_only_looks_so_is_text);
    CHECK_CASE(quoting_is_undone_where_it_can_be);
    CHECK_CASE(flags_stand_at_the_end_of_the_header);
    CHECK_CASE(a_length_counts_where_it_fits);
    CHECK_CASE(no_mbox_is_refused);
    CHECK_CASE(dates_of_from_lines);
    CHECK_CASE(what_is_written_is_read);
    CHECK_CASE(long_lines_go_through);
    CHECK_CASE(names_in_a_maildir);
    return check_end();
}
