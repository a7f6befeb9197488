/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/smtp_play.h"

static void binary_comes_in_chunks_only(void)
{
    /* RFC 3030 section 3: DATA is 503, and the transaction stays. */
    check_plays("EHLO c\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<x@y>\r\nDATA\r\n"
                "BDAT 9 LAST\r\n\r\r\n\n.\n\na\rQUIT\r\n",
                GREETED "MAIL(a@b 0 2)<250 2.1.0 sender ok\r\n" RECIPIENT
                        "<503 5.5.1 BODY=BINARYMIME needs BDAT\r\nDATA \r\r\n\n.\n\na\rEND "
                        "<250 2.0.0 ID1\r\nRESET " BYE "CLOSE");
}

static void chunks_are_lines_again_in_the_next_message(void)
{
    check_plays(
        "EHLO c\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<x@y>\r\n"
        "BDAT 2\r\n\n\rBDAT 1 LAST\r\n\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n"
        "BDAT 2 LAST\r\n\n\rQUIT\r\n",
        GREETED
        "MAIL(a@b 0 2)<250 2.1.0 sender ok\r\n" RECIPIENT
        "DATA \n\r<250 2.0.0 chunk ok\r\nDATA \nEND <250 2.0.0 ID1\r\nRESET " SENDER RECIPIENT
        "DATA <550 5.5.2 bare LF is refused, lines end in CRLF\r\n"
        "RESET CLOSE");
}

static void utf8_needs_its_parameter(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<\xc3\xa4@b>\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@\xc3\xa4>\r\n"
                "RCPT TO:<x@y>\r\nRSET\r\nMAIL FROM:<\xc3\xa4@b> SMTPUTF8\r\n"
                "RCPT TO:<x@\xc3\xa4>\r\nQUIT\r\n",
                GREETED "<553 5.6.7 this sender needs SMTPUTF8\r\n" SENDER
                        "<553 5.6.7 this recipient needs SMTPUTF8\r\n" RECIPIENT
                        "<250 2.0.0 ok\r\nRESET MAIL(\xc3\xa4@b UTF8)<250 2.1.0 sender ok\r\n"
                        "RCPT(x@\xc3\xa4)<250 2.1.5 recipient ok\r\n<221 2.0.0 bye\r\nRESET CLOSE");
}

static void names_may_be_utf8_too(void)
{
    check_plays("EHLO c\r\nVRFY \xc3\xa4\r\nVRFY \xc3\xa4 SMTPUTF8\r\n",
                GREETED "<553 5.6.7 this name needs SMTPUTF8\r\n<252 2.5.2 send mail and see\r\n");
}

#define TWO "RCPT TO:<x@y>\r\nRCPT TO:<z@y>\r\n"
#define TWO_OK RECIPIENT "RCPT(z@y)<250 2.1.5 recipient ok\r\n"
#define EACH                                                                                       \
    "END <353 a reply for each recipient follows\r\nVERDICT(0)<250 2.0.0 accepted\r\n"             \
    "VERDICT(1)<550 5.7.1 message refused by policy\r\nFINAL <250 2.0.0 ID1\r\nRESET "

static void each_recipient_gets_its_reply(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> PRDR\r\n" TWO "DATA\r\nx\r\n.\r\nQUIT\r\n", GREETED
                "MAIL(a@b PRDR)<250 2.1.0 sender ok\r\n" TWO_OK AHEAD "x\r\n" EACH BYE "CLOSE");
    check_plays("EHLO c\r\nMAIL FROM:<a@b> PRDR\r\n" TWO "BDAT 3 LAST\r\nx\r\nNOOP\r\n",
                GREETED "MAIL(a@b PRDR)<250 2.1.0 sender ok\r\n" TWO_OK "DATA x\r\n" EACH
                        "<250 2.0.0 ok\r\n");
}

static void one_reply_serves_all_where_nobody_asked(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> PRDR\r\n" TWO "DATA\r\n!\r\n.\r\nMAIL FROM:<a@b>\r\n"
                "RCPT TO:<x@y>\r\nDATA\r\nx\r\n.\r\n",
                GREETED
                "MAIL(a@b PRDR)<250 2.1.0 sender ok\r\n" TWO_OK AHEAD
                "!\r\nEND <550 5.7.1 message refused by policy\r\nRESET " SENDER RECIPIENT AHEAD
                "x\r\nEND <250 2.0.0 ID1\r\nRESET ");
}

static void only_the_trusted_speak_for_others(void)
{
    static const char offer[] =
        "<250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n"
        "250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n250-PRDR\r\n250-HELP\r\n"
        "250-LIMITS MAILMAX=7 RCPTMAX=3\r\n"
        "250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"
        "250 ENHANCEDSTATUSCODES\r\n";
    char expected[2048];
    struct writer w = writer_of((uint8_t *)expected, sizeof(expected) - 1);

    check_plays("XCLIENT NAME=a\r\nEHLO c\r\nXCLIENT NAME=a\r\nXCLIENT\r\n",
                HELLO "<502 5.5.1 command not offered\r\nHELO(c 1)" OFFER
                      "<502 5.5.1 command not offered\r\n<502 5.5.1 command not offered\r\n");
    play_trusted = true;
    /* A good one begins the session anew. */
    writer_text(&w, HELLO "XCLIENT(b)" HELLO "HELO(c 1)");
    writer_text(&w, offer);
    writer_text(&w, "XCLIENT(a)" HELLO "<503 5.5.1 send EHLO first\r\nHELO(c 1)");
    writer_text(&w, offer);
    writer_text(&w, SENDER "<503 5.5.1 bad sequence of commands\r\n"
                           "<250 2.0.0 ok\r\nRESET <501 5.5.4 bad attribute\r\n" BYE "CLOSE");
    expected[w.len] = 0;
    check_plays("XCLIENT NAME=b\r\nEHLO c\r\nXCLIENT NAME=a\r\nMAIL FROM:<a@b>\r\nEHLO c\r\n"
                "MAIL FROM:<a@b>\r\nXCLIENT NAME=a\r\nRSET\r\nXCLIENT FOO=a\r\nQUIT\r\n",
                expected);
    play_trusted = false;
}

#define NINES "9999999999999999999999999999999999999999"

static void a_line_of_bdat_too_long_ends_the_session(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\nbdat 5 " NINES NINES NINES
                "\r\nQUIT\r\n",
                GREETED SENDER RECIPIENT "<500 5.5.2 line of BDAT too long\r\nRESET CLOSE");
    /* Others are passed over. */
    check_plays("EHLO c\r\nBDA " NINES NINES NINES NINES "\r\nQUIT\r\n",
                GREETED "<500 5.5.2 line too long\r\n" BYE "CLOSE");
}

/* RFC 8689 section 2 */
static void requiretls_is_for_tls_alone(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b> REQUIRETLS\r\nMAIL FROM:<a@b>\r\n",
                GREETED "<530 5.7.10 REQUIRETLS is for connections under TLS\r\n" SENDER);
    play_secure = true;
    check_plays("EHLO c\r\nMAIL FROM:<a@b> requiretls SIZE=10\r\nRSET\r\nMAIL FROM:<a@b>\r\n",
                HELLO "HELO(c 1)<250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n"
                      "250-8BITMIME\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-SMTPUTF8\r\n"
                      "250-PRDR\r\n250-HELP\r\n250-LIMITS MAILMAX=7 RCPTMAX=3\r\n"
                      "250-REQUIRETLS\r\n250 ENHANCEDSTATUSCODES\r\n"
                      "MAIL(a@b 10 0 REQUIRETLS)<250 2.1.0 sender ok\r\n"
                      "<250 2.0.0 ok\r\nRESET " SENDER);
    play_secure = false;
}

#define SUBMISSION                                                                                 \
    "<250-mx.example.org\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-CHUNKING\r\n"   \
    "250-BINARYMIME\r\n250-SMTPUTF8\r\n250-PRDR\r\n"                                               \
    "250-HELP\r\n250-LIMITS MAILMAX=7 RCPTMAX=3\r\n250-AUTH PLAIN LOGIN\r\n"                       \
    "250 ENHANCEDSTATUSCODES\r\n"
#define KNOWN "<235 2.7.0 authenticated\r\n"
#define WRONG "<535 5.7.8 authentication failed\r\n"

/* RFC 4954 section 4 */
static void who_submits_logs_in_once(void)
{
    play_submits = true;
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nAUTH PLAIN good\r\nAUTH PLAIN good\r\n"
                "MAIL FROM:<a@b> AUTH=e+3Dmc2@b\r\nAUTH PLAIN good\r\nQUIT\r\n",
                HELLO "HELO(c 1)" SUBMISSION "<530 5.7.0 authentication required\r\n"
                      "AUTH(PLAIN good)" KNOWN "<503 5.5.1 bad sequence of commands\r\n" SENDER
                      "<503 5.5.1 bad sequence of commands\r\n<221 2.0.0 bye\r\nRESET CLOSE");
    check_plays("AUTH PLAIN good\r\nHELO c\r\nAUTH PLAIN good\r\nQUIT\r\n",
                HELLO "<503 5.5.1 send EHLO first\r\nHELO(c 0)<250 mx.example.org\r\n"
                      "<502 5.5.1 command not offered\r\n" BYE "CLOSE");
    play_submits = false;
    check_plays(
        "EHLO c\r\nAUTH PLAIN good\r\nMAIL FROM:<a@b> AUTH=<>\r\nMAIL FROM:<a@b> AUTH=+\r\n",
        GREETED "<502 5.5.1 command not offered\r\n<555 5.5.4 parameter not offered\r\n"
                "<501 5.5.4 bad argument\r\n");
}

#define LONG FORTY_NINE_A FORTY_NINE_A FORTY_NINE_A
#define FORTY_NINE_A "1234567890123456789012345678901234567890123456789"

/* RFC 4954 sections 4 and 6: challenges, cancelling, lines that are too long. */
static void an_exchange_has_lines_of_its_own(void)
{
    play_submits = true;
    check_plays("EHLO c\r\nAUTH LOGIN\r\nmore\r\nQUIT\r\nAUTH LOGIN\r\n*\r\nAUTH X =\r\n\r\n"
                "AUTH\r\nQUIT\r\n",
                HELLO "HELO(c 1)" SUBMISSION
                      "AUTH(LOGIN )<334 \r\nRESPONSE(more)<334 more\r\nRESPONSE(QUIT)" WRONG
                      "AUTH(LOGIN )<334 \r\nRESPONSE(*)<501 5.7.0 authentication cancelled\r\n"
                      "AUTH(X =)<334 =\r\nRESPONSE()" WRONG "<501 5.5.4 bad argument\r\n"
                      "<421 4.7.0 too many errors\r\nCLOSE");
    check_plays("EHLO c\r\nAUTH LOGIN\r\n" LONG "\r\nAUTH LOGIN " LONG "\r\nAUTH LOGIN\r\ngood\r\n"
                "QUIT\r\n",
                HELLO
                "HELO(c 1)" SUBMISSION
                "AUTH(LOGIN )<334 \r\nRESPONSE(...)<500 5.5.6 authentication exchange line is too "
                "long\r\n<500 5.5.2 line too long\r\nAUTH(LOGIN )<334 \r\nRESPONSE(good)" KNOWN BYE
                "CLOSE");
    play_submits = false;
}

int main(void)
{
    check_begin();
    CHECK_CASE(binary_comes_in_chunks_only);
    CHECK_CASE(chunks_are_lines_again_in_the_next_message);
    CHECK_CASE(utf8_needs_its_parameter);
    CHECK_CASE(names_may_be_utf8_too);
    CHECK_CASE(each_recipient_gets_its_reply);
    CHECK_CASE(one_reply_serves_all_where_nobody_asked);
    CHECK_CASE(only_the_trusted_speak_for_others);
    CHECK_CASE(a_line_of_bdat_too_long_ends_the_session);
    CHECK_CASE(requiretls_is_for_tls_alone);
    CHECK_CASE(who_submits_logs_in_once);
    CHECK_CASE(an_exchange_has_lines_of_its_own);
    return check_end();
}
