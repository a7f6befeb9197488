/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_folder.h"

#include <stdio.h>

#include "tests/control/mailbox_scene.h"
#include "tests/harness/check.h"

/* Mail for a folder: which mailbox a name or a use leads to, and what the commit makes of it. */

static struct mailbox_scene s;
static uint64_t numbers;

static uint64_t find(const char *name)
{
    uint64_t id = 0;

    (void)store_mailbox_find(s.scene.store, s.alice, span_text(name), &id);
    return id;
}

static uint64_t create(const char *name, uint16_t uses)
{
    uint64_t id = 0;

    CHECK(store_mailbox_create(s.scene.store, s.alice, span_text(name), uses, &id) == STORE_OK);
    return id;
}

static uint64_t messages(uint64_t mailbox)
{
    return mailbox_scene_show(&s, mailbox).messages;
}

static struct store_fixture *mail_for(const char *folder, bool make)
{
    struct store_fixture *f = store_fixture_new(++numbers, 100, 0, 4096);

    store_fixture_to(f, s.alice, MESSAGE_INBOX);
    f->message.delivery[0].folder = span_text(folder);
    f->message.delivery[0].make = make;
    return f;
}

/* Where the name leads. */
static uint64_t leads(const char *folder, bool make)
{
    struct store_fixture *f = mail_for(folder, make);
    uint64_t mailbox;

    mail_folder_find(s.scene.store, &f->message);
    mailbox = f->message.delivery[0].mailbox_out;
    store_fixture_free(f);
    return mailbox;
}

static uint64_t junk(const char *name)
{
    struct store_fixture *f = mail_for(name, name[0] != 0);
    uint64_t mailbox;

    f->message.delivery[0].junk = true;
    mail_folder_find(s.scene.store, &f->message);
    mailbox = f->message.delivery[0].mailbox_out;
    store_fixture_free(f);
    return mailbox;
}

static void end(void)
{
    store_scene_end(&s.scene);
}

static void names_lead_to_folders(void)
{
    uint64_t lists, upper;

    mailbox_scene_begin(&s, 0);
    lists = create("Lists/dev", 0);
    CHECK(leads("Lists/dev", false) == lists);
    CHECK(leads("lists/DEV", false) == lists);
    CHECK(leads("Lists", false) == 0 && leads("Lists/dev/x", false) == 0);
    /* The one that is spelled so comes before one that is not. */
    upper = create("LISTS/dev", 0);
    CHECK(leads("LISTS/dev", false) == upper && leads("Lists/dev", false) == lists);
    /* Beyond ASCII a case is part of the name; what is composed is the same. */
    CHECK(leads("B\xc3\xbc" "cher", false) == 0);
    lists = create("B\xc3\xbc" "cher", 0);
    CHECK(leads("b\xc3\xbc" "cher", false) == lists && leads("Bu\xcc\x88" "cher", false) == lists);
    CHECK(leads("B\xc3\x9c" "cher", false) == 0);
    end();
}

static void what_is_no_name_leads_to_the_inbox(void)
{
    static const char *const bad[] = {"inbox",   "INBOX", "Quarantine", "quarantine", "a//b", "/a",
                                      "a\nb",    "a*",    "%",          "\xff",       "",     "a\x7f",
                                      "\xe2\x80\xa8"};

    mailbox_scene_begin(&s, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(leads(bad[i], true) == 0);
    end();
}

/* What others have put there would be taken for one's own. */
static void strangers_put_nothing_among_what_was_sent(void)
{
    mailbox_scene_begin(&s, 0);
    create("Sent", STORE_USE_SENT);
    create("Drafts", STORE_USE_DRAFTS);
    create("Trash", STORE_USE_TRASH);
    CHECK(leads("Sent", true) == 0 && leads("drafts", true) == 0 && leads("Trash", false) == 0);
    CHECK(leads("sent items", true) != 0);
    end();
}

static bool take_name(void *context, struct span name)
{
    *(bool *)context = *(bool *)context || span_equal(name, span_text("New"));
    return true;
}

static void folders_are_made(void)
{
    bool subscribed = false;
    uint64_t made;

    mailbox_scene_begin(&s, 0);
    CHECK(leads("New", false) == 0 && find("New") == 0);
    made = leads("New", true);
    CHECK(made != 0 && made == find("New") && leads("new", true) == made);
    CHECK(store_subscriptions(s.scene.store, s.alice, take_name, &subscribed) == STORE_OK);
    CHECK(subscribed);
    /* Who sends to a thousand names makes no thousand mailboxes. */
    for (uint32_t i = 0; i < 2 * MAIL_FOLDER_MADE; i++) {
        char name[32];

        snprintf(name, sizeof(name), "x%u", i);
        made = leads(name, true);
    }
    CHECK(made == 0 && find("x50") != 0 && find("x199") == 0);
    CHECK(leads("X50", true) == find("x50"));
    end();
}

static void the_one_for_junk_is_found_by_its_use(void)
{
    uint64_t made, other;

    mailbox_scene_begin(&s, 0);
    CHECK(junk("") == 0);
    made = junk("Junk");
    CHECK(made != 0 && find("Junk") == made &&
          mailbox_scene_show(&s, made).uses == STORE_USE_JUNK);
    CHECK(junk("Junk") == made);
    CHECK(store_mailbox_rename(s.scene.store, made, span_text("Spam")) == STORE_OK);
    CHECK(junk("Junk") == made && junk("") == made && find("Junk") == 0);
    /* A folder of that name that is for nothing yet. */
    CHECK(store_mailbox_delete(s.scene.store, made) == STORE_OK);
    other = create("Junk", 0);
    CHECK(junk("Junk") == other && mailbox_scene_show(&s, other).uses == STORE_USE_JUNK);
    end();
}

static void mail_lies_in_its_folder(void)
{
    struct store_fixture *f;
    uint64_t lists;

    mailbox_scene_begin(&s, 10000);
    lists = create("Lists", 0);
    f = mail_for("lists", false);
    mail_folder_find(s.scene.store, &f->message);
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(messages(lists) == 1 && messages(s.inbox) == 0 && f->message.delivery[0].uid_out == 1);
    CHECK(store_fixture_same(s.scene.store, lists, 1, numbers, 0, 100));
    store_fixture_free(f);
    store_scene_reopen(&s.scene);
    CHECK(messages(lists) == 1 && store_fixture_same(s.scene.store, lists, 1, numbers, 0, 100));
    end();
}

/* It counts as all that lies in folders does. */
static void its_quota_is_the_accounts(void)
{
    struct store_quota quota;
    struct store_fixture *f;

    mailbox_scene_begin(&s, 200);
    create("Lists", 0);
    for (int i = 0; i < 2; i++) {
        f = mail_for("Lists", false);
        mail_folder_find(s.scene.store, &f->message);
        CHECK(store_fixture_commit(s.scene.store, f) == (i == 0 ? STORE_OK : STORE_FULL));
        store_fixture_free(f);
    }
    CHECK(store_quota(s.scene.store, s.alice, &quota) == STORE_OK && quota.messages == 1 &&
          quota.octets > 100);
    end();
}

/* What was found, and is not there any more at the commit. */
static void a_folder_that_is_gone_loses_nothing(void)
{
    struct store_fixture *f;
    uint64_t lists, bobs, bob;

    mailbox_scene_begin(&s, 0);
    lists = create("Lists", 0);
    f = mail_for("Lists", false);
    mail_folder_find(s.scene.store, &f->message);
    CHECK(f->message.delivery[0].mailbox_out == lists);
    CHECK(store_mailbox_delete(s.scene.store, lists) == STORE_OK);
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(messages(s.inbox) == 1 && f->message.delivery[0].mailbox_out == 0);
    store_fixture_free(f);
    /* Renamed: it is the same one. */
    lists = create("Lists", 0);
    f = mail_for("Lists", false);
    mail_folder_find(s.scene.store, &f->message);
    CHECK(store_mailbox_rename(s.scene.store, lists, span_text("Old")) == STORE_OK);
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(messages(lists) == 1 && messages(s.inbox) == 1);
    store_fixture_free(f);
    /* Somebody else's is no folder of this account. */
    bob = store_fixture_account(s.scene.store, "bob@example.org", 0);
    CHECK(store_mailbox_create(s.scene.store, bob, span_text("Lists"), 0, &bobs) == STORE_OK);
    f = mail_for("", false);
    f->message.delivery[0].mailbox_out = bobs;
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(messages(bobs) == 0 && messages(s.inbox) == 2);
    store_fixture_free(f);
    end();
}

/* One message for the inbox of one and the folders of another. */
static void each_recipient_has_its_own(void)
{
    struct store_fixture *f;
    uint64_t bob;

    mailbox_scene_begin(&s, 0);
    bob = store_fixture_account(s.scene.store, "bob@example.org", 0);
    f = mail_for("New", true);
    store_fixture_to(f, bob, MESSAGE_INBOX);
    store_fixture_to(f, bob, MESSAGE_QUARANTINE);
    f->message.delivery[2].folder = span_text("New");
    f->message.delivery[2].make = true;
    mail_folder_find(s.scene.store, &f->message);
    CHECK(f->message.delivery[1].mailbox_out == 0 && f->message.delivery[2].mailbox_out == 0);
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(messages(find("New")) == 1);
    CHECK(messages(store_fixture_mailbox(s.scene.store, bob, MESSAGE_INBOX, NULL)) == 1);
    CHECK(messages(store_fixture_mailbox(s.scene.store, bob, MESSAGE_QUARANTINE, NULL)) == 1);
    store_fixture_free(f);
    end();
}

static void note(void *context, uint64_t mailbox)
{
    *(uint64_t *)context = mailbox;
}

static void who_watches_the_folder_is_told(void)
{
    struct store_fixture *f;
    uint64_t told = 0, lists;

    mailbox_scene_begin(&s, 0);
    lists = create("Lists", 0);
    store_watch(s.scene.store, note, &told);
    CHECK(store_mailbox_watch(s.scene.store, lists, true));
    f = mail_for("Lists", false);
    mail_folder_find(s.scene.store, &f->message);
    CHECK(store_fixture_commit(s.scene.store, f) == STORE_OK);
    CHECK(told == lists);
    store_watch(s.scene.store, NULL, NULL);
    store_fixture_free(f);
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(names_lead_to_folders);
    CHECK_CASE(what_is_no_name_leads_to_the_inbox);
    CHECK_CASE(strangers_put_nothing_among_what_was_sent);
    CHECK_CASE(folders_are_made);
    CHECK_CASE(the_one_for_junk_is_found_by_its_use);
    CHECK_CASE(mail_lies_in_its_folder);
    CHECK_CASE(its_quota_is_the_accounts);
    CHECK_CASE(a_folder_that_is_gone_loses_nothing);
    CHECK_CASE(each_recipient_has_its_own);
    CHECK_CASE(who_watches_the_folder_is_told);
    return check_end();
}
