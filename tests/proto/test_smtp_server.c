/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_server.h"
#include "tests/harness/check.h"

#include <stdio.h>

static const struct smtp_server_options options = {
    .hostname = {(const uint8_t *)"mx.example.org", 14},
    .size_max = 1000,
    .text_line_max = 200,
    .command_line_max = 128,
    .recipients_max = 3,
    .errors_max = 4,
};

/* A session that answers by what it is asked, at once or late, and writes down all that happens. */
struct play {
    struct smtp_server server;
    uint8_t buffer[128];
    uint8_t reply_bytes[2048];
    struct writer scratch;
    struct writer out;
    bool late;          /* answer only when the machine says WAIT */
    bool tiny;          /* the scratch holds one reply, so that room is asked for before each */
    bool rejects;       /* the message began with "REJECT" */
    bool begun;         /* the first byte of the message was seen */
    int open;           /* transactions opened and not reset */
    enum smtp_reply_id answer;
    struct span own;
};

static void play_begin(struct play *p, void *text, size_t cap)
{
    memset(p, 0, sizeof(*p));
    smtp_server_init(&p->server, &options);
    p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
    p->out = writer_of(text, cap);
}

static enum smtp_reply_id judge_path(const struct smtp_action *a)
{
    if (span_equal(a->path.local, span_text("nobody")))
        return SMTP_REPLY_UNKNOWN_USER;
    if (span_equal(a->path.local, span_text("full")))
        return SMTP_REPLY_MAILBOX_FULL;
    if (span_equal(a->path.local, span_text("spam")))
        return SMTP_REPLY_RULE_REJECTED;
    if (span_equal(a->path.local, span_text("bye")))
        return SMTP_REPLY_DRAINING;
    return SMTP_REPLY_OK;
}

static void decide(struct play *p, const struct smtp_action *a)
{
    p->answer = SMTP_REPLY_OK;
    p->own = span_of(NULL, 0);
    switch (a->kind) {
    case SMTP_ACTION_HELO:
        if (span_equal(a->name, span_text("evil")))
            p->answer = SMTP_REPLY_RULE_REJECTED;
        break;
    case SMTP_ACTION_MAIL:
    case SMTP_ACTION_RCPT:
        p->answer = judge_path(a);
        p->open += a->kind == SMTP_ACTION_MAIL && p->answer == SMTP_REPLY_OK;
        break;
    case SMTP_ACTION_DATA:
        p->begun = p->rejects = false;
        break;
    case SMTP_ACTION_END:
        p->answer = p->rejects ? SMTP_REPLY_RULE_REJECTED : SMTP_REPLY_ACCEPTED;
        p->own = span_text(p->rejects ? "own words" : "ID1");
        break;
    default:
        break;
    }
    if (!p->late)
        CHECK(smtp_server_answer(&p->server, p->answer, p->own));
}

static void note_path(struct play *p, const char *what, const struct smtp_action *a)
{
    writer_printf(&p->out, "%s(%.*s@%.*s", what, (int)a->path.local.len, a->path.local.data,
                  (int)a->path.domain.len, a->path.domain.data);
    if (a->size || a->body)
        writer_printf(&p->out, " %llu %u", (unsigned long long)a->size, a->body);
    writer_text(&p->out, ")");
}

/* Writes one action down; false when it ends the feeding of this input. */
static bool act(struct play *p, const struct smtp_action *a)
{
    switch (a->kind) {
    case SMTP_ACTION_MORE:
        return false;
    case SMTP_ACTION_BUFFER:
        smtp_server_attach(&p->server, p->buffer);
        return true;
    case SMTP_ACTION_ROOM:
        p->scratch = writer_of(p->reply_bytes, sizeof(p->reply_bytes));
        return true;
    case SMTP_ACTION_WAIT:
        return CHECK(p->late && smtp_server_answer(&p->server, p->answer, p->own));
    case SMTP_ACTION_REPLY:
        CHECK(a->reply != SMTP_REPLY_NONE && a->bytes.len > 2);
        p->scratch.full |= p->tiny;
        writer_text(&p->out, "<");
        writer_span_put(&p->out, a->bytes);
        return true;
    case SMTP_ACTION_CONNECT:
        writer_text(&p->out, "CONNECT ");
        break;
    case SMTP_ACTION_HELO:
        writer_printf(&p->out, "HELO(%.*s %d)", (int)a->name.len, a->name.data, a->esmtp);
        break;
    case SMTP_ACTION_MAIL:
        note_path(p, "MAIL", a);
        break;
    case SMTP_ACTION_RCPT:
        note_path(p, "RCPT", a);
        break;
    case SMTP_ACTION_DATA:
        writer_text(&p->out, "DATA ");
        break;
    case SMTP_ACTION_TEXT:
        if (!p->begun)
            p->rejects = a->bytes.data[0] == '!';
        p->begun = true;
        writer_span_put(&p->out, a->bytes);
        return true;
    case SMTP_ACTION_REFUSED:
        writer_printf(&p->out, "REFUSED(%s)", smtp_reply_row(a->reply)->counter);
        return true;
    case SMTP_ACTION_END:
        writer_text(&p->out, "END ");
        break;
    case SMTP_ACTION_RESET:
        p->open--;
        CHECK(p->open == 0);
        writer_text(&p->out, "RESET ");
        return true;
    case SMTP_ACTION_CLOSE:
        writer_text(&p->out, "CLOSE");
        return false;
    }
    decide(p, a);
    return true;
}

static bool feed(struct play *p, struct span in)
{
    struct smtp_action a;

    do {
        smtp_server_next(&p->server, &in, &p->scratch, &a);
    } while (act(p, &a));
    if (a.kind == SMTP_ACTION_MORE)
        CHECK(in.len == 0);
    return a.kind == SMTP_ACTION_MORE;
}

static char text_[16384];

static void check_plays(const char *input, const char *expected)
{
    struct span whole = guard_copy(span_text(input), true);
    struct play p;

    for (size_t cut = 0; cut <= whole.len; cut++) {
        play_begin(&p, text_, sizeof(text_));
        p.late = cut % 2;
        if (feed(&p, span_head(whole, cut)))
            feed(&p, span_skip(whole, cut));
        if (!CHECK_TEXT(writer_span(&p.out), expected))
            printf("# cut at %zu\n", cut);
    }
    for (size_t step = 1; step <= 5; step++) {
        play_begin(&p, text_, sizeof(text_));
        p.tiny = step % 2;
        for (size_t at = 0; at < whole.len; at += step)
            if (!feed(&p, span_head(span_skip(whole, at), step)))
                break;
        CHECK_TEXT(writer_span(&p.out), expected);
    }
    guard_free(whole);
}

#define HELLO "CONNECT <220 mx.example.org ESMTP\r\n"
#define OFFER                                                                                      \
    "<250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"                   \
    "250 ENHANCEDSTATUSCODES\r\n"
#define GREETED HELLO "HELO(c 1)" OFFER
#define SENDER "MAIL(a@b)<250 2.1.0 sender ok\r\n"
#define RECIPIENT "RCPT(x@y)<250 2.1.5 recipient ok\r\n"
#define AHEAD "DATA <354 end with <CRLF>.<CRLF>\r\n"
#define BYE "<221 2.0.0 bye\r\n"

static void a_message_is_taken(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> SIZE=5 BODY=8BITMIME\r\nRCPT TO:<x@y>\r\nDATA\r\n"
                "Subject: s\r\n\r\n..b\r\n.\r\nQUIT\r\n",
                GREETED "MAIL(a@b 5 1)<250 2.1.0 sender ok\r\n" RECIPIENT AHEAD
                        "Subject: s\r\n\r\n.b\r\nEND <250 2.0.0 ID1\r\nRESET " BYE "CLOSE");
}

static void two_messages_on_one_connection(void)
{
    check_plays("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nDATA\r\nx\r\n.\r\n"
                "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n!y\r\n.\r\nQUIT\r\n",
                HELLO "HELO(c 0)<250 mx.example.org\r\nMAIL(@)<250 2.1.0 sender ok\r\n"
                      "RCPT(Postmaster@)<250 2.1.5 recipient ok\r\n" AHEAD
                      "x\r\nEND <250 2.0.0 ID1\r\nRESET " SENDER RECIPIENT AHEAD
                      "!y\r\nEND <550 5.7.1 own words\r\nRESET " BYE "CLOSE");
}

static void refused_recipients_leave_the_others(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@y>\r\nRCPT TO:<full@y>\r\nRCPT TO:<x@y>\r\n"
                "DATA\r\nz\r\n.\r\n",
                GREETED SENDER "RCPT(nobody@y)<550 5.1.1 no such user here\r\n"
                               "RCPT(full@y)<452 4.2.2 mailbox full\r\n" RECIPIENT AHEAD
                               "z\r\nEND <250 2.0.0 ID1\r\nRESET ");
}

static void data_needs_a_recipient(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@y>\r\nDATA\r\nRSET\r\nDATA\r\n",
                GREETED SENDER "RCPT(nobody@y)<550 5.1.1 no such user here\r\n"
                               "<554 5.5.1 no valid recipients\r\n<250 2.0.0 ok\r\nRESET "
                               "<503 5.5.1 bad sequence of commands\r\n");
}

static void recipients_are_limited(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<x@y>\r\nRCPT TO:<x@y>\r\nRCPT TO:<x@y>\r\n"
                "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n",
                GREETED SENDER RECIPIENT RECIPIENT RECIPIENT
                "<452 4.5.3 too many recipients\r\n<250 2.0.0 ok\r\nRESET " SENDER RECIPIENT);
}

static void commands_have_their_order(void)
{
    check_plays("MAIL FROM:<a@b>\r\nVRFY x\r\nEHLO c\r\nRCPT TO:<x@y>\r\n",
                HELLO "<503 5.5.1 send EHLO first\r\n<252 2.5.2 send mail and see\r\nHELO(c 1)" OFFER
                      "<503 5.5.1 bad sequence of commands\r\n");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<c@d>\r\nDATA x\r\n",
                GREETED SENDER "<503 5.5.1 bad sequence of commands\r\n<501 5.5.4 bad argument\r\n");
}

static void small_commands_are_answered(void)
{
    check_plays("NOOP\r\nHELP\r\nVRFY x\r\nRSET\r\nQUIT\r\nNOOP\r\n",
                HELLO "<250 2.0.0 ok\r\n<214 2.0.0 see RFC 5321\r\n<252 2.5.2 send mail and see\r\n"
                      "<250 2.0.0 ok\r\n" BYE "CLOSE");
}

static void what_is_not_offered_is_refused(void)
{
    check_plays("EHLO c\r\nSTARTTLS\r\nXYZZY\r\nMAIL FROM:<a@b> SMTPUTF8\r\n",
                GREETED "<502 5.5.1 command not offered\r\n<500 5.5.2 unknown command\r\n"
                        "<555 5.5.4 parameter not offered\r\n");
}

static void ehlo_ends_a_transaction(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nEHLO c\r\nEHLO\r\n",
                GREETED SENDER "HELO(c 1)" OFFER "RESET <501 5.5.4 domain or address literal expected\r\n");
}

static void a_refused_ehlo_changes_nothing(void)
{
    check_plays("EHLO evil\r\nMAIL FROM:<a@b>\r\n",
                HELLO "HELO(evil 1)<550 5.7.1 message refused by policy\r\n<503 5.5.1 send EHLO first\r\n");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nEHLO evil\r\nRCPT TO:<x@y>\r\n",
                GREETED SENDER "HELO(evil 1)<550 5.7.1 message refused by policy\r\n" RECIPIENT);
}

static void a_refused_sender_opens_nothing(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<spam@b>\r\nRCPT TO:<x@y>\r\nMAIL FROM:<a@b>\r\nQUIT\r\n",
                GREETED "MAIL(spam@b)<550 5.7.1 message refused by policy\r\n"
                        "<503 5.5.1 bad sequence of commands\r\n" SENDER BYE "RESET CLOSE");
}

static void errors_are_limited(void)
{
    check_plays("x\r\nx\r\nx\r\nx\r\nNOOP\r\n",
                HELLO "<500 5.5.2 unknown command\r\n<500 5.5.2 unknown command\r\n"
                      "<500 5.5.2 unknown command\r\n<500 5.5.2 unknown command\r\n"
                      "<421 4.7.0 too many errors\r\nCLOSE");
}

static void an_answer_of_421_closes(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bye@y>\r\nNOOP\r\n",
                GREETED SENDER "RCPT(bye@y)<421 4.3.2 shutting down, try again later\r\nRESET CLOSE");
}

static void a_declared_size_is_judged_at_mail(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b> SIZE=1000\r\n",
                GREETED "<552 5.3.4 message too big\r\nMAIL(a@b 1000 0)<250 2.1.0 sender ok\r\n");
}

#define FORTY_NINE "12345678901234567890123456789012345678901234567\r\n"
#define TEN(x) x x x x x x x x x x
#define TWENTY TEN(FORTY_NINE) TEN(FORTY_NINE)
#define TO_DATA "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n"

static void a_message_of_the_largest_size_is_taken(void)
{
    check_plays(TO_DATA TWENTY "..2345678901234567\r\n.\r\n",
                GREETED SENDER RECIPIENT AHEAD TWENTY
                ".2345678901234567\r\nEND <250 2.0.0 ID1\r\nRESET ");
}

static void a_message_too_big_is_swallowed(void)
{
    check_plays(TO_DATA TWENTY "1234567890123456789\r\nmore\r\n.\r\nQUIT\r\n",
                GREETED SENDER RECIPIENT AHEAD TWENTY
                "1234567890123456789\rREFUSED(too_big)<552 5.3.4 message too big\r\nRESET " BYE "CLOSE");
}

static void a_text_line_too_long_is_swallowed(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\na\r\n"
                TEN("12345678901234567890") "1\r\nb\r\n.\r\nNOOP\r\n",
                GREETED SENDER RECIPIENT AHEAD "a\r\n" TEN("12345678901234567890")
                "REFUSED(text_line_too_long)<554 5.6.0 message has a line that is too long\r\nRESET "
                "<250 2.0.0 ok\r\n");
}

static void a_command_too_long_is_an_error(void)
{
    check_plays(TEN("12345678901234567890") "\r\nNOOP\r\n",
                HELLO "<500 5.5.2 line too long\r\n<250 2.0.0 ok\r\n");
}

static void bare_line_ends_close(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\nRCPT TO:<x@y>\r\n",
                GREETED "<550 5.5.2 bare LF is refused, lines end in CRLF\r\nCLOSE");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\na\r\n.\rMAIL FROM:<e@f>\r\n",
                GREETED SENDER RECIPIENT AHEAD
                "a\r\n<550 5.5.2 bare CR is refused, lines end in CRLF\r\nRESET CLOSE");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\na\n.\r\nMAIL FROM:<e@f>\r\n",
                GREETED SENDER RECIPIENT AHEAD
                "a<550 5.5.2 bare LF is refused, lines end in CRLF\r\nRESET CLOSE");
}

static void nul_closes(void)
{
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    CHECK(!feed(&p, span_of("NOOP\0\r\nNOOP\r\n", 13)));
    CHECK_TEXT(writer_span(&p.out), HELLO "<550 5.5.2 NUL is refused\r\nCLOSE");
}

/* The session's own interventions. */

static void begin_message(struct play *p)
{
    play_begin(p, text_, sizeof(text_));
    CHECK(feed(p, span_text("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nab")));
    p->out.len = 0;
}

static void the_session_refuses_while_text_flows(void)
{
    struct play p;

    begin_message(&p);
    CHECK(smtp_server_in_data(&p.server) && smtp_server_in_transaction(&p.server));
    CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
    CHECK(!smtp_server_refuse(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
    CHECK(feed(&p, span_text("cd\r\n.\r\nNOOP\r\n")));
    CHECK_TEXT(writer_span(&p.out), "<550 5.7.1 seen enough\r\nRESET <250 2.0.0 ok\r\n");
    CHECK(!smtp_server_in_transaction(&p.server));
}

static void stop_ends_a_transaction(void)
{
    struct play p;

    begin_message(&p);
    smtp_server_stop(&p.server, SMTP_REPLY_TIMEOUT);
    smtp_server_stop(&p.server, SMTP_REPLY_DRAINING);
    CHECK(!feed(&p, span_text("cd\r\n.\r\n")));
    CHECK_TEXT(writer_span(&p.out), "RESET <421 4.4.2 timeout\r\nCLOSE");
    p.out.len = 0;
    CHECK(!feed(&p, span_text("NOOP\r\n")));
    CHECK_TEXT(writer_span(&p.out), "CLOSE");
}

static void stop_does_not_wear_anothers_words(void)
{
    struct play p;

    begin_message(&p);
    CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
    smtp_server_stop(&p.server, SMTP_REPLY_DRAINING);
    CHECK(!feed(&p, span_text("")));
    CHECK_TEXT(writer_span(&p.out), "RESET <421 4.3.2 shutting down, try again later\r\nCLOSE");
}

static void stop_while_an_answer_is_awaited(void)
{
    struct span in = span_text("EHLO c\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_CONNECT);
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_WAIT && in.len == 8);
    smtp_server_stop(&p.server, SMTP_REPLY_TOO_MANY_CONNECTIONS);
    CHECK(!smtp_server_answer(&p.server, SMTP_REPLY_OK, span_of(NULL, 0)));
    CHECK(!feed(&p, in));
    CHECK_TEXT(writer_span(&p.out), "<421 4.7.0 too many connections\r\nCLOSE");
}

static void an_answer_given_is_sent_before_a_stop(void)
{
    struct smtp_action a;
    struct span in;
    struct play p;

    begin_message(&p);
    in = span_text("\r\n.\r\n");
    while (smtp_server_next(&p.server, &in, &p.scratch, &a) != SMTP_ACTION_END)
        ;
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_ACCEPTED, span_text("ID2")));
    smtp_server_stop(&p.server, SMTP_REPLY_DRAINING);
    CHECK(!feed(&p, in));
    CHECK_TEXT(writer_span(&p.out),
               "<250 2.0.0 ID2\r\nRESET <421 4.3.2 shutting down, try again later\r\nCLOSE");
}

static void a_refused_client_may_only_quit(void)
{
    struct span in = span_text("EHLO c\r\nNOOP\r\nQUIT\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_CONNECT);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_CLIENT_REFUSED, span_of(NULL, 0)));
    CHECK(!feed(&p, in));
    CHECK_TEXT(writer_span(&p.out), "<554 5.7.1 no service for this client\r\n"
                                    "<503 5.5.1 bad sequence of commands\r\n"
                                    "<503 5.5.1 bad sequence of commands\r\n" BYE "CLOSE");
}

static void a_refused_data_keeps_the_transaction(void)
{
    struct span in = span_text("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nDATA\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    while (smtp_server_next(&p.server, &in, &p.scratch, &a) != SMTP_ACTION_DATA)
        if (a.kind != SMTP_ACTION_REPLY)
            decide(&p, &a);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
    feed(&p, in);
    CHECK_TEXT(writer_span(&p.out), "<451 4.3.2 out of resources, try again later\r\n" AHEAD);
}

static void the_buffer_comes_and_goes(void)
{
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    CHECK(feed(&p, span_text("EHLO c\r\n")));
    CHECK(smtp_server_detach(&p.server) == NULL);
    CHECK(feed(&p, span_text("NO")));
    CHECK(smtp_server_detach(&p.server) == NULL && p.server.reader.line.buffer);
    CHECK(feed(&p, span_text("OP\r\n")));
    CHECK(smtp_server_detach(&p.server) == p.buffer);
    CHECK(feed(&p, span_text("NOOP\r\n")));
    CHECK(smtp_server_detach(&p.server) == NULL);
}

static void replies_gather_for_one_flush(void)
{
    struct play p;

    play_begin(&p, text_, sizeof(text_));
    CHECK(feed(&p, span_text("NOOP\r\nNOOP\r\n")));
    CHECK_TEXT(writer_span(&p.scratch), "220 mx.example.org ESMTP\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_message_is_taken);
    CHECK_CASE(two_messages_on_one_connection);
    CHECK_CASE(refused_recipients_leave_the_others);
    CHECK_CASE(data_needs_a_recipient);
    CHECK_CASE(recipients_are_limited);
    CHECK_CASE(commands_have_their_order);
    CHECK_CASE(small_commands_are_answered);
    CHECK_CASE(what_is_not_offered_is_refused);
    CHECK_CASE(ehlo_ends_a_transaction);
    CHECK_CASE(a_refused_ehlo_changes_nothing);
    CHECK_CASE(a_refused_sender_opens_nothing);
    CHECK_CASE(errors_are_limited);
    CHECK_CASE(an_answer_of_421_closes);
    CHECK_CASE(a_declared_size_is_judged_at_mail);
    CHECK_CASE(a_message_of_the_largest_size_is_taken);
    CHECK_CASE(a_message_too_big_is_swallowed);
    CHECK_CASE(a_text_line_too_long_is_swallowed);
    CHECK_CASE(a_command_too_long_is_an_error);
    CHECK_CASE(bare_line_ends_close);
    CHECK_CASE(nul_closes);
    CHECK_CASE(the_session_refuses_while_text_flows);
    CHECK_CASE(stop_ends_a_transaction);
    CHECK_CASE(stop_does_not_wear_anothers_words);
    CHECK_CASE(stop_while_an_answer_is_awaited);
    CHECK_CASE(an_answer_given_is_sent_before_a_stop);
    CHECK_CASE(a_refused_client_may_only_quit);
    CHECK_CASE(a_refused_data_keeps_the_transaction);
    CHECK_CASE(the_buffer_comes_and_goes);
    CHECK_CASE(replies_gather_for_one_flush);
    return check_end();
}
