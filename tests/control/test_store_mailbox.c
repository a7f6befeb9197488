/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/store/store_collect.h"
#include "control/store/store_erase.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

static struct store_scene scene;
static uint64_t alice, inbox;

static void begin(void)
{
    store_scene_begin(&scene, "mailbox");
    alice = store_fixture_account(scene.store, "alice@example.org", 0);
    inbox = store_fixture_mailbox(scene.store, alice, MESSAGE_INBOX, NULL);
}

static uint64_t make(const char *name)
{
    uint64_t id = 0;

    CHECK(store_mailbox_create(scene.store, alice, span_text(name), 0, &id) == STORE_OK);
    return id;
}

static uint64_t find(const char *name)
{
    uint64_t id = 0;

    return store_mailbox_find(scene.store, alice, span_text(name), &id) == STORE_OK ? id : 0;
}

/* Names, each followed by a semicolon. */
struct names {
    char text[512];
    size_t len;
};

static void add_name(struct names *n, struct span name)
{
    n->len += (size_t)snprintf(n->text + n->len, sizeof(n->text) - n->len, "%.*s;", (int)name.len,
                               (const char *)name.data);
}

static bool see_mailbox(void *context, const struct store_mailbox *m)
{
    add_name(context, m->name);
    return true;
}

static bool see_name(void *context, struct span name)
{
    add_name(context, name);
    return true;
}

static bool listed(const char *wanted)
{
    struct names n = {.len = 0};

    return CHECK(store_mailboxes(scene.store, alice, see_mailbox, &n) == STORE_OK) &&
           CHECK_TEXT(span_of(n.text, n.len), wanted);
}

static bool subscribed(const char *wanted)
{
    struct names n = {.len = 0};

    return CHECK(store_subscriptions(scene.store, alice, see_name, &n) == STORE_OK) &&
           CHECK_TEXT(span_of(n.text, n.len), wanted);
}

static bool keep(void *context, const struct store_mailbox *m)
{
    *(struct store_mailbox *)context = *m;
    return true;
}

static struct store_mailbox show(uint64_t mailbox)
{
    struct store_mailbox m = {0};

    CHECK(store_mailbox_show(scene.store, mailbox, keep, &m) == STORE_OK);
    return m;
}

static void a_tree_of_names(void)
{
    uint64_t archive, work, id = 0;
    struct store_mailbox m;

    begin();
    archive = make("Archive");
    work = make("Archive/2026/Work");
    CHECK(find("Archive") == archive && find("Archive/2026/Work") == work);
    CHECK(find(STORE_INBOX) == inbox && find("Archive/2026") == 0 && find("archive") == 0);
    CHECK(store_mailbox_create(scene.store, alice, span_text("Archive"), 0, &id) == STORE_EXISTS);
    CHECK(store_mailbox_create(scene.store, alice, span_text(STORE_INBOX), 0, &id) == STORE_EXISTS);
    CHECK(store_mailbox_create(scene.store, alice, span_text(""), 0, &id) == STORE_FAILED);
    CHECK(store_mailbox_create(scene.store, 4711, span_text("x"), 0, &id) == STORE_NONE);
    listed("Archive;Archive/2026/Work;INBOX;Quarantine;");
    m = show(archive);
    CHECK(m.account == alice && m.place == STORE_FOLDER && m.uid_validity == archive);
    CHECK(m.uid_next == 1 && m.modseq == 1 && m.messages == 0 && m.uses == 0 && m.floor == 0);
    store_scene_reopen(&scene);
    listed("Archive;Archive/2026/Work;INBOX;Quarantine;");
    CHECK(find("Archive/2026/Work") == work);
    store_scene_end(&scene);
}

static void a_deleted_mailbox_never_comes_again(void)
{
    uint64_t first, second, id = 0;

    begin();
    first = make("a");
    make("a/b");
    CHECK(store_mailbox_delete(scene.store, first) == STORE_OK);
    listed("INBOX;Quarantine;a/b;");
    CHECK(store_mailbox_delete(scene.store, first) == STORE_NONE);
    CHECK(store_mailbox_delete(scene.store, inbox) == STORE_FAILED);
    second = make("a");
    CHECK(second > first); /* UIDVALIDITY too: never the same again */
    store_scene_reopen(&scene);
    CHECK(store_mailbox_delete(scene.store, second) == STORE_OK);
    CHECK(store_mailbox_create(scene.store, alice, span_text("a"), 0, &id) == STORE_OK);
    CHECK(id > second);
    store_scene_end(&scene);
}

static void a_rename_takes_what_is_below_along(void)
{
    uint64_t a, deep;
    char name[STORE_NAME + 1];

    begin();
    a = make("a");
    deep = make("a/b/c");
    make("ab");
    make("z/b/c");
    CHECK(store_mailbox_rename(scene.store, a, span_text("z")) == STORE_EXISTS); /* z/b/c */
    CHECK(store_mailbox_rename(scene.store, a, span_text("ab")) == STORE_EXISTS);
    CHECK(store_mailbox_rename(scene.store, a, span_text("a")) == STORE_EXISTS);
    CHECK(store_mailbox_rename(scene.store, a, span_text("a/x")) == STORE_FAILED);
    CHECK(store_mailbox_rename(scene.store, 4711, span_text("q")) == STORE_NONE);
    memset(name, 'n', sizeof(name));
    CHECK(store_mailbox_rename(scene.store, a, span_of(name, STORE_NAME)) == STORE_FAILED);
    CHECK(store_mailbox_rename(scene.store, a, span_of(name, STORE_NAME + 1)) == STORE_FAILED);
    listed("INBOX;Quarantine;a;a/b/c;ab;z/b/c;");
    CHECK(store_mailbox_rename(scene.store, a, span_text("b")) == STORE_OK);
    listed("INBOX;Quarantine;ab;b;b/b/c;z/b/c;");
    CHECK(find("b") == a && find("b/b/c") == deep);
    /* A new name that is another's old one. */
    CHECK(store_mailbox_rename(scene.store, deep, span_text("b/b")) == STORE_OK);
    make("b/b/b/b");
    CHECK(store_mailbox_delete(scene.store, a) == STORE_OK);
    CHECK(store_mailbox_rename(scene.store, deep, span_text("b")) == STORE_OK);
    listed("INBOX;Quarantine;ab;b;b/b/b;z/b/c;");
    store_scene_reopen(&scene);
    listed("INBOX;Quarantine;ab;b;b/b/b;z/b/c;");
    CHECK(find("b") == deep);
    store_scene_end(&scene);
}

static void subscriptions_are_names(void)
{
    begin();
    CHECK(store_subscribe(scene.store, alice, span_text("not/there"), true) == STORE_OK);
    CHECK(store_subscribe(scene.store, alice, span_text("INBOX"), true) == STORE_OK);
    CHECK(store_subscribe(scene.store, alice, span_text("INBOX"), true) == STORE_OK);
    CHECK(store_subscribe(scene.store, alice, span_text("nothing"), false) == STORE_OK);
    CHECK(store_subscribe(scene.store, 4711, span_text("INBOX"), true) == STORE_NONE);
    subscribed("INBOX;not/there;");
    store_scene_reopen(&scene);
    CHECK(store_subscribe(scene.store, alice, span_text("INBOX"), false) == STORE_OK);
    subscribed("not/there;");
    store_scene_end(&scene);
}

static void what_a_mailbox_is_for(void)
{
    uint64_t sent = 0;

    begin();
    CHECK(store_mailbox_create(scene.store, alice, span_text("Sent"), STORE_USE_SENT, &sent) ==
          STORE_OK);
    CHECK(show(sent).uses == STORE_USE_SENT);
    CHECK(store_mailbox_use(scene.store, sent, STORE_USE_TRASH | STORE_USE_JUNK) == STORE_OK);
    CHECK(store_mailbox_use(scene.store, inbox, STORE_USE_IMPORTANT) == STORE_OK);
    CHECK(store_mailbox_use(scene.store, 4711, 0) == STORE_NONE);
    store_scene_reopen(&scene);
    CHECK(show(sent).uses == (STORE_USE_TRASH | STORE_USE_JUNK));
    CHECK(show(inbox).uses == STORE_USE_IMPORTANT);
    CHECK(store_mailbox_use(scene.store, inbox, 0) == STORE_OK);
    CHECK(show(inbox).uses == 0);
    store_scene_end(&scene);
}

static void there_may_be_too_many(void)
{
    uint64_t id = 0;
    enum store_status status = STORE_OK;
    uint32_t made = 2; /* the fixed ones */

    begin();
    for (char name[16]; status == STORE_OK && made <= STORE_MAILBOXES; made++) {
        snprintf(name, sizeof(name), "m%u", made);
        status = store_mailbox_create(scene.store, alice, span_text(name), 0, &id);
    }
    CHECK(status == STORE_LIMIT && made == STORE_MAILBOXES + 1);
    CHECK(store_mailbox_delete(scene.store, id) == STORE_OK);
    CHECK(store_mailbox_create(scene.store, alice, span_text("one more"), 0, &id) == STORE_OK);
    store_scene_end(&scene);
}

static bool see_erasure(void *context, const struct store_erasure *erasure)
{
    return true;
}

/* An account that goes takes its folders and subscriptions along. */
static void an_erased_account_takes_all_along(void)
{
    struct store_reason reason = {.who = span_text("operator"), .why = span_text("asked")};
    uint64_t folder, account;
    struct store_mailbox m = {0};
    bool done = false;

    begin();
    folder = make("folder");
    CHECK(store_subscribe(scene.store, alice, span_text("folder"), true) == STORE_OK);
    CHECK(store_erase(scene.store, span_text("alice@example.org"), &reason, &account) == STORE_OK);
    CHECK(store_scene_healthy(scene.store));
    for (int i = 0; i < 100 && !done; i++)
        CHECK(store_erase_step(scene.store, see_erasure, NULL, &done) == STORE_OK);
    CHECK(done && find("folder") == 0);
    CHECK(store_mailbox_show(scene.store, folder, keep, &m) == STORE_NONE);
    listed("");
    subscribed("");
    store_scene_end(&scene);
}

static void quota_is_all_but_the_quarantine(void)
{
    struct store_quota quota = {0};
    uint64_t account;

    begin();
    account = store_fixture_account(scene.store, "bob@example.org", 100000);
    CHECK(store_scene_send(&scene, 1, 5000, account, MESSAGE_INBOX, 0) == STORE_OK);
    CHECK(store_scene_send(&scene, 2, 6000, account, MESSAGE_QUARANTINE, 0) == STORE_OK);
    CHECK(store_quota(scene.store, account, &quota) == STORE_OK);
    CHECK(quota.octets_max == 100000 && quota.messages == 1);
    CHECK(quota.octets > 5000 && quota.octets < 5100);
    CHECK(store_quota(scene.store, 4711, &quota) == STORE_NONE);
    store_scene_end(&scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(a_tree_of_names);
    CHECK_CASE(a_deleted_mailbox_never_comes_again);
    CHECK_CASE(a_rename_takes_what_is_below_along);
    CHECK_CASE(subscriptions_are_names);
    CHECK_CASE(what_a_mailbox_is_for);
    CHECK_CASE(there_may_be_too_many);
    CHECK_CASE(an_erased_account_takes_all_along);
    CHECK_CASE(quota_is_all_but_the_quarantine);
    return check_end();
}
