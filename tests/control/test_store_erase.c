/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/store/store_erase.h"
#include "control/store/store_import.h"
#include "control/store/store_quarantine.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

static struct store_scene scene;
static uint64_t alice, bob, inbox;
static const struct store_reason reason = {.who = {(const uint8_t *)"operator", 8},
                                           .why = {(const uint8_t *)"they left", 9}};

static void begin(void)
{
    store_scene_begin(&scene, "erase");
    alice = store_fixture_account(scene.store, "alice@example.org", 0);
    bob = store_fixture_account(scene.store, "bob@example.org", 0);
    inbox = store_fixture_mailbox(scene.store, alice, MESSAGE_INBOX, NULL);
}

static enum store_status send_to(uint64_t number, uint64_t first, enum message_place place,
                                 uint64_t second)
{
    return store_scene_send(&scene, number, 100, first, place, second);
}

static bool keep(void *context, const struct store_erasure *e)
{
    struct store_erasure *out = context;

    CHECK(span_equal(e->key, span_text("alice@example.org")));
    *out = *e;
    return true;
}

static bool count(void *context, const struct store_audit *row)
{
    ++*(uint32_t *)context;
    return true;
}

static bool count_mailbox(void *context, const struct store_mailbox *mailbox)
{
    ++*(uint32_t *)context;
    return true;
}

enum { OWN = 400, SHARED = 20, HELD = 5 };

static void fill(void)
{
    uint64_t n = 0;

    for (int i = 0; i < OWN; i++)
        CHECK(send_to(++n, alice, MESSAGE_INBOX, 0) == STORE_OK);
    for (int i = 0; i < SHARED; i++)
        CHECK(send_to(++n, alice, MESSAGE_INBOX, bob) == STORE_OK);
    for (int i = 0; i < HELD; i++)
        CHECK(send_to(++n, alice, MESSAGE_QUARANTINE, 0) == STORE_OK);
}

/* Closed after the beginning and after the first step, as a crash would. */
static void all_goes_but_what_others_have(void)
{
    struct store_erasure e = {0};
    struct store_health h;
    uint64_t id = 0;
    uint32_t steps = 0, rows = 0, mailboxes = 0;
    bool done = false;

    begin();
    fill();
    CHECK(store_erase_step(scene.store, keep, &e, &done) == STORE_NONE && !done);
    CHECK(store_erase(scene.store, span_text("alice@example.org"), &reason, &id) == STORE_OK);
    CHECK(id == alice);
    CHECK(store_account_find(scene.store, span_text("alice@example.org"), &id) == STORE_NONE);
    CHECK(store_erase(scene.store, span_text("alice@example.org"), &reason, &id) == STORE_NONE);
    CHECK(send_to(9999, alice, MESSAGE_INBOX, 0) == STORE_NONE);
    store_scene_reopen(&scene);
    CHECK(store_scene_healthy(scene.store));
    while (store_erase_step(scene.store, keep, &e, &done) == STORE_OK && !done) {
        CHECK(++steps < 10);
        store_scene_reopen(&scene);
        CHECK(store_scene_healthy(scene.store));
    }
    CHECK(done && steps == 1 && e.messages == OWN + SHARED + HELD && e.shared == SHARED &&
          e.shared_octets == SHARED * 100);
    CHECK(store_erase_step(scene.store, keep, &e, &done) == STORE_NONE);
    CHECK(store_check(scene.store, &h) == STORE_OK && h.bodies == SHARED && h.entries == SHARED);
    CHECK(store_audit(scene.store, 0, count, &rows) == STORE_OK && rows == 2);
    CHECK(store_mailboxes(scene.store, 0, count_mailbox, &mailboxes) == STORE_OK && mailboxes == 2);
    CHECK(store_fixture_account(scene.store, "alice@example.org", 0) > bob);
    store_scene_end(&scene);
}

static enum store_status import(uint64_t number, uint64_t identity, bool *there_out)
{
    struct store_fixture *f = store_fixture_new(number, 100, 0, 4096);
    struct store_import i = {.message = &f->message,
                             .identity = store_fixture_id(identity),
                             .flags = STORE_FLAG_SEEN | STORE_FLAG_FLAGGED,
                             .keywords = span_of("\0\0\0\12$Forwarded", 14)};
    struct store_change change = {.kind = STORE_IMPORT, .import = &i};

    store_fixture_to(f, alice, MESSAGE_INBOX);
    store_apply(scene.store, &change, 1);
    *there_out = i.there_out;
    store_fixture_free(f);
    return change.status_out;
}

static bool see_flags(void *context, const struct store_entry *entry)
{
    *(bool *)context = entry->flags == (STORE_FLAG_SEEN | STORE_FLAG_FLAGGED) &&
                       span_equal(entry->keywords, span_of("\0\0\0\12$Forwarded", 14)) &&
                       entry->internal_ms == 1700000000001;
    return false;
}

static void an_import_comes_once(void)
{
    const struct pop3_mailbox *view;
    struct store_change change = {.kind = STORE_DELETE, .marked = (const uint8_t *)"\1"};
    bool there, flags = false;

    begin();
    CHECK(import(1, 77, &there) == STORE_OK && !there);
    CHECK(store_entry_find(scene.store, inbox, 1, see_flags, &flags) == STORE_OK && flags);
    CHECK(import(2, 77, &there) == STORE_OK && there);
    CHECK(import(3, 78, &there) == STORE_OK && !there);
    store_scene_reopen(&scene);
    CHECK(import(4, 77, &there) == STORE_OK && there);
    CHECK(store_view_open(scene.store, alice, &view) == STORE_OK && view->count == 2);
    change.view = view;
    store_apply(scene.store, &change, 1);
    store_view_close(scene.store, view);
    /* What was deleted may come again. */
    CHECK(import(5, 77, &there) == STORE_OK && !there);
    store_scene_end(&scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(all_goes_but_what_others_have);
    CHECK_CASE(an_import_comes_once);
    return check_end();
}
