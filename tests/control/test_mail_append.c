/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* APPEND of several messages, and what stays with a message or a mailbox for ever. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))
#define SAID(expected) CHECK_TEXT(span_text(m.answer), expected)

static const char first[] = "Subject: one\r\n\r\nfirst\r\n";
static const char second[] = "Subject: two\r\n\r\nsecond\r\n";

static struct mail_scene m;
static struct imap_session *s;

static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
    SAYS("a CREATE Box", "a OK [MAILBOXID (F*");
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

/* "[APPENDUID validity 1:3]" without the validity. */
static const char *uids(void)
{
    const char *at = strstr(m.answer, "[APPENDUID ");

    at = at ? strchr(at + 11, ' ') : NULL;
    return at ? at + 1 : "";
}

static void several_messages_come_together(void)
{
    struct imap_session *other;

    begin();
    SAYS("a APPEND Box (\\Seen) {23}\r\n", "");
    CHECK(m.last.append_out);
    mail_scene_message(&m, s, first, " (word \\Flagged) \"01-Feb-2020 10:00:00 +0000\" {25}\r\n",
                       true);
    CHECK(m.last.append_out && m.last.stored_out && m.answer_len == 0);
    mail_scene_message(&m, s, second, " {23}\r\n", true);
    CHECK(m.last.append_out && m.last.stored_out);
    other = mail_scene_open(&m);
    CHECK(mail_scene_says(&m, other, "b STATUS Box (MESSAGES)",
                          "* STATUS Box (MESSAGES 0)\r\nb OK done\r\n"));
    mail_scene_close(&m, other);
    m.answer_len = 0;
    mail_scene_message(&m, s, first, "", false);
    CHECK(m.last.stored_out && !m.last.append_out);
    CHECK_TEXT(span_text(uids()), "1:3] done\r\n");
    SAYS("a EXAMINE Box", "* FLAGS*");
    SAYS("a FETCH 1:3 (FLAGS BODY.PEEK[TEXT])",
         "* 1 FETCH (FLAGS (\\Seen \\Recent) BODY[TEXT] {7}\r\nfirst\r\n)\r\n"
         "* 2 FETCH (FLAGS (\\Flagged \\Recent word) BODY[TEXT] {8}\r\nsecond\r\n)\r\n"
         "* 3 FETCH (FLAGS (\\Recent) BODY[TEXT] {7}\r\nfirst\r\n)\r\na OK done\r\n");
    SAYS("a FETCH 2 INTERNALDATE",
         "* 2 FETCH (INTERNALDATE \" 1-Feb-2020 10:00:00 +0000\")\r\na OK done\r\n");
    end();
}

/* Whatever is wrong with one of them, none is there. */
static void all_or_none(void)
{
    static const struct {
        const char *behind;
        bool again;
        const char *said;
    } cases[] = {
        {" (\\Unknown) {3}\r\n", true, "a BAD bad arguments\r\n"},
        {" (\\Seen {3}\r\n", true, "a BAD bad arguments\r\n"},
        {" \"1-Feb-2020\" {3}\r\n", true, "a BAD bad arguments\r\n"},
        {" what", false, "a BAD bad arguments\r\n"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin();
        SAYS("a APPEND Box {23}\r\n", "");
        mail_scene_message(&m, s, first, " {25}\r\n", true);
        mail_scene_message(&m, s, second, cases[i].behind, cases[i].again);
        SAID(cases[i].said);
        CHECK(!m.last.append_out && m.last.state_out == IMAP_EXECUTED_AUTH);
        SAYS("a STATUS Box (MESSAGES UIDNEXT)",
             "* STATUS Box (MESSAGES 0 UIDNEXT 1)\r\na OK done\r\n");
        end();
    }
}

static void a_session_that_ends_leaves_nothing(void)
{
    begin();
    SAYS("a APPEND Box {23}\r\n", "");
    mail_scene_message(&m, s, first, " {25}\r\n", true);
    end();
}

static void too_many_are_refused(void)
{
    uint32_t i = 0;

    begin();
    SAYS("a APPEND Box {23}\r\n", "");
    do
        mail_scene_message(&m, s, first, " {25}\r\n", true);
    while (m.last.append_out && ++i < 2 * STORE_APPENDS);
    CHECK(i == STORE_APPENDS - 1);
    SAID("a NO [LIMIT] too much in one command\r\n");
    SAYS("a STATUS Box (MESSAGES)", "* STATUS Box (MESSAGES 0)\r\na OK done\r\n");
    end();
}

static void a_limit_is_told(void)
{
    begin();
    SAYS("a STATUS Box (APPENDLIMIT)", "* STATUS Box (APPENDLIMIT 1000000)\r\na OK done\r\n");
    end();
}

/* What stands between "(" and ")" behind `name` in the answer. */
static void id_of(const char *name, char *id_out, size_t size)
{
    const char *at = strstr(m.answer, name), *to;

    id_out[0] = 0;
    at = at ? strchr(at + strlen(name), '(') : NULL;
    to = at ? strchr(at, ')') : NULL;
    if (CHECK(to && (size_t)(to - at) < size)) {
        memcpy(id_out, at + 1, (size_t)(to - at) - 1);
        id_out[to - at - 1] = 0;
    }
}

static void mailbox_ids_stay(void)
{
    char id[64], other[64], told[260];

    begin();
    SAYS("a STATUS Box (MAILBOXID)", "* STATUS Box (MAILBOXID (F*");
    id_of("(MAILBOXID", id, sizeof(id));
    SAYS("a RENAME Box New", "a OK done\r\n");
    snprintf(told, sizeof(told), "* STATUS New (MAILBOXID (%s))\r\na OK done\r\n", id);
    SAYS("a STATUS New (MAILBOXID)", told);
    SAYS("a SELECT New", "* FLAGS*");
    id_of("[MAILBOXID", other, sizeof(other));
    CHECK(strcmp(id, other) == 0);
    SAYS("a CREATE Box", "a OK [MAILBOXID (F*");
    id_of("[MAILBOXID", other, sizeof(other));
    CHECK(strcmp(id, other) != 0);
    end();
}

static void email_ids_stay(void)
{
    char id[64], other[64], command[160], told[260];

    begin();
    mail_scene_append(&m, s, "a APPEND Box {23}\r\n", first, NULL);
    mail_scene_append(&m, s, "a APPEND Box {25}\r\n", second, NULL);
    SAYS("a SELECT Box", "* FLAGS*");
    SAYS("a FETCH 2 (EMAILID THREADID)", "* 2 FETCH (EMAILID (M*");
    CHECK(strstr(m.answer, ") THREADID NIL)\r\na OK done\r\n") != NULL);
    id_of("(EMAILID", other, sizeof(other));
    SAYS("a FETCH 1 EMAILID", "* 1 FETCH (EMAILID (M*");
    id_of("(EMAILID", id, sizeof(id));
    CHECK(strcmp(id, other) != 0);
    snprintf(command, sizeof(command), "a SEARCH EMAILID %s", id);
    SAYS(command, "* SEARCH 1\r\na OK done\r\n");
    snprintf(command, sizeof(command), "a SEARCH NOT EMAILID %s", id);
    SAYS(command, "* SEARCH 2\r\na OK done\r\n");
    SAYS("a SEARCH OR EMAILID x THREADID y", "* SEARCH\r\na OK done\r\n");
    SAYS("a COPY 1 INBOX", "a OK *");
    SAYS("a MOVE 1 INBOX", "* OK [COPYUID*");
    SAYS("a SELECT INBOX", "* OK [CLOSED]*");
    snprintf(told, sizeof(told),
             "* 1 FETCH (EMAILID (%s))\r\n* 2 FETCH (EMAILID (%s))\r\na OK done\r\n", id, id);
    SAYS("a FETCH 1:2 EMAILID", told);
    end();
}

static void the_save_date_is_the_mailboxs_own(void)
{
    begin();
    mail_scene_append(&m, s, "a APPEND Box \"01-Feb-2020 10:00:00 +0000\" {23}\r\n", first, NULL);
    SAYS("a SELECT Box", "* FLAGS*");
    SAYS("a FETCH 1 SAVEDATE", "* 1 FETCH (SAVEDATE \"*");
    CHECK(strstr(m.answer, "2020") == NULL);
    SAYS("a SEARCH SAVEDBEFORE 2-Feb-2020", "* SEARCH\r\na OK done\r\n");
    SAYS("a SEARCH SAVEDSINCE 2-Feb-2020", "* SEARCH 1\r\na OK done\r\n");
    SAYS("a SEARCH SAVEDON 1-Feb-2020", "* SEARCH\r\na OK done\r\n");
    SAYS("a SEARCH ON 1-Feb-2020 SAVEDATESUPPORTED", "* SEARCH 1\r\na OK done\r\n");
    end();
}

int main(void)
{
    check_begin();
    CHECK_CASE(several_messages_come_together);
    CHECK_CASE(all_or_none);
    CHECK_CASE(a_session_that_ends_leaves_nothing);
    CHECK_CASE(too_many_are_refused);
    CHECK_CASE(a_limit_is_told);
    CHECK_CASE(mailbox_ids_stay);
    CHECK_CASE(email_ids_stay);
    CHECK_CASE(the_save_date_is_the_mailboxs_own);
    return check_end();
}
