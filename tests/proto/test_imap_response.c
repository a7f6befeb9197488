/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_response.h"
#include "tests/harness/check.h"

#include <stdio.h>

/* What a server sends, read wherever it is cut: the same events. */
enum { LIMIT = 80 };

struct play {
    struct imap_response reader;
    uint8_t buffer[LIMIT], memory[8192];
    struct writer log;
    const char *pass; /* data of this name is passed over */
    size_t gap;       /* where `missing` bytes are missing */
    uint64_t missing;
    const char *known; /* the tag of a command that was sent */
    bool in_text, held;
};

static void put_text(struct play *p, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '\n')
            writer_byte(&p->log, '/');
        else if (text.data[i] != '\r')
            writer_byte(&p->log, text.data[i]);
    }
}

static void put_status(struct play *p, const struct imap_response_event *e)
{
    writer_span_put(&p->log, e->tag);
    writer_printf(&p->log, ":%d", e->condition);
    if (e->code.data) {
        writer_text(&p->log, "[");
        writer_span_put(&p->log, e->code);
        writer_text(&p->log, "|");
        writer_span_put(&p->log, e->arguments);
        writer_text(&p->log, "]");
    }
    writer_text(&p->log, "<");
    writer_span_put(&p->log, e->text);
    writer_text(&p->log, e->cut ? "...>\n" : ">\n");
    if (p->known && span_equal(e->tag, span_text(p->known)))
        imap_response_found(&p->reader);
}

static void put(struct play *p, const struct imap_response_event *e)
{
    struct writer *w = &p->log;

    switch (e->kind) {
    case IMAP_RESPONSE_CONTINUE:
        writer_text(w, "+");
        __attribute__((fallthrough));
    case IMAP_RESPONSE_STATUS:
        put_status(p, e);
        break;
    case IMAP_RESPONSE_DATA:
        writer_span_put(w, e->name);
        if (e->numbered)
            writer_printf(w, "#%llu", (unsigned long long)e->number);
        if (p->pass && span_equal(e->name, span_text(p->pass)))
            imap_response_pass(&p->reader);
        break;
    case IMAP_RESPONSE_ATOM:
        writer_text(w, " ");
        put_text(p, e->text);
        if (e->cut)
            writer_text(w, "...");
        break;
    case IMAP_RESPONSE_STRING:
        writer_printf(w, " %s", e->literal8 ? "8" : "");
        if (e->literal)
            writer_printf(w, "%llu", (unsigned long long)e->size);
        writer_text(w, "'");
        break;
    case IMAP_RESPONSE_BYTES:
        put_text(p, e->text);
        break;
    case IMAP_RESPONSE_STRING_END:
        writer_text(w, "'");
        break;
    case IMAP_RESPONSE_OPEN:
        writer_printf(w, " (%d", e->depth);
        break;
    case IMAP_RESPONSE_CLOSE:
        writer_text(w, ")");
        break;
    case IMAP_RESPONSE_END:
        writer_text(w, ".\n");
        break;
    case IMAP_RESPONSE_BAD:
        writer_printf(w, "!%s\n", imap_response_fault_name(e->fault));
        break;
    default:
        CHECK(false);
    }
}

static void feed(struct play *p, struct span in)
{
    struct span copy = guard_copy(in, true), rest = copy;
    struct imap_response_event e;

    for (;;) {
        imap_response_next(&p->reader, &rest, &e);
        if (e.kind == IMAP_RESPONSE_MORE)
            break;
        if (e.kind != IMAP_RESPONSE_BUFFER) {
            put(p, &e);
            continue;
        }
        imap_response_attach(&p->reader, p->buffer);
        p->held = true;
    }
    CHECK(rest.len == 0);
    /* An idle reader has no buffer of ours. */
    if (imap_response_idle(&p->reader))
        CHECK(!p->reader.buffer || imap_response_take_back(&p->reader) == p->buffer);
    guard_free(copy);
}

/* In three pieces, cut there; and at the gap. */
static void feed_cut(struct play *p, struct span in, size_t first, size_t second)
{
    const size_t cuts[] = {first, second, in.len};
    size_t at = 0;

    for (int i = 0; i < 3; i++) {
        if (p->missing && at < p->gap && p->gap <= cuts[i]) {
            feed(p, span_head(span_skip(in, at), p->gap - at));
            (void)imap_response_gap(&p->reader, p->missing);
            at = p->gap;
        }
        feed(p, span_head(span_skip(in, at), cuts[i] - at));
        at = cuts[i];
    }
}

static bool same(struct play *p, const char *text, size_t first, size_t second, const char *events)
{
    imap_response_init(&p->reader, LIMIT);
    p->log = writer_of(p->memory, sizeof(p->memory));
    p->held = false;
    feed_cut(p, span_text(text), first, second);
    return CHECK_TEXT(writer_span(&p->log), events);
}

static void expect_play(struct play *p, const char *text, const char *events)
{
    size_t len = strlen(text);

    if (!same(p, text, len, len, events))
        return;
    CHECK(!p->held); /* what lies whole in the input is not copied */
    for (size_t first = 0; first <= len; first++)
        for (size_t n = 0; n < 4; n++) {
            size_t second = first + n < len ? first + n : len;

            if (!same(p, text, first, second, events))
                return;
        }
}

static void expect(const char *text, const char *events)
{
    static struct play p;

    memset(&p, 0, sizeof(p));
    expect_play(&p, text, events);
}

static void status_responses(void)
{
    expect(
        "* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n* PREAUTH hello\r\n* BYE\r\na1 OK\r\n"
        "a2 no [TRYCREATE]\r\na3 BAD [X \"a]b\" c] text {5}\r\n+ idling\r\n+\r\n+ [HINT x] go\r\n",
        "*:0[CAPABILITY|IMAP4rev1 IDLE]<[CAPABILITY IMAP4rev1 IDLE] ready>\n*:3<hello>\n*:4<>\n"
        "a1:0<>\na2:1[TRYCREATE|]<[TRYCREATE]>\n"
        "a3:2[X|\"a]b\" c]<[X \"a]b\" c] text {5}>\n++:0<idling>\n++:0<>\n"
        "++:0[HINT|x]<[HINT x] go>\n");
}

static void data_of_all_kinds(void)
{
    expect("* 23 EXISTS\r\n* SEARCH\r\n* SEARCH 1 2:3\r\n* FLAGS (\\Seen $Forwarded)\n"
           "* LIST (\\Noselect) \"/\" \"a \\\"b\\\\\"\r\n* STATUS foo[bar (MESSAGES 3)\r\n"
           "* LIST () NIL {5}\r\na\r\n)b\r\n\r\n",
           "EXISTS#23.\nSEARCH.\nSEARCH 1 2:3.\nFLAGS (0 \\Seen $Forwarded).\n"
           "LIST (0 \\Noselect) '/' 'a \"b\\'.\nSTATUS foo[bar (0 MESSAGES 3).\n"
           "LIST (0) NIL 5'a/)b'.\n");
}

static void fetches(void)
{
    expect("* 12 FETCH (UID 5 FLAGS () BODY[HEADER.FIELDS (From \"a]\\\"\" To)]<0> {8}\r\n"
           "a: b\r\n\r\n BODY[1.MIME] NIL BINARY[2] ~{3}\r\n)\r\n RFC822.TEXT \"\" X[] {0}\r\n)\r\n"
           "* 1 FETCH (ENVELOPE (NIL \"x\" ((\"a\" NIL \"b\" \"c\"))))\r\n",
           "FETCH#12 (0 UID 5 FLAGS (1) BODY[HEADER.FIELDS (From \"a]\\\"\" To)]<0> 8'a: b//' "
           "BODY[1.MIME] NIL BINARY[2] 83')/' RFC822.TEXT '' X[] 0'').\n"
           "FETCH#1 (0 ENVELOPE (1 NIL 'x' (2 (3 'a' NIL 'b' 'c')))).\n");
}

/* What is no response is told once, and what comes behind it is read. */
static void faults(void)
{
    expect(
        "what is this {3}\r\nabc then\r\n* 5\r\n*\r\n* 1 FETCH (a))\r\n* 1 FETCH (a\r\n"
        "* 1 FETCH (\"ab\r\n* 1 FETCH ({x} {3}\r\nab\n)\r\n* 1 FETCH (BODY[{3}\r\nab\n] \"x\")\r\n"
        "* 1 FETCH (BODY[A\r\n* 1 FETCH ({99999999999999999999}\r\na BYE\r\na PREAUTH\r\n"
        "* 1 FETCH ({1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1}\r\n* 1 FETCH (a {3} b)\r\n a\r\n* 2 "
        "X\r\n",
        "!head\n!head\n!head\nFETCH#1 (0 a)!unbalanced\nFETCH#1 (0 a!unbalanced\n"
        "FETCH#1 (0 'ab!quoted\nFETCH#1 (0!literal\nFETCH#1 (0!section\nFETCH#1 (0!section\n"
        "FETCH#1 (0!literal\n!head\n!head\nFETCH#1 (0!literal\nFETCH#1 (0 "
        "a!literal\n!head\nX#2.\n");
}

static void lists_are_nested_to_a_bound(void)
{
    static char text[2 * IMAP_RESPONSE_DEPTH + 64];
    static struct play p;
    char *at = text + sprintf(text, "* X ");

    memset(at, '(', IMAP_RESPONSE_DEPTH);
    memset(at + IMAP_RESPONSE_DEPTH, ')', IMAP_RESPONSE_DEPTH);
    strcpy(at + 2 * IMAP_RESPONSE_DEPTH, "\r\n* 1 Y\r\n");
    imap_response_init(&p.reader, LIMIT);
    p.log = writer_of(p.memory, sizeof(p.memory));
    feed(&p, span_text(text));
    CHECK_TEXT(span_skip(writer_span(&p.log), p.log.len - 9), ")).\nY#1.\n");
    at[IMAP_RESPONSE_DEPTH] = '(';
    imap_response_init(&p.reader, LIMIT);
    p.log = writer_of(p.memory, sizeof(p.memory));
    feed(&p, span_text(text));
    CHECK_TEXT(span_skip(writer_span(&p.log), p.log.len - 13), "!nested\nY#1.\n");
}

/* What is longer than the buffer is cut at the same place, whether it lay in the input or not. */
static void what_is_long_is_cut(void)
{
    char text[1000], events[1000];
    char x[200];
    struct play p = {0};

    memset(x, 'x', sizeof(x));
    x[100] = 0;
    snprintf(text, sizeof(text), "* OK %s\r\n* SEARCH %s\r\n%s\r\n* 1 X\r\n", x, x, x);
    snprintf(events, sizeof(events), "*:0<%.75s...>\nSEARCH %.80s....\n!head\nX#1.\n", x, x);
    imap_response_init(&p.reader, LIMIT);
    for (size_t cut = 0; cut <= strlen(text); cut++)
        if (!same(&p, text, cut, cut, events))
            return;
}

static void the_rest_is_passed_over(void)
{
    static struct play p;

    p = (struct play){.pass = "FETCH"};
    expect_play(&p,
                "* 1 FETCH (BODY[] {5}\r\nab\r\nc X ((\"}\" {2}\r\nab)))\r\n* FETCH\r\n* 1 X\r\n",
                "FETCH#1.\nFETCH.\nX#1.\n");
}

static void play_gap(const char *text, const char *where, uint64_t missing, const char *events)
{
    static struct play p;
    size_t at = (size_t)(strstr(text, where) - text);

    p = (struct play){.missing = missing, .gap = at, .known = "a"};
    for (size_t cut = 0; cut <= strlen(text); cut++)
        if (!same(&p, text, cut, cut, events))
            return;
}

/* Bytes that are missing within a literal do not end it; others do, until an answer is known. */
static void gaps(void)
{
    play_gap("* 1 FETCH (BODY[] {9}\r\nabHERE)\r\n* 2 X\r\n", "HERE", 3,
             "FETCH#1 (0 BODY[] 9'abHERE').\nX#2.\n");
    play_gap("* 1 FETCH (BODY[] {9}\r\nabc)\r\n* 2 X\r\n", ")", 6,
             "FETCH#1 (0 BODY[] 9'abc').\nX#2.\n");
    play_gap("* 1 FETCH (BODY[] {9}\r\nabHERE\r\n* 1 FETCH (X {9}\r\n* OK y\r\n+ x\r\nb OK no\r\n"
             "* 3 X\r\na OK yes\r\n* 2 X\r\n",
             "HERE", 30, "FETCH#1 (0 BODY[] 9'abb:0<no>\na:0<yes>\nX#2.\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(status_responses);
    CHECK_CASE(data_of_all_kinds);
    CHECK_CASE(fetches);
    CHECK_CASE(faults);
    CHECK_CASE(lists_are_nested_to_a_bound);
    CHECK_CASE(what_is_long_is_cut);
    CHECK_CASE(the_rest_is_passed_over);
    CHECK_CASE(gaps);
    return check_end();
}
