/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/store/store_collect.h"
#include "proto/imap/imap_server.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* CONDSTORE and QRESYNC (RFC 7162). Modification sequences begin at 1 in a new mailbox, and each
 * change takes the next one, so they can be told. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))
#define OTHER(command) mail_scene_run(&m, other, command)

static struct mail_scene m;
static struct imap_session *s, *other;

static void put_messages(int count)
{
    for (int i = 0; i < count; i++)
        mail_scene_append(&m, s, "a APPEND INBOX {1}\r\n", "x", NULL);
}

/* Messages in INBOX, which nobody has selected: UID n has modification sequence n + 1. */
static void begin(int count)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    other = mail_scene_open(&m);
    put_messages(count);
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_close(&m, other);
    mail_scene_end(&m);
}

static uint32_t validity(void)
{
    const char *at;

    mail_scene_run(&m, other, "b STATUS INBOX (UIDVALIDITY)");
    at = strstr(m.answer, "UIDVALIDITY ");
    return CHECK(at != NULL) ? (uint32_t)strtoul(at + 12, NULL, 10) : 0;
}

static const char *resync(const char *format)
{
    static char command[256];

    snprintf(command, sizeof(command), format, validity());
    return command;
}

/* ---- CONDSTORE ---- */

/* Section 3.1: any of them, with a mailbox selected, and only the first. */
static void commands_that_enable(void)
{
    static const struct {
        const char *command, *answer;
    } enabling[] = {
        {"a ENABLE CONDSTORE", "* ENABLED CONDSTORE\r\n* OK [HIGHESTMODSEQ 3]*"},
        {"a ENABLE x QRESYNC", "* ENABLED QRESYNC\r\n* OK [HIGHESTMODSEQ 3]*"},
        {"a STATUS INBOX (HIGHESTMODSEQ)", "* OK [HIGHESTMODSEQ 3] changes are known up to here\r\n"
                                           "* STATUS INBOX (HIGHESTMODSEQ 3)\r\na OK done\r\n"},
        {"a FETCH 1 MODSEQ", "* OK [HIGHESTMODSEQ 3]*"},
        {"a FETCH 1 UID (CHANGEDSINCE 9)", "* OK [HIGHESTMODSEQ 3]*"},
        {"a SEARCH MODSEQ 9", "* OK [HIGHESTMODSEQ 3]*"},
        {"a STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Draft)", "* OK [HIGHESTMODSEQ 3]*"},
        {"a SELECT INBOX (CONDSTORE)", "* OK [CLOSED]*"},
    };

    begin(2);
    SAYS("a SELECT INBOX", "* FLAGS *");
    CHECK(strstr(m.answer, "\r\n* OK [HIGHESTMODSEQ 3] ") != NULL);
    OTHER("b SELECT INBOX");
    OTHER("b STORE 2 +FLAGS (\\Seen)");
    CHECK_TEXT(span_text(m.answer), "* 2 FETCH (FLAGS (\\Seen))\r\nb OK done\r\n");
    SAYS("a NOOP", "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent))\r\na OK done\r\n");
    end();
    for (size_t i = 0; i < sizeof(enabling) / sizeof(enabling[0]); i++) {
        begin(2);
        SAYS("a SELECT INBOX", "* FLAGS *");
        SAYS(enabling[i].command, enabling[i].answer);
        SAYS("a ENABLE CONDSTORE", "* ENABLED CONDSTORE\r\na OK done\r\n");
        OTHER("b SELECT INBOX");
        OTHER("b STORE 2 +FLAGS.SILENT (\\Seen)");
        CHECK_TEXT(span_text(m.answer), "b OK done\r\n");
        SAYS("a NOOP", "* 2 FETCH (UID 2 FLAGS (\\Seen*");
        CHECK(strstr(m.answer, ") MODSEQ (4))\r\na OK done\r\n") != NULL);
        end();
    }
}

static void enable_says_what_it_knows(void)
{
    begin(0);
    SAYS("a ENABLE nothing X-THING", "* ENABLED\r\na OK done\r\n");
    SAYS("a ENABLE condstore x", "* ENABLED CONDSTORE\r\na OK done\r\n");
    SAYS("a ENABLE QRESYNC CONDSTORE", "* ENABLED CONDSTORE QRESYNC\r\na OK done\r\n");
    SAYS("a STATUS INBOX (HIGHESTMODSEQ)", "* STATUS INBOX (HIGHESTMODSEQ 1)\r\na OK done\r\n");
    SAYS("a SELECT INBOX", "*");
    CHECK(strstr(m.answer, "[HIGHESTMODSEQ 1]") != NULL);
    end();
}

/* Section 3.1.4.1. */
static void what_has_changed_is_fetched(void)
{
    begin(4);
    SAYS("a SELECT INBOX (CONDSTORE)", "*");
    SAYS("a FETCH 2:4 UID (CHANGEDSINCE 3)",
         "* 3 FETCH (UID 3 MODSEQ (4))\r\n* 4 FETCH (UID 4 MODSEQ (5))\r\na OK done\r\n");
    SAYS("a UID FETCH 1:* (MODSEQ) (CHANGEDSINCE 4)",
         "* 4 FETCH (MODSEQ (5) UID 4)\r\na OK done\r\n");
    SAYS("a FETCH 1:* FLAGS (CHANGEDSINCE 5)", "a OK done\r\n");
    /* \Seen comes to those alone that are fetched, and their new MODSEQ with it. */
    SAYS("a FETCH 1:4 BODY[TEXT] (CHANGEDSINCE 4)",
         "* 4 FETCH (BODY[TEXT] {1}\r\nx FLAGS (\\Seen \\Recent) MODSEQ (6))\r\na OK done\r\n");
    SAYS("a SEARCH SEEN", "* SEARCH 4\r\na OK done\r\n");
    end();
}

/* Section 3.1.3. */
static void what_has_changed_is_not_stored(void)
{
    begin(4);
    SAYS("a SELECT INBOX (CONDSTORE)", "*");
    OTHER("b SELECT INBOX");
    OTHER("b STORE 2 FLAGS (\\Seen)");
    SAYS("a STORE 1:3 (UNCHANGEDSINCE 5) +FLAGS.SILENT (word)",
         "* 1 FETCH (MODSEQ (7))\r\n* 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (6))\r\n"
         "* 3 FETCH (MODSEQ (7))\r\n"
         "* 1 FETCH (UID 1 FLAGS (\\Recent word) MODSEQ (7))\r\n"
         "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) MODSEQ (6))\r\n"
         "* 3 FETCH (UID 3 FLAGS (\\Recent word) MODSEQ (7))\r\n"
         "a OK [MODIFIED 2] some have changed before\r\n");
    SAYS("a UID STORE 1:3,9 (UNCHANGEDSINCE 5) FLAGS (x)",
         "* 1 FETCH (UID 1 FLAGS (\\Recent word) MODSEQ (7))\r\n"
         "* 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) MODSEQ (6))\r\n"
         "* 3 FETCH (UID 3 FLAGS (\\Recent word) MODSEQ (7))\r\n"
         "a OK [MODIFIED 1:3] some have changed before\r\n");
    /* Nothing is newer than 0, so nothing is stored. */
    SAYS("a STORE 4 (UNCHANGEDSINCE 0) +FLAGS (x)",
         "* 4 FETCH (FLAGS (\\Recent) MODSEQ (5))\r\na OK [MODIFIED 4] *");
    /* What is so already gets no new one. */
    SAYS("a STORE 1 (UNCHANGEDSINCE 7) +FLAGS (word)",
         "* 1 FETCH (FLAGS (\\Recent word) MODSEQ (7))\r\na OK done\r\n");
    SAYS("a STORE 1 -FLAGS.SILENT (word)", "* 1 FETCH (MODSEQ (8))\r\na OK done\r\n");
    /* A message that is gone has changed, whether that was told or not. */
    OTHER("b STORE 3 +FLAGS.SILENT (\\Deleted)");
    OTHER("b EXPUNGE");
    SAYS("a STORE 3:4 (UNCHANGEDSINCE 99) +FLAGS.SILENT (y)",
         "* 4 FETCH (MODSEQ (11))\r\n* 4 FETCH (UID 4 FLAGS (\\Recent y) MODSEQ (11))\r\n"
         "a OK [MODIFIED 3] *");
    SAYS("a NOOP", "* 3 EXPUNGE\r\na OK done\r\n");
    end();
}

/* Sections 3.1.5, 3.1.6. */
static void modification_sequences_are_searched(void)
{
    begin(4);
    SAYS("a SELECT INBOX (CONDSTORE)", "*");
    SAYS("a SEARCH MODSEQ 4", "* SEARCH 3 4 (MODSEQ 5)\r\na OK done\r\n");
    SAYS("a UID SEARCH NOT MODSEQ 4", "* SEARCH 1 2 (MODSEQ 3)\r\na OK done\r\n");
    SAYS("a SEARCH MODSEQ \"/flags/\\\\draft\" all 5", "* SEARCH 4 (MODSEQ 5)\r\na OK done\r\n");
    SAYS("a SEARCH MODSEQ 6", "* SEARCH\r\na OK done\r\n");
    SAYS("a UID SORT (ARRIVAL) UTF-8 MODSEQ 4", "* SORT 3 4 (MODSEQ 5)\r\na OK done\r\n");
    SAYS("a SEARCH RETURN (MIN) MODSEQ 4", "* ESEARCH (TAG \"a\") MIN 3 MODSEQ 4\r\na OK done\r\n");
    SAYS("a SEARCH ALL", "* SEARCH 1 2 3 4\r\na OK done\r\n");
    SAYS("a SEARCH MODSEQ 9223372036854775808", "a BAD *");
    SAYS("a SEARCH MODSEQ \"/flags/x\" 1", "a BAD *");
    end();
}

/* ---- QRESYNC ---- */

/* UID 2 and 5 of 6 go by 9 and 10, 3 gets a flag by 11. */
static void change(void)
{
    OTHER("b SELECT INBOX");
    OTHER("b STORE 2,5 +FLAGS.SILENT (\\Deleted)");
    OTHER("b EXPUNGE");
    OTHER("b UID STORE 3 +FLAGS.SILENT (\\Seen)");
}

/* What stands behind the last of what every SELECT says. */
static bool resumes(const char *command, const char *expected)
{
    const char *at;

    mail_scene_run(&m, s, command);
    at = strstr(m.answer, "[MAILBOXID ");
    at = at ? strstr(at, "\r\n") : NULL;
    if (at && strcmp(at + 2, expected) == 0)
        return true;
    printf("# %s\n# said: %s\n# not:  %s\n", command, m.answer, expected);
    return false;
}

#define RESUMES(format, expected) CHECK(resumes(resync(format), expected))

#define OK_SELECTED "a OK [READ-WRITE] selected\r\n"
#define THIRD "* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (11))\r\n"

static void a_client_that_comes_back_is_told_the_difference(void)
{
    begin(6);
    SAYS("a SELECT INBOX", "*");
    SAYS("a UNSELECT", "a OK done\r\n");
    change();
    SAYS(resync("a SELECT INBOX (QRESYNC (%u 7))"), "a BAD *");
    SAYS("a ENABLE QRESYNC", "* ENABLED QRESYNC\r\na OK done\r\n");
    RESUMES("a SELECT INBOX (QRESYNC (%u 7))", "* VANISHED (EARLIER) 2,5\r\n" THIRD OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 9))", "* VANISHED (EARLIER) 5\r\n" THIRD OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 10))", THIRD OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 11))", OK_SELECTED);
    RESUMES("a EXAMINE INBOX (QRESYNC (%u 10))", THIRD "a OK [READ-ONLY] selected\r\n");
    /* Of all that the client does not know nothing is told. */
    RESUMES("a SELECT INBOX (QRESYNC (%u 7 1:2,4))", "* VANISHED (EARLIER) 2\r\n" OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 7 3:6))", "* VANISHED (EARLIER) 5\r\n" THIRD OK_SELECTED);
    /* Up to the last pair that is so still nothing vanished that the client does not know of. */
    RESUMES("a SELECT INBOX (QRESYNC (%u 7 (1,3 1,4)))",
            "* VANISHED (EARLIER) 5\r\n" THIRD OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 7 1:9 (1:2 1:2)))",
            "* VANISHED (EARLIER) 2,5\r\n" THIRD OK_SELECTED);
    RESUMES("a SELECT INBOX (QRESYNC (%u 7 (4,90 6,92)))", THIRD OK_SELECTED);
    /* Another mailbox than the one it knows. */
    CHECK(resumes("a SELECT INBOX (QRESYNC (1 1))", OK_SELECTED));
    SAYS(resync("a SELECT Nowhere (QRESYNC (%u 7))"), "* OK [CLOSED] *");
    CHECK(strstr(m.answer, "a NO [NONEXISTENT] ") != NULL);
    end();
}

/* Section 3.2.6. */
static void vanished_is_fetched(void)
{
    begin(6);
    SAYS("a SELECT INBOX", "*");
    SAYS("a UID FETCH 1:* FLAGS (CHANGEDSINCE 7 VANISHED)", "a BAD *");
    SAYS("a ENABLE QRESYNC", "*");
    change();
    /* What this session has not been told as gone vanishes for it now, not earlier. */
    SAYS("a UID FETCH 1:* FLAGS (CHANGEDSINCE 7 VANISHED)",
         "* 3 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (11) UID 3)\r\n* VANISHED 2,5\r\n"
         "* 2 FETCH (UID 3 FLAGS (\\Seen \\Recent) MODSEQ (11))\r\n"
         "a OK [HIGHESTMODSEQ 11] done\r\n");
    SAYS("a UID FETCH 1:* FLAGS (CHANGEDSINCE 7 VANISHED)",
         "* VANISHED (EARLIER) 2,5\r\n"
         "* 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (11) UID 3)\r\na OK done\r\n");
    SAYS("a UID FETCH 4:6 FLAGS (VANISHED CHANGEDSINCE 7)",
         "* VANISHED (EARLIER) 5\r\na OK done\r\n");
    SAYS("a FETCH 1:2 FLAGS (CHANGEDSINCE 7 VANISHED)", "a BAD *");
    SAYS("a UID FETCH 1:2 FLAGS (VANISHED)", "a BAD *");
    end();
}

/* Sections 3.2.7 to 3.2.10. */
static void losses_vanish(void)
{
    begin(8);
    SAYS("a CREATE Folder", "a OK *");
    SAYS("a ENABLE QRESYNC", "*");
    SAYS("a SELECT INBOX", "*");
    SAYS("a EXPUNGE", "a OK done\r\n");
    SAYS("a STORE 1:2,4 +FLAGS.SILENT (\\Deleted)",
         "* 1 FETCH (UID 1 MODSEQ (10))\r\n* 2 FETCH (UID 2 MODSEQ (10))\r\n"
         "* 4 FETCH (UID 4 MODSEQ (10))\r\na OK done\r\n");
    SAYS("a EXPUNGE", "* VANISHED 1:2,4\r\na OK [HIGHESTMODSEQ 13] done\r\n");
    SAYS("a STORE 1:2 +FLAGS (\\Deleted)",
         "* 1 FETCH (UID 3 FLAGS (\\Deleted \\Recent) MODSEQ (14))\r\n"
         "* 2 FETCH (UID 5 FLAGS (\\Deleted \\Recent) MODSEQ (14))\r\na OK done\r\n");
    SAYS("a UID EXPUNGE 5", "* VANISHED 5\r\na OK [HIGHESTMODSEQ 15] done\r\n");
    SAYS("a UID EXPUNGE 6", "a OK done\r\n");
    SAYS("a MOVE 2 Folder", "* OK [COPYUID *");
    CHECK(strstr(m.answer, "moved\r\n* VANISHED 6\r\na OK [HIGHESTMODSEQ 16] done\r\n") != NULL);
    OTHER("b SELECT INBOX");
    OTHER("b STORE 2 +FLAGS.SILENT (\\Deleted)");
    OTHER("b EXPUNGE");
    CHECK_TEXT(span_text(m.answer), "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\nb OK done\r\n");
    SAYS("a NOOP", "* VANISHED 3,7\r\na OK [HIGHESTMODSEQ 19] done\r\n");
    SAYS("i IDLE", "+ idling\r\n");
    OTHER("b STORE 1 +FLAGS.SILENT (\\Deleted)");
    OTHER("b EXPUNGE");
    mail_scene_news(&m, s);
    CHECK_TEXT(span_text(m.answer),
               "* VANISHED 8\r\n* OK [HIGHESTMODSEQ 21] changes are known up to here\r\n");
    mail_scene_done(&m, s, "DONE");
    CHECK_TEXT(span_text(m.answer), "i OK idled\r\n");
    end();
}

/* Section 3.2.8: the client is told nothing of what goes, so not of what is highest either. */
static void close_tells_nothing(void)
{
    begin(2);
    SAYS("a ENABLE QRESYNC", "*");
    SAYS("a SELECT INBOX", "*");
    SAYS("a STORE 1 +FLAGS.SILENT (\\Deleted)", "* 1 FETCH (UID 1 MODSEQ (4))\r\na OK done\r\n");
    SAYS("a CLOSE", "a OK done\r\n");
    RESUMES("a SELECT INBOX (QRESYNC (%u 4))", "* VANISHED (EARLIER) 1\r\n" OK_SELECTED);
    end();
}

/* Section 6, erratum 1810: what is told is never above something that is held back. */
static void a_loss_that_is_held_back_is_above_what_the_client_may_remember(void)
{
    begin(4);
    SAYS("a ENABLE QRESYNC", "*");
    SAYS("a SELECT INBOX", "*");
    OTHER("b SELECT INBOX");
    OTHER("b STORE 2 +FLAGS.SILENT (\\Deleted)");
    SAYS("a NOOP", "*");
    OTHER("b EXPUNGE");
    SAYS("a FETCH 1 MODSEQ", "* 1 FETCH (MODSEQ (2))\r\na OK done\r\n");
    SAYS("a STORE 3 +FLAGS.SILENT (\\Seen)",
         "* 3 FETCH (UID 3 MODSEQ (8))\r\na OK [HIGHESTMODSEQ 6] done\r\n");
    SAYS("a STORE 4 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)",
         "* 4 FETCH (UID 4 FLAGS (\\Recent) MODSEQ (5))\r\na OK [MODIFIED 4] *");
    SAYS("a STORE 3:4 (UNCHANGEDSINCE 5) +FLAGS.SILENT (\\Draft)",
         "* 3 FETCH (UID 3 FLAGS (\\Seen \\Recent) MODSEQ (8))\r\n* 4 FETCH (UID 4 MODSEQ (9))\r\n"
         "* OK [HIGHESTMODSEQ 6] changes are known up to here\r\na OK [MODIFIED 3] *");
    /* The client that was cut off here remembers 6, and misses nothing. */
    SAYS("a UNSELECT", "a OK done\r\n");
    RESUMES("a SELECT INBOX (QRESYNC (%u 6))",
            "* VANISHED (EARLIER) 2\r\n* 2 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (8))\r\n"
            "* 3 FETCH (UID 4 FLAGS (\\Draft) MODSEQ (9))\r\n" OK_SELECTED);
    end();
}

/* ---- much of it ---- */

enum { MANY = 3000 };

/* UIDs that the VANISHED responses of the last answer name, each once at most. */
static uint32_t vanished(bool *gone)
{
    static const char head[] = "* VANISHED (EARLIER) ";
    uint32_t count = 0;

    memset(gone, 0, MANY + 2);
    for (const char *at = m.answer; (at = strstr(at, head)) != NULL;) {
        char *next = NULL;

        at += sizeof(head) - 1;
        do {
            unsigned long low = strtoul(at, &next, 10), high = low;

            if (*next == ':')
                high = strtoul(next + 1, &next, 10);
            for (; low <= high && CHECK(low >= 1 && low <= MANY && !gone[low]); low++, count++)
                gone[low] = true;
            at = next + 1;
        } while (*next == ',');
    }
    return count;
}

static void store_each(int step, const char *flag)
{
    static char command[16384];
    int len = snprintf(command, sizeof(command), "b UID STORE ");

    for (int uid = step; uid <= MANY; uid += step)
        len +=
            snprintf(command + len, sizeof(command) - (size_t)len, uid > step ? ",%d" : "%d", uid);
    snprintf(command + len, sizeof(command) - (size_t)len, " +FLAGS.SILENT (%s)", flag);
    OTHER(command);
}

/* Every third is gone, every fifth of the others has changed. */
static void make_many(void)
{
    char command[64];

    begin(10);
    OTHER("b SELECT INBOX");
    for (int count = 10, more; count < MANY; count += more) {
        more = 2 * count < MANY ? count : MANY - count;
        snprintf(command, sizeof(command), "b COPY 1:%d INBOX", more);
        OTHER(command);
    }
    store_each(3, "\\Deleted");
    store_each(5, "\\Seen");
    OTHER("b EXPUNGE");
    OTHER("b UNSELECT");
    SAYS("a ENABLE QRESYNC", "*");
}

static uint32_t count_of(const char *text)
{
    uint32_t count = 0;

    for (const char *at = m.answer; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static void many_are_told_piece_by_piece(void)
{
    static bool gone[MANY + 2];
    static const uint32_t rooms[] = {4000, 100, 65000};

    make_many();
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        m.room = rooms[i];
        mail_scene_run(&m, s, resync("a SELECT INBOX (QRESYNC (%u 3001))"));
        CHECK(vanished(gone) == MANY / 3);
        CHECK(gone[3] && gone[MANY] && !gone[4]);
        CHECK(count_of("FETCH (UID ") == MANY / 5 - MANY / 15);
        CHECK(strstr(m.answer, "* VANISHED") < strstr(m.answer, "FETCH (UID 5 "));
        CHECK(count_of("* VANISHED") > 1);
    }
    end();
}

/* Where the store remembers no longer what is gone, all that is not there is (section 3.2.5.2). */
static void what_was_forgotten_vanishes_with_the_rest(void)
{
    struct store_collect limits = {.tombstones_max = 10};
    struct store_collected collected = {0};
    static bool gone[MANY + 2];

    make_many();
    do
        CHECK(store_collect(m.scene.store, &limits, &collected) == STORE_OK);
    while (!collected.done);
    CHECK(collected.tombstones >= MANY / 3 - 10);
    mail_scene_run(&m, s, resync("a SELECT INBOX (QRESYNC (%u 3001))"));
    CHECK(vanished(gone) == MANY / 3);
    CHECK(gone[3] && gone[MANY] && !gone[4]);
    mail_scene_run(&m, s, resync("a SELECT INBOX (QRESYNC (%u 3001 10:20,100,102,2990:9000))"));
    CHECK(vanished(gone) == 8);
    CHECK(gone[12] && gone[15] && gone[18] && gone[102] && gone[2991] && gone[3000]);
    /* UID 2000 is message 1334: of what is in front of it the client knows. */
    mail_scene_run(&m, s, resync("a SELECT INBOX (QRESYNC (%u 3001 (1,1334 1,2000)))"));
    CHECK(vanished(gone) == (MANY - 2000) / 3 + 1);
    CHECK(!gone[1998] && gone[2001]);
    /* The last ones are remembered. */
    mail_scene_run(&m, s, "a STATUS INBOX (HIGHESTMODSEQ)");
    CHECK(strstr(m.answer, "(HIGHESTMODSEQ 4003)") != NULL);
    mail_scene_run(&m, s, resync("a SELECT INBOX (QRESYNC (%u 3993))"));
    CHECK(vanished(gone) == 10);
    mail_scene_run(&m, s, "a UID FETCH 1:100 UID (CHANGEDSINCE 3001 VANISHED)");
    CHECK(vanished(gone) == 33);
    /* What comes is no loss before it was told. */
    mail_scene_append(&m, other, "b APPEND INBOX {1}\r\n", "x", NULL);
    mail_scene_run(&m, s, "a UID FETCH 1:9000 UID (CHANGEDSINCE 3001 VANISHED)");
    CHECK(vanished(gone) == MANY / 3);
    CHECK(strstr(m.answer, "* 2001 EXISTS\r\n") != NULL);
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(commands_that_enable);
    CHECK_CASE(enable_says_what_it_knows);
    CHECK_CASE(what_has_changed_is_fetched);
    CHECK_CASE(what_has_changed_is_not_stored);
    CHECK_CASE(modification_sequences_are_searched);
    CHECK_CASE(a_client_that_comes_back_is_told_the_difference);
    CHECK_CASE(vanished_is_fetched);
    CHECK_CASE(losses_vanish);
    CHECK_CASE(close_tells_nothing);
    CHECK_CASE(a_loss_that_is_held_back_is_above_what_the_client_may_remember);
    CHECK_CASE(many_are_told_piece_by_piece);
    CHECK_CASE(what_was_forgotten_vanishes_with_the_rest);
    return check_end();
}
