/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/pop3/pop3_server.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

static struct pop3_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .logins_max = 3,
    .errors_max = 6,
    .login = true,
};

static const struct pop3_entry entries[] = {
    {.size = 120, .uid = 1},
    {.size = 3000000000, .uid = 0xabc, .uidl = {(const uint8_t *)"old-uidl", 8}},
    {.size = 7, .uid = 255, .form = POP3_FORM_BINARY},
    {.size = 9, .uid = 256, .form = POP3_FORM_UTF8 | POP3_FORM_REFUSED},
};

static const struct pop3_mailbox mailbox = {
    .entries = entries, .count = 4, .uid_validity = 0x11, .octets = 3000000136};

static char text_[400000];

struct play {
    struct pop3_server server;
    uint8_t buffer[POP3_EXCHANGE_BUFFER];
    uint8_t deleted[1];
    uint8_t reply_bytes[POP3_SERVER_ROOM + 88];
    struct writer scratch;
    struct writer out;
    bool late;
    bool update_fails;
    enum pop3_reply_id answer;
};

static void play_begin(struct play *p)
{
    memset(p, 0, sizeof(*p));
    pop3_server_init(&p->server, &options);
    p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
    p->out = writer_of(text_, sizeof(text_));
}

static void answer(struct play *p)
{
    if (p->answer == POP3_REPLY_LOGGED_IN)
        CHECK(pop3_server_open(&p->server, &mailbox, p->deleted));
    else if (p->answer == POP3_REPLY_AUTH_CHALLENGE)
        CHECK(pop3_server_challenge(&p->server, span_text("challenge")));
    else
        CHECK(pop3_server_answer(&p->server, p->answer));
}

/* By what was said, as the rest of these. */
static void judge_login(struct play *p, const struct pop3_action *a)
{
    struct span said = a->kind == POP3_ACTION_AUTH ? a->initial : a->bytes;

    p->answer = span_equal(said, span_text("good"))                 ? POP3_REPLY_LOGGED_IN
                : span_equal(said, span_text("*"))                  ? POP3_REPLY_AUTH_CANCELLED
                : !said.data || span_equal(said, span_text("more")) ? POP3_REPLY_AUTH_CHALLENGE
                                                                    : POP3_REPLY_AUTH_FAILED;
}

static void decide(struct play *p, const struct pop3_action *a)
{
    p->answer = POP3_REPLY_OK;
    if (a->kind == POP3_ACTION_AUTH || a->kind == POP3_ACTION_RESPONSE)
        judge_login(p, a);
    if (a->kind == POP3_ACTION_LOGIN)
        p->answer = span_equal(a->password, span_text("right pass ")) ? POP3_REPLY_LOGGED_IN
                    : span_equal(a->user, span_text("busy"))          ? POP3_REPLY_IN_USE
                                                                      : POP3_REPLY_AUTH_FAILED;
    if (a->kind == POP3_ACTION_RETR && a->index == 2)
        p->answer = POP3_REPLY_SYS_TEMP;
    if (a->kind == POP3_ACTION_UPDATE && p->update_fails)
        p->answer = POP3_REPLY_NOT_REMOVED;
    if (!p->late)
        answer(p);
}

static bool act(struct play *p, const struct pop3_action *a)
{
    switch (a->kind) {
    case POP3_ACTION_MORE:
        return false;
    case POP3_ACTION_BUFFER:
        pop3_server_attach(&p->server, p->buffer);
        return true;
    case POP3_ACTION_ROOM:
        p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
        return true;
    case POP3_ACTION_WAIT:
        answer(p);
        return CHECK(p->late);
    case POP3_ACTION_REPLY:
        writer_span_put(&p->out, a->bytes);
        return true;
    case POP3_ACTION_LOGIN:
        writer_printf(&p->out, "LOGIN%s(%.*s/%.*s) ", a->utf8 ? "8" : "", (int)a->user.len,
                      a->user.data, (int)a->password.len, a->password.data);
        break;
    case POP3_ACTION_AUTH:
        writer_printf(&p->out, "AUTH%s(%.*s %.*s) ", a->utf8 ? "8" : "", (int)a->mechanism.len,
                      a->mechanism.data, (int)a->initial.len,
                      a->initial.data ? (const char *)a->initial.data : "");
        break;
    case POP3_ACTION_RESPONSE:
        writer_printf(&p->out, "RESPONSE%s(%.*s) ", a->utf8 ? "8" : "", (int)a->bytes.len,
                      a->bytes.len ? (const char *)a->bytes.data : "");
        break;
    case POP3_ACTION_RETR:
        writer_printf(&p->out, "RETR(%u) ", a->index);
        break;
    case POP3_ACTION_MESSAGE:
        writer_printf(&p->out, "MESSAGE(%u", a->index);
        if (a->lines != POP3_LINES_ALL)
            writer_printf(&p->out, " %u", a->lines);
        writer_text(&p->out, ") ");
        break;
    case POP3_ACTION_UPDATE:
        writer_printf(&p->out, "UPDATE(%u %02x) ", a->deleted_count, a->deleted[0]);
        break;
    case POP3_ACTION_TLS:
        writer_text(&p->out, "TLS");
        return false;
    case POP3_ACTION_CLOSE:
        writer_text(&p->out, "CLOSE");
        return false;
    }
    decide(p, a);
    return true;
}

static bool feed(struct play *p, struct span in)
{
    struct pop3_action a;

    do
        pop3_server_next(&p->server, &in, &p->scratch, &a);
    while (act(p, &a));
    return a.kind == POP3_ACTION_MORE;
}

static void check_plays(const char *input, const char *expected)
{
    struct span whole = guard_copy(span_text(input), true);
    struct play p;

    for (size_t cut = 0; cut <= whole.len; cut++) {
        play_begin(&p);
        p.late = cut % 2;
        if (feed(&p, span_head(whole, cut)))
            feed(&p, span_skip(whole, cut));
        if (!CHECK_TEXT(writer_span(&p.out), expected))
            printf("# cut at %zu\n", cut);
    }
    play_begin(&p);
    for (size_t at = 0; at < whole.len; at++)
        if (!feed(&p, span_head(span_skip(whole, at), 1)))
            break;
    CHECK_TEXT(writer_span(&p.out), expected);
    guard_free(whole);
}

#define HELLO "+OK mx.example.org POP3 ready\r\n"
#define LOGIN_IN "USER joe\r\nPASS right pass \r\n"
#define LOGIN_OUT HELLO "+OK password, please\r\nLOGIN(joe/right pass ) +OK mailbox open\r\n"

static void a_mailbox_is_read(void)
{
    check_plays(LOGIN_IN "STAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nuidl 3\r\nRETR 1\r\nNOOP\r\nQUIT\r\n",
                LOGIN_OUT
                "+OK 4 3000000136\r\n"
                "+OK 4 messages\r\n1 120\r\n2 3000000000\r\n3 7\r\n4 9\r\n.\r\n"
                "+OK 2 3000000000\r\n"
                "+OK 4 messages\r\n1 0000001100000001\r\n2 old-uidl\r\n3 00000011000000ff\r\n"
                "4 0000001100000100\r\n.\r\n"
                "+OK 3 00000011000000ff\r\n"
                "RETR(0) +OK 120 octets\r\nMESSAGE(0) +OK ok\r\nUPDATE(0 00) +OK bye\r\nCLOSE");
}

static void deletion_comes_with_quit(void)
{
    check_plays(
        LOGIN_IN "DELE 2\r\nDELE 2\r\nRETR 2\r\nLIST 2\r\nSTAT\r\nLIST\r\nDELE 1\r\nQUIT\r\n",
        LOGIN_OUT
        "+OK marked for deletion\r\n-ERR no such message\r\n-ERR no such message\r\n"
        "-ERR no such message\r\n+OK 3 136\r\n+OK 3 messages\r\n1 120\r\n3 7\r\n4 9\r\n.\r\n"
        "+OK marked for deletion\r\nUPDATE(2 03) +OK bye\r\nCLOSE");
}

static void rset_undeletes(void)
{
    check_plays(
        LOGIN_IN "DELE 2\r\nRSET\r\nSTAT\r\nQUIT\r\n", LOGIN_OUT
        "+OK marked for deletion\r\n+OK ok\r\n+OK 4 3000000136\r\nUPDATE(0 00) +OK bye\r\nCLOSE");
}

static void capabilities_are_told_in_both_states(void)
{
#define CAPAS                                                                                      \
    "+OK capabilities\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"    \
    "EXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\nIMPLEMENTATION wirepost\r\n.\r\n"
    check_plays("CAPA\r\n" LOGIN_IN "CAPA\r\n", HELLO CAPAS
                "+OK password, please\r\nLOGIN(joe/right pass ) +OK mailbox open\r\n" CAPAS);
}

static void wrong_passwords_close_in_the_end(void)
{
    check_plays("USER a\r\nPASS b\r\nPASS c\r\nUSER busy\r\nPASS d\r\nUSER a\r\nPASS e\r\nUSER "
                "a\r\nPASS f\r\n"
                "QUIT\r\n",
                HELLO "+OK password, please\r\nLOGIN(a/b) -ERR [AUTH] login failed\r\n"
                      "-ERR not in this state\r\n+OK password, please\r\nLOGIN(busy/d) "
                      "-ERR [IN-USE] mailbox is in use\r\n+OK password, please\r\nLOGIN(a/e) "
                      "-ERR [AUTH] login failed\r\n+OK password, please\r\nLOGIN(a/f) "
                      "-ERR [AUTH] login failed\r\nCLOSE");
}

static void commands_have_their_state(void)
{
    check_plays("STAT\r\nPASS x\r\nQUIT\r\n",
                HELLO "-ERR not in this state\r\n-ERR not in this state\r\n+OK bye\r\nCLOSE");
    check_plays(LOGIN_IN "USER x\r\nPASS y\r\n",
                LOGIN_OUT "-ERR not in this state\r\n-ERR not in this state\r\n");
}

static void arguments_are_judged(void)
{
    check_plays(LOGIN_IN "RETR\r\nRETR 0\r\nRETR 5\r\nDELE x\r\nSTAT 1\r\n",
                LOGIN_OUT "-ERR bad argument\r\n-ERR no such message\r\n-ERR no such message\r\n"
                          "-ERR bad argument\r\n-ERR bad argument\r\n");
    check_plays(
        LOGIN_IN "LIST 4294967296\r\nAPOP a b\r\n\r\nRETR 1 2\r\nDELE -1\r\nNOOP\r\nXYZ\r\n",
        LOGIN_OUT "-ERR no such message\r\n-ERR unknown command\r\n-ERR unknown command\r\n"
                  "-ERR bad argument\r\n-ERR bad argument\r\n+OK ok\r\n-ERR unknown command\r\n"
                  "-ERR too many errors\r\nCLOSE");
}

/* RFC 1939 section 7 */
static void top_needs_two_numbers(void)
{
    check_plays(LOGIN_IN "TOP 1 0\r\ntop 2  99999999999 \r\nDELE 1\r\n",
                LOGIN_OUT "RETR(0) +OK\r\nMESSAGE(0 0) RETR(1) +OK\r\nMESSAGE(1 4294967294) "
                          "+OK marked for deletion\r\n");
    check_plays(LOGIN_IN "TOP 1\r\nTOP\r\nTOP 1 x\r\nTOP 1 -1\r\nTOP 9 1\r\n",
                LOGIN_OUT "-ERR bad argument\r\n-ERR bad argument\r\n-ERR bad argument\r\n"
                          "-ERR bad argument\r\n-ERR no such message\r\n");
}

/* RFC 6856 section 2 */
static void utf8_is_said_before_the_login(void)
{
    check_plays("UTF8\r\nUSER j\xc3\xb6\r\nUTF8\r\nPASS p\xc3\xa4ss\r\nUTF8 x\r\n",
                HELLO "+OK UTF8\r\n+OK password, please\r\n+OK UTF8\r\n"
                      "LOGIN8(j\xc3\xb6/p\xc3\xa4ss) -ERR [AUTH] login failed\r\n"
                      "-ERR bad argument\r\n");
    check_plays(LOGIN_IN "UTF8\r\n", LOGIN_OUT "-ERR not in this state\r\n");
    check_plays("USER \xc3\r\nUSER a\r\nPASS \xff\r\nPASS b\r\n",
                HELLO "-ERR bad argument\r\n+OK password, please\r\n-ERR bad argument\r\n"
                      "LOGIN(a/b) -ERR [AUTH] login failed\r\n");
}

/* RFC 6856 section 5; any number of them, as the mailbox holds them */
static void what_needs_utf8_is_refused(void)
{
#define NEEDS "-ERR [UTF8] the message is for clients that say UTF8\r\n"
    check_plays(LOGIN_IN "RETR 4\r\nTOP 4 1\r\nRETR 4\r\nRETR 4\r\nRETR 4\r\nRETR 4\r\nRETR 4\r\n"
                         "LIST 4\r\nDELE 4\r\n",
                LOGIN_OUT NEEDS NEEDS NEEDS NEEDS NEEDS NEEDS NEEDS
                "+OK 4 9\r\n+OK marked for deletion\r\n");
}

/* RFC 6856 section 3 */
static void languages_are_listed_and_chosen(void)
{
    check_plays("LANG\r\nLANG en-US\r\nlang *\r\n" LOGIN_IN "LANG I-Default\r\nLANG de\r\n"
                "LANG e\r\nLANG -\r\nLANG en de\r\n",
                HELLO "+OK languages\r\nen English\r\ni-default Default language\r\n.\r\n"
                      "+OK en these replies are in English\r\n"
                      "+OK en these replies are in English\r\n"
                      "+OK password, please\r\nLOGIN(joe/right pass ) +OK mailbox open\r\n"
                      "+OK i-default these replies are in the default language\r\n"
                      "-ERR no such language\r\n-ERR no such language\r\n"
                      "-ERR no such language\r\n-ERR bad argument\r\n");
}

/* A name is refused before its password is there to be read on the way. */
static void passwords_are_not_asked_for_in_the_clear(void)
{
    struct pop3_server_options closed = options;
    struct play p;

    closed.login = false;
    closed.login_delay = 60;
    play_begin(&p);
    pop3_server_init(&p.server, &closed);
    CHECK(feed(&p, span_text("CAPA\r\nUSER a\r\nPASS b\r\n")));
    CHECK_TEXT(writer_span(&p.out), HELLO
               "+OK capabilities\r\nTOP\r\nUIDL\r\nPIPELINING\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\n"
               "LOGIN-DELAY 60\r\nEXPIRE NEVER\r\nUTF8 USER\r\nLANG\r\n"
               "IMPLEMENTATION wirepost\r\n.\r\n"
               "-ERR [SYS/PERM] no passwords over this connection\r\n"
               "-ERR not in this state\r\n");
}

/* RFC 5034 section 4 */
static void logins_by_sasl(void)
{
    options.mechanisms = span_text(" PLAIN");
    check_plays("AUTH PLAIN\r\nmore\r\ngood\r\nSTAT\r\nAUTH PLAIN good\r\nQUIT\r\n",
                HELLO "AUTH(PLAIN ) + challenge\r\nRESPONSE(more) + challenge\r\nRESPONSE(good) "
                      "+OK mailbox open\r\n+OK 4 3000000136\r\n-ERR not in this state\r\n"
                      "UPDATE(0 00) +OK bye\r\nCLOSE");
    check_plays("UTF8\r\nUSER a\r\nAUTH plain good\r\n",
                HELLO "+OK UTF8\r\n+OK password, please\r\nAUTH8(plain good) +OK mailbox open\r\n");
    check_plays("AUTH\r\nAUTH PLAIN a b\r\nAUTH PLAIN\r\n*\r\nAUTH PLAIN =\r\nQUIT\r\n", HELLO
                "-ERR bad argument\r\n-ERR bad argument\r\nAUTH(PLAIN ) + challenge\r\n"
                "RESPONSE(*) -ERR authentication cancelled\r\nAUTH(PLAIN =) -ERR [AUTH] login "
                "failed\r\n+OK bye\r\nCLOSE");
    options.mechanisms = span_of(NULL, 0);
    check_plays("AUTH PLAIN good\r\n", HELLO "-ERR mechanism not offered\r\n");
}

/* Every verb with a good argument in every state that a client can speak in: authorization, behind
 * USER, transaction. */
static void every_command_in_every_state(void)
{
    static const char *const said[] = {"USER a",  "PASS b", "STAT",    "LIST", "RETR 1",
                                       "TOP 1 0", "DELE 1", "UIDL",    "NOOP", "RSET",
                                       "CAPA",    "UTF8",   "LANG en", "QUIT", "APOP a b"};
    static const char *const before[] = {"", "USER a\r\n", LOGIN_IN};
    /* o: +OK, x: not in this state, a: wrong password, u: unknown */
    static const char *const expected[] = {"oxxxxxxxxxoooou", "oaxxxxxxxxoooou", "xxoooooooooxoou"};

    for (unsigned state = 0; state < 3; state++) {
        const char *want = expected[state];

        for (unsigned i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
            struct play p;
            char line[64];
            const char *got;

            play_begin(&p);
            CHECK(feed(&p, span_text(before[state])));
            p.out.len = 0;
            feed(&p, span_of(line, (size_t)snprintf(line, sizeof(line), "%s\r\n", said[i])));
            writer_byte(&p.out, 0);
            got = strstr((char *)p.out.data, "-ERR");
            if (!CHECK(*want == (!got                               ? 'o'
                                 : strstr(got, "not in this state") ? 'x'
                                 : strstr(got, "[AUTH]")            ? 'a'
                                 : strstr(got, "unknown command")   ? 'u'
                                                                    : '?')))
                printf("# %s in state %u: %s\n", said[i], state, p.out.data);
            want++;
        }
    }
}

static void user_needs_a_name(void)
{
    check_plays("USER\r\nUSER \r\nUSER  j o \r\nPASS  p\r\n",
                HELLO "-ERR bad argument\r\n-ERR bad argument\r\n+OK password, please\r\n"
                      "LOGIN(j o/ p) -ERR [AUTH] login failed\r\n");
}

static void a_message_that_cannot_be_read_is_refused(void)
{
    check_plays(LOGIN_IN "RETR 3\r\nNOOP\r\n", LOGIN_OUT
                "RETR(2) -ERR [SYS/TEMP] temporary failure, try again later\r\n+OK ok\r\n");
}

static void bad_line_ends_close(void)
{
    check_plays("NOOP\nNOOP\r\n", HELLO "-ERR bare LF is refused, lines end in CRLF\r\nCLOSE");
    check_plays("NOOP\rNOOP\r\n", HELLO "-ERR bare CR is refused, lines end in CRLF\r\nCLOSE");
}

#define FIFTY "12345678901234567890123456789012345678901234567890"

static void long_lines_close(void)
{
    check_plays("USER " FIFTY FIFTY FIFTY FIFTY
                "123456789012345678901234567890123456789012345678\r\n",
                HELLO "+OK password, please\r\n");
    check_plays("USER " FIFTY FIFTY FIFTY FIFTY
                "1234567890123456789012345678901234567890123456789\r\n",
                HELLO "-ERR line too long\r\nCLOSE");
}

static void an_update_that_fails_is_said(void)
{
    struct play p;

    play_begin(&p);
    p.update_fails = true;
    CHECK(!feed(&p, span_text(LOGIN_IN "DELE 1\r\nQUIT\r\n")));
    CHECK_TEXT(writer_span(&p.out),
               LOGIN_OUT "+OK marked for deletion\r\nUPDATE(1 01) "
                         "-ERR [SYS/TEMP] some deleted messages were not removed\r\nCLOSE");
}

static void stop_says_why(void)
{
    struct play p;

    play_begin(&p);
    pop3_server_stop(&p.server, POP3_REPLY_TOO_MANY_CONNECTIONS);
    CHECK(!feed(&p, span_text("CAPA\r\n")));
    CHECK_TEXT(writer_span(&p.out), "-ERR [SYS/TEMP] too many connections\r\nCLOSE");
    play_begin(&p);
    CHECK(feed(&p, span_text(LOGIN_IN "DELE 1\r\n")));
    p.out.len = 0;
    pop3_server_stop(&p.server, POP3_REPLY_TIMEOUT);
    CHECK(!feed(&p, span_text("QUIT\r\n")));
    CHECK_TEXT(writer_span(&p.out), "-ERR timeout\r\nCLOSE");
}

static void stop_in_the_middle_of_a_message_is_silent(void)
{
    struct span in = span_text("RETR 1\r\n");
    struct pop3_action a;
    struct play p;

    play_begin(&p);
    CHECK(feed(&p, span_text(LOGIN_IN)));
    p.out.len = 0;
    while (pop3_server_next(&p.server, &in, &p.scratch, &a) != POP3_ACTION_MESSAGE)
        if (a.kind == POP3_ACTION_RETR)
            CHECK(pop3_server_answer(&p.server, POP3_REPLY_OK));
    pop3_server_stop(&p.server, POP3_REPLY_TIMEOUT);
    CHECK(pop3_server_next(&p.server, &in, &p.scratch, &a) == POP3_ACTION_CLOSE);
}

/* RFC 2595 section 4 */
static void stls_begins_anew(void)
{
    struct pop3_server_options offering = options, secure = options;
    struct play p;

    offering.stls = true;
    offering.login = false;
    play_begin(&p);
    pop3_server_init(&p.server, &offering);
    CHECK(!feed(&p, span_text("STLS x\r\nSTLS\r\nUSER a\r\n")));
    CHECK_TEXT(writer_span(&p.out), "+OK mx.example.org POP3 ready\r\n-ERR bad argument\r\n"
                                    "+OK begin TLS\r\nTLS");
    CHECK(!pop3_server_answer(&p.server, POP3_REPLY_OK));
    CHECK(pop3_server_secured(&p.server, &secure));
    CHECK(!pop3_server_secured(&p.server, &secure));
    p.out.len = 0;
    CHECK(feed(&p, span_text("STLS\r\nPASS b\r\nUSER a\r\n")));
    CHECK_TEXT(writer_span(&p.out), "-ERR unknown command\r\n-ERR not in this state\r\n"
                                    "+OK password, please\r\n");
}

static void login_cannot_be_answered_with_ok(void)
{
    struct span in = span_text("USER a\r\nPASS b\r\n");
    struct pop3_action a;
    struct play p;

    play_begin(&p);
    pop3_server_attach(&p.server, p.buffer);
    while (pop3_server_next(&p.server, &in, &p.scratch, &a) != POP3_ACTION_LOGIN)
        ;
    CHECK(!pop3_server_answer(&p.server, POP3_REPLY_OK));
    CHECK(pop3_server_detach(&p.server) == p.buffer);
    CHECK(pop3_server_answer(&p.server, POP3_REPLY_SYS_TEMP));
}

/* A list longer than the scratch comes in pieces, each within its room. */
static void long_lists_come_in_pieces(void)
{
    static struct pop3_entry many[20000];
    static uint8_t deleted[2500];
    struct pop3_mailbox big = {.entries = many, .count = 20000};
    struct span in = span_text("USER a\r\nPASS b\r\nDELE 20000\r\nLIST\r\n");
    struct pop3_action a = {.kind = POP3_ACTION_MORE};
    unsigned pieces = 0, lines = 0;
    struct play p;

    play_begin(&p);
    do {
        pop3_server_next(&p.server, &in, &p.scratch, &a);
        if (a.kind == POP3_ACTION_LOGIN)
            CHECK(pop3_server_open(&p.server, &big, deleted));
        else if (a.kind != POP3_ACTION_MORE)
            act(&p, &a);
        pieces += a.kind == POP3_ACTION_REPLY && a.reply == POP3_REPLY_NONE;
    } while (a.kind != POP3_ACTION_MORE);
    for (size_t i = 0; i < p.out.len; i++)
        lines += p.out.data[i] == '\n';
    CHECK(pieces > 100 && lines == 5 + 19999 + 1);
    CHECK(!p.out.full && memcmp(p.out.data + p.out.len - 13, "\n19999 0\r\n.\r\n", 13) == 0);
}

/* Millions of messages: marks are one bit each, and are listed and counted like any. */
static void millions_are_marked(void)
{
    enum { COUNT = POP3_MESSAGES_MAX };
    struct pop3_entry *many = calloc(COUNT, sizeof(*many));
    uint8_t *marks = calloc(1, COUNT / 8 + 1);
    struct pop3_mailbox big = {.entries = many, .count = COUNT, .octets = COUNT};
    struct span in = span_text("USER a\r\nPASS b\r\nDELE 4000000\r\nDELE 524097\r\nDELE 1\r\n"
                               "DELE 4000000\r\nDELE 4000001\r\nSTAT\r\nQUIT\r\n");
    struct pop3_action a = {.kind = POP3_ACTION_MORE};
    struct play p;

    for (uint32_t i = 0; i < COUNT; i++)
        many[i].size = 1;
    play_begin(&p);
    do {
        pop3_server_next(&p.server, &in, &p.scratch, &a);
        if (a.kind == POP3_ACTION_LOGIN)
            CHECK(pop3_server_open(&p.server, &big, marks));
        else if (a.kind != POP3_ACTION_UPDATE)
            act(&p, &a);
    } while (a.kind != POP3_ACTION_UPDATE && a.kind != POP3_ACTION_MORE);
    CHECK_TEXT(writer_span(&p.out), HELLO
               "+OK password, please\r\n+OK mailbox open\r\n+OK marked for deletion\r\n"
               "+OK marked for deletion\r\n+OK marked for deletion\r\n-ERR no such message\r\n"
               "-ERR no such message\r\n+OK 3999997 3999997\r\n");
    CHECK(a.kind == POP3_ACTION_UPDATE && a.deleted_count == 3);
    CHECK(marks[0] == 1 && marks[524096 / 8] == 1 && marks[3999999 / 8] == 0x80);
    free(many);
    free(marks);
}

static void every_reply_is_well_formed(void)
{
    for (unsigned id = 1; id < POP3_REPLY_COUNT; id++) {
        uint8_t text[POP3_REPLY_MAX];
        struct writer w = writer_of(text, sizeof(text));

        pop3_reply_put(&w, (enum pop3_reply_id)id);
        CHECK(!w.full && (text[0] == '+') == !pop3_reply_refuses((enum pop3_reply_id)id));
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_mailbox_is_read);
    CHECK_CASE(deletion_comes_with_quit);
    CHECK_CASE(rset_undeletes);
    CHECK_CASE(capabilities_are_told_in_both_states);
    CHECK_CASE(wrong_passwords_close_in_the_end);
    CHECK_CASE(commands_have_their_state);
    CHECK_CASE(arguments_are_judged);
    CHECK_CASE(top_needs_two_numbers);
    CHECK_CASE(utf8_is_said_before_the_login);
    CHECK_CASE(what_needs_utf8_is_refused);
    CHECK_CASE(languages_are_listed_and_chosen);
    CHECK_CASE(passwords_are_not_asked_for_in_the_clear);
    CHECK_CASE(logins_by_sasl);
    CHECK_CASE(every_command_in_every_state);
    CHECK_CASE(user_needs_a_name);
    CHECK_CASE(a_message_that_cannot_be_read_is_refused);
    CHECK_CASE(bad_line_ends_close);
    CHECK_CASE(long_lines_close);
    CHECK_CASE(an_update_that_fails_is_said);
    CHECK_CASE(stop_says_why);
    CHECK_CASE(stop_in_the_middle_of_a_message_is_silent);
    CHECK_CASE(stls_begins_anew);
    CHECK_CASE(login_cannot_be_answered_with_ok);
    CHECK_CASE(long_lists_come_in_pieces);
    CHECK_CASE(millions_are_marked);
    CHECK_CASE(every_reply_is_well_formed);
    return check_end();
}
