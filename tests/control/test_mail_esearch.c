/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/mail/mail_saved.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* SEARCH with RETURN, "$", and what a long search tells. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static struct mail_scene m;
static struct imap_session *s;

static void append(const char *flags, const char *subject)
{
    char message[200], command[200];
    int len = snprintf(message, sizeof(message), "Subject: %s\r\n\r\nbody\r\n", subject);

    snprintf(command, sizeof(command),
             "a APPEND INBOX (%s) \"01-Feb-2020 10:00:00 +0000\" {%d}\r\n", flags, len);
    mail_scene_append(&m, s, command, message, NULL);
    CHECK(m.last.stored_out);
}

/* Five messages, UIDs 2 to 6; 2 and 4 are flagged. */
static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    append("\\Deleted", "zero");
    append("", "one");
    append("\\Flagged", "two");
    append("", "three");
    append("\\Flagged", "four");
    append("", "five");
    SAYS("a SELECT INBOX", "*");
    SAYS("a EXPUNGE", "* 1 EXPUNGE\r\na OK done\r\n");
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

static void return_says_what_is_told(void)
{
    begin();
    SAYS("t1 SEARCH RETURN (MIN MAX COUNT ALL) FLAGGED",
         "* ESEARCH (TAG \"t1\") MIN 2 MAX 4 COUNT 2 ALL 2,4\r\nt1 OK done\r\n");
    SAYS("t1 UID SEARCH RETURN () ALL", "* ESEARCH (TAG \"t1\") UID ALL 2:6\r\nt1 OK done\r\n");
    SAYS("t1 UID SEARCH RETURN (MIN) NOT 1:2",
         "* ESEARCH (TAG \"t1\") UID MIN 4\r\nt1 OK done\r\n");
    SAYS("t1 SEARCH RETURN (MIN MAX ALL) SUBJECT nothing",
         "* ESEARCH (TAG \"t1\")\r\nt1 OK done\r\n");
    SAYS("t1 SEARCH RETURN (COUNT) SUBJECT nothing",
         "* ESEARCH (TAG \"t1\") COUNT 0\r\nt1 OK done\r\n");
    SAYS("t1 SEARCH RETURN (COUNT) CHARSET UTF-8 SUBJECT t",
         "* ESEARCH (TAG \"t1\") COUNT 2\r\nt1 OK done\r\n");
    SAYS("t1 SEARCH RETURN (COUNT) CHARSET X-NONE SUBJECT t", "t1 NO [BADCHARSET*");
    SAYS("t1 SEARCH RETURN (NONE) ALL", "t1 BAD bad arguments\r\n");
    SAYS("t1 SEARCH RETURN ALL", "t1 BAD bad arguments\r\n");
    SAYS("t1 SEARCH FLAGGED", "* SEARCH 2 4\r\nt1 OK done\r\n");
    end();
}

static void ages_are_of_the_internal_date(void)
{
    char command[80];
    long age = (long)(time(NULL) - 1580551200); /* 01-Feb-2020 10:00:00 +0000 */

    begin();
    snprintf(command, sizeof(command), "a SEARCH RETURN (COUNT) OLDER %ld", age - 100);
    SAYS(command, "* ESEARCH (TAG \"a\") COUNT 5\r\na OK done\r\n");
    snprintf(command, sizeof(command), "a SEARCH RETURN (COUNT) OLDER %ld", age + 1000);
    SAYS(command, "* ESEARCH (TAG \"a\") COUNT 0\r\na OK done\r\n");
    snprintf(command, sizeof(command), "a SEARCH RETURN (COUNT) YOUNGER %ld", age + 1000);
    SAYS(command, "* ESEARCH (TAG \"a\") COUNT 5\r\na OK done\r\n");
    snprintf(command, sizeof(command), "a SEARCH RETURN (COUNT) NOT YOUNGER %ld", age - 100);
    SAYS(command, "* ESEARCH (TAG \"a\") COUNT 5\r\na OK done\r\n");
    SAYS("a SEARCH OLDER 0", "a BAD bad arguments\r\n");
    SAYS("a SEARCH YOUNGER -5", "a BAD bad arguments\r\n");
    end();
}

/* RFC 5182 section 2.1: what is in "$", and until when. */
static void a_saved_result_stands_for_its_messages(void)
{
    begin();
    SAYS("a FETCH $ UID", "a OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) FLAGGED", "a OK done\r\n");
    SAYS("a FETCH $ UID", "* 2 FETCH (UID 3)\r\n* 4 FETCH (UID 5)\r\na OK done\r\n");
    SAYS("a UID FETCH $ FLAGS", "* 2 FETCH (FLAGS (\\Flagged \\Recent) UID 3)\r\n"
                                "* 4 FETCH (FLAGS (\\Flagged \\Recent) UID 5)\r\na OK done\r\n");
    SAYS("a SEARCH NOT $", "* SEARCH 1 3 5\r\na OK done\r\n");
    SAYS("a UID SEARCH OR UID $ SUBJECT five", "* SEARCH 3 5 6\r\na OK done\r\n");
    SAYS("a SEARCH $ SUBJECT four", "* SEARCH 4\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) $ SUBJECT four", "a OK done\r\n");
    SAYS("a STORE $ +FLAGS.SILENT (\\Deleted)", "a OK done\r\n");
    SAYS("a SEARCH DELETED", "* SEARCH 4\r\na OK done\r\n");
    SAYS("a FETCH $,1 UID", "a BAD bad arguments\r\n");
    SAYS("a FETCH 1,$ UID", "a BAD bad arguments\r\n");
    /* Another mailbox has none, the same one anew neither. */
    SAYS("a SELECT INBOX", "*");
    SAYS("a FETCH $ UID", "a OK done\r\n");
    end();
}

static void which_messages_are_saved(void)
{
    begin();
    SAYS("a SEARCH RETURN (SAVE MIN) FLAGGED", "* ESEARCH (TAG \"a\") MIN 2\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 2\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (MAX SAVE) ALL", "* ESEARCH (TAG \"a\") MAX 5\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 5\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE MIN MAX) ALL",
         "* ESEARCH (TAG \"a\") MIN 1 MAX 5\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 1 5\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE MIN MAX) 3", "* ESEARCH (TAG \"a\") MIN 3 MAX 3\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 3\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE MIN COUNT) FLAGGED",
         "* ESEARCH (TAG \"a\") MIN 2 COUNT 2\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 2 4\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE MIN ALL) 1:3",
         "* ESEARCH (TAG \"a\") MIN 1 ALL 1:3\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 1 2 3\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE MIN) SUBJECT nothing", "* ESEARCH (TAG \"a\")\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    end();
}

/* A SAVE that is NO leaves nothing, one that is BAD all; without SAVE it stays in any case. */
static void a_search_that_fails_resets_it_and_a_bad_one_does_not(void)
{
    begin();
    SAYS("a SEARCH RETURN (SAVE) FLAGGED", "a OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) NONSENSE", "a BAD bad arguments\r\n");
    SAYS("a SEARCH $", "* SEARCH 2 4\r\na OK done\r\n");
    SAYS("a SEARCH CHARSET X SUBJECT a", "a NO [BADCHARSET*");
    SAYS("a SEARCH RETURN (ALL) CHARSET X SUBJECT a", "a NO [BADCHARSET*");
    SAYS("a SEARCH ALL", "* SEARCH 1 2 3 4 5\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH 2 4\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (SAVE) CHARSET X SUBJECT a", "a NO [BADCHARSET*");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    end();
}

/* What is expunged is not in it, whoever does so, and numbers mean the messages they are of now. */
static void what_is_expunged_is_not_in_it(void)
{
    struct imap_session *other;

    begin();
    SAYS("a SEARCH RETURN (SAVE) 2:4", "a OK done\r\n");
    SAYS("a STORE 1,3 +FLAGS.SILENT (\\Deleted)", "a OK done\r\n");
    SAYS("a EXPUNGE", "* 1 EXPUNGE\r\n* 2 EXPUNGE\r\na OK done\r\n");
    SAYS("a FETCH $ UID", "* 1 FETCH (UID 3)\r\n* 2 FETCH (UID 5)\r\na OK done\r\n");
    other = mail_scene_open(&m);
    CHECK(mail_scene_says(&m, other, "b SELECT INBOX", "*"));
    CHECK(mail_scene_says(&m, other, "b UID STORE 3 +FLAGS.SILENT (\\Deleted)", "b OK done\r\n"));
    CHECK(mail_scene_says(&m, other, "b EXPUNGE", "* 1 EXPUNGE\r\nb OK done\r\n"));
    mail_scene_close(&m, other);
    SAYS("a NOOP", "* 1 EXPUNGE\r\na OK done\r\n");
    SAYS("a UID FETCH $ (UID)", "* 1 FETCH (UID 5)\r\na OK done\r\n");
    SAYS("a UID EXPUNGE $", "a OK done\r\n");
    SAYS("a STORE $ +FLAGS.SILENT (\\Deleted)", "a OK done\r\n");
    SAYS("a UID EXPUNGE $", "* 1 EXPUNGE\r\na OK done\r\n");
    SAYS("a SEARCH $", "* SEARCH\r\na OK done\r\n");
    SAYS("a UID SEARCH ALL", "* SEARCH 6\r\na OK done\r\n");
    end();
}

static void saved_messages_are_copied_and_moved(void)
{
    begin();
    SAYS("a CREATE Folder", "a OK *");
    SAYS("a UID SEARCH RETURN (SAVE) FLAGGED", "a OK done\r\n");
    SAYS("a COPY $ Folder", "a OK [COPYUID *");
    CHECK(strstr(m.answer, " 3,5 1:2] ") != NULL);
    SAYS("a UID MOVE $ Folder", "* OK [COPYUID *");
    CHECK(strstr(m.answer, " 3,5 3:4] ") && strstr(m.answer, "* 2 EXPUNGE\r\n* 3 EXPUNGE\r\n"));
    SAYS("a COPY $ Folder", "a OK done\r\n");
    end();
}

/* Every other message of so many that ranges run out. */
static void what_is_too_much_is_not_saved(void)
{
    enum { COUNT = 2 * MAIL_SAVED_RANGES + 2 };
    static struct mail_found found[COUNT / 2];
    struct mail_box box = {.messages = calloc(COUNT, sizeof(struct mail_message)), .count = COUNT};
    struct imap_session one = {.view = {.box = &box, .slots = COUNT, .exists = COUNT}};

    for (uint32_t i = 0; i < COUNT; i++)
        box.messages[i].uid = i + 1;
    for (uint32_t i = 0; i < COUNT / 2; i++)
        found[i] = (struct mail_found){.slot = 2 * i, .number = 2 * i + 1};
    CHECK(mail_saved_keep(&one, IMAP_RETURN_SAVE, found, COUNT / 2 - 1, found, found));
    CHECK(one.saved.count == MAIL_SAVED_RANGES && imap_set_contains(&one.saved, 3));
    CHECK(!mail_saved_keep(&one, IMAP_RETURN_SAVE, found, COUNT / 2, found, found));
    CHECK(one.saved.count == 0);
    mail_saved_clear(&one);
    free(box.messages);
}

/* The mailbox with itself, `times` over: 5 messages become 5 << times. */
static void double_it(unsigned times)
{
    while (times--)
        SAYS("a COPY 1:* INBOX", "*");
}

/* The first step of a search that reads more messages than a step may: it has said nothing yet. */
static void begin_long(void)
{
    begin();
    double_it(6);
    mail_scene_begin_run(&m, s, "t1 SEARCH RETURN (COUNT) TEXT one");
    CHECK(m.last.more_out && m.answer_len == 0 && s->run);
}

static void a_long_search_tells_how_far_it_is(void)
{
    begin_long();
    s->run->told_at -= 10;
    mail_scene_more(&m, s);
    CHECK(m.last.more_out &&
          strcmp(m.answer, "* OK [INPROGRESS (\"t1\" 128 320)] still at it\r\n") == 0);
    mail_scene_more(&m, s);
    CHECK(m.last.more_out &&
          m.answer_len == strlen("* OK [INPROGRESS (\"t1\" 128 320)] still at it\r\n"));
    mail_scene_pull(&m, s);
    CHECK(strstr(m.answer, "* ESEARCH (TAG \"t1\") COUNT 64\r\nt1 OK done\r\n") != NULL);
    end();
}

/* Nobody is there any more: nothing of it stays open (the store is told so when it is closed). */
static void a_search_that_is_left_ends(void)
{
    begin_long();
    end();
}

/* More numbers than one piece has. */
static void a_long_answer_comes_in_pieces(void)
{
    char *expected = malloc(MAIL_SCENE_ANSWER);
    int len = snprintf(expected, 32, "* SEARCH");

    begin();
    double_it(10);
    for (uint32_t i = 1; i <= 5120; i++)
        len += snprintf(expected + len, 16, " %u", i);
    snprintf(expected + len, 16, "\r\na OK done\r\n");
    SAYS("a SEARCH ALL", expected);
    SAYS("a UID SEARCH RETURN (ALL) NOT UID 4100",
         "* ESEARCH (TAG \"a\") UID ALL 2:4099,4101:5121\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (ALL SAVE) ALL", "* ESEARCH (TAG \"a\") ALL 1:5120\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (COUNT) $", "* ESEARCH (TAG \"a\") COUNT 5120\r\na OK done\r\n");
    end();
    free(expected);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(return_says_what_is_told);
    CHECK_CASE(ages_are_of_the_internal_date);
    CHECK_CASE(a_saved_result_stands_for_its_messages);
    CHECK_CASE(which_messages_are_saved);
    CHECK_CASE(a_search_that_fails_resets_it_and_a_bad_one_does_not);
    CHECK_CASE(what_is_expunged_is_not_in_it);
    CHECK_CASE(saved_messages_are_copied_and_moved);
    CHECK_CASE(what_is_too_much_is_not_saved);
    CHECK_CASE(a_long_search_tells_how_far_it_is);
    CHECK_CASE(a_search_that_is_left_ends);
    CHECK_CASE(a_long_answer_comes_in_pieces);
    return check_end();
}
