/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/handoff/chunk.h"
#include "tests/control/mail_scene.h"
#include "tests/harness/check.h"

/* LIST with its extensions, STATUS, special uses, quotas: against a store. */

#define SAYS(command, expected) CHECK(mail_scene_says(&m, s, command, expected))

static const char text[] = "Subject: two\r\n\r\nsecond\r\n";

static struct mail_scene m;
static struct imap_session *s;

static void begin(void)
{
    mail_scene_begin(&m);
    s = mail_scene_open(&m);
}

static void end(void)
{
    mail_scene_close(&m, s);
    mail_scene_end(&m);
}

/* a, a/b/c (and no a/b), d/e (and no d); subscribed to a/b/c, d/e/f and gone, of which the last two
 * are none. */
static void grow(void)
{
    SAYS("a CREATE a", "a OK [MAILBOXID *");
    SAYS("a CREATE a/b/c", "a OK [MAILBOXID *");
    SAYS("a CREATE d/e", "a OK [MAILBOXID *");
    SAYS("a SUBSCRIBE a/b/c", "a OK done\r\n");
    SAYS("a SUBSCRIBE d/e/f", "a OK done\r\n");
    SAYS("a SUBSCRIBE gone", "a OK done\r\n");
}

static void several_patterns_name_each_mailbox_once(void)
{
    begin();
    grow();
    SAYS("a LIST \"\" (a% a* INBOX)", "* LIST (\\HasNoChildren) \"/\" INBOX\r\n"
                                      "* LIST (\\HasChildren) \"/\" a\r\n"
                                      "* LIST (\\NonExistent \\HasChildren) \"/\" a/b\r\n"
                                      "* LIST (\\HasNoChildren) \"/\" a/b/c\r\na OK done\r\n");
    SAYS("a LIST () \"\" \"\"", "a OK done\r\n");
    SAYS("a LIST \"\" (\"\")", "a OK done\r\n");
    SAYS("a LIST \"\" \"\" RETURN ()", "a OK done\r\n");
    SAYS("a LIST a/ (% b/&AOQ) RETURN (CHILDREN)",
         "* LIST (\\NonExistent \\HasChildren) \"/\" a/b\r\na OK done\r\n");
    SAYS("a LIST (REMOTE) \"\" d", "* LIST (\\NonExistent \\HasChildren) \"/\" d\r\na OK done\r\n");
    end();
}

static void what_is_subscribed_is_selected_and_told(void)
{
    begin();
    grow();
    SAYS("a LIST (SUBSCRIBED) \"\" *",
         "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\r\n"
         "* LIST (\\Subscribed \\NonExistent \\HasNoChildren) \"/\" d/e/f\r\n"
         "* LIST (\\Subscribed \\NonExistent \\HasNoChildren) \"/\" gone\r\na OK done\r\n");
    SAYS("a LIST \"\" * RETURN (SUBSCRIBED CHILDREN)",
         "* LIST (\\HasNoChildren) \"/\" INBOX\r\n"
         "* LIST (\\HasChildren) \"/\" a\r\n"
         "* LIST (\\NonExistent \\HasChildren) \"/\" a/b\r\n"
         "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\r\n"
         "* LIST (\\NonExistent \\HasChildren) \"/\" d\r\n"
         "* LIST (\\HasNoChildren) \"/\" d/e\r\na OK done\r\n");
    SAYS("a LIST \"\" gone RETURN (SUBSCRIBED)", "a OK done\r\n");
    end();
}

static void what_is_above_a_match_is_told_where_that_is_hidden(void)
{
    begin();
    grow();
    SAYS("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" %",
         "* LIST (\\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
         "* LIST (\\NonExistent \\HasChildren) \"/\" d (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
         "* LIST (\\Subscribed \\NonExistent \\HasNoChildren) \"/\" gone\r\na OK done\r\n");
    /* What is told itself needs nobody to point to it. */
    SAYS("a LIST (RECURSIVEMATCH SUBSCRIBED) \"\" a*",
         "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\r\na OK done\r\n");
    SAYS("a SUBSCRIBE a", "a OK done\r\n");
    SAYS("a LIST (SUBSCRIBED REMOTE RECURSIVEMATCH) \"\" a*",
         "* LIST (\\Subscribed \\HasChildren) \"/\" a (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
         "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\r\na OK done\r\n");
    end();
}

static void a_list_has_the_status_of_each(void)
{
    begin();
    grow();
    mail_scene_append(&m, s, "a APPEND a (\\Seen \\Deleted) {24}\r\n", text, NULL);
    mail_scene_append(&m, s, "a APPEND a {24}\r\n", text, NULL);
    SAYS("a LIST \"\" a* RETURN (STATUS (UNSEEN MESSAGES SIZE UNSEEN))",
         "* LIST (\\HasChildren) \"/\" a\r\n* STATUS a (MESSAGES 2 UNSEEN 1 SIZE 48)\r\n"
         "* LIST (\\NonExistent \\HasChildren) \"/\" a/b\r\n"
         "* LIST (\\HasNoChildren) \"/\" a/b/c\r\n"
         "* STATUS a/b/c (MESSAGES 0 UNSEEN 0 SIZE 0)\r\na OK done\r\n");
    /* Not of one that is told for what is below it alone. */
    SAYS("a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (% a/b/c) RETURN (STATUS (DELETED))",
         "* LIST (\\Subscribed \\HasNoChildren) \"/\" a/b/c\r\n* STATUS a/b/c (DELETED 0)\r\n"
         "* LIST (\\NonExistent \\HasChildren) \"/\" d (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n"
         "* LIST (\\Subscribed \\NonExistent \\HasNoChildren) \"/\" gone\r\na OK done\r\n");
    /* However little room there is. */
    m.room = 3;
    SAYS("a LIST \"\" a RETURN (STATUS (DELETED DELETED-STORAGE))",
         "* LIST (\\HasChildren) \"/\" a\r\n* STATUS a (DELETED 1 DELETED-STORAGE 24)\r\n"
         "a OK done\r\n");
    end();
}

/* What is told of INBOX is what a count over all messages finds, whoever has changed it and
 * however. */
static void check_counts(struct imap_session *asks, unsigned messages, unsigned unseen,
                         unsigned deleted)
{
    char expected[200];

    snprintf(expected, sizeof(expected),
             "* STATUS INBOX (MESSAGES %u UNSEEN %u SIZE %u DELETED %u DELETED-STORAGE %u)\r\n"
             "a OK done\r\n",
             messages, unseen, 24 * messages, deleted, 24 * deleted);
    CHECK(mail_scene_says(&m, asks, "a STATUS INBOX (UNSEEN MESSAGES SIZE DELETED-STORAGE DELETED)",
                          expected));
}

static void counts_follow_what_changes(void)
{
    struct imap_session *other;

    begin();
    other = mail_scene_open(&m);
    check_counts(s, 0, 0, 0);
    mail_scene_append(&m, s, "a APPEND INBOX {24}\r\n", text, NULL);
    mail_scene_append(&m, s, "a APPEND INBOX (\\Seen) {24}\r\n", text, NULL);
    check_counts(s, 2, 1, 0); /* two more than were counted */
    SAYS("a SELECT INBOX", "*");
    check_counts(other, 2, 1, 0); /* of a mailbox in memory */
    SAYS("a STORE 1 +FLAGS.SILENT (\\Seen \\Deleted)", "a OK done\r\n");
    check_counts(other, 2, 0, 1);
    SAYS("a STORE 2 -FLAGS.SILENT (\\Seen)", "a OK done\r\n");
    mail_scene_append(&m, other, "a APPEND INBOX {24}\r\n", text, NULL);
    check_counts(other, 3, 2, 1);
    SAYS("a EXPUNGE", "*");
    check_counts(s, 2, 2, 0);
    SAYS("a UNSELECT", "a OK done\r\n");
    check_counts(s, 2, 2, 0); /* what the mailbox left behind */
    mail_scene_append(&m, s, "a APPEND INBOX (\\Deleted) {24}\r\n", text, NULL);
    check_counts(s, 3, 3, 1);
    mail_scene_close(&m, other);
    end();
}

static void see_mailbox(struct store *store, uint64_t account, uint64_t *mailbox_out)
{
    CHECK(store_mailbox_find(store, account, span_text("INBOX"), mailbox_out) == STORE_OK);
}

/* What the store does without us: a loss and a mark are no message that comes. */
static void counts_are_made_anew_when_others_change_flags(void)
{
    uint32_t uid = 1;
    struct store_mark_row row = {.uid = 2, .flags = STORE_FLAG_DELETED};
    struct store_mark mark = {.rows = &row, .count = 1};
    struct store_expunge expunge = {.uids = &uid, .count = 1};
    struct store_change changes[2] = {{.kind = STORE_MARK, .mark = &mark},
                                      {.kind = STORE_EXPUNGE, .expunge = &expunge}};

    begin();
    for (int i = 0; i < 3; i++)
        mail_scene_append(&m, s, "a APPEND INBOX {24}\r\n", text, NULL);
    check_counts(s, 3, 3, 0);
    see_mailbox(m.scene.store, m.account, &mark.mailbox);
    expunge.mailbox = mark.mailbox;
    store_apply(m.scene.store, changes, 2);
    CHECK(changes[0].status_out == STORE_OK && changes[1].status_out == STORE_OK);
    check_counts(s, 2, 2, 1);
    end();
}

enum { MANY = 9000 };

/* More than one turn takes: others are served meanwhile, and nothing is counted twice. */
static void a_large_mailbox_is_counted_in_pieces(void)
{
    static struct store_append_row rows[1000];
    static struct message messages[1000];
    struct store_append append = {.rows = rows, .count = 1000};
    struct store_change change = {.kind = STORE_APPEND, .append = &append};
    struct chunk *body = calloc(1, sizeof(*body) + sizeof(text));
    struct imap_session *other;
    uint64_t next = 1 << 20;

    begin();
    other = mail_scene_open(&m);
    body->cap = body->len = sizeof(text) - 1;
    memcpy(body->data, text, sizeof(text) - 1);
    see_mailbox(m.scene.store, m.account, &append.mailbox);
    for (int k = 0; k < MANY / 1000; k++) {
        for (int i = 0; i < 1000; i++) {
            messages[i] = (struct message){.id = store_fixture_id(++next),
                                           .received_ms = 1700000000000,
                                           .size = sizeof(text) - 1,
                                           .rest = body};
            rows[i] = (struct store_append_row){.message = &messages[i],
                                                .flags = i % 3 ? 0 : STORE_FLAG_SEEN};
        }
        store_apply(m.scene.store, &change, 1);
        CHECK(change.status_out == STORE_OK);
    }
    mail_scene_begin_run(&m, s, "a STATUS INBOX (UNSEEN)");
    CHECK(m.last.more_out && m.answer_len == 0);
    CHECK(mail_scene_says(&m, other, "a NOOP", "a OK done\r\n"));
    /* Something comes while it is counted. */
    mail_scene_append(&m, other, "a APPEND INBOX {24}\r\n", text, NULL);
    mail_scene_close(&m, s);
    s = mail_scene_open(&m);
    SAYS("a STATUS INBOX (MESSAGES RECENT UNSEEN)",
         "* STATUS INBOX (MESSAGES 9001 RECENT 9001 UNSEEN 5995)\r\na OK done\r\n");
    mail_scene_begin_run(&m, other, "a STATUS INBOX (UNSEEN)");
    CHECK(!m.last.more_out); /* known by now */
    mail_scene_close(&m, other);
    free(body);
    end();
}

static void mailboxes_are_made_for_a_use(void)
{
    begin();
    SAYS("a CREATE Out (USE (\\Sent \\drafts))", "a OK [MAILBOXID *");
    SAYS("a CREATE Other (USE (\\Sent))", "a NO [USEATTR] *");
    SAYS("a CREATE Other (USE (\\All))", "a NO [USEATTR] *");
    SAYS("a CREATE Other (USE (\\Nothing \\Junk))", "a NO [USEATTR] *");
    SAYS("a LIST \"\" Oth%", "a OK done\r\n");
    SAYS("a CREATE Plain (USE ())", "a OK [MAILBOXID *");
    SAYS("a CREATE Out/below", "a OK [MAILBOXID *");
    SAYS("a LIST \"\" (Out% Plain)", "* LIST (\\HasChildren \\Drafts \\Sent) \"/\" Out\r\n"
                                     "* LIST (\\HasNoChildren) \"/\" Plain\r\na OK done\r\n");
    SAYS("a LIST (SPECIAL-USE) \"\" * RETURN (SPECIAL-USE)",
         "* LIST (\\HasChildren \\Drafts \\Sent) \"/\" Out\r\na OK done\r\n");
    SAYS("a RENAME Out Away/Out", "a OK done\r\n");
    SAYS("a LIST (RECURSIVEMATCH SPECIAL-USE SUBSCRIBED) \"\" %", "a OK done\r\n");
    SAYS("a SUBSCRIBE Away/Out", "a OK done\r\n");
    SAYS("a LIST (RECURSIVEMATCH SPECIAL-USE SUBSCRIBED) \"\" %",
         "* LIST (\\NonExistent \\HasChildren) \"/\" Away "
         "(\"CHILDINFO\" (\"SUBSCRIBED\" \"SPECIAL-USE\"))\r\na OK done\r\n");
    SAYS("a DELETE Away/Out", "a OK done\r\n");
    SAYS("a CREATE New (USE (\\Sent))", "a OK [MAILBOXID *");
    end();
}

static void the_configured_mailboxes_are_there(void)
{
    const struct mail_special specials[] = {{span_text("Drafts"), STORE_USE_DRAFTS},
                                            {span_text("Sent"), STORE_USE_SENT}};
    static const char both[] = "* LIST (\\HasNoChildren \\Drafts) \"/\" Drafts\r\n"
                               "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\na OK done\r\n";
    uint64_t mailbox;

    mail_scene_begin_with(&m, specials, 2);
    CHECK(store_mailbox_create(m.scene.store, m.account, span_text("Sent"), 0, &mailbox) ==
          STORE_OK);
    s = mail_scene_open(&m);
    SAYS("a LIST (SPECIAL-USE) \"\" *", both);
    SAYS("a LSUB \"\" *", "* LSUB () \"/\" Drafts\r\na OK done\r\n");
    SAYS("a UNSUBSCRIBE Drafts", "a OK done\r\n");
    mail_scene_close(&m, s);
    s = mail_scene_open(&m);
    SAYS("a LIST (SPECIAL-USE) \"\" *", both);
    SAYS("a LSUB \"\" *", "a OK done\r\n");
    SAYS("a RENAME Drafts Work", "a OK done\r\n");
    mail_scene_close(&m, s);
    s = mail_scene_open(&m);
    SAYS("a LIST (SPECIAL-USE) \"\" *", "* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n"
                                        "* LIST (\\HasNoChildren \\Drafts) \"/\" Work\r\n"
                                        "a OK done\r\n");
    end();
}

static void quotas_are_told(void)
{
    begin();
    SAYS("a GETQUOTAROOT INBOX", "* QUOTAROOT INBOX\r\na OK done\r\n");
    SAYS("a GETQUOTA \"\"", "a NO [NONEXISTENT] *");
    m.account = store_fixture_account(m.scene.store, "alice@example.org", 2100);
    SAYS("a GETQUOTAROOT INBOX",
         "* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE 0 2)\r\na OK done\r\n");
    mail_scene_append(&m, s, "a APPEND INBOX {24}\r\n", text, NULL);
    SAYS("a GETQUOTA \"\"", "* QUOTA \"\" (STORAGE 1 2)\r\na OK done\r\n");
    SAYS("a GETQUOTA other", "a NO [NONEXISTENT] *");
    SAYS("a GETQUOTAROOT Quarantine", "a NO [NONEXISTENT] *");
    SAYS("a CREATE Copies", "a OK [MAILBOXID *");
    SAYS("a SELECT INBOX", "*");
    for (int i = 0; i < 86; i++)
        SAYS("a COPY 1 Copies", "a OK *");
    SAYS("a COPY 1 Copies", "a NO [OVERQUOTA] *");
    mail_scene_append(&m, s, "a APPEND Copies {24}\r\n", text, NULL);
    CHECK(strncmp(m.answer, "a NO [OVERQUOTA] ", 17) == 0);
    SAYS("a SETQUOTA \"\" (STORAGE 1)", "a BAD *");
    end();
}

static void bad_arguments_are_bad(void)
{
    static const char *const bad[] = {
        "LIST (RECURSIVEMATCH) \"\" *",
        "LIST (RECURSIVEMATCH REMOTE) \"\" *",
        "LIST (X) \"\" *",
        "LIST (SUBSCRIBED",
        "LIST (SUBSCRIBED) \"\"",
        "LIST \"\" ()",
        "LIST \"\" (a",
        "LIST \"\" (a b) x",
        "LIST \"\" * RETURN",
        "LIST \"\" * RETURN (X)",
        "LIST \"\" * RETURN (STATUS)",
        "LIST \"\" * RETURN (STATUS ())",
        "LIST \"\" * RETURN (STATUS (X))",
        "LIST \"\" * RETURN () x",
        "LSUB (SUBSCRIBED) \"\" *",
        "LSUB \"\" (a b)",
        "CREATE x (USE \\Sent)",
        "CREATE x (USE (Sent))",
        "CREATE x (USE (\\Sent) x)",
        "CREATE x ()",
        "STATUS INBOX ()",
        "STATUS INBOX (SIZE",
        "STATUS INBOX (DELETED-STORAG)",
        "GETQUOTA",
        "GETQUOTA \"\" x",
        "GETQUOTAROOT",
        "GETQUOTAROOT INBOX x",
    };
    char command[2000] = "a LIST \"\" (x";

    begin();
    for (int i = 0; i < 64; i++)
        strcat(command, " x");
    strcat(command, ")");
    SAYS(command, "a NO [LIMIT] *");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        snprintf(command, sizeof(command), "a %s", bad[i]);
        SAYS(command, "a BAD *");
    }
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(several_patterns_name_each_mailbox_once);
    CHECK_CASE(what_is_subscribed_is_selected_and_told);
    CHECK_CASE(what_is_above_a_match_is_told_where_that_is_hidden);
    CHECK_CASE(a_list_has_the_status_of_each);
    CHECK_CASE(counts_follow_what_changes);
    CHECK_CASE(counts_are_made_anew_when_others_change_flags);
    CHECK_CASE(a_large_mailbox_is_counted_in_pieces);
    CHECK_CASE(mailboxes_are_made_for_a_use);
    CHECK_CASE(the_configured_mailboxes_are_there);
    CHECK_CASE(quotas_are_told);
    CHECK_CASE(bad_arguments_are_bad);
    return check_end();
}
