/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/smtp_play.h"

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
    check_plays(
        "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@y>\r\nRCPT TO:<full@y>\r\nRCPT TO:<x@y>\r\n"
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
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nRCPT TO:<x@y>\r\nRCPT "
                "TO:<x@y>\r\nRCPT TO:<x@y>\r\n"
                "RSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n",
                GREETED SENDER RECIPIENT RECIPIENT RECIPIENT
                "<452 4.5.3 too many recipients\r\n<250 2.0.0 ok\r\nRESET " SENDER RECIPIENT);
}

static void commands_have_their_order(void)
{
    check_plays("MAIL FROM:<a@b>\r\nVRFY x\r\nEHLO c\r\nRCPT TO:<x@y>\r\n", HELLO
                "<503 5.5.1 send EHLO first\r\n<252 2.5.2 send mail and see\r\nHELO(c 1)" OFFER
                "<503 5.5.1 bad sequence of commands\r\n");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<c@d>\r\nDATA x\r\n", GREETED SENDER
                "<503 5.5.1 bad sequence of commands\r\n<501 5.5.4 bad argument\r\n");
}

static void small_commands_are_answered(void)
{
    check_plays("NOOP\r\nHELP\r\nVRFY x\r\nRSET\r\nQUIT\r\nNOOP\r\n",
                HELLO "<250 2.0.0 ok\r\n<214 2.0.0 see RFC 5321\r\n<252 2.5.2 send mail and see\r\n"
                      "<250 2.0.0 ok\r\n" BYE "CLOSE");
}

/* RFC 3207 section 4: what comes behind it is not read, what was said before is forgotten. */
static void starttls_begins_anew(void)
{
    struct play p;

    play_starttls = true;
    play_begin(&p, play_text, sizeof(play_text));
    CHECK(!play_feed(&p, span_text("EHLO c\r\nSTARTTLS x\r\nMAIL FROM:<a@b>\r\n"
                                   "STARTTLS\r\nRSET\r\nSTARTTLS\r\nMAIL FROM:<c@d>\r\n")));
    writer_byte(&p.out, 0);
    CHECK(strstr(play_text, "CONNECT <220 mx.example.org ESMTP\r\n"));
    CHECK(strstr(play_text, "250-STARTTLS\r\n"));
    CHECK(strstr(play_text, "<501 5.5.4 bad argument\r\n"));
    CHECK(strstr(play_text, "<503 5.5.1 bad sequence of commands\r\n"));
    CHECK(strstr(play_text, "<220 2.0.0 ready to start TLS\r\nTLS"));
    CHECK(!strstr(play_text, "c@d"));
    CHECK(!smtp_server_answer(&p.server, SMTP_REPLY_OK, span_of(NULL, 0)));
    smtp_server_detach(&p.server);
    CHECK(smtp_server_secured(&p.server, p.server.options));
    CHECK(!smtp_server_secured(&p.server, p.server.options));
    p.out.len = 0;
    CHECK(play_feed(&p, span_text("MAIL FROM:<a@b>\r\n")));
    CHECK_TEXT(writer_span(&p.out), "<503 5.5.1 send EHLO first\r\n");
    play_starttls = false;
}

static void what_is_not_offered_is_refused(void)
{
    check_plays("EHLO c\r\nSTARTTLS\r\nXYZZY\r\nMAIL FROM:<a@b> RET=FULL\r\n",
                GREETED "<502 5.5.1 command not offered\r\n<500 5.5.2 unknown command\r\n"
                        "<555 5.5.4 parameter not offered\r\n");
}

static void ehlo_ends_a_transaction(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nEHLO c\r\nEHLO\r\n", GREETED SENDER
                "HELO(c 1)" OFFER "RESET <501 5.5.4 domain or address literal expected\r\n");
}

static void a_refused_ehlo_changes_nothing(void)
{
    check_plays(
        "EHLO evil\r\nMAIL FROM:<a@b>\r\n",
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

/* A RSET, like all that brings no message nearer, is one of them, in a transaction too. */
static void idle_commands_are_limited(void)
{
#define FIVE "NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"
#define FIVE_OK                                                                                    \
    "<250 2.0.0 ok\r\n<250 2.0.0 ok\r\n<250 2.0.0 ok\r\n<250 2.0.0 ok\r\n<250 2.0.0 ok\r\n"
    check_plays("EHLO c\r\n" FIVE "VRFY x\r\nHELP\r\nEXPN x\r\nMAIL FROM:<a@b>\r\nRSET\r\nRSET\r\n"
                "NOOP\r\nNOOP\r\nNOOP\r\n",
                GREETED FIVE_OK "<252 2.5.2 send mail and see\r\n<214 2.0.0 see RFC 5321\r\n"
                                "<502 5.5.1 command not offered\r\n" SENDER
                                "<250 2.0.0 ok\r\nRESET "
                                "<250 2.0.0 ok\r\n<250 2.0.0 ok\r\n"
                                "<421 4.7.0 too many commands without a message\r\nCLOSE");
    check_plays(
        "EHLO c\r\n" FIVE FIVE "MAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nx\r\n.\r\n" FIVE,
        GREETED FIVE_OK FIVE_OK SENDER RECIPIENT AHEAD "x\r\nEND <250 2.0.0 ID1\r\nRESET " FIVE_OK);
}

/* RFC 5321 section 4.1.1.11, section 2.2.1 */
static void helo_offers_no_parameters(void)
{
    check_plays("HELO c\r\nMAIL FROM:<a@b> SIZE=10\r\nMAIL FROM:<a@b> BODY=x=y\r\n"
                "MAIL FROM:<a@b>\r\nRCPT TO:<x@y> NOTIFY=NEVER\r\nRCPT TO:<x@y>\r\n",
                HELLO "HELO(c 0)<250 mx.example.org\r\n<555 5.5.4 parameter not offered\r\n"
                      "<555 5.5.4 parameter not offered\r\n" SENDER
                      "<555 5.5.4 parameter not offered\r\n" RECIPIENT);
}

static void an_answer_of_421_closes(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<bye@y>\r\nNOOP\r\n", GREETED SENDER
                "RCPT(bye@y)<421 4.3.2 shutting down, try again later\r\nRESET CLOSE");
}

static void a_declared_size_is_judged_at_mail(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> SIZE=1001\r\nMAIL FROM:<a@b> SIZE=1000\r\n",
                GREETED "<552 5.3.4 message too big\r\nMAIL(a@b 1000 0)<250 2.1.0 sender ok\r\n");
}

#define TO_DATA "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\n"

static void a_message_of_the_largest_size_is_taken(void)
{
    check_plays(TO_DATA TWENTY "..2345678901234567\r\n.\r\n", GREETED SENDER RECIPIENT AHEAD TWENTY
                ".2345678901234567\r\nEND <250 2.0.0 ID1\r\nRESET ");
}

static void a_message_too_big_is_swallowed(void)
{
    check_plays(TO_DATA TWENTY "1234567890123456789\r\nmore\r\n.\r\nQUIT\r\n",
                GREETED SENDER RECIPIENT AHEAD TWENTY
                "1234567890123456789\rREFUSED(too_big)<552 5.3.4 message too big\r\nRESET " BYE
                "CLOSE");
}

static void a_text_line_too_long_is_swallowed(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\na\r\n" TEN(
                    "12345678901234567890") "1\r\nb\r\n.\r\nNOOP\r\n",
                GREETED SENDER RECIPIENT AHEAD
                "a\r\n" TEN("12345678901234567890") "REFUSED(text_line_too_long)<554 5.6.0 line of "
                                                    "the message too long\r\nRESET "
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

    play_begin(&p, play_text, sizeof(play_text));
    CHECK(!play_feed(&p, span_of("NOOP\0\r\nNOOP\r\n", 13)));
    CHECK_TEXT(writer_span(&p.out), HELLO "<550 5.5.2 NUL is refused\r\nCLOSE");
}

/* The session's own interventions. */

static void begin_message(struct play *p)
{
    play_begin(p, play_text, sizeof(play_text));
    CHECK(play_feed(p, span_text("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nab")));
    p->out.len = 0;
}

static void the_session_refuses_while_text_flows(void)
{
    struct play p;

    begin_message(&p);
    CHECK(smtp_server_in_data(&p.server) && smtp_server_in_transaction(&p.server));
    CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
    CHECK(!smtp_server_refuse(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
    CHECK(play_feed(&p, span_text("cd\r\n.\r\nNOOP\r\n")));
    CHECK_TEXT(writer_span(&p.out), "<550 5.7.1 seen enough\r\nRESET <250 2.0.0 ok\r\n");
    CHECK(!smtp_server_in_transaction(&p.server));
}

/* What was read before the line that is too long was looked at behind it. */
static void the_sessions_refusal_goes_before_the_machines(void)
{
    struct play p;

    begin_message(&p);
    CHECK(play_feed(&p, span_text(TEN("12345678901234567890") "1")));
    p.out.len = 0;
    CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
    CHECK(!smtp_server_refuse(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
    CHECK(play_feed(&p, span_text("cd\r\n.\r\nNOOP\r\n")));
    CHECK_TEXT(writer_span(&p.out), "<550 5.7.1 seen enough\r\nRESET <250 2.0.0 ok\r\n");
}

static void stop_ends_a_transaction(void)
{
    struct play p;

    begin_message(&p);
    smtp_server_stop(&p.server, SMTP_REPLY_TIMEOUT);
    smtp_server_stop(&p.server, SMTP_REPLY_DRAINING);
    CHECK(!play_feed(&p, span_text("cd\r\n.\r\n")));
    CHECK_TEXT(writer_span(&p.out), "RESET <421 4.4.2 timeout\r\nCLOSE");
    p.out.len = 0;
    CHECK(!play_feed(&p, span_text("NOOP\r\n")));
    CHECK_TEXT(writer_span(&p.out), "CLOSE");
}

static void stop_does_not_wear_anothers_words(void)
{
    struct play p;

    begin_message(&p);
    CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
    smtp_server_stop(&p.server, SMTP_REPLY_DRAINING);
    CHECK(!play_feed(&p, span_text("")));
    CHECK_TEXT(writer_span(&p.out), "RESET <421 4.3.2 shutting down, try again later\r\nCLOSE");
}

static void stop_while_an_answer_is_awaited(void)
{
    struct span in = span_text("EHLO c\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_CONNECT);
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_WAIT && in.len == 8);
    smtp_server_stop(&p.server, SMTP_REPLY_TOO_MANY_CONNECTIONS);
    CHECK(!smtp_server_answer(&p.server, SMTP_REPLY_OK, span_of(NULL, 0)));
    CHECK(!play_feed(&p, in));
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
    CHECK(!play_feed(&p, in));
    CHECK_TEXT(writer_span(&p.out),
               "<250 2.0.0 ID2\r\nRESET <421 4.3.2 shutting down, try again later\r\nCLOSE");
}

static void a_refused_client_may_only_quit(void)
{
    struct span in = span_text("EHLO c\r\nNOOP\r\nQUIT\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    CHECK(smtp_server_next(&p.server, &in, &p.scratch, &a) == SMTP_ACTION_CONNECT);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_CLIENT_REFUSED, span_of(NULL, 0)));
    CHECK(!play_feed(&p, in));
    CHECK_TEXT(writer_span(&p.out), "<554 5.7.1 no service for this client\r\n"
                                    "<503 5.5.1 bad sequence of commands\r\n"
                                    "<503 5.5.1 bad sequence of commands\r\n" BYE "CLOSE");
}

static void a_refused_data_keeps_the_transaction(void)
{
    struct span in = span_text("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nDATA\r\nDATA\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    while (smtp_server_next(&p.server, &in, &p.scratch, &a) != SMTP_ACTION_DATA)
        if (a.kind != SMTP_ACTION_REPLY)
            play_decide(&p, &a);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
    play_feed(&p, in);
    CHECK_TEXT(writer_span(&p.out), "<451 4.3.2 out of resources, try again later\r\n" AHEAD);
}

static void the_buffer_comes_and_goes(void)
{
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    CHECK(play_feed(&p, span_text("EHLO c\r\n")));
    CHECK(smtp_server_detach(&p.server) == NULL);
    CHECK(play_feed(&p, span_text("NO")));
    CHECK(smtp_server_detach(&p.server) == NULL && p.server.reader.line.buffer);
    CHECK(play_feed(&p, span_text("OP\r\n")));
    CHECK(smtp_server_detach(&p.server) == p.buffer);
    CHECK(play_feed(&p, span_text("NOOP\r\n")));
    CHECK(smtp_server_detach(&p.server) == NULL);
}

static void replies_gather_for_one_flush(void)
{
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    CHECK(play_feed(&p, span_text("NOOP\r\nNOOP\r\n")));
    CHECK_TEXT(writer_span(&p.scratch),
               "220 mx.example.org ESMTP\r\n250 2.0.0 ok\r\n250 2.0.0 ok\r\n");
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
    CHECK_CASE(starttls_begins_anew);
    CHECK_CASE(what_is_not_offered_is_refused);
    CHECK_CASE(ehlo_ends_a_transaction);
    CHECK_CASE(a_refused_ehlo_changes_nothing);
    CHECK_CASE(a_refused_sender_opens_nothing);
    CHECK_CASE(errors_are_limited);
    CHECK_CASE(idle_commands_are_limited);
    CHECK_CASE(helo_offers_no_parameters);
    CHECK_CASE(an_answer_of_421_closes);
    CHECK_CASE(a_declared_size_is_judged_at_mail);
    CHECK_CASE(a_message_of_the_largest_size_is_taken);
    CHECK_CASE(a_message_too_big_is_swallowed);
    CHECK_CASE(a_text_line_too_long_is_swallowed);
    CHECK_CASE(a_command_too_long_is_an_error);
    CHECK_CASE(bare_line_ends_close);
    CHECK_CASE(nul_closes);
    CHECK_CASE(the_session_refuses_while_text_flows);
    CHECK_CASE(the_sessions_refusal_goes_before_the_machines);
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
