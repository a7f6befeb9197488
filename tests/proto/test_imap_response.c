/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/imap/imap_response.h"
#include "tests/harness/check.h"

#include <stdlib.h>

/* What a server says in, cut everywhere; all that is told out, as one text. */
enum { LOG = 4096 };

struct play {
    struct imap_response response;
    struct writer log;
    uint8_t buffer[IMAP_RESPONSE_WORD_MAX], log_bytes[LOG];
    bool broken;
};

static void begin(struct play *p, const struct imap_response_event *e)
{
    static const char *const status[] = {"", "=OK", "=NO", "=BAD", "=BYE", "=PREAUTH"};
    static const char *const form[] = {"*", "", "+"};

    writer_text(&p->log, form[e->form]);
    writer_span_put(&p->log, e->tag);
    if (e->numbered)
        writer_printf(&p->log, "#%llu", (unsigned long long)e->number);
    writer_text(&p->log, " ");
    writer_span_put(&p->log, e->name);
    writer_text(&p->log, status[e->status]);
}

static void put(struct play *p, const char *before, struct span text)
{
    writer_text(&p->log, before);
    writer_span_put(&p->log, text);
}

static bool act(struct play *p, const struct imap_response_event *e)
{
    switch (e->kind) {
    case IMAP_RESPONSE_MORE:
        return false;
    case IMAP_RESPONSE_BUFFER:
        CHECK(!p->response.buffer);
        imap_response_attach(&p->response, p->buffer);
        break;
    case IMAP_RESPONSE_BEGIN:
        begin(p, e);
        break;
    case IMAP_RESPONSE_CODE:
        put(p, "[", e->text);
        break;
    case IMAP_RESPONSE_CODE_END:
        put(p, "]", e->text);
        break;
    case IMAP_RESPONSE_WORD:
        put(p, " ", e->text);
        break;
    case IMAP_RESPONSE_OPEN:
        put(p, "(", e->text);
        break;
    case IMAP_RESPONSE_CLOSE:
        put(p, ")", e->text);
        break;
    case IMAP_RESPONSE_STRING:
        if (e->literal)
            writer_printf(&p->log, "%s{%llu}", e->literal8 ? "~" : "", (unsigned long long)e->size);
        put(p, "<", e->text);
        break;
    case IMAP_RESPONSE_BYTES:
    case IMAP_RESPONSE_TEXT:
        CHECK(e->text.len > 0);
        put(p, "", e->text);
        break;
    case IMAP_RESPONSE_STRING_END:
        put(p, ">", e->text);
        break;
    case IMAP_RESPONSE_END:
        put(p, "$", e->text);
        CHECK(imap_response_idle(&p->response));
        break;
    case IMAP_RESPONSE_BROKEN:
        put(p, "!", span_text(imap_response_fault_text(e->fault)));
        p->broken = true;
        return false;
    }
    return true;
}

static void feed(struct play *p, struct span in)
{
    struct span copy = guard_copy(in, true), at = copy;
    struct imap_response_event e;

    if (!p->broken)
        do
            imap_response_next(&p->response, &at, &e);
        while (act(p, &e));
    CHECK(p->broken || at.len == 0);
    guard_free(copy);
    if (imap_response_idle(&p->response))
        imap_response_take_back(&p->response);
}

static void start(struct play *p)
{
    p->broken = false;
    p->log = writer_of(p->log_bytes, LOG);
    imap_response_init(&p->response);
}

/* In pieces of every size, and in two of which the first has every size. */
static void check_play(const char *server, const char *expected)
{
    static struct play p;
    size_t len = strlen(server);

    for (size_t size = 1; size <= len; size++) {
        start(&p);
        for (struct span rest = span_text(server); rest.len; rest = span_skip(rest, size))
            feed(&p, span_head(rest, size));
        if (!CHECK_TEXT(writer_span(&p.log), expected))
            return;
        start(&p);
        feed(&p, span_head(span_text(server), size));
        feed(&p, span_skip(span_text(server), size));
        if (!CHECK_TEXT(writer_span(&p.log), expected))
            return;
    }
}

static void statuses_have_codes_and_texts(void)
{
    check_play("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready (now) \"x\r\n",
               "* OK=OK[CAPABILITY IMAP4rev1 AUTH=PLAIN]ready (now) \"x$");
    check_play("a1 ok done\r\nA2 NO [ALREADYEXISTS] x\r\n3 BAD\r\n* BYE [ALERT]\r\n",
               "a1 ok=OKdone$A2 NO=NO[ALREADYEXISTS]x$3 BAD=BAD$* BYE=BYE[ALERT]$");
    check_play("* OK [PERMANENTFLAGS (\\Seen \\*)] Limited\r\n* PREAUTH hi\r\n",
               "* OK=OK[PERMANENTFLAGS( \\Seen \\*)]Limited$* PREAUTH=PREAUTHhi$");
    check_play("b OK [INPROGRESS (\"t\\\"\" 1 2)] [x]\r\n", "b OK=OK[INPROGRESS(<t\"> 1 2)][x]$");
    check_play("b OK [COPYUID 1 2:3 {2}\r\n4]]\r\n", "b OK=OK[COPYUID 1 2:3{2}<4]>]$");
}

static void a_continuation_is_text(void)
{
    check_play("+ [x] go\r\n+ \r\n+\r\n+ dGVzdA==\r\n", "+ [x] go$+ $+ $+ dGVzdA==$");
}

static void data_is_told_by_token(void)
{
    check_play("* 23 EXISTS\r\n* SEARCH\r\n* SEARCH 2 84 882\r\n* VANISHED (EARLIER) 1:3,5\r\n",
               "*#23 EXISTS$* SEARCH$* SEARCH 2 84 882$* VANISHED( EARLIER) 1:3,5$");
    check_play("* LIST (\\HasNoChildren) \"/\" {3}\r\na\"b\r\n",
               "* LIST( \\HasNoChildren)</>{3}<a\"b>$");
    check_play("* STATUS INBOX (MESSAGES 231 UIDNEXT 44292)\r\n",
               "* STATUS INBOX( MESSAGES 231 UIDNEXT 44292)$");
}

static void messages_come_in_runs(void)
{
    check_play("* 1 FETCH (UID 7 FLAGS (\\Seen $Label1) BODY[] {7}\r\n(\r\n\"{1} X NIL)\r\n",
               "*#1 FETCH( UID 7 FLAGS( \\Seen $Label1) BODY[]{7}<(\r\n\"{1}> X NIL)$");
    check_play("* 1 FETCH (BODY[1.HEADER.FIELDS (To \"C\\\"]c\")]<0> \"a\\\\b\" BINARY[1] ~{0}\r\n)\r\n",
               "*#1 FETCH( BODY[1.HEADER.FIELDS (To \"C\\\"]c\")]<0><a\\b> BINARY[1]~{0}<>)$");
    check_play("* 9 FETCH (ENVELOPE (\"d\" NIL ((\"A\" NIL \"a\" \"b\"))))\r\na OK x\r\n",
               "*#9 FETCH( ENVELOPE(<d> NIL((<A> NIL<a><b>))))$a OK=OKx$");
}

static void what_is_not_the_protocol_ends_it(void)
{
    const char *head = "!a line that begins with no tag, * or +, or names no response";
    const char *open = "a quoted string, list, section or code that its line does not close";

    check_play("\r\n", head);
    check_play("a LIST\r\n", head);
    check_play("a PREAUTH x\r\n", head);
    check_play("+x y\r\n", head);
    check_play("*\r\n", head);
    check_play("* 12\r\n", head);
    check_play("**  x\r\n", head);
    check_play("x OK y\n", "x OK=OKy!a CR without LF, an LF without CR, or NUL in a line");
    check_play("* 1 EXISTS\rx", "*#1 EXISTS!a CR without LF, an LF without CR, or NUL in a line");
    for (const char *const *text = (const char *const[]){"* X \"\r\n", "* X (\r\n", "* X A[b\r\n",
                                                         "* OK [A\r\n", "* OK [A (]\r\n", NULL};
         *text; text++) {
        static struct play p;

        start(&p);
        feed(&p, span_text(*text));
        CHECK(p.broken);
        CHECK(p.log.len > strlen(open) &&
              span_equal(span_skip(writer_span(&p.log), p.log.len - strlen(open)),
                         span_text(open)));
    }
    check_play("* X {9223372036854775808}\r\n",
               "* X!a literal whose length is no number below 2^63");
    check_play("* X {}\r\n", "* X!a literal whose length is no number below 2^63");
    check_play("* X )\r\n", "* X!lists within lists beyond the limit, or a list that ends without "
                            "having begun");
    check_play("* X {3}x\r\n", "* X {3}x$"); /* a word like any other */
}

static void nul_ends_it(void)
{
    static const char text[] = "a OK x\0y\r\n";
    static struct play p;

    start(&p);
    feed(&p, span_of(text, sizeof(text) - 1));
    CHECK(p.broken);
    start(&p);
    feed(&p, span_of("* X {2}\r\n\0\r\r\n", 13));
    CHECK(!p.broken);
}

static void words_and_depth_have_limits(void)
{
    static char text[4096];
    static struct play p;

    for (size_t more = 0; more < 2; more++) {
        memset(text, 'x', sizeof(text));
        memcpy(text, "* X ", 4);
        memcpy(text + 4 + IMAP_RESPONSE_WORD_MAX + more, "\r\n", 2);
        for (size_t size = 1; size < 3000; size += 97) {
            start(&p);
            for (struct span rest = span_of(text, 6 + IMAP_RESPONSE_WORD_MAX + more); rest.len;
                 rest = span_skip(rest, size))
                feed(&p, span_head(rest, size));
            CHECK(p.broken == (more == 1));
        }
        memset(text + 4, '(', IMAP_RESPONSE_DEPTH + more);
        memset(text + 4 + IMAP_RESPONSE_DEPTH + more, ')', IMAP_RESPONSE_DEPTH + more);
        memcpy(text + 4 + 2 * (IMAP_RESPONSE_DEPTH + more), "\r\n", 2);
        start(&p);
        feed(&p, span_of(text, 6 + 2 * (IMAP_RESPONSE_DEPTH + more)));
        CHECK(p.broken == (more == 1));
    }
}

static void numbers_are_bounded(void)
{
    uint64_t n = 1;

    CHECK(imap_response_number(span_text("9223372036854775807"), &n) && n == INT64_MAX);
    CHECK(imap_response_number(span_text("0"), &n) && n == 0);
    CHECK(!imap_response_number(span_text("9223372036854775808"), &n));
    CHECK(!imap_response_number(span_text("1x"), &n));
    CHECK(!imap_response_number(span_text(""), &n));
}

int main(void)
{
    check_begin();
    CHECK_CASE(statuses_have_codes_and_texts);
    CHECK_CASE(a_continuation_is_text);
    CHECK_CASE(data_is_told_by_token);
    CHECK_CASE(messages_come_in_runs);
    CHECK_CASE(what_is_not_the_protocol_ends_it);
    CHECK_CASE(nul_ends_it);
    CHECK_CASE(words_and_depth_have_limits);
    CHECK_CASE(numbers_are_bounded);
    return check_end();
}
