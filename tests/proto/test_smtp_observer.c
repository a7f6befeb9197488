/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/writer.h"
#include "proto/smtp/smtp_observer.h"
#include "tests/harness/check.h"

#include <stdio.h>

/*
 * Conversations as a list of what each side said; the observer's events as text, a line each, runs
 * of message text put together. What comes out must not depend on how the bytes are cut.
 */
struct said {
    char side; /* 'C', 'S'; 'c', 's': a gap of so many bytes; 'x': the client's side only */
    const char *bytes;
    size_t len;
};

enum { LOG = 16384, HELD = 8192 };

struct play {
    struct smtp_observer o;
    uint8_t client[SMTP_OBSERVER_LINE_MAX], server[SMTP_REPLY_LINE_MAX];
    uint8_t held[HELD];
    size_t held_len;
    bool in_text;
    struct writer log;
    uint8_t memory[LOG];
};

static void put(struct play *p, const char *name, const struct smtp_observed *e)
{
    if (p->in_text)
        writer_text(&p->log, "]\n");
    p->in_text = false;
    writer_printf(&p->log, "%s", name);
    if (e->verb)
        writer_printf(&p->log, " %s", smtp_verb_name(e->verb));
    if (e->index != SMTP_OBSERVER_NO_INDEX)
        writer_printf(&p->log, " #%u", e->index);
    if (e->code)
        writer_printf(&p->log, " %u", e->code);
    if (e->name.len)
        writer_printf(&p->log, " <%.*s>", (int)e->name.len, (const char *)e->name.data);
    if (e->assumed)
        writer_text(&p->log, " assumed");
}

static void put_text(struct play *p, struct span text)
{
    if (!p->in_text)
        writer_text(&p->log, "[");
    p->in_text = true;
    for (size_t i = 0; i < text.len; i++)
        switch (text.data[i]) {
        case '\r':
            writer_text(&p->log, "\\r");
            break;
        case '\n':
            writer_text(&p->log, "\\n");
            break;
        case 0:
            writer_text(&p->log, "\\0");
            break;
        default:
            writer_byte(&p->log, text.data[i]);
        }
}

static void tell(struct play *p, const struct smtp_observed *e)
{
    static const char *const names[] = {
        [SMTP_OBSERVED_GREETING] = "greeting",
        [SMTP_OBSERVED_COMMAND] = "command",
        [SMTP_OBSERVED_MAIL] = "mail",
        [SMTP_OBSERVED_RCPT] = "rcpt",
        [SMTP_OBSERVED_RESPONSE] = "response",
        [SMTP_OBSERVED_ANSWER] = "answer",
        [SMTP_OBSERVED_ABANDONED] = "abandoned",
        [SMTP_OBSERVED_BEGIN] = "begin",
        [SMTP_OBSERVED_END] = "end",
        [SMTP_OBSERVED_VERDICT] = "verdict",
        [SMTP_OBSERVED_AUTH] = "auth",
        [SMTP_OBSERVED_STARTTLS] = "starttls",
        [SMTP_OBSERVED_ANOMALY] = "anomaly",
    };

    if (e->kind == SMTP_OBSERVED_TEXT) {
        put_text(p, e->text);
        return;
    }
    put(p, names[e->kind], e);
    if (e->kind == SMTP_OBSERVED_ANOMALY)
        writer_printf(&p->log, " %s", smtp_anomaly_name((enum smtp_anomaly)e->anomaly));
    if (e->kind == SMTP_OBSERVED_COMMAND && e->secret < e->text.len)
        writer_printf(&p->log, " secret %u", (unsigned)(e->text.len - e->secret));
    writer_text(&p->log, "\n");
}

/* False: bytes are left for later. */
static bool client(struct play *p, struct span *in)
{
    struct smtp_observed e;

    for (;;) {
        smtp_observer_client(&p->o, in, &e);
        if (e.kind == SMTP_OBSERVED_MORE)
            return in->len == 0;
        if (e.kind == SMTP_OBSERVED_WAIT)
            return false;
        if (e.kind == SMTP_OBSERVED_CLIENT_BUFFER)
            smtp_observer_attach_client(&p->o, p->client);
        else
            tell(p, &e);
    }
}

static void drain(struct play *p)
{
    struct span in = span_of(p->held, p->held_len);

    client(p, &in);
    memmove(p->held, in.data, in.len);
    p->held_len = in.len;
}

static void say(struct play *p, char side, struct span in)
{
    struct smtp_observed e;

    if (side == 'C') {
        memcpy(p->held + p->held_len, in.data, in.len);
        p->held_len += in.len;
        drain(p);
        return;
    }
    for (;;) {
        smtp_observer_server(&p->o, &in, &e);
        if (e.kind == SMTP_OBSERVED_MORE)
            break;
        if (e.kind == SMTP_OBSERVED_SERVER_BUFFER) {
            smtp_observer_attach_server(&p->o, p->server);
            continue;
        }
        tell(p, &e);
        /* What due events are about lies in the server's line: they come first. */
        if (!p->o.due && !smtp_observer_waits(&p->o) && p->held_len)
            drain(p);
    }
    drain(p);
}

static void begin(struct play *p)
{
    smtp_observer_init(&p->o, false);
    p->held_len = 0;
    p->in_text = false;
    p->log = writer_of(p->memory, sizeof(p->memory));
}

static void finish(struct play *p)
{
    struct smtp_observed e;

    for (;;) {
        smtp_observer_finish(&p->o, &e);
        if (e.kind == SMTP_OBSERVED_MORE)
            break;
        tell(p, &e);
    }
    if (p->in_text)
        writer_text(&p->log, "]\n");
}

static void step(struct play *p, const struct said *s, size_t cut, bool guard)
{
    struct span all = span_of(s->bytes, s->len);

    if (s->side == 'c')
        smtp_observer_client_gap(&p->o, s->len);
    else if (s->side == 's')
        smtp_observer_server_gap(&p->o);
    else if (s->side == 'x')
        smtp_observer_one_sided(&p->o);
    else if (guard) {
        struct span copy = guard_copy(all, true);

        say(p, s->side, copy);
        guard_free(copy);
    } else {
        say(p, s->side, span_head(all, cut));
        say(p, s->side, span_skip(all, cut));
    }
}

static void expect(const struct said *said, size_t count, const char *events)
{
    static struct play p;
    struct span whole;

    begin(&p);
    for (size_t i = 0; i < count; i++)
        step(&p, &said[i], said[i].len, false);
    finish(&p);
    whole = writer_span(&p.log);
    if (!CHECK_TEXT(whole, events))
        printf("# ---\n%.*s", (int)whole.len, (const char *)whole.data);
    for (size_t k = 0; k < count; k++)
        for (size_t cut = 0; cut <= said[k].len; cut++) {
            begin(&p);
            for (size_t i = 0; i < count; i++)
                step(&p, &said[i], i == k ? cut : said[i].len, cut == 0);
            finish(&p);
            if (!CHECK_TEXT(writer_span(&p.log), events))
                return;
        }
    /* Byte by byte. */
    begin(&p);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < (said[i].len && said[i].bytes ? said[i].len : 1); at++)
            if (said[i].bytes)
                say(&p, said[i].side, span_of(said[i].bytes + at, 1));
            else
                step(&p, &said[i], 0, false);
    finish(&p);
    CHECK_TEXT(writer_span(&p.log), events);
}

#define C(text)                                                                                    \
    {                                                                                              \
        'C', text, sizeof(text) - 1                                                                \
    }
#define S(text)                                                                                    \
    {                                                                                              \
        'S', text, sizeof(text) - 1                                                                \
    }
#define EXPECT(events, ...)                                                                        \
    do {                                                                                           \
        const struct said said[] = {__VA_ARGS__};                                                  \
        expect(said, sizeof(said) / sizeof(said[0]), events);                                      \
    } while (0)

#define HELLO S("220 mx ESMTP\r\n"), C("EHLO a\r\n"), S("250-mx\r\n250-CHUNKING\r\n250 SIZE\r\n")
#define HELLO_TOLD "greeting 220\ncommand EHLO <a>\nanswer EHLO 250\n"
#define ENVELOPE C("MAIL FROM:<a@x>\r\n"), S("250 ok\r\n"), C("RCPT TO:<b@y>\r\n"), S("250 ok\r\n")
#define ENVELOPE_TOLD "mail MAIL <a@x>\nanswer MAIL 250\nrcpt RCPT #0 <b@y>\nanswer RCPT #0 250\n"

static void a_message(void)
{
    EXPECT(HELLO_TOLD ENVELOPE_TOLD
           "command DATA\nanswer DATA 354\nbegin\n[Subject: x\\r\\n\\r\\n.hi\\r\\n]\n"
           "end\nverdict 250\ncommand QUIT\nanswer QUIT 221\n",
           HELLO, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("Subject: x\r\n\r\n..hi\r\n.\r\n"),
           S("250 2.0.0 queued\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
}

static void pipelining(void)
{
    EXPECT(HELLO_TOLD
           "mail MAIL <a@x>\nrcpt RCPT #0 <b@y>\nrcpt RCPT #1 <c@y>\ncommand DATA\n"
           "answer MAIL 250\nanswer RCPT #0 550\nanswer RCPT #1 250\nanswer DATA 354\nbegin\n"
           "[1\\r\\n]\nend\nverdict 250\nmail MAIL <d@x>\nanswer MAIL 250\nabandoned\n",
           HELLO, C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\nDATA\r\n"),
           S("250 ok\r\n550 5.1.1 no\r\n250 ok\r\n354 go\r\n"), C("1\r\n.\r\nMAIL FROM:<d@x>\r\n"),
           S("250 queued\r\n250 ok\r\n"));
}

static void all_of_a_refused_transaction(void)
{
    EXPECT(HELLO_TOLD
           "mail MAIL <a@x>\nrcpt RCPT #0 <b@y>\ncommand DATA\n"
           "answer MAIL 550\nabandoned\nanswer RCPT 503\nanswer DATA 503\n"
           "mail MAIL <a@x>\nanswer MAIL 250\ncommand RSET\nanswer RSET 250\nabandoned\n",
           HELLO, C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"),
           S("550 no\r\n503 no\r\n503 no\r\n"), C("MAIL FROM:<a@x>\r\n"), S("250 ok\r\n"),
           C("RSET\r\n"), S("250 ok\r\n"));
}

/* RSET behind a message, and the next one at once: its answer is not the new transaction's end. */
static void reset_in_a_group(void)
{
    EXPECT(HELLO_TOLD
           "command RSET\nmail MAIL <a@x>\nrcpt RCPT #0 <b@y>\ncommand DATA\nanswer RSET 250\n"
           "answer MAIL 250\nanswer RCPT #0 250\nanswer DATA 354\nbegin\n[x\\r\\n]\nend\nverdict "
           "250\n",
           HELLO, C("RSET\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"),
           S("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), C("x\r\n.\r\n"), S("250 ok\r\n"));
}

/* The word DATA is not enough. */
static void data_refused(void)
{
    EXPECT(HELLO_TOLD ENVELOPE_TOLD "command DATA\nanswer DATA 451\ncommand NOOP\nanswer NOOP 250\n"
                                    "mail MAIL <c@x>\nanswer MAIL 250\nabandoned\n",
           HELLO, ENVELOPE, C("DATA\r\n"), S("451 later\r\n"), C("NOOP\r\n"), S("250 ok\r\n"),
           C("MAIL FROM:<c@x>\r\n"), S("250 ok\r\n"));
}

static void chunks(void)
{
    EXPECT(HELLO_TOLD
           "mail MAIL <a@x>\nrcpt RCPT #0 <b@y>\ncommand BDAT\nbegin\n[a: b\\r\\n]\ncommand BDAT\n"
           "[\\r\\n.x\\r\\n]\nend\n"
           "answer MAIL 250\nanswer RCPT #0 250\nanswer BDAT 250\nverdict 250\n",
           HELLO,
           C("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 6\r\na: b\r\nBDAT 6 LAST\r\n\r\n.x\r\n"),
           S("250 ok\r\n250 ok\r\n250 ok\r\n250 queued\r\n"));
}

/* Where the server does not offer it, its answer says whether octets follow. */
static void a_chunk_that_is_none(void)
{
    EXPECT("greeting 220\ncommand EHLO <a>\nanswer EHLO 250\n" ENVELOPE_TOLD
           "command BDAT\nanswer BDAT 500\ncommand QUIT\nanswer QUIT 221\nabandoned\n",
           S("220 mx\r\n"), C("EHLO a\r\n"), S("250 mx\r\n"), ENVELOPE,
           C("BDAT 6 LAST\r\nQUIT\r\n"), S("500 what?\r\n221 bye\r\n"));
}

static void starttls(void)
{
    EXPECT(HELLO_TOLD "command STARTTLS\nanswer STARTTLS 220\nstarttls\n", HELLO, C("STARTTLS\r\n"),
           S("220 go\r\n"));
    EXPECT(HELLO_TOLD "command STARTTLS\nanswer STARTTLS 454\ncommand QUIT\nanswer QUIT 221\n",
           HELLO, C("STARTTLS\r\n"), S("454 no\r\n"), C("QUIT\r\n"), S("221 bye\r\n"));
}

static void logins(void)
{
    EXPECT(HELLO_TOLD "command AUTH <PLAIN> secret 17\nanswer AUTH 235\nauth 235 <tim>\n", HELLO,
           C("AUTH PLAIN AHRpbQBzZXNhbWUA\r\n"), S("235 welcome\r\n"));
    EXPECT(HELLO_TOLD "command AUTH <login>\nanswer AUTH 334\nresponse\nanswer AUTH 334\n"
                      "response\nanswer AUTH 535\nauth 535 <tim>\n",
           HELLO, C("AUTH login\r\n"), S("334 VXNlcm5hbWU6\r\n"), C("dGlt\r\n"),
           S("334 UGFzc3dvcmQ6\r\n"), C("c2VzYW1l\r\n"), S("535 no\r\n"));
}

/* What is no command may be the rest of a login whose beginning was missed. */
static void what_is_no_command_is_hidden(void)
{
    EXPECT(HELLO_TOLD "command secret 8\nanswer 500\n"
                      "command secret 17\nanswer 500\n"
                      "command\nanswer 500\n",
           HELLO, C("c2VzYW1l\r\n"), S("500 what\r\n"), C("  auth\tPLAIN AHRpbQBzZXNhbWUA\r\n"),
           S("500 what\r\n"), C("GET / HTTP/1.1\r\n"), S("500 what\r\n"));
}

/* RFC 2920 section 3.1: DATA is the last of a group. */
static void data_without_its_answer(void)
{
    EXPECT(HELLO_TOLD ENVELOPE_TOLD "command DATA\nanomaly unsynced\nanswer DATA 354\nbegin\n"
                                    "[1\\r\\n]\nend\nverdict 250\n",
           HELLO, ENVELOPE, C("DATA\r\n1\r\n.\r\n"), S("354 go\r\n"), S("250 ok\r\n"));
}

/* RFC 3030 section 2 */
static void a_malformed_chunk(void)
{
    EXPECT(HELLO_TOLD ENVELOPE_TOLD
           "command BDAT\nanomaly bdat_form\nanswer BDAT 501\ncommand BDAT\nbegin\n"
           "[abc]\nend\nverdict 250\n",
           HELLO, ENVELOPE, C("BDAT 5 X\r\n"), S("501 what\r\n"), C("BDAT 3 LAST\r\nabc"),
           S("250 ok\r\n"));
}

/* RFC 2033 section 4.2: a reply for each recipient that was accepted. */
static void answers_of_lmtp(void)
{
    EXPECT("greeting 220\ncommand EHLO <a>\nanswer EHLO 250\n" ENVELOPE_TOLD
           "rcpt RCPT #1 <c@y>\nanswer RCPT #1 550\nrcpt RCPT #2 <d@y>\nanswer RCPT #2 250\n"
           "command DATA\nanswer DATA 354\nbegin\n[1\\r\\n]\nend\nanswer 250\nverdict 452\n"
           "command QUIT\nanswer QUIT 221\n",
           S("220 mx LMTP\r\n"), C("LHLO a\r\n"), S("250 mx\r\n"), ENVELOPE, C("RCPT TO:<c@y>\r\n"),
           S("550 no\r\n"), C("RCPT TO:<d@y>\r\n"), S("250 ok\r\n"), C("DATA\r\n"), S("354 go\r\n"),
           C("1\r\n.\r\n"), S("250 b has it\r\n"), S("452 d is full\r\n"), C("QUIT\r\n"),
           S("221 bye\r\n"));
}

static void sloppy_servers(void)
{
    EXPECT("greeting 220\nanomaly reply_form\ncommand EHLO <a>\nanswer EHLO 250\n"
           "anomaly reply_stray\n",
           S("220\n"), C("EHLO a\r\n"), S("250-mx\r\nHELP\r\n250\r\nwhat\r\n"));
}

static void forms_of_smuggling(void)
{
    EXPECT(HELLO_TOLD ENVELOPE_TOLD "command DATA\nanswer DATA 354\nbegin\n[a\\n.\\r\\nb\\r\\n]\n"
                                    "anomaly bare_lf\nanomaly lf_dot_crlf\nend\nverdict 250\n",
           HELLO, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("a\n.\r\nb\r\n.\r\n"),
           S("250 ok\r\n"));
}

static uint64_t anomalies_of(const char *text, size_t len)
{
    struct smtp_odd odd = {0};
    uint64_t whole = 0;

    /* As a reader would mark them: an LF without CR, a CR without LF. */
    for (size_t i = 0; i < len; i++) {
        whole |= smtp_odd_bytes(&odd, span_of(text + i, 1));
        if ((text[i] == '\n' && (i == 0 || text[i - 1] != '\r')))
            whole |= smtp_odd_mark(&odd);
        if (text[i] == '\r' && (i + 1 == len || text[i + 1] != '\n'))
            whole |= smtp_odd_mark(&odd);
    }
    return whole | smtp_odd_finish(&odd);
}

static void every_form_has_its_name(void)
{
    static const struct {
        const char *text;
        int form;
    } cases[] = {
        {"ab\n.\ncd", SMTP_ANOMALY_LF_DOT_LF},
        {"ab\n.\r\ncd", SMTP_ANOMALY_LF_DOT_CRLF},
        {"ab\r\n.\ncd", SMTP_ANOMALY_CRLF_DOT_LF},
        {"ab\r.\rcd", SMTP_ANOMALY_CR_DOT_CR},
        {"ab\r.\r\ncd", SMTP_ANOMALY_CR_DOT_CRLF},
        {"ab\r\n.\rcd", SMTP_ANOMALY_CRLF_DOT_CR},
        {"ab\n.\rcd", SMTP_ANOMALY_LF_DOT_CR},
        {"ab\r.\ncd", SMTP_ANOMALY_CR_DOT_LF},
        {"ab\r\n.c\r\n", -1},
        {"ab\nc.\n", -1},
        {"ab\r\n.\r\n", -1},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        CHECK(anomalies_of(cases[i].text, strlen(cases[i].text)) ==
              (cases[i].form < 0 ? 0 : UINT64_C(1) << cases[i].form));
}

/* A server that takes LF . LF for the end answers there. */
static void a_server_that_is_fooled(void)
{
    static struct play p;
    const char text[] = "a\n.\nMAIL FROM:<evil@x>\r\n";
    const struct said head[] = {HELLO, ENVELOPE, C("DATA\r\n"), S("354 go\r\n")};

    begin(&p);
    for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
        step(&p, &head[i], 0, false);
    say(&p, 'C', span_text(text));
    say(&p, 'S', span_text("250 queued\r\n250 ok\r\n"));
    finish(&p);
    CHECK(memmem(p.memory, p.log.len, "anomaly lf_dot_lf", 17) != NULL);
    CHECK(memmem(p.memory, p.log.len, "anomaly early_verdict\nend\nverdict 250", 37) != NULL);
}

static void one_side_only(void)
{
    EXPECT("command EHLO <a>\nmail MAIL <a@x>\nrcpt RCPT #0 <b@y>\ncommand DATA\n"
           "begin assumed\n[hi\\r\\n]\nend\nverdict assumed\ncommand QUIT\n",
           {'x', NULL, 0}, C("EHLO a\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n"),
           C("hi\r\n.\r\nQUIT\r\n"));
}

static void gaps(void)
{
    /* In a message: it goes on. */
    EXPECT(HELLO_TOLD ENVELOPE_TOLD "command DATA\nanswer DATA 354\nbegin\n"
                                    "[he.\\r\\nlo\\r\\n]\nend\nverdict 250\n",
           HELLO, ENVELOPE, C("DATA\r\n"), S("354 go\r\n"), C("he"), {'c', NULL, 100},
           C(".\r\nlo\r\n.\r\n"), S("250 ok\r\n"));
    /* In the server's: what was awaited is assumed when the client goes on. */
    EXPECT(HELLO_TOLD ENVELOPE_TOLD "command DATA\nbegin assumed\n[x\\r\\n]\nend\n"
                                    "answer DATA 250\n"
                                    "verdict assumed\n",
           HELLO, ENVELOPE, C("DATA\r\n"), {'s', NULL, 10}, C("x\r\n.\r\n"), S("\r\n250 ok\r\n"));
}

static void loose_envelopes(void)
{
    EXPECT(HELLO_TOLD "mail MAIL <a@x>\nanswer MAIL 250\nrcpt RCPT #0 <b@y>\nanswer RCPT #0 250\n"
                      "abandoned\n",
           HELLO, C("MAIL FROM: a@x RET=FULL\r\n"), S("250 ok\r\n"),
           C("RCPT TO:<@relay:b@y> NOTIFY=NEVER\r\n"), S("250 ok\r\n"));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_message);
    CHECK_CASE(pipelining);
    CHECK_CASE(all_of_a_refused_transaction);
    CHECK_CASE(reset_in_a_group);
    CHECK_CASE(data_refused);
    CHECK_CASE(chunks);
    CHECK_CASE(a_chunk_that_is_none);
    CHECK_CASE(starttls);
    CHECK_CASE(logins);
    CHECK_CASE(what_is_no_command_is_hidden);
    CHECK_CASE(data_without_its_answer);
    CHECK_CASE(a_malformed_chunk);
    CHECK_CASE(answers_of_lmtp);
    CHECK_CASE(sloppy_servers);
    CHECK_CASE(forms_of_smuggling);
    CHECK_CASE(every_form_has_its_name);
    CHECK_CASE(a_server_that_is_fooled);
    CHECK_CASE(one_side_only);
    CHECK_CASE(gaps);
    CHECK_CASE(loose_envelopes);
    return check_end();
}
