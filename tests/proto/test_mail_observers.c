/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/loose_line.h"
#include "proto/base/writer.h"
#include "proto/detect/detect.h"
#include "proto/imap/imap_observer.h"
#include "proto/pop3/pop3_observer.h"
#include "tests/harness/check.h"

#include <stdio.h>

/* Whoever listens to POP3, IMAP and TLS: the same events wherever the bytes are cut. */
struct said {
    char side;
    const char *text;
};

struct play {
    union {
        struct pop3_observer pop3;
        struct imap_observer imap;
    };
    bool is_imap;
    uint8_t line[2][4096];
    bool in_text;
    uint8_t memory[8192];
    struct writer log;
};

static void begin(struct play *p, bool imap)
{
    p->is_imap = imap;
    p->in_text = false;
    p->log = writer_of(p->memory, sizeof(p->memory));
    if (imap)
        imap_observer_init(&p->imap, false);
    else
        pop3_observer_init(&p->pop3, false);
}

static void put(struct play *p, const char *name, struct span a, struct span b, int good)
{
    if (p->in_text)
        writer_text(&p->log, "]\n");
    p->in_text = false;
    writer_printf(&p->log, "%s %.*s|%.*s%s\n", name, (int)a.len, (const char *)a.data, (int)b.len,
                  (const char *)b.data,
                  good == 1   ? " good"
                  : good == 0 ? " bad"
                              : "");
}

static void put_text(struct play *p, struct span text)
{
    if (!p->in_text)
        writer_text(&p->log, "[");
    p->in_text = true;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] != '\r')
            writer_byte(&p->log, text.data[i] == '\n' ? '/' : text.data[i]);
}

static void say_pop3(struct play *p, bool client, struct span in)
{
    struct pop3_observed e;

    for (;;) {
        if (client)
            pop3_observer_client(&p->pop3, &in, &e);
        else
            pop3_observer_server(&p->pop3, &in, &e);
        switch (e.kind) {
        case POP3_OBSERVED_MORE:
            return;
        case POP3_OBSERVED_BUFFER:
            pop3_observer_attach(&p->pop3, client, p->line[client]);
            break;
        case POP3_OBSERVED_GREETING:
            put(p, "greeting", e.text, e.name, e.good);
            break;
        case POP3_OBSERVED_COMMAND:
            put(p, "command", e.name, span_head(e.text, e.secret), -1);
            break;
        case POP3_OBSERVED_ANSWER:
            put(p, "answer", e.name, e.text, e.good);
            break;
        case POP3_OBSERVED_LOGIN:
            put(p, "login", e.name, e.text, e.good);
            break;
        case POP3_OBSERVED_BEGIN:
            put(p, e.partly ? "top" : "message", span_of("", 0), span_of("", 0), -1);
            break;
        case POP3_OBSERVED_TEXT:
            put_text(p, e.text);
            break;
        case POP3_OBSERVED_END:
            put(p, "end", span_of("", 0), span_of("", 0), -1);
            break;
        case POP3_OBSERVED_STARTTLS:
            put(p, "starttls", span_of("", 0), span_of("", 0), -1);
            break;
        }
    }
}

/* Of messages, what is known of them. */
static void put_message(struct play *p, const struct imap_observed *e)
{
    char text[128];
    struct writer w = writer_of(text, sizeof(text));

    switch (e->kind) {
    case IMAP_OBSERVED_SELECTED:
        writer_printf(&w, "validity %u", e->uidvalidity);
        put(p, "selected", e->text, writer_span(&w), -1);
        break;
    case IMAP_OBSERVED_BEGIN:
        if (e->appended)
            writer_printf(&w, "%llu octets", (unsigned long long)e->size);
        else
            writer_printf(&w, "%u uid %u piece %d%s at %llu of %llu", e->number, e->uid, e->piece,
                          e->partial ? " partial" : "", (unsigned long long)e->origin,
                          (unsigned long long)e->wanted);
        put(p, e->appended ? "append" : "fetch", e->text, writer_span(&w), -1);
        break;
    case IMAP_OBSERVED_TEXT:
        put_text(p, e->text);
        break;
    case IMAP_OBSERVED_END:
        put(p, "end", span_of("", 0), span_of("", 0), -1);
        break;
    case IMAP_OBSERVED_FETCHED:
        writer_printf(&w, "%u uid %u size %llu", e->number, e->uid, (unsigned long long)e->size);
        put(p, "fetched", writer_span(&w), span_of("", 0), -1);
        break;
    case IMAP_OBSERVED_APPENDED:
        writer_printf(&w, "validity %u uid %u", e->uidvalidity, e->uid);
        put(p, "appended", e->text, writer_span(&w), e->good);
        break;
    case IMAP_OBSERVED_RENUMBERED:
        put(p, "renumbered", span_of("", 0), span_of("", 0), -1);
        break;
    default:
        CHECK(e->kind == IMAP_OBSERVED_FAULT);
        put(p, "fault", span_text(imap_observed_fault_name(e->fault)), span_of("", 0), -1);
    }
}

static void say_imap(struct play *p, bool client, struct span in)
{
    struct imap_observed e;

    for (;;) {
        imap_observer_feed(&p->imap, client, &in, &e);
        switch (e.kind) {
        case IMAP_OBSERVED_MORE:
            CHECK(in.len == 0 || p->imap.over);
            return;
        case IMAP_OBSERVED_BUFFER:
            imap_observer_attach(&p->imap, client, p->line[client]);
            break;
        case IMAP_OBSERVED_GREETING:
            put(p, "greeting", e.name, e.text, -1);
            break;
        case IMAP_OBSERVED_COMMAND:
            put(p, "command", e.name, span_head(e.text, e.secret), -1);
            break;
        case IMAP_OBSERVED_ANSWER:
            put(p, "answer", e.tag, e.name, e.good);
            break;
        case IMAP_OBSERVED_LOGIN:
            put(p, "login", e.name, e.text, e.good);
            break;
        case IMAP_OBSERVED_STARTTLS:
            put(p, "starttls", span_of("", 0), span_of("", 0), -1);
            break;
        case IMAP_OBSERVED_COMPRESS:
            put(p, "compress", span_of("", 0), span_of("", 0), -1);
            break;
        default:
            put_message(p, &e);
            break;
        }
    }
}

static void say(struct play *p, const struct said *s, size_t from, size_t to)
{
    struct span copy = guard_copy(span_of(s->text + from, to - from), true);

    if (p->is_imap)
        say_imap(p, s->side == 'C', copy);
    else
        say_pop3(p, s->side == 'C', copy);
    guard_free(copy);
}

static void expect(bool imap, const struct said *said, size_t count, const char *events)
{
    static struct play p;

    for (size_t k = 0; k < count; k++)
        for (size_t cut = 0; cut <= strlen(said[k].text); cut++) {
            begin(&p, imap);
            for (size_t i = 0; i < count; i++) {
                size_t len = strlen(said[i].text);

                say(&p, &said[i], 0, i == k ? cut : len);
                say(&p, &said[i], i == k ? cut : len, len);
            }
            if (!CHECK_TEXT(writer_span(&p.log), events))
                return;
        }
}

#define EXPECT(imap, events, ...)                                                                  \
    do {                                                                                           \
        const struct said said[] = {__VA_ARGS__};                                                  \
        expect(imap, said, sizeof(said) / sizeof(said[0]), events);                                \
    } while (0)

static void pop3_messages(void)
{
    EXPECT(false,
           "greeting hello| good\n"
           "command USER|USER bob\nanswer USER| good\n"
           "command PASS|PASS \nanswer PASS|in good\nlogin USER|bob good\n"
           "command LIST|LIST\ncommand RETR|RETR 1\ncommand TOP|TOP 2 0\ncommand RETR|RETR 9\n"
           "answer LIST| good\nanswer RETR|5 octets good\nmessage |\n[a: b//.c/]\nend |\n"
           "answer TOP| good\ntop |\n[a: b//]\nend |\nanswer RETR|no bad\n"
           "command STLS|STLS\nanswer STLS| good\nstarttls |\n",
           {'S', "+OK hello\r\n"}, {'C', "USER bob\r\n"}, {'S', "+OK\r\n"},
           {'C', "PASS secret word\r\n"}, {'S', "+OK in\r\n"},
           {'C', "LIST\r\nRETR 1\r\nTOP 2 0\r\nRETR 9\r\n"},
           {'S',
            "+OK\r\n1 5\r\n.\r\n+OK 5 octets\r\na: b\r\n\r\n..c\r\n.\r\n+OK\r\na: b\r\n\r\n.\r\n"
            "-ERR no\r\n"},
           {'C', "STLS\r\n"}, {'S', "+OK\r\n"});
}

static void pop3_logins(void)
{
    EXPECT(false,
           "greeting | good\ncommand AUTH|AUTH PLAIN \nanswer AUTH| bad\ncommand AUTH|\n"
           "answer AUTH| good\nlogin PLAIN|tim good\n"
           "command APOP|APOP ann \nanswer APOP| bad\nlogin APOP|ann bad\n",
           {'S', "+OK\r\n"}, {'C', "AUTH PLAIN \r\n"}, {'S', "+ \r\n"},
           {'C', "AHRpbQBzZXNhbWUA\r\n"}, {'S', "+OK\r\n"}, {'C', "APOP ann c4c9334b\r\n"},
           {'S', "-ERR\r\n"});
}

/* A capture without the greeting, or without an answer, does not take a secret for a command. */
static void pop3_without_a_greeting(void)
{
    EXPECT(false,
           "command CAPA|CAPA\nanswer LIST| good\ncommand AUTH|AUTH PLAIN\nanswer AUTH| bad\n"
           "command AUTH|\nanswer AUTH| good\nlogin PLAIN|tim good\ncommand ?|\nanswer ?| bad\n",
           {'C', "CAPA\r\n"}, {'S', "+OK\r\nUIDL\r\n.\r\n"}, {'C', "AUTH PLAIN\r\n"},
           {'S', "+ \r\n"}, {'C', "AHRpbQBzZXNhbWUA\r\n"}, {'S', "+OK\r\n"},
           {'C', "AHRpbQBzZXNhbWUA\r\n"}, {'S', "-ERR\r\n"});
}

static void imap_lines(void)
{
    EXPECT(true,
           "greeting OK|ready\ncommand LOGIN|a1 LOGIN \nanswer a1|OK good\nlogin LOGIN|bob good\n"
           "command FETCH|a2 FETCH 1 BODY[]\nfetch |1 uid 0 piece 0 at 0 of 0\n[x: y//]\nend |\n"
           "fetched 1 uid 0 size 0|\nanswer a2|OK good\n"
           "command STARTTLS|a3 STARTTLS\nanswer a3|OK good\nstarttls |\n",
           {'S', "* OK ready\r\n"}, {'C', "a1 LOGIN \"bob\" secret\r\n"}, {'S', "a1 OK in\r\n"},
           {'C', "a2 FETCH 1 BODY[]\r\n"},
           {'S', "* 1 FETCH (BODY[] {8}\r\nx: y\r\n\r\n)\r\na2 OK done\r\n"},
           {'C', "a3 STARTTLS\r\n"}, {'S', "a3 OK\r\n"});
}

static void imap_literals_and_exchanges(void)
{
    EXPECT(true,
           "greeting OK|\ncommand LOGIN|a LOGIN \nanswer a|NO bad\nlogin LOGIN|bob bad\n"
           "command AUTHENTICATE|b AUTHENTICATE PLAIN\ncommand AUTHENTICATE|\n"
           "answer b|OK good\nlogin PLAIN|tim good\n"
           "command COMPRESS|c COMPRESS DEFLATE\nanswer c|OK good\ncompress |\n",
           {'S', "* OK\r\n"}, {'C', "a LOGIN {3+}\r\nbob {6}\r\n"}, {'S', "+ go\r\n"},
           {'C', "secret\r\n"}, {'S', "a NO\r\n"}, {'C', "b AUTHENTICATE PLAIN\r\n"},
           {'S', "+ \r\n"}, {'C', "AHRpbQBzZXNhbWUA\r\n"}, {'S', "b OK\r\n"},
           {'C', "c COMPRESS DEFLATE\r\n"}, {'S', "c OK\r\n"});
}

static void imap_lines_that_are_no_commands(void)
{
    EXPECT(true, "greeting OK|\ncommand ?|\ncommand ?|\ncommand NOOP|c NOOP\n", {'S', "* OK\r\n"},
           {'C', "AHRpbQBzZXNhbWUA\r\n"}, {'C', "open sesame\r\n"}, {'C', "c NOOP\r\n"});
}

static void imap_appended_messages(void)
{
    EXPECT(
        true,
        "greeting OK|\ncommand APPEND|a APPEND \"S t\" {5}\nappend S t|5 octets\n[a: b/]\nend |\n"
        "answer a|OK good\nappended OK [APPENDUID 7 9] in|validity 7 uid 9 good\n"
        "command APPEND|b APPEND {4+}\nappend Sent|3 octets\n[abc]\nend |\n"
        "append Sent|0 octets\nend |\nappend Sent|4 octets\n[{3}/]\nend |\n"
        "answer b|OK good\nappended OK [APPENDUID 7 10:12] in|validity 7 uid 10 good\n"
        "command APPEND|c APPEND x {9}\nanswer c|NO bad\nappended NO [TOOBIG] no|validity 0 uid 0 "
        "bad\n"
        "command NOOP|d NOOP\nanswer d|OK good\n"
        "command APPEND|e APPEND x CATENATE (TEXT {3+}\nfault catenate|\nanswer e|OK good\n"
        "appended OK|validity 0 uid 0 good\n",
        {'S', "* OK\r\n"}, {'C', "a APPEND \"S t\" {5}\r\n"}, {'S', "+ go\r\n"},
        {'C', "a: b\n\r\n"}, {'S', "a OK [APPENDUID 7 9] in\r\n"},
        {'C', "b APPEND {4+}\r\nSent (\\Seen) {3+}\r\nabc \"1-Jan-2026 00:00:00 +0000\" {0+}\r\n"
              " UTF8 (~{4+}\r\n{3}\n)\r\n"},
        {'S', "b OK [APPENDUID 7 10:12] in\r\n"}, {'C', "c APPEND x {9}\r\n"},
        {'S', "c NO [TOOBIG] no\r\n"}, {'C', "d NOOP\r\n"}, {'S', "d OK\r\n"},
        {'C', "e APPEND x CATENATE (TEXT {3+}\r\nabc)\r\n"}, {'S', "e OK\r\n"});
}

static void imap_fetched_messages(void)
{
    EXPECT(
        true,
        "greeting OK|\ncommand SELECT|a SELECT {5}\nanswer a|OK good\nselected A \"\\b|validity 7\n"
        "command UID FETCH|b UID FETCH 1:2 (BODY.PEEK[]<9.5>)\n"
        "command UID FETCH|c UID FETCH 3 (RFC822.SIZE BODY[HEADER])\n"
        "fetch |1 uid 0 piece 0 partial at 9 of 5\n[abc]\nend |\nfetched 1 uid 4 size 12|\n"
        "answer b|OK good\n"
        "fetch |2 uid 5 piece 1 at 0 of 0\n[a\"b]\nend |\nfetch |2 uid 5 piece 2 at 0 of 0\nend |\n"
        "fetch |2 uid 5 piece 3 at 0 of 0\n[x]\nend |\nfetched 2 uid 5 size 0|\n"
        "renumbered |\nanswer c|OK good\n"
        "command CLOSE|d CLOSE\nanswer d|OK good\nselected |validity 0\n",
        {'S', "* OK\r\n"}, {'C', "a SELECT {5}\r\n"}, {'S', "+\r\n"}, {'C', "A \"\\b\r\n"},
        {'S', "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\na OK [READ-WRITE]\r\n"},
        {'C', "b UID FETCH 1:2 (BODY.PEEK[]<9.5>)\r\nc UID FETCH 3 (RFC822.SIZE BODY[HEADER])\r\n"},
        {'S', "* 1 FETCH (FLAGS (\\Seen) BODY[]<9> {3}\r\nabc RFC822.SIZE 12 UID 4)\r\nb OK\r\n"
              "* 2 FETCH (UID 5 ENVELOPE (NIL \"BODY[]\") BODY[HEADER] \"a\\\"b\" RFC822.TEXT \"\""
              " BODY[1.2] ~{1}\r\nx BODY[3] NIL)\r\n* 1 EXPUNGE\r\nc OK\r\n"},
        {'C', "d CLOSE\r\n"}, {'S', "d OK\r\n"});
}

/* Refused literals, IDLE, faults: what the client says next is a command again. */
static void imap_odd_sessions(void)
{
    EXPECT(true,
           "greeting PREAUTH|hi\ncommand IDLE|a IDLE\ncommand DONE|DONE\nanswer a|OK good\n"
           "fault response_head|\nanswer x|OK good\nfault answer_unasked|\n"
           "command SELECT|b SELECT {3}\nanswer b|BAD bad\nselected |validity 0\n"
           "command EXAMINE|c EXAMINE z\nanswer c|NO bad\nselected |validity 0\n",
           {'S', "* PREAUTH hi\r\n"}, {'C', "a IDLE\r\n"}, {'S', "+ idling\r\n* 4 EXISTS\r\n"},
           {'C', "DONE\r\n"}, {'S', "a OK\r\nwhat\r\nx OK\r\n"}, {'C', "b SELECT {3}\r\n"},
           {'S', "b BAD\r\n"}, {'C', "c EXAMINE z\r\n"}, {'S', "c NO\r\n"});
}

/* ---- lines ---- */

static void check_line(const char *text, size_t cut, const char *line, bool lf, bool inner,
                       bool long_)
{
    struct loose_line l;
    uint8_t buffer[8];
    struct span in = span_head(span_text(text), cut), got = {0};
    enum loose_status status;

    loose_line_init(&l, sizeof(buffer));
    status = loose_line_feed(&l, &in, &got);
    while (status != LOOSE_LINE) {
        if (status == LOOSE_BUFFER)
            loose_line_attach(&l, buffer);
        else
            in = span_skip(span_text(text), cut);
        status = loose_line_feed(&l, &in, &got);
    }
    CHECK_TEXT(got, line);
    CHECK(l.bare_lf == lf && l.inner == inner && l.cut == long_);
}

static void lines_are_taken_as_they_come(void)
{
    for (size_t cut = 0; cut < 6; cut++) {
        check_line("abcd\r\nx", cut, "abcd", false, false, false);
        check_line("abcdef\nx", cut, "abcdef", true, false, false);
        check_line("ab\rcd\r\n", cut, "ab\rcd", false, true, false);
        check_line("abcdefghijk\r\n", cut, "abcdefgh", false, false, true);
    }
}

/* A buffer is given back behind a line whose CR and LF came apart: nothing of it is left. */
static void a_buffer_given_back_leaves_nothing(void)
{
    const char *pieces[] = {"DATA", "\r", "\n", "QUIT\r\n"};
    struct loose_line l;
    uint8_t buffer[8];
    struct span in, got = {0};

    loose_line_init(&l, sizeof(buffer));
    for (size_t i = 0; i < 4; i++) {
        in = span_text(pieces[i]);
        if (loose_line_feed(&l, &in, &got) == LOOSE_BUFFER) {
            loose_line_attach(&l, buffer);
            loose_line_feed(&l, &in, &got);
        }
        if (i == 2)
            CHECK_TEXT(got, "DATA");
        CHECK((loose_line_take_back(&l) == buffer) == (i == 2));
    }
    CHECK_TEXT(got, "QUIT");
    CHECK(!l.inner && !l.bare_lf);
    /* A CR alone is not lost by it. */
    loose_line_init(&l, sizeof(buffer));
    in = span_text("\r");
    loose_line_attach(&l, buffer);
    loose_line_feed(&l, &in, &got);
    CHECK(loose_line_take_back(&l) == buffer);
    in = span_text("x\r\n");
    CHECK(loose_line_feed(&l, &in, &got) == LOOSE_BUFFER);
    loose_line_attach(&l, buffer);
    CHECK(loose_line_feed(&l, &in, &got) == LOOSE_LINE);
    CHECK_TEXT(got, "\rx");
}

/* ---- recognising ---- */

static enum detect_protocol of(const char *client, const char *server)
{
    return detect(span_text(client), span_text(server));
}

static void protocols_are_recognised_by_what_they_say(void)
{
    CHECK(of("", "220 mx.example ESMTP Postfix\r\n") == DETECT_SMTP);
    CHECK(of("", "220 mx.example\r\n") == DETECT_UNDECIDED);
    CHECK(of("QUIT\r\n", "220 mx.example\r\n") == DETECT_SMTP);
    CHECK(of("USER bob\r\n", "220 mx.example\r\n") == DETECT_OTHER);
    CHECK(of("", "220 ProFTPD\r\n") == DETECT_OTHER);
    CHECK(of("EHLO a\r\n", "") == DETECT_SMTP);
    CHECK(of("", "+OK ready\r\n") == DETECT_POP3);
    CHECK(of("*1\r\n$4\r\nPING\r\n", "+OK\r\n") == DETECT_OTHER);
    CHECK(of("CAPA\r\n", "") == DETECT_POP3);
    CHECK(of("", "* OK [CAPABILITY IMAP4rev1] hi\r\n") == DETECT_IMAP);
    CHECK(of("a1 LOGIN x y\r\n", "") == DETECT_IMAP);
    CHECK(of("\x16\x03\x01", "") == DETECT_TLS);
    CHECK(of("GET / HTTP/1.1\r\n", "HTTP/1.1 200 OK\r\n") == DETECT_OTHER);
    CHECK(of("", "") == DETECT_UNDECIDED);
    CHECK(of("QUIT\r\n", "") == DETECT_UNDECIDED);
    CHECK(detect_last(span_text("QUIT\r\n"), 25) == DETECT_SMTP);
    CHECK(detect_last(span_text("quit\r\n"), 110) == DETECT_POP3);
    CHECK(detect_last(span_text("QUIT\r\n"), 21) == DETECT_OTHER);
    CHECK(detect_last(span_text("HELO\r\n"), 25) == DETECT_OTHER);
}

/* A client that says much and nothing is told by the server's first line, wherever that is cut. */
static void nonsense_does_not_hide_a_server(void)
{
    static char junk[DETECT_MAX + 1];
    const char banner[] = "220 mx.example ESMTP\r\n", other[] = "220 mx.example\r\n";

    memset(junk, 'x', DETECT_MAX);
    CHECK(of(junk, "") == DETECT_UNDECIDED);
    CHECK(of(junk, banner) == DETECT_SMTP);
    CHECK(of(junk, other) == DETECT_OTHER);
    for (size_t n = 1; n < sizeof(other) - 2; n++)
        CHECK(detect(span_text(junk), span_of(other, n)) == DETECT_UNDECIDED);
}

static void a_balancers_header_is_passed_over(void)
{
    static const char line[] = "PROXY TCP4 198.18.0.1 198.18.0.2 1 2\r\nEHLO a\r\n";
    static const uint8_t binary[] = "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"
                                    "0123456789ab"
                                    "EHLO";
    size_t len;

    for (size_t n = 1; n < sizeof(line); n++) {
        struct span copy = guard_copy(span_of(line, n), true);

        CHECK(detect_prelude(copy, &len) == (n >= 38) && len == (n >= 38 ? 38 : 0));
        guard_free(copy);
    }
    for (size_t n = 1; n < sizeof(binary); n++) {
        struct span copy = guard_copy(span_of(binary, n), true);

        CHECK(detect_prelude(copy, &len) == (n >= 16) && len == (n >= 16 ? 28 : 0));
        guard_free(copy);
    }
    CHECK(detect_prelude(span_of(NULL, 0), &len) && len == 0);
    CHECK(detect_prelude(span_text("EHLO a\r\n"), &len) && len == 0);
    CHECK(detect_prelude(span_text("PROXIMA"), &len) && len == 0);
}

/* More bytes never take back what was decided. */
static void what_is_decided_stays(void)
{
    const char banner[] = "220 mx.example ESMTP Postfix\r\n";
    enum detect_protocol before = DETECT_UNDECIDED;

    for (size_t n = 0; n < sizeof(banner); n++) {
        struct span copy = guard_copy(span_of(banner, n), true);
        enum detect_protocol now = detect(span_of(NULL, 0), copy);

        CHECK(now == before || before == DETECT_UNDECIDED);
        before = now;
        guard_free(copy);
    }
    CHECK(before == DETECT_SMTP);
}

int main(void)
{
    check_begin();
    CHECK_CASE(pop3_messages);
    CHECK_CASE(pop3_logins);
    CHECK_CASE(pop3_without_a_greeting);
    CHECK_CASE(imap_lines);
    CHECK_CASE(imap_literals_and_exchanges);
    CHECK_CASE(imap_lines_that_are_no_commands);
    CHECK_CASE(imap_appended_messages);
    CHECK_CASE(imap_fetched_messages);
    CHECK_CASE(imap_odd_sessions);
    CHECK_CASE(lines_are_taken_as_they_come);
    CHECK_CASE(a_buffer_given_back_leaves_nothing);
    CHECK_CASE(protocols_are_recognised_by_what_they_say);
    CHECK_CASE(nonsense_does_not_hide_a_server);
    CHECK_CASE(what_is_decided_stays);
    CHECK_CASE(a_balancers_header_is_passed_over);
    return check_end();
}
