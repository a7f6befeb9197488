/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_server.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

static struct imap_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .logins_max = 3,
    .errors_max = 5,
    .login = true,
    .mechanisms = {(const uint8_t *)" PLAIN SCRAM-SHA-256", 20},
    .limits = {.line = 8192, .literal = 4096, .command = 16384, .append = 1000, .nonsync = 4096},
};

static char text_[400000];

/* A client's script against the machine; what is done is written beside what is said. */
struct play {
    struct imap_server server;
    uint8_t *buffer; /* lent, of exactly as many bytes as were asked for */
    uint8_t scratch_bytes[IMAP_SERVER_ROOM + 100];
    struct writer scratch, out;
    bool over;
};

static void play_begin(struct play *p, const struct imap_server_options *o)
{
    memset(p, 0, sizeof(*p));
    imap_server_init(&p->server, o);
    p->scratch = writer_of(p->scratch_bytes, sizeof(p->scratch_bytes));
    p->out = writer_of(text_, sizeof(text_));
}

static void said(struct play *p)
{
    writer_span_put(&p->out, writer_span(&p->scratch));
    p->scratch.len = 0;
}

static void put(struct play *p, const char *what, struct span a, struct span b)
{
    said(p);
    writer_printf(&p->out, "%s<%.*s|%.*s>", what, (int)a.len, a.data ? (const char *)a.data : "",
                  (int)b.len, b.data ? (const char *)b.data : "");
}

static void lend(struct play *p, uint64_t size)
{
    uint8_t *buffer = malloc(size), *before;

    CHECK(size > IMAP_TAG_MAX && size <= options.limits.command + IMAP_TAG_MAX + 4096);
    before = imap_server_attach(&p->server, buffer, (uint32_t)size);
    CHECK(before == p->buffer);
    free(before);
    p->buffer = buffer;
}

static void login(struct play *p, bool good, bool more)
{
    if (more)
        CHECK(imap_server_challenge(&p->server, span_text("Y2hhbGxlbmdl"), &p->scratch));
    else if (good)
        CHECK(imap_server_open(&p->server));
    else
        CHECK(imap_server_answer(&p->server, IMAP_REPLY_AUTH_FAILED));
}

/* SELECT selects, IDLE idles, anything with "wrong" is BAD. */
static void execute(struct play *p, const struct imap_action *a)
{
    enum imap_executed how = a->verb == IMAP_VERB_SELECT ? IMAP_EXECUTED_SELECTED
                             : a->verb == IMAP_VERB_IDLE ? IMAP_EXECUTED_IDLE
                                                         : IMAP_EXECUTED_AUTH;

    CHECK(imap_server_executed(&p->server, how, span_find(a->bytes, '!') >= 0));
}

static bool act(struct play *p, const struct imap_action *a)
{
    switch (a->kind) {
    case IMAP_ACTION_MORE:
        return false;
    case IMAP_ACTION_WAIT:
        return CHECK(false);
    case IMAP_ACTION_BUFFER:
        lend(p, a->size);
        return true;
    case IMAP_ACTION_ROOM:
    case IMAP_ACTION_REPLY:
        said(p);
        return true;
    case IMAP_ACTION_LOGIN:
        put(p, "LOGIN", a->user, a->password);
        login(p, span_equal(a->password, span_text("p\"w")), false);
        return true;
    case IMAP_ACTION_AUTH:
        put(p, "AUTH", a->mechanism, a->initial);
        login(p, a->initial.data != NULL, a->initial.data == NULL);
        return true;
    case IMAP_ACTION_RESPONSE:
        put(p, "RESPONSE", a->bytes, span_of(NULL, 0));
        login(p, span_equal(a->bytes, span_text("good")), false);
        return true;
    case IMAP_ACTION_COMMAND:
        put(p, "RUN", a->bytes, span_of(NULL, 0));
        execute(p, a);
        return true;
    case IMAP_ACTION_DONE:
        put(p, "DONE", a->bytes, span_of(NULL, 0));
        CHECK(imap_server_executed(&p->server, IMAP_EXECUTED_AUTH, false));
        return true;
    case IMAP_ACTION_APPEND:
        put(p, "APPEND", a->bytes, span_of(NULL, 0));
        if (span_find(a->bytes, '!') >= 0) {
            CHECK(imap_server_append_refuse(&p->server));
            CHECK(imap_server_executed(&p->server, IMAP_EXECUTED_AUTH, false));
        } else {
            CHECK(imap_server_append(&p->server));
        }
        return true;
    case IMAP_ACTION_DATA:
        said(p);
        writer_span_put(&p->out, a->bytes);
        return true;
    case IMAP_ACTION_DATA_END:
        writer_text(&p->out, a->nul ? "<END NUL>" : "<END>");
        return true;
    case IMAP_ACTION_COMPRESS:
        put(p, "COMPRESS", span_of(NULL, 0), span_of(NULL, 0));
        CHECK(imap_server_compress(&p->server, true));
        CHECK(!imap_server_compress(&p->server, true));
        return true;
    case IMAP_ACTION_APPEND_FAIL:
        put(p, a->bad ? "FAILED" : "REFUSED", a->bytes, span_of(NULL, 0));
        CHECK(imap_server_executed(&p->server, IMAP_EXECUTED_AUTH, a->bad));
        return true;
    case IMAP_ACTION_APPEND_END:
        put(p, "APPENDED", a->bytes, span_of(NULL, 0));
        CHECK(imap_server_executed(&p->server, IMAP_EXECUTED_AUTH, false));
        return true;
    case IMAP_ACTION_TLS:
        put(p, "TLS", span_of(NULL, 0), span_of(NULL, 0));
        CHECK(imap_server_detach(&p->server) == NULL);
        CHECK(imap_server_secured(&p->server, &options));
        free(p->buffer);
        p->buffer = NULL;
        return true;
    case IMAP_ACTION_CLOSE:
        said(p);
        writer_text(&p->out, "<CLOSE>");
        p->over = true;
        return false;
    }
    return false;
}

/* The buffer is taken back whenever it can be, as a session does. */
static void rest(struct play *p)
{
    uint8_t *back = imap_server_detach(&p->server);

    if (!back)
        return;
    CHECK(back == p->buffer);
    free(p->buffer);
    p->buffer = NULL;
}

static void feed(struct play *p, struct span in)
{
    struct span copy = in;
    uint8_t *exact = malloc(in.len + 1);
    struct imap_action a;

    /* What the machine borrows from its input is gone with it. */
    memcpy(exact, in.data, in.len);
    copy.data = exact;
    do
        imap_server_next(&p->server, &copy, &p->scratch, &a);
    while (act(p, &a) && !p->over);
    said(p);
    free(exact);
    rest(p);
}

static const char *play(const struct imap_server_options *o, const char *script, size_t split)
{
    struct play p;
    struct span in = span_text(script);

    play_begin(&p, o);
    feed(&p, span_of("", 0));
    feed(&p, span_head(in, split));
    if (!p.over && split < in.len)
        feed(&p, span_skip(in, split));
    free(p.buffer);
    text_[p.out.len] = 0;
    return text_;
}

/* The same however it is cut in two, and byte by byte. */
static void expect(const struct imap_server_options *o, const char *script, const char *expected)
{
    size_t len = strlen(script);
    struct play p;

    for (size_t split = 0; split <= len; split++)
        if (!CHECK_TEXT(span_text(play(o, script, split)), expected)) {
            printf("# split at %zu\n", split);
            break;
        }
    play_begin(&p, o);
    feed(&p, span_of("", 0));
    for (size_t i = 0; i < len && !p.over; i++)
        feed(&p, span_of(script + i, 1));
    free(p.buffer);
    text_[p.out.len] = 0;
    CHECK_TEXT(span_text(text_), expected);
}

#define GREETING                                                                                   \
    "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=SCRAM-SHA-256] "               \
    "mx.example.org IMAP "                                                                         \
    "ready\r\n"
#define LOGGED_IN                                                                                  \
    "OK [CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ ID NAMESPACE CHILDREN LIST-EXTENDED LIST-STATUS "           \
    "SPECIAL-USE CREATE-SPECIAL-USE STATUS=SIZE QUOTA QUOTA=RES-STORAGE UNSELECT UIDPLUS "         \
    "MULTIAPPEND BINARY MOVE ESEARCH SEARCHRES WITHIN SORT SORT=DISPLAY ESORT "                    \
    "THREAD=ORDEREDSUBJECT THREAD=REFERENCES THREAD=REFS INPROGRESS OBJECTID SAVEDATE "            \
    "PREVIEW COMPRESS=DEFLATE IDLE ENABLE UTF8=ACCEPT CONDSTORE QRESYNC APPENDLIMIT=1000] logged in\r\n"

static void without_a_login(void)
{
    expect(&options, "a CAPABILITY\r\nb noop\r\nc SELECT x\r\nd NOOP \r\ne\r\nf XYZ\r\nLOGOUT\r\n",
           GREETING "* CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID AUTH=PLAIN AUTH=SCRAM-SHA-256\r\n"
                    "a OK capabilities listed\r\nb OK done\r\n"
                    "c BAD [CLIENTBUG] not in this state\r\nd BAD [CLIENTBUG] bad argument\r\n"
                    "e BAD [CLIENTBUG] Unknown command\r\nf BAD [CLIENTBUG] Unknown command\r\n"
                    "LOGOUT BAD [CLIENTBUG] Unknown command\r\n"
                    "* BYE [CLIENTBUG] too many errors\r\n<CLOSE>");
    expect(&options, "a LOGOUT\r\nb NOOP\r\n",
           GREETING "* BYE logging out\r\na OK logged out\r\n<CLOSE>");
}

static void who_is_who(void)
{
    expect(&options, "a ID NIL\r\nb ID (\"name\" \"a\\\"b\" \"os\" NIL)\r\nc ID (\"x\")\r\n",
           GREETING "* ID (\"name\" \"wirepost\")\r\na OK done\r\n"
                    "* ID (\"name\" \"wirepost\")\r\nb OK done\r\n"
                    "c BAD [CLIENTBUG] bad argument\r\n");
}

static void logins(void)
{
    expect(&options, "a LOGIN joe \"p\\\"w\"\r\nb NOOP\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "RUN<b NOOP|>");
    expect(&options, "a LOGIN {3+}\r\njoe {3+}\r\np\"w\r\nb NOOP\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "RUN<b NOOP|>");
    /* UTF-8 before anything can be enabled (RFC 9051 section 4.3.1). */
    expect(&options,
           "a LOGIN j\xc3\xb6 x\r\nb LOGIN \"j\xff\" x\r\nc LOGIN \"j\xc3\xb6\" \"\xc3\xb6\"\r\n",
           GREETING "a BAD [CLIENTBUG] bad argument\r\nb BAD [CLIENTBUG] bad argument\r\n"
                    "LOGIN<j\xc3\xb6|\xc3\xb6>c NO [AUTHENTICATIONFAILED] login failed\r\n");
    expect(&options, "a LOGIN joe wrong\r\nb LOGIN joe\r\nc AUTHENTICATE PLAIN Z29vZA==\r\n",
           GREETING "LOGIN<joe|wrong>a NO [AUTHENTICATIONFAILED] login failed\r\n"
                    "b BAD [CLIENTBUG] bad argument\r\n"
                    "AUTH<PLAIN|Z29vZA==>c " LOGGED_IN);
    expect(&options, "a AUTHENTICATE SCRAM-SHA-256\r\ngood\r\nb CHECK\r\n",
           GREETING "AUTH<SCRAM-SHA-256|>+ Y2hhbGxlbmdl\r\nRESPONSE<good|>a " LOGGED_IN
                    "b BAD [CLIENTBUG] not in this state\r\n");
    expect(&options, "a LOGIN x 1\r\nb LOGIN x 2\r\nc LOGIN x 3\r\nd LOGIN x 4\r\n",
           GREETING "LOGIN<x|1>a NO [AUTHENTICATIONFAILED] login failed\r\n"
                    "LOGIN<x|2>b NO [AUTHENTICATIONFAILED] login failed\r\n"
                    "LOGIN<x|3>c NO [AUTHENTICATIONFAILED] login failed\r\n"
                    "* BYE [AUTHENTICATIONFAILED] too many failed logins\r\n<CLOSE>");
}

static void commands_and_states(void)
{
    expect(&options,
           "a LOGIN joe \"p\\\"w\"\r\nb FETCH 1 UID\r\nc SELECT INBOX\r\nd uid FETCH 1 UID\r\n"
           "e CLOSE\r\nf SEARCH ALL\r\ng IDLE\r\nDONE\r\nh LOGIN a b\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "b BAD [CLIENTBUG] not in this state\r\n"
                    "RUN<c SELECT INBOX|>RUN<d uid FETCH 1 UID|>"
                    "e BAD [CLIENTBUG] not in this state\r\n"
                    "f BAD [CLIENTBUG] not in this state\r\nRUN<g IDLE|>DONE<DONE|>"
                    "h BAD [CLIENTBUG] not in this state\r\n");
}

static void appended_messages(void)
{
    expect(&options,
           "a LOGIN joe \"p\\\"w\"\r\nb APPEND x {5+}\r\nhello\r\nc APPEND ! {3+}\r\nabc\r\n"
           "d APPEND y {2000+}\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "APPEND<b APPEND x {5+}\r\n|>hello<END>"
                    "APPENDED<|>APPEND<c APPEND ! {3+}\r\n|>d NO [TOOBIG] Message too long\r\n");
    expect(&options, "a LOGIN joe \"p\\\"w\"\r\nb APPEND x (\\Seen) {2}\r\nhi\r\nc NOOP\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "APPEND<b APPEND x (\\Seen) {2}\r\n|>"
                    "+ go ahead\r\nhi<END>APPENDED<|>RUN<c NOOP|>");
}

static void several_messages_of_one_command(void)
{
    expect(&options, "a LOGIN joe \"p\\\"w\"\r\nb APPEND x {2+}\r\nhi (f) {3}\r\nyou\r\nc NOOP\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "APPEND<b APPEND x {2+}\r\n|>hi<END>"
                    "APPEND< (f) {3}\r\n|>+ go ahead\r\nyou<END>APPENDED<|>RUN<c NOOP|>");
    /* Who has messages of it says what becomes of them, whatever is wrong behind them. */
    expect(&options,
           "a LOGIN joe \"p\\\"w\"\r\nb APPEND x {2+}\r\nhi {2000+}\r\nc APPEND x {2+}\r\nhi "
           "{2000}\r\n"
           "d NOOP\r\n",
           GREETING "LOGIN<joe|p\"w>a " LOGGED_IN "APPEND<b APPEND x {2+}\r\n|>hi<END>"
                    "REFUSED<[TOOBIG] Message too long|>");
    expect(&options,
           "a LOGIN joe \"p\\\"w\"\r\nb APPEND x {2}\r\nhi {2000}\r\nc APPEND ! {2}\r\n"
           "d APPEND x {2}\r\nhi! {2}\r\nd NOOP\r\n",
           GREETING
           "LOGIN<joe|p\"w>a " LOGGED_IN "APPEND<b APPEND x {2}\r\n|>+ go ahead\r\nhi<END>"
           "REFUSED<[TOOBIG] Message too long|>APPEND<c APPEND ! {2}\r\n|>"
           "APPEND<d APPEND x {2}\r\n|>+ go ahead\r\nhi<END>APPEND<! {2}\r\n|>RUN<d NOOP|>");
}

static void compression_begins_once(void)
{
    expect(&options,
           "a COMPRESS DEFLATE\r\nb LOGIN joe \"p\\\"w\"\r\nc COMPRESS\r\n"
           "e compress deflate\r\nf COMPRESS DEFLATE\r\ng STARTTLS\r\n",
           GREETING "a BAD [CLIENTBUG] not in this state\r\nLOGIN<joe|p\"w>b " LOGGED_IN
                    "c BAD [CLIENTBUG] bad argument\r\n"
                    "COMPRESS<|>e OK compressed from here on\r\n"
                    "f NO [COMPRESSIONACTIVE] compressed already\r\n"
                    "g BAD [CLIENTBUG] not in this state\r\n");
}

static void before_encryption(void)
{
    struct imap_server_options o = options;

    o.login = false;
    o.starttls = true;
    expect(&o, "a LOGIN joe pw\r\nb AUTHENTICATE PLAIN\r\nc STARTTLS\r\n",
           "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID STARTTLS LOGINDISABLED] mx.example.org "
           "IMAP "
           "ready\r\n"
           "a NO [PRIVACYREQUIRED] no passwords over this connection\r\n"
           "b NO [PRIVACYREQUIRED] no passwords over this connection\r\n"
           "c OK begin TLS\r\nTLS<|>");
    o.starttls = false;
    expect(&o, "a STARTTLS\r\n",
           "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 SASL-IR LITERAL+ ID LOGINDISABLED] mx.example.org IMAP "
           "ready\r\n"
           "a BAD [CLIENTBUG] not in this state\r\n");
}

static void broken_lines_end_the_session(void)
{
    expect(&options, "a NOOP\nb NOOP\r\n",
           GREETING "a BAD [CLIENTBUG] LF without CR\r\n* BYE [CLIENTBUG] lines end in CRLF\r\n"
                    "<CLOSE>");
    expect(&options, "a NO\rOP\r\n",
           GREETING "a BAD [CLIENTBUG] CR without LF\r\n* BYE [CLIENTBUG] lines end in CRLF\r\n"
                    "<CLOSE>");
}

static void answers_out_of_place(void)
{
    struct imap_server s;
    uint8_t bytes[2048];
    struct writer w = writer_of(bytes, sizeof(bytes));

    imap_server_init(&s, &options);
    CHECK(!imap_server_open(&s));
    CHECK(!imap_server_answer(&s, IMAP_REPLY_AUTH_FAILED));
    CHECK(!imap_server_challenge(&s, span_text("x"), &w));
    CHECK(!imap_server_executed(&s, IMAP_EXECUTED_AUTH, false));
    CHECK(!imap_server_append(&s) && !imap_server_append_refuse(&s));
    CHECK(!imap_server_secured(&s, &options));
    CHECK(w.len == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(without_a_login);
    CHECK_CASE(who_is_who);
    CHECK_CASE(logins);
    CHECK_CASE(commands_and_states);
    CHECK_CASE(appended_messages);
    CHECK_CASE(several_messages_of_one_command);
    CHECK_CASE(compression_begins_once);
    CHECK_CASE(before_encryption);
    CHECK_CASE(broken_lines_end_the_session);
    CHECK_CASE(answers_out_of_place);
    return check_end();
}
