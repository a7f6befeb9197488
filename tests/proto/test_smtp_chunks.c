/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/proto/smtp_play.h"

#include <stdio.h>

/* The server and BDAT (RFC 3030). */

#define TO_CHUNKS "EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n"
#define READY_FOR_CHUNKS GREETED SENDER RECIPIENT
#define CHUNK_OK "<250 2.0.0 chunk ok\r\n"
#define DONE "END <250 2.0.0 ID1\r\nRESET "
#define SEQUENCE "<503 5.5.1 bad sequence of commands\r\n"
#define BIG "<552 5.3.4 message too big\r\n"

static void a_message_comes_in_chunks(void)
{
    check_plays(TO_CHUNKS "BDAT 6\r\n..a\r\nbBDAT 0\r\nBDAT 7 LAST\r\nc\r\n.\r\ndQUIT\r\n",
                READY_FOR_CHUNKS "DATA ..a\r\nb" CHUNK_OK "DATA " CHUNK_OK
                                 "DATA c\r\n.\r\nd" DONE BYE "CLOSE");
    check_plays(TO_CHUNKS "BDAT 3\r\na\r\nBDAT 0 LAST\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n"
                          "BDAT 0 LAST\r\n",
                READY_FOR_CHUNKS "DATA a\r\n" CHUNK_OK "DATA " DONE SENDER RECIPIENT "DATA " DONE);
}

static void rset_forgets_the_chunks(void)
{
    check_plays(TO_CHUNKS "BDAT 2\r\na\rRSET\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@y>\r\n"
                          "BDAT 3 LAST\r\nb\r\n",
                READY_FOR_CHUNKS "DATA a" CHUNK_OK "<250 2.0.0 ok\r\nRESET " SENDER RECIPIENT
                                 "DATA b\r\n" DONE);
    check_plays(TO_CHUNKS "BDAT 1\r\naEHLO c\r\nBDAT 1 LAST\r\nb",
                READY_FOR_CHUNKS "DATA a" CHUNK_OK "HELO(c 1)" OFFER "RESET " SEQUENCE);
}

static void between_chunks_only_small_commands(void)
{
    check_plays(TO_CHUNKS "BDAT 1\r\naDATA\r\nRCPT TO:<x@y>\r\nNOOP\r\nMAIL FROM:<e@f>\r\n"
                          "BDAT 1 LAST\r\nb",
                READY_FOR_CHUNKS "DATA a" CHUNK_OK SEQUENCE SEQUENCE "<250 2.0.0 ok\r\n" SEQUENCE
                                 "DATA b" DONE);
}

static void a_chunk_out_of_place_is_passed_by(void)
{
    check_plays("BDAT 6\r\nQUIT\r\nEHLO c\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                HELLO "<503 5.5.1 send EHLO first\r\nHELO(c 1)" OFFER SEQUENCE "<250 2.0.0 ok\r\n");
    check_plays(TO_CHUNKS "BDAT 1 LAST\r\naBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                READY_FOR_CHUNKS "DATA a" DONE SEQUENCE "<250 2.0.0 ok\r\n");
}

/* What is left of a message whose first chunk was refused must not pass for a whole one. */
static void chunks_need_a_recipient(void)
{
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@y>\r\nBDAT 6\r\nQUIT\r\n"
                "RCPT TO:<x@y>\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<a@b>\r\n",
                GREETED SENDER "RCPT(nobody@y)<550 5.1.1 no such user here\r\n"
                               "<554 5.5.1 no valid recipients\r\n" SEQUENCE
                               "<554 5.5.1 no valid recipients\r\nRESET "
                               "<421 4.7.0 too many errors\r\nCLOSE");
    check_plays("EHLO c\r\nMAIL FROM:<a@b>\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<a@b>\r\n",
                GREETED SENDER "<554 5.5.1 no valid recipients\r\nRESET " SENDER);
}

static void a_chunk_without_a_size_ends_the_session(void)
{
    check_plays(TO_CHUNKS "BDAT 1\r\naBDAT x LAST\r\nQUIT\r\n",
                READY_FOR_CHUNKS "DATA a" CHUNK_OK "<501 5.5.4 chunk size expected\r\nRESET CLOSE");
    check_plays("BDAT\r\nQUIT\r\n", HELLO "<501 5.5.4 chunk size expected\r\nCLOSE");
}

static void the_size_limit_holds_over_all_chunks(void)
{
    check_plays(TO_CHUNKS "BDAT 980\r\n" TWENTY "BDAT 20 LAST\r\n123456789012345678\r\n",
                READY_FOR_CHUNKS "DATA " TWENTY CHUNK_OK "DATA 123456789012345678\r\n" DONE);
    check_plays(TO_CHUNKS "BDAT 980\r\n" TWENTY "BDAT 21\r\n1234567890123456789\r\nBDAT 2\r\n\r\n"
                          "NOOP\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
                READY_FOR_CHUNKS "DATA " TWENTY CHUNK_OK "DATA REFUSED(too_big)" BIG BIG
                                 "<250 2.0.0 ok\r\n" BIG "RESET <250 2.0.0 ok\r\n");
    /* The CR that one chunk ends with counts when its LF comes. */
    check_plays(TO_CHUNKS "BDAT 980\r\n" TWENTY "BDAT 20\r\n1234567890123456789\rBDAT 1 LAST\r\n\n",
                READY_FOR_CHUNKS "DATA " TWENTY CHUNK_OK "DATA 1234567890123456789" CHUNK_OK
                                 "DATA \rREFUSED(too_big)" BIG "RESET ");
    check_plays(TO_CHUNKS "BDAT 18446744073709551614 LAST\r\na\nb",
                READY_FOR_CHUNKS "DATA REFUSED(too_big)");
}

static void a_long_line_in_a_chunk_refuses_the_message(void)
{
    check_plays(TO_CHUNKS
                "BDAT 201\r\n" TEN("12345678901234567890") "1BDAT 3 LAST\r\nb\r\nNOOP\r\n",
                READY_FOR_CHUNKS
                "DATA " TEN("12345678901234567890") "REFUSED(text_line_too_long)"
                                                    "<554 5.6.0 line of the message too long\r\n"
                                                    "<554 5.6.0 line of the message too "
                                                    "long\r\nRESET <250 2.0.0 ok\r\n");
}

static void bare_line_ends_in_a_chunk_close(void)
{
    check_plays(TO_CHUNKS "BDAT 12 LAST\r\na\n.\nQUIT\r\nxx", READY_FOR_CHUNKS
                "DATA a<550 5.5.2 bare LF is refused, lines end in CRLF\r\nRESET CLOSE");
    check_plays(TO_CHUNKS "BDAT 2\r\na\rBDAT 0 LAST\r\nNOOP\r\n", READY_FOR_CHUNKS
                "DATA a" CHUNK_OK
                "DATA <550 5.5.2 bare CR is refused, lines end in CRLF\r\nRESET CLOSE");
}

static void a_rejected_message_of_chunks(void)
{
    check_plays(TO_CHUNKS "BDAT 1\r\n!BDAT 2 LAST\r\n\r\nNOOP\r\n", READY_FOR_CHUNKS
                "DATA !" CHUNK_OK "DATA \r\nEND <550 5.7.1 own words\r\nRESET <250 2.0.0 ok\r\n");
}

/* The session's own interventions. */

static void begin_chunks(struct play *p, const char *chunk)
{
    play_begin(p, play_text, sizeof(play_text));
    CHECK(play_feed(p, span_text(TO_CHUNKS)));
    CHECK(play_feed(p, span_text(chunk)));
    p->out.len = 0;
}

static void the_session_refuses_in_and_between_chunks(void)
{
    static const char *const begun[] = {"BDAT 2\r\na", "BDAT 1\r\na"};
    static const char *const rest[] = {"bNOOP\r\nBDAT 3\r\n\n\n\nBDAT 1 LAST\r\nxRSET\r\n",
                                       "NOOP\r\nBDAT 3\r\n\n\n\nBDAT 1 LAST\r\nxRSET\r\n"};
    static const char *const first[] = {"<550 5.7.1 seen enough\r\n", ""};

    for (int i = 0; i < 2; i++) {
        char expected[300];
        struct play p;

        begin_chunks(&p, begun[i]);
        CHECK(smtp_server_in_data(&p.server) == (i == 0));
        CHECK(smtp_server_refuse(&p.server, SMTP_REPLY_RULE_REJECTED, span_text("seen enough")));
        CHECK(!smtp_server_refuse(&p.server, SMTP_REPLY_NO_RESOURCES, span_of(NULL, 0)));
        CHECK(play_feed(&p, span_text(rest[i])));
        snprintf(expected, sizeof(expected),
                 "%s<250 2.0.0 ok\r\n<550 5.7.1 seen enough\r\n<550 5.7.1 seen enough\r\nRESET "
                 "<250 2.0.0 ok\r\n",
                 first[i]);
        CHECK_TEXT(writer_span(&p.out), expected);
    }
}

static void the_session_refuses_a_chunk_it_was_asked_for(void)
{
    struct span in = span_text(TO_CHUNKS "BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    while (smtp_server_next(&p.server, &in, &p.scratch, &a) != SMTP_ACTION_DATA)
        if (a.kind != SMTP_ACTION_REPLY)
            play_decide(&p, &a);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_NO_RESOURCES, span_text("not now")));
    CHECK(play_feed(&p, in));
    CHECK_TEXT(writer_span(&p.out),
               "<451 4.3.2 not now\r\n<451 4.3.2 not now\r\nRESET <250 2.0.0 ok\r\n");
}

static void an_answer_of_421_to_a_chunk_closes_at_once(void)
{
    struct span in = span_text(TO_CHUNKS "BDAT 6\r\nQUIT\r\n");
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    while (smtp_server_next(&p.server, &in, &p.scratch, &a) != SMTP_ACTION_DATA)
        if (a.kind != SMTP_ACTION_REPLY)
            play_decide(&p, &a);
    CHECK(smtp_server_answer(&p.server, SMTP_REPLY_DRAINING, span_text("going")));
    CHECK(!play_feed(&p, in));
    CHECK_TEXT(writer_span(&p.out), "<421 4.3.2 going\r\nRESET CLOSE");
}

static void a_reply_says_whether_the_transaction_ends(void)
{
    struct span in = span_text(TO_CHUNKS "BDAT 1\r\naFOO\r\nBDAT 1 LAST\r\nb");
    char ends[16] = "";
    struct smtp_action a;
    struct play p;

    play_begin(&p, play_text, sizeof(play_text));
    do {
        smtp_server_next(&p.server, &in, &p.scratch, &a);
        if (a.kind == SMTP_ACTION_REPLY)
            strcat(ends, a.ends ? "1" : "0");
    } while (play_act(&p, &a));
    CHECK_TEXT(span_text(ends), "0000001");
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_message_comes_in_chunks);
    CHECK_CASE(rset_forgets_the_chunks);
    CHECK_CASE(between_chunks_only_small_commands);
    CHECK_CASE(a_chunk_out_of_place_is_passed_by);
    CHECK_CASE(chunks_need_a_recipient);
    CHECK_CASE(a_chunk_without_a_size_ends_the_session);
    CHECK_CASE(the_size_limit_holds_over_all_chunks);
    CHECK_CASE(a_long_line_in_a_chunk_refuses_the_message);
    CHECK_CASE(bare_line_ends_in_a_chunk_close);
    CHECK_CASE(a_rejected_message_of_chunks);
    CHECK_CASE(the_session_refuses_in_and_between_chunks);
    CHECK_CASE(the_session_refuses_a_chunk_it_was_asked_for);
    CHECK_CASE(an_answer_of_421_to_a_chunk_closes_at_once);
    CHECK_CASE(a_reply_says_whether_the_transaction_ends);
    return check_end();
}
