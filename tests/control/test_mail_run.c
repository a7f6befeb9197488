/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/imap/imap_server.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* Commands of IMAP against a store, answered as a worker's session asks for them. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static const char first[] = "From: Ann <ann@example.org>\r\nSubject: one\r\n\r\nfirst body\r\n";
static const char second[] = "Subject: two\r\n\r\nsecond\r\n";

static struct mail_scene m;
static struct imap_session *s;

/* Two messages in INBOX, which is selected, and a folder beside it. */
static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    mail_scene_append(&m, s, "a APPEND INBOX (\\Seen) \"01-Feb-2020 10:00:00 +0000\" {62}\r\n",
                      first, NULL);
    if (!CHECK(strncmp(m.answer, "a OK [APPENDUID ", 16) == 0 && m.last.stored_out))
        printf("# said: %s\n", m.answer);
    mail_scene_append(&m, s, "a APPEND inbox (word \\Flagged) {24}\r\n", second, NULL);
    SAYS("a CREATE Folder", "a OK [MAILBOXID (F*");
    SAYS("a SELECT INBOX", "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft word)\r\n"
                           "* 2 EXISTS\r\n* 2 RECENT\r\n* OK [UNSEEN 2]*");
    CHECK(m.last.state_out == IMAP_EXECUTED_SELECTED && strstr(m.answer, "a OK [READ-WRITE] "));
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static void what_is_stored_is_fetched(void)
{
    begin();
    SAYS("a FETCH 1:2 (FLAGS UID RFC822.SIZE)",
         "* 1 FETCH (FLAGS (\\Seen \\Recent) UID 1 RFC822.SIZE 57)\r\n"
         "* 2 FETCH (FLAGS (\\Flagged \\Recent word) UID 2 RFC822.SIZE 24)\r\na OK done\r\n");
    SAYS("a FETCH 1 INTERNALDATE",
         "* 1 FETCH (INTERNALDATE \" 1-Feb-2020 10:00:00 +0000\")\r\na OK done\r\n");
    SAYS("a UID FETCH 2 BODY[]", "* 2 FETCH (BODY[] {24}\r\nSubject: two\r\n\r\nsecond\r\n "
                                 "FLAGS (\\Flagged \\Seen \\Recent word) UID 2)\r\na OK done\r\n");
    SAYS("a FETCH 1 (BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[TEXT]<2.5>)",
         "* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT)] {16}\r\nSubject: one\r\n\r\n "
         "BODY[TEXT]<2> {5}\r\nrst b)\r\na OK done\r\n");
    SAYS("a FETCH 1 ENVELOPE",
         "* 1 FETCH (ENVELOPE (NIL \"one\" ((\"Ann\" NIL \"ann\" \"example.org\")) ((\"Ann\" NIL "
         "\"ann\" \"example.org\")) ((\"Ann\" NIL \"ann\" \"example.org\")) NIL NIL NIL NIL "
         "NIL))\r\na OK done\r\n");
    SAYS("a FETCH 3 FLAGS", "a BAD no such message\r\n");
    SAYS("a UID FETCH 7:9 FLAGS", "a OK done\r\n");
    SAYS("a FETCH 2 BODY[5]", "* 2 FETCH (BODY[5] \"\")\r\na OK done\r\n");
    end();
}

static void flags_change_and_messages_go(void)
{
    begin();
    SAYS("a STORE 1:2 +FLAGS (\\Deleted other)",
         "* 1 FETCH (FLAGS (\\Deleted \\Seen \\Recent other))\r\n"
         "* 2 FETCH (FLAGS (\\Flagged \\Deleted \\Recent word other))\r\na OK done\r\n");
    SAYS("a UID STORE 2 FLAGS.SILENT ()", "a OK done\r\n");
    SAYS("a UID EXPUNGE 2", "a OK done\r\n");
    SAYS("a EXPUNGE", "* 1 EXPUNGE\r\na OK done\r\n");
    SAYS("a FETCH 1 (UID FLAGS)", "* 1 FETCH (UID 2 FLAGS (\\Recent))\r\na OK done\r\n");
    SAYS("a STORE 1 FLAGS \\Deleted", "* 1 FETCH (FLAGS (\\Deleted \\Recent))\r\na OK done\r\n");
    SAYS("a CLOSE", "a OK done\r\n");
    CHECK(m.last.state_out == IMAP_EXECUTED_AUTH);
    SAYS("a STATUS INBOX (MESSAGES UIDNEXT)",
         "* STATUS INBOX (MESSAGES 0 UIDNEXT 3)\r\na OK done\r\n");
    end();
}

static void messages_are_copied_and_moved(void)
{
    begin();
    SAYS("a COPY 1:2 Folder", "a OK [COPYUID *");
    CHECK(strstr(m.answer, " 1:2 1:2] done\r\n") != NULL);
    SAYS("a UID COPY 77 Folder", "a OK done\r\n");
    SAYS("a COPY 1 Nowhere", "a NO [TRYCREATE] no such mailbox\r\n");
    SAYS("a COPY 1 Quarantine", "a NO [CANNOT] *");
    SAYS("a MOVE 1 Folder", "* OK [COPYUID *");
    CHECK(strstr(m.answer, " 1 3] moved\r\n* 1 EXPUNGE\r\na OK done\r\n") != NULL);
    SAYS("a STATUS Folder (MESSAGES UNSEEN RECENT)",
         "* STATUS Folder (MESSAGES 3 RECENT 3 UNSEEN 1)\r\na OK done\r\n");
    SAYS("a EXAMINE INBOX", "* OK [CLOSED]*");
    SAYS("a MOVE 1 Folder", "a NO [CANNOT] the mailbox is read-only\r\n");
    SAYS("a STORE 1 +FLAGS \\Seen", "a NO [CANNOT] the mailbox is read-only\r\n");
    SAYS("a EXPUNGE", "a NO [CANNOT] the mailbox is read-only\r\n");
    end();
}

static void an_append_says_why_not(void)
{
    begin();
    mail_scene_append(&m, s, "a APPEND Nowhere {1}\r\n", "x", NULL);
    CHECK_TEXT(span_text(m.answer), "a NO [TRYCREATE] no such mailbox\r\n");
    mail_scene_append(&m, s, "a APPEND Quarantine {1}\r\n", "x", NULL);
    CHECK(strncmp(m.answer, "a NO [CANNOT] ", 14) == 0);
    mail_scene_append(&m, s, "a APPEND INBOX (\\Bogus) {1}\r\n", "x", NULL);
    CHECK(strncmp(m.answer, "a BAD ", 6) == 0);
    mail_scene_append(&m, s, "a APPEND INBOX {1}\r\n", "x", "[CANNOT] NUL in a message");
    CHECK_TEXT(span_text(m.answer), "a NO [CANNOT] NUL in a message\r\n");
    CHECK(!m.last.stored_out);
    mail_scene_append(&m, s, "a APPEND INBOX {1}\r\n", "x", NULL);
    CHECK(strncmp(m.answer, "* 3 EXISTS\r\n* 3 RECENT\r\na OK [APPENDUID ", 40) == 0);
    end();
}

static void mailboxes_are_listed(void)
{
    begin();
    SAYS("a CREATE a/b/c", "a OK [MAILBOXID (F*");
    SAYS("a CREATE a/b/c", "a NO [ALREADYEXISTS] *");
    SAYS("a LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\r\na OK done\r\n");
    SAYS("a LIST \"\" a*", "* LIST (\\Noselect \\HasChildren) \"/\" a\r\n"
                           "* LIST (\\Noselect \\HasChildren) \"/\" a/b\r\n"
                           "* LIST (\\HasNoChildren) \"/\" a/b/c\r\na OK done\r\n");
    SAYS("a LIST a/ %", "* LIST (\\Noselect \\HasChildren) \"/\" a/b\r\na OK done\r\n");
    SAYS("a LIST \"\" inb%", "* LIST (\\HasNoChildren) \"/\" INBOX\r\na OK done\r\n");
    SAYS("a SUBSCRIBE gone/x", "a OK done\r\n");
    SAYS("a LSUB \"\" %", "* LSUB (\\Noselect \\HasChildren) \"/\" gone\r\na OK done\r\n");
    SAYS("a LSUB \"\" *", "*");
    CHECK(strstr(m.answer, "* LSUB () \"/\" gone/x\r\n") != NULL);
    SAYS("a UNSUBSCRIBE gone/x", "a OK done\r\n");
    SAYS("a LSUB \"\" *", "a OK done\r\n");
    SAYS("a RENAME a A", "a NO [NONEXISTENT] *");
    SAYS("a RENAME a/b/c d", "a OK done\r\n");
    SAYS("a DELETE INBOX", "a NO [CANNOT] *");
    SAYS("a DELETE nothing", "a NO [NONEXISTENT] *");
    SAYS("a DELETE d", "a OK done\r\n");
    SAYS("a STATUS d (MESSAGES)", "a NO [NONEXISTENT] *");
    end();
}

static void messages_are_searched(void)
{
    char many[2048] = "a SEARCH";

    begin();
    SAYS("a SEARCH ALL", "* SEARCH 1 2\r\na OK done\r\n");
    SAYS("a UID SEARCH FLAGGED KEYWORD WORD", "* SEARCH 2\r\na OK done\r\n");
    SAYS("a SEARCH BODY FIRST", "* SEARCH 1\r\na OK done\r\n");
    SAYS("a SEARCH OR SUBJECT one TEXT second", "* SEARCH 1 2\r\na OK done\r\n");
    SAYS("a SEARCH NOT HEADER From \"\"", "* SEARCH 2\r\na OK done\r\n");
    SAYS("a SEARCH ON 1-Feb-2020", "* SEARCH 1\r\na OK done\r\n");
    SAYS("a SEARCH CHARSET X-NONE ALL", "a NO [BADCHARSET *");
    for (int i = 0; i < 65; i++)
        strcat(many, " TEXT x");
    SAYS(many, "a NO [LIMIT] *");
    end();
}

/* A command's arguments that are none. */
static void bad_arguments_are_bad(void)
{
    static const char *const bad[] = {
        "SELECT",
        "SELECT INBOX x",
        "EXAMINE \"",
        "NOOP x",
        "CHECK x",
        "NAMESPACE x",
        "IDLE x",
        "UNSELECT x",
        "CLOSE x",
        "EXPUNGE x",
        "UID EXPUNGE",
        "UID EXPUNGE 1 x",
        "STATUS INBOX",
        "STATUS INBOX ()",
        "STATUS INBOX (X)",
        "STATUS INBOX (MESSAGES",
        "FETCH",
        "FETCH 1",
        "FETCH 0 FLAGS",
        "FETCH 1 (FLAGS",
        "FETCH 1 BODY[",
        "FETCH 1 FLAGS x",
        "FETCH 1 BODY[]<1.0>",
        "STORE 1",
        "STORE 1 FLAGS",
        "STORE 1 FLAGS (\\X)",
        "STORE 1 *FLAGS (\\Seen)",
        "STORE 1 FLAGS (x",
        "STORE x FLAGS (x)",
        "COPY 1",
        "COPY x Folder",
        "COPY 1 Folder x",
        "MOVE 1",
        "MOVE 1 Folder x",
        "CREATE",
        "CREATE x x",
        "DELETE",
        "DELETE x x",
        "RENAME x",
        "RENAME x y z",
        "SUBSCRIBE",
        "UNSUBSCRIBE",
        "LIST",
        "LIST \"\"",
        "LIST \"\" % x",
        "LSUB x",
        "SEARCH",
        "SEARCH X",
        "SEARCH NOT",
        "SEARCH (ALL",
        "SEARCH BEFORE x",
        "SORT (DATE) ALL",
        "ENABLE",
        "ENABLE (CONDSTORE)",
        "SELECT INBOX (X)",
        "SELECT INBOX ()",
        "SELECT INBOX (CONDSTORE) x",
        "SELECT INBOX (QRESYNC (1 1))",
        "UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)",
        "FETCH 1 FLAGS (CHANGEDSINCE 9223372036854775808)",
        "STORE 1 (UNCHANGEDSINCE) FLAGS (x)",
        "STORE 1 (UNCHANGEDSINCE 1 UNCHANGEDSINCE 1) FLAGS (x)",
        "SETQUOTA \"\" ()",
    };
    char command[80];

    begin();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(command, sizeof(command), "a1 %s", bad[i]);
        if (CHECK(mail_scene_says(&m, s, command, "a1 BAD *")))
            CHECK(m.last.bad_out && m.last.state_out == IMAP_EXECUTED_SELECTED);
    }
    SAYS("a FETCH 1:2 UID", "* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)\r\na OK done\r\n");
    end();
}

/* However little a worker has room for, the same octets come. */
static void pieces_make_no_difference(void)
{
    static const char *const commands[] = {
        "a SELECT INBOX",
        "a FETCH 1:2 (UID FLAGS BODY.PEEK[] ENVELOPE BODYSTRUCTURE)",
        "a STORE 1:2 +FLAGS (again)",
        "a LIST \"\" *",
        "a SEARCH TEXT body",
        "a FETCH 2 (UID BODY.PEEK[])",
    };
    /* An octet at a time is a job each. */
    enum { LONG = 4 };
    static const uint32_t rooms[] = {64, 23, 1};
    char *whole = malloc(MAIL_SCENE_ANSWER);

    begin();
    SAYS("a SELECT INBOX", "*");
    SAYS("a STORE 1:2 +FLAGS (again)", "*");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        m.room = 4000;
        mail_scene_run(&m, s, commands[i]);
        strcpy(whole, m.answer);
        for (size_t k = 0; k < 2 + (i >= LONG); k++) {
            m.room = rooms[k];
            SAYS(commands[i], whole);
        }
    }
    m.room = 4000;
    end();
    free(whole);
}

static void sessions_go_in_the_middle_of_commands(void)
{
    static const char *const commands[] = {
        "a SELECT INBOX",
        "a FETCH 1:2 BODY[]",
        "a STORE 1:2 FLAGS x",
        "a SEARCH TEXT e",
        "a LIST \"\" *",
        "a STATUS INBOX (MESSAGES)",
        "a COPY 1:2 Folder",
        "a MOVE 1 Folder",
        "a EXPUNGE",
        "a APPEND INBOX {3}\r\n",
        "a IDLE",
        "a NOOP",
    };

    begin();
    m.room = 1;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct imap_session *other = mail_scene_open(&m);

        m.room = 4000;
        mail_scene_run(&m, other, "a SELECT INBOX");
        m.room = 1;
        mail_scene_begin_run(&m, other, commands[i]);
        mail_scene_close(&m, other);
    }
    m.room = 4000;
    SAYS("a NOOP", "*");
    end();
}

static void wait_for_notice(uint32_t places)
{
    for (int i = 0; i < 2000 && places; i++) {
        places &= ~mail_scene_notices(&m);
        usleep(500);
    }
    CHECK(places == 0);
}

static void an_idling_session_hears_what_others_do(void)
{
    struct imap_session *other;

    begin();
    other = mail_scene_open(&m);
    SAYS("i IDLE", "+ idling\r\n");
    CHECK(m.last.state_out == IMAP_EXECUTED_IDLE);
    mail_scene_append(&m, other, "b APPEND INBOX {1}\r\n", "x", NULL);
    wait_for_notice(1u << 1);
    mail_scene_news(&m, s);
    CHECK_TEXT(span_text(m.answer), "* 3 EXISTS\r\n* 3 RECENT\r\n");
    CHECK(m.last.state_out == IMAP_EXECUTED_IDLE);
    mail_scene_run(&m, other, "b SELECT INBOX");
    mail_scene_run(&m, other, "b STORE 2 +FLAGS.SILENT \\Deleted");
    mail_scene_run(&m, other, "b EXPUNGE");
    mail_scene_done(&m, s, "done");
    CHECK_TEXT(span_text(m.answer), "* 2 EXPUNGE\r\ni OK idled\r\n");
    SAYS("i IDLE", "+ idling\r\n");
    mail_scene_done(&m, s, "NONE");
    CHECK_TEXT(span_text(m.answer), "i BAD expected DONE\r\n");
    mail_scene_close(&m, other);
    end();
}

/* RFC 9051 section 7.5.1: no EXPUNGE while sequence numbers are about. */
static void losses_wait_for_a_command_that_may_tell_them(void)
{
    struct imap_session *other;

    begin();
    other = mail_scene_open(&m);
    mail_scene_run(&m, other, "b SELECT INBOX");
    mail_scene_run(&m, other, "b STORE 1 +FLAGS.SILENT \\Deleted");
    mail_scene_run(&m, other, "b EXPUNGE");
    SAYS("a FETCH 2 UID", "* 2 FETCH (UID 2)\r\na OK done\r\n");
    SAYS("a STORE 2 +FLAGS.SILENT \\Seen", "a OK done\r\n");
    SAYS("a FETCH 1 BODY.PEEK[]", "a OK [EXPUNGEISSUED] some are gone\r\n");
    SAYS("a SEARCH ALL", "* SEARCH 2\r\na OK done\r\n");
    SAYS("a NOOP", "* 1 EXPUNGE\r\na OK done\r\n");
    SAYS("a NOOP", "a OK done\r\n");
    mail_scene_close(&m, other);
    end();
}

static void a_mailbox_that_goes_ends_others_sessions_and_not_ones_own(void)
{
    struct imap_session *other;

    begin();
    other = mail_scene_open(&m);
    SAYS("a SELECT Folder", "* OK [CLOSED]*");
    mail_scene_run(&m, other, "b SELECT Folder");
    SAYS("a DELETE Folder", "a OK done\r\n");
    CHECK(m.last.state_out == IMAP_EXECUTED_AUTH);
    mail_scene_run(&m, other, "b NOOP");
    CHECK_TEXT(span_text(m.answer), "* BYE the mailbox was deleted\r\n");
    CHECK(m.last.state_out == IMAP_EXECUTED_OVER);
    mail_scene_close(&m, other);
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(what_is_stored_is_fetched);
    CHECK_CASE(flags_change_and_messages_go);
    CHECK_CASE(messages_are_copied_and_moved);
    CHECK_CASE(an_append_says_why_not);
    CHECK_CASE(mailboxes_are_listed);
    CHECK_CASE(messages_are_searched);
    CHECK_CASE(bad_arguments_are_bad);
    CHECK_CASE(pieces_make_no_difference);
    CHECK_CASE(sessions_go_in_the_middle_of_commands);
    CHECK_CASE(an_idling_session_hears_what_others_do);
    CHECK_CASE(losses_wait_for_a_command_that_may_tell_them);
    CHECK_CASE(a_mailbox_that_goes_ends_others_sessions_and_not_ones_own);
    return check_end();
}
