/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* Commands over a large mailbox go on in pieces, and others see and change it in between. */

enum { COPIES = 13, MESSAGES = 1 << COPIES };

static struct mail_scene m;
static struct imap_session *s, *other;

#define SAYS(session, command, expected) CHECK(mail_scene_says(&m, session, command, expected))

/* So many messages in `box`, which nobody has selected. */
static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    other = mail_scene_open(&m);
    mail_scene_run(&m, s, "a CREATE box");
    mail_scene_append(&m, s, "a APPEND box {1}\r\n", "x", NULL);
    mail_scene_run(&m, s, "a SELECT box");
    for (int i = 0; i < COPIES; i++)
        SAYS(s, "a COPY 1:* box", "* *");
    mail_scene_run(&m, s, "a UNSELECT");
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_close(&m, other);
    mail_scene_end(&m);
}

static bool has(const char *text)
{
    return strstr(m.answer, text) != NULL;
}

static uint32_t count(const char *text)
{
    uint32_t n = 0;

    for (const char *at = m.answer; (at = strstr(at, text)) != NULL; at++)
        n++;
    return n;
}

static const char *messages(const char *format)
{
    static char text[128];

    snprintf(text, sizeof(text), format, MESSAGES);
    return text;
}

static void a_large_one_is_opened_in_pieces(void)
{
    begin();
    mail_scene_begin_run(&m, s, "a SELECT box");
    CHECK(m.last.more_out && m.answer_len == 0);
    /* Meanwhile others ask, and open it too. */
    SAYS(other, "b STATUS box (MESSAGES UNSEEN)",
         messages("* STATUS box (MESSAGES %1$d UNSEEN %1$d)\r\nb OK done\r\n"));
    mail_scene_append(&m, other, "b APPEND box (\\Seen) {1}\r\n", "y", NULL);
    mail_scene_run(&m, other, "b EXAMINE box");
    CHECK(has("b OK [READ-ONLY]") && count("EXISTS") == 1);
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(has("a OK [READ-WRITE]") && count("EXISTS") == 1);
    SAYS(s, "a STORE * +FLAGS (\\Flagged)", "* 8193 FETCH (FLAGS (\\Flagged \\Seen*");
    end();
}

/* The client goes while its mailbox is opened. */
static void who_goes_meanwhile_leaves_nothing(void)
{
    begin();
    mail_scene_begin_run(&m, s, "a SELECT box");
    CHECK(m.last.more_out);
    mail_scene_begin_run(&m, other, "b SELECT box");
    mail_scene_close(&m, s);
    m.last.more_out = true;
    mail_scene_pull(&m, other);
    CHECK(has("b OK [READ-WRITE]") && has(messages("* %d EXISTS")));
    mail_scene_run(&m, other, "b UNSELECT");
    mail_scene_begin_run(&m, other, "b SELECT box");
    CHECK(m.last.more_out);
    s = mail_scene_open(&m);
    end();
}

static void what_is_deleted_meanwhile_is_not_there(void)
{
    begin();
    mail_scene_begin_run(&m, s, "a SELECT box");
    SAYS(other, "b DELETE box", "b OK *");
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(has("a NO [NONEXISTENT]"));
    SAYS(s, "a SELECT INBOX", "* FLAGS *");
    end();
}

/* Two at the same messages: each change is whole, and either session is told what the other did. */
static void flags_are_set_in_pieces(void)
{
    begin();
    mail_scene_run(&m, s, "a SELECT box");
    mail_scene_run(&m, other, "b SELECT box");
    mail_scene_begin_run(&m, s, "a STORE 1:* +FLAGS.SILENT (\\Flagged)");
    CHECK(m.last.more_out);
    SAYS(other, "b STORE 1,8000 +FLAGS.SILENT (\\Answered)", "* *");
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(has("* 1 FETCH (UID 1 FLAGS (\\Answered \\Flagged") && has("* 8000 FETCH (UID 8000 "));
    CHECK(has("a OK done"));
    mail_scene_run(&m, other, "b NOOP");
    CHECK(count("\\Flagged") >= MESSAGES - 1024 - 2);
    mail_scene_run(&m, other, "b SEARCH FLAGGED RETURN (COUNT)");
    SAYS(other, "b SEARCH RETURN (COUNT) FLAGGED",
         messages("* ESEARCH (TAG \"b\") COUNT %d\r\nb OK done\r\n"));
    SAYS(s, "a SEARCH RETURN (ALL) ANSWERED", "* ESEARCH (TAG \"a\") ALL 1,8000\r\na OK done\r\n");
    SAYS(s, "a NOOP", "a OK done\r\n");
    end();
}

/* RFC 7162 section 3.1.3: a change of somebody else's in between is one that it did not know. */
static void a_condition_is_asked_of_each_piece(void)
{
    begin();
    mail_scene_run(&m, s, "a SELECT box");
    mail_scene_run(&m, other, "b SELECT box");
    mail_scene_begin_run(&m, s, "a STORE 1:* (UNCHANGEDSINCE 100000) +FLAGS.SILENT (\\Flagged)");
    CHECK(m.last.more_out);
    mail_scene_run(&m, other, "b STORE 2:3 (UNCHANGEDSINCE 1) +FLAGS (\\Answered)");
    CHECK(has("b OK [MODIFIED 2:3]"));
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(has("a OK done") && count("MODSEQ (") >= MESSAGES);
    end();
}

static void seen_is_set_in_pieces(void)
{
    begin();
    mail_scene_run(&m, s, "a SELECT box");
    mail_scene_begin_run(&m, s, "a FETCH 1:* (BODY[]<0.1>)");
    CHECK(m.last.more_out && m.answer_len == 0);
    SAYS(other, "b STATUS box (MESSAGES)", messages("* STATUS box (MESSAGES %d)\r\nb OK done\r\n"));
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(count("\\Seen") == MESSAGES && has("a OK done"));
    SAYS(s, "a SEARCH RETURN (COUNT) UNSEEN", "* ESEARCH (TAG \"a\") COUNT 0\r\na OK done\r\n");
    end();
}

/* What lost its \Deleted in between stays. */
static void messages_are_expunged_in_pieces(void)
{
    begin();
    mail_scene_run(&m, s, "a SELECT box");
    mail_scene_run(&m, s, "a STORE 1:* +FLAGS.SILENT (\\Deleted)");
    mail_scene_run(&m, other, "b SELECT box");
    mail_scene_begin_run(&m, s, "a EXPUNGE");
    CHECK(m.last.more_out);
    mail_scene_run(&m, other, "b STORE 8192 -FLAGS.SILENT (\\Deleted)");
    m.answer_len = 0;
    m.last.more_out = true;
    mail_scene_pull(&m, s);
    CHECK(count("EXPUNGE\r\n") == MESSAGES - 1 && has("a OK "));
    SAYS(s, "a FETCH 1:* UID", "* 1 FETCH (UID 8192)\r\na OK done\r\n");
    mail_scene_run(&m, other, "b NOOP");
    CHECK(count("EXPUNGE\r\n") == MESSAGES - 1);
    mail_scene_run(&m, s, "a STORE 1 +FLAGS.SILENT (\\Deleted)");
    SAYS(s, "a CLOSE", "a OK done\r\n");
    SAYS(other, "b NOOP", "* 1 EXPUNGE\r\nb OK done\r\n");
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(a_large_one_is_opened_in_pieces);
    CHECK_CASE(who_goes_meanwhile_leaves_nothing);
    CHECK_CASE(what_is_deleted_meanwhile_is_not_there);
    CHECK_CASE(flags_are_set_in_pieces);
    CHECK_CASE(a_condition_is_asked_of_each_piece);
    CHECK_CASE(seen_is_set_in_pieces);
    CHECK_CASE(messages_are_expunged_in_pieces);
    return check_end();
}
