/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_reader.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

/* What a session would do: lends buffers as asked, accepts a message unless its command is refused.
 */
struct play {
    struct imap_reader reader;
    struct writer out;
    bool refuse;  /* messages */
    bool guarded; /* inputs lie before an unreadable page */
};

static const struct imap_reader_limits limits = {
    .line = 100, .literal = 20, .command = 120, .append = 30, .nonsync = 25};

static void put(struct play *p, const char *what, struct span bytes)
{
    writer_text(&p->out, what);
    writer_span_put(&p->out, bytes);
    writer_text(&p->out, "|");
}

static void lend(struct play *p)
{
    struct imap_reader *r = &p->reader;

    CHECK(r->wanted > r->size && r->wanted <= 512);
    free(imap_reader_attach(r, malloc(r->wanted), r->wanted));
}

static void tell(struct play *p, const struct imap_reader_event *e)
{
    struct imap_reader *r = &p->reader;

    switch (e->kind) {
    case IMAP_READER_CONTINUE:
        put(p, "+", span_of(NULL, 0));
        break;
    case IMAP_READER_COMMAND:
        put(p, e->command.uid ? "UID " : "", e->bytes);
        if (e->command.verb == IMAP_VERB_IDLE)
            imap_reader_expect_line(r);
        break;
    case IMAP_READER_LINE:
        put(p, "line ", e->bytes);
        break;
    case IMAP_READER_APPEND:
        put(p, "append ", e->bytes);
        writer_printf(&p->out, "%u%s%s|", (unsigned)e->size, e->sync ? " sync" : "",
                      e->literal8 ? " binary" : "");
        if (p->refuse)
            imap_reader_refuse(r);
        else
            imap_reader_accept(r);
        break;
    case IMAP_READER_DATA:
        CHECK(e->bytes.len > 0);
        writer_span_put(&p->out, e->bytes);
        break;
    case IMAP_READER_DATA_END:
        put(p, e->nul ? "<nul" : "<", span_of(NULL, 0));
        break;
    case IMAP_READER_APPEND_END:
        put(p, "end ", e->bytes);
        break;
    default:
        put(p, imap_refusal_name(e->refusal), span_of(NULL, 0));
        put(p, "to ", e->command.tag);
    }
}

static void feed(struct play *p, struct span in)
{
    struct span copy = guard_copy(in, p->guarded), at = copy;
    struct imap_reader_event e;

    do {
        imap_reader_next(&p->reader, &at, &e);
        if (e.kind == IMAP_READER_BUFFER)
            lend(p);
        else if (e.kind != IMAP_READER_MORE)
            tell(p, &e);
    } while (e.kind != IMAP_READER_MORE);
    CHECK(at.len == 0);
    guard_free(copy);
}

static struct span play(struct play *p, struct span in, size_t cut, void *memory, size_t size)
{
    imap_reader_init(&p->reader, &limits);
    p->out = writer_of(memory, size);
    feed(p, span_head(in, cut));
    feed(p, span_skip(in, cut));
    if (imap_reader_idle(&p->reader))
        writer_text(&p->out, "idle");
    free(p->reader.buffer);
    return writer_span(&p->out);
}

/* The same whole, cut anywhere, and byte by byte. */
static void check_in(struct span in, const char *expected, bool refuse)
{
    static uint8_t memory[4096];
    struct play p = {.refuse = refuse, .guarded = true};

    for (size_t cut = 0; cut <= in.len; cut++) {
        p.guarded = !p.guarded;
        if (!CHECK_TEXT(play(&p, in, cut, memory, sizeof(memory)), expected))
            return;
    }
    imap_reader_init(&p.reader, &limits);
    p.out = writer_of(memory, sizeof(memory));
    for (size_t i = 0; i < in.len; i++)
        feed(&p, span_of(in.data + i, 1));
    if (imap_reader_idle(&p.reader))
        writer_text(&p.out, "idle");
    free(p.reader.buffer);
    CHECK_TEXT(writer_span(&p.out), expected);
}

static void check(const char *in, const char *expected)
{
    check_in(span_text(in), expected, false);
}

static void lines(void)
{
    check("a1 NOOP\r\n", "a1 NOOP|idle");
    check("a1 NOOP\r\nb uid fetch 1:* (FLAGS)\r\nc", "a1 NOOP|UID b uid fetch 1:* (FLAGS)|");
    check("a1 idle\r\nDONE\r\na2 noop\r\n", "a1 idle|line DONE|a2 noop|idle");
    check("a1 idle\r\n{3}\r\na2 noop\r\n", "a1 idle|line {3}|a2 noop|idle");
    check("", "idle");
}

static void refused(void)
{
    check("\r\na noop\r\n", "tag|to |a noop|idle");
    check("+ noop\r\na noop\r\n", "tag|to |a noop|idle");
    check("a\r\na noop\r\n", "verb|to a|a noop|idle");
    check("a noodle x\r\na noop\r\n", "verb|to a|a noop|idle");
    check("a uid noop\r\n", "verb|to a|idle");
    check("a noop\nb noop\r\n", "bare_lf|to a|");
    check("a noop\rb noop\r\n", "bare_cr|to a|");
    check_in(span_of("a noop\0\r\nb noop\r\n", 17), "nul|to a|", false);
}

static void literals(void)
{
    check("a login {3}\r\njoe {4+}\r\np\r\nx\r\n", "+|a login {3}\r\njoe {4+}\r\np\r\nx|idle");
    check("a login {0}\r\n {0+}\r\n\r\nb noop\r\n", "+|a login {0}\r\n {0+}\r\n|b noop|idle");
    check("a select ~{3}\r\nabc\r\n", "+|a select ~{3}\r\nabc|idle");
    /* What a literal holds is no announcement with what follows it. */
    check("a login {3+}\r\nx{3}\r\nb noop\r\n", "a login {3+}\r\nx{3}|b noop|idle");
    check("a login {}\r\nb login {x}\r\n", "a login {}|b login {x}|idle");
    check_in(span_of("a login {3+}\r\nx\0y a\r\nb noop\r\n", 29), "literal_nul|to a|b noop|idle",
             false);
}

static void literals_refused(void)
{
    /* The client waits and does not send it. */
    check("a login {21}\r\nb noop\r\n", "literal_long|to a|b noop|idle");
    check("a noodle {3}\r\nb noop\r\n", "verb|to a|b noop|idle");
    /* It does not wait: the octets come, and the rest of the command. */
    check("a login {21+}\r\nb noop\r\n1234567890123 {5+}\r\n\r\n\r\nx\r\nb noop\r\n",
          "literal_long|to a|b noop|idle");
    check("a login {26+}\r\n12345678901234567890123456 {5}\r\nb noop\r\n",
          "literal_nonsync|to a|b noop|idle");
    check("a login {20+}\r\n12345678901234567890 {20+}\r\n12345678901234567890 {20+}\r\n"
          "12345678901234567890 {20+}\r\n12345678901234567890 x\r\nb noop\r\n",
          "command_long|to a|b noop|idle");
    check("a login {99999999999999999999999999}\r\nb noop\r\n", "literal_long|to a|b noop|idle");
    check("a login {9223372036854775808+}\r\nb noop\r\n", "literal_nonsync|to a|");
}

/* A line too long is passed over to its end, or to a literal that is announced there. */
static void long_line(void)
{
    const char *refused = "line_long|to a|b noop|idle";

    for (size_t n = 80; n < 130; n++) {
        char in[256], fits[256], *at = in;

        at += sprintf(at, "a id ");
        memset(at, 'x', n);
        at += n;
        sprintf(fits, "%.*s|b noop|idle", (int)(at - in), in);
        sprintf(at, "\r\nb noop\r\n");
        check(in, 5 + n + 2 <= limits.line ? fits : refused);
        if (5 + n + 7 <= limits.line)
            continue;
        sprintf(at, "{10+}\r\nb noop\r\nxx\r\nb noop\r\n");
        check(in, refused);
        sprintf(at, "~{10}\r\nb noop\r\n");
        if (5 + n + 6 > limits.line)
            check(in, refused);
    }
}

static void append(void)
{
    check("a append x {3}\r\nabc\r\nb noop\r\n",
          "append a append x {3}\r\n|3 sync|abc<|end |b noop|idle");
    check("a append {1+}\r\nx (\\Seen) {3+}\r\nabc\r\nb noop\r\n",
          "append a append {1+}\r\nx (\\Seen) {3+}\r\n|3|abc<|end |b noop|idle");
    check("a append x {0+}\r\n\r\nb noop\r\n", "append a append x {0+}\r\n|0|<|end |b noop|idle");
    check("a append x ~{1+}\r\na\r\n", "append a append x ~{1+}\r\n|1 binary|a<|end |idle");
    check("a append x utf8 (~{1+}\r\na)\r\n",
          "append a append x utf8 (~{1+}\r\n|1 binary|a<|end )|idle");
    check("a append x {1+}\r\na () {2}\r\nbc\r\nb noop\r\n",
          "append a append x {1+}\r\n|1|a<|append  () {2}\r\n|2 sync|bc<|end |b noop|idle");
}

static void append_refused(void)
{
    check("a append x {31}\r\nb noop\r\n", "append_long|to a|b noop|idle");
    check("a append x {26+}\r\n12345678901234567890123456\r\nb noop\r\n",
          "literal_nonsync|to a|b noop|idle");
    check_in(span_text("a append x {3}\r\nb noop\r\n"),
             "append a append x {3}\r\n|3 sync|b noop|idle", true);
    check_in(span_text("a append x {3+}\r\nabc {4+}\r\n\r\n\r\n\r\nb noop\r\n"),
             "append a append x {3+}\r\n|3|b noop|idle", true);
}

static void many_messages_are_no_long_line(void)
{
    char in[1024], expected[2048], *at = in, *e = expected;

    at += sprintf(at, "a append x {1+}\r\na");
    e += sprintf(e, "append a append x {1+}\r\n|1|a<|");
    for (int i = 0; i < 30; i++) {
        at += sprintf(at, " {1+}\r\na");
        e += sprintf(e, "append  {1+}\r\n|1|a<|");
    }
    sprintf(at, "\r\n");
    sprintf(e, "end |idle");
    check(in, expected);
}

static void nul_in_message(void)
{
    struct imap_reader r;
    struct imap_reader_event e;
    uint8_t buffer[512];
    struct span in = span_of("a append x {2+}\r\na\0\r\n", 21);

    imap_reader_init(&r, &limits);
    (void)imap_reader_attach(&r, buffer, sizeof(buffer));
    imap_reader_next(&r, &in, &e);
    imap_reader_accept(&r);
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_DATA && e.bytes.len == 2);
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_DATA_END && e.nul);
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_APPEND_END);
}

/* The buffer goes away with the command in it, and the reader asks for another. */
static void buffer_taken(void)
{
    struct imap_reader r;
    struct imap_reader_event e;
    uint8_t buffer[512];
    struct span in = span_text("a log");

    imap_reader_init(&r, &limits);
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_BUFFER && r.wanted == limits.command);
    CHECK(imap_reader_attach(&r, buffer, sizeof(buffer)) == NULL);
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_MORE && imap_reader_take_back(&r) == NULL);
    in = span_text("out\r\n");
    imap_reader_next(&r, &in, &e);
    CHECK(e.kind == IMAP_READER_COMMAND && imap_reader_take_back(&r) == buffer);
    CHECK_TEXT(e.bytes, "a logout");
    CHECK(imap_reader_idle(&r));
}

int main(void)
{
    check_begin();
    CHECK_CASE(lines);
    CHECK_CASE(refused);
    CHECK_CASE(literals);
    CHECK_CASE(literals_refused);
    CHECK_CASE(long_line);
    CHECK_CASE(append);
    CHECK_CASE(append_refused);
    CHECK_CASE(many_messages_are_no_long_line);
    CHECK_CASE(nul_in_message);
    CHECK_CASE(buffer_taken);
    return check_end();
}
