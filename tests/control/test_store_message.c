/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "control/store/store_erase.h"
#include "tests/control/mailbox_scene.h"
#include "tests/harness/check.h"

static struct mailbox_scene scene;

static uint64_t read_all(const struct store_reading *reading, uint8_t *out, void **pins,
                         uint32_t *count)
{
    uint64_t at = 0;

    *count = 0;
    while (at < reading->size) {
        struct span bytes;

        if (!CHECK(store_reading_read(scene.scene.store, reading, at, &bytes, &pins[*count]) ==
                   STORE_OK) ||
            !CHECK(bytes.len > 0))
            break;
        memcpy(out + at, bytes.data, bytes.len);
        at += bytes.len;
        ++*count;
    }
    return at;
}

static void what_is_read_stays(void)
{
    enum { SIZE = 200000 };
    uint8_t *got = malloc(SIZE + 64), *wanted = malloc(SIZE);
    uint32_t uid = 1, out, count;
    struct store_copy move = {.uids = &uid, .count = 1, .uids_out = &out, .move = true};
    struct store_expunge expunge = {.uids = &uid, .count = 1};
    const struct store_reading *reading;
    struct span first, none;
    void *pins[64], *pin, *none_pin;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 1, SIZE);
    move.from = scene.inbox;
    move.to = expunge.mailbox = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &move) == STORE_OK);
    CHECK(store_reading_open(scene.scene.store, scene.inbox, 1, &reading) == STORE_NONE);
    CHECK(store_reading_open(scene.scene.store, 4711, 1, &reading) == STORE_NONE);
    CHECK(store_reading_open(scene.scene.store, scene.folder, 1, &reading) == STORE_OK);
    CHECK(store_reading_read(scene.scene.store, reading, 0, &first, &pin) == STORE_OK);
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_OK &&
          expunge.gone_out == 1);
    CHECK(store_mailbox_delete(scene.scene.store, scene.folder) == STORE_OK);
    CHECK(read_all(reading, got, pins, &count) == reading->size);
    CHECK(store_reading_read(scene.scene.store, reading, reading->size, &none, &none_pin) ==
          STORE_OK);
    CHECK(none.len == 0 && none_pin == NULL);
    store_fixture_bytes(1, wanted, SIZE);
    CHECK(memcmp(got, first.data, reading->prefix.len) == 0);
    CHECK(memcmp(got + reading->prefix.len, wanted, SIZE) == 0);
    store_unpin(scene.scene.store, pins, count);
    store_reading_close(scene.scene.store, reading);
    CHECK(memcmp(got, first.data, first.len) == 0);
    store_unpin(scene.scene.store, &pin, 1);
    CHECK(store_reading_open(scene.scene.store, scene.folder, 1, &reading) == STORE_NONE);
    free(got);
    free(wanted);
    store_scene_end(&scene.scene);
}

static void pop3_and_imap_read_at_once(void)
{
    const struct pop3_mailbox *view;
    const struct store_reading *reading;
    uint8_t marked = 1;
    struct store_change deletion = {.kind = STORE_DELETE, .marked = &marked};
    struct span a, b;
    void *pins[2];

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 1, 5000);
    CHECK(store_view_open(scene.scene.store, scene.alice, &view) == STORE_OK);
    CHECK(store_reading_open(scene.scene.store, scene.inbox, 1, &reading) == STORE_OK);
    deletion.view = view;
    store_apply(scene.scene.store, &deletion, 1);
    CHECK(deletion.status_out == STORE_OK);
    mailbox_scene_gone(&scene, scene.inbox, 0, "1;");
    CHECK(store_view_read(scene.scene.store, view, 0, 100, &a, &pins[0]) == STORE_OK);
    CHECK(store_reading_read(scene.scene.store, reading, 100, &b, &pins[1]) == STORE_OK);
    CHECK(a.len > 0 && a.len == b.len && memcmp(a.data, b.data, a.len) == 0);
    store_unpin(scene.scene.store, pins, 2);
    store_view_close(scene.scene.store, view);
    store_reading_close(scene.scene.store, reading);
    store_scene_end(&scene.scene);
}

static void pop3_and_imap_delete_in_one_batch(void)
{
    uint32_t uids[] = {1, 2};
    struct store_expunge expunge = {.uids = uids, .count = 1};
    struct store_expunge both = {.uids = uids, .count = 2};
    const struct pop3_mailbox *view;
    uint8_t marked = 3;
    struct store_change changes[] = {{.kind = STORE_EXPUNGE, .expunge = &expunge},
                                     {.kind = STORE_DELETE, .marked = &marked},
                                     {.kind = STORE_EXPUNGE, .expunge = &both}};

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 3, 100);
    CHECK(store_view_open(scene.scene.store, scene.alice, &view) == STORE_OK);
    changes[1].view = view;
    expunge.mailbox = both.mailbox = scene.inbox;
    store_apply(scene.scene.store, changes, 3);
    for (int i = 0; i < 3; i++)
        CHECK(changes[i].status_out == STORE_OK);
    CHECK(expunge.gone_out == 1 && both.gone_out == 0);
    mailbox_scene_listed(&scene, scene.inbox, "3 0;");
    mailbox_scene_gone(&scene, scene.inbox, 0, "1;2;");
    store_view_close(scene.scene.store, view);
    store_scene_end(&scene.scene);
}

static void a_deleted_mailbox_frees_its_room(void)
{
    uint64_t octets;
    uint32_t uids[20], out[20];
    struct store_copy copy = {.uids = uids, .count = 20, .uids_out = out};
    struct store_health h;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 20, 1000);
    for (uint32_t i = 0; i < 20; i++)
        uids[i] = i + 1;
    copy.from = scene.inbox;
    copy.to = scene.folder;
    octets = mailbox_scene_octets(&scene);
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK);
    CHECK(mailbox_scene_octets(&scene) == 2 * octets);
    CHECK(store_mailbox_delete(scene.scene.store, scene.folder) == STORE_OK);
    CHECK(mailbox_scene_octets(&scene) == octets);
    CHECK(store_check(scene.scene.store, &h) == STORE_OK && h.entries == 20 && h.bodies == 20);
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_NONE);
    CHECK(store_fixture_same(scene.scene.store, scene.inbox, 20, 20, 0, 1000));
    store_scene_end(&scene.scene);
}

static void the_inbox_renamed_is_emptied(void)
{
    uint64_t moved = 0;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 3, 100);
    CHECK(store_mailbox_rename(scene.scene.store, scene.inbox, span_text("folder")) ==
          STORE_EXISTS);
    CHECK(store_mailbox_rename(scene.scene.store, scene.inbox, span_text("Old/2026")) == STORE_OK);
    CHECK(store_mailbox_find(scene.scene.store, scene.alice, span_text("Old/2026"), &moved) ==
          STORE_OK);
    CHECK(moved != scene.inbox);
    mailbox_scene_listed(&scene, scene.inbox, "");
    mailbox_scene_listed(&scene, moved, "1 0;2 0;3 0;");
    mailbox_scene_gone(&scene, scene.inbox, 0, "1;2;3;");
    mailbox_scene_deliver(&scene, 4, 1, 100);
    mailbox_scene_listed(&scene, scene.inbox, "4 0;");
    CHECK(store_fixture_same(scene.scene.store, moved, 3, 3, 0, 100));
    store_scene_end(&scene.scene);
}

static bool see_erasure(void *context, const struct store_erasure *e)
{
    *(uint64_t *)context = e->messages;
    return true;
}

static void an_erasure_takes_messages_of_all_mailboxes(void)
{
    struct store_reason reason = {.who = span_text("operator"), .why = span_text("asked")};
    uint32_t uids[] = {1, 2}, out[2];
    struct store_copy copy = {.uids = uids, .count = 2, .uids_out = out};
    struct store_health h;
    uint64_t account, messages = 0;
    bool done = false;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 2, 70000);
    copy.from = scene.inbox;
    copy.to = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK);
    CHECK(store_erase(scene.scene.store, span_text("alice@example.org"), &reason, &account) ==
          STORE_OK);
    while (!done &&
           CHECK(store_erase_step(scene.scene.store, see_erasure, &messages, &done) == STORE_OK))
        continue;
    CHECK(messages == 4);
    CHECK(store_check(scene.scene.store, &h) == STORE_OK && h.entries == 0 && h.bodies == 0);
    store_scene_end(&scene.scene);
}

static uint64_t told[32];
static uint32_t told_count;

static void hear(void *context, uint64_t mailbox)
{
    CHECK(context == &told_count);
    if (told_count < 32)
        told[told_count++] = mailbox;
}

static bool heard(uint64_t first, uint64_t second)
{
    bool ok = told_count == (uint32_t)(first != 0) + (second != 0);

    if (first)
        ok = ok && (told[0] == first || told[1] == first);
    if (second)
        ok = ok && (told[0] == second || told[1] == second);
    told_count = 0;
    return ok;
}

static void who_watches_is_told(void)
{
    uint32_t uid = 1, out;
    struct store_copy copy = {.uids = &uid, .count = 1, .uids_out = &out};
    struct store_expunge expunge = {.uids = &uid, .count = 1};

    mailbox_scene_begin(&scene, 0);
    told_count = 0;
    store_watch(scene.scene.store, hear, &told_count);
    mailbox_scene_deliver(&scene, 1, 1, 100);
    CHECK(heard(0, 0));
    CHECK(store_mailbox_watch(scene.scene.store, scene.inbox, true));
    mailbox_scene_deliver(&scene, 2, 1, 100);
    CHECK(heard(scene.inbox, 0));
    CHECK(mailbox_scene_mark(&scene, 1, "k") == STORE_OK && heard(0, 0));
    CHECK(store_mailbox_watch(scene.scene.store, scene.folder, true));
    copy.from = scene.inbox;
    copy.to = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK && heard(scene.folder, 0));
    copy.move = true;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK &&
          heard(scene.folder, scene.inbox));
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK &&
          heard(0, 0)); /* was not there */
    expunge.mailbox = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_OK &&
          heard(scene.folder, 0));
    CHECK(store_mailbox_watch(scene.scene.store, scene.inbox, false));
    mailbox_scene_deliver(&scene, 3, 1, 100);
    CHECK(heard(0, 0));
    CHECK(store_mailbox_delete(scene.scene.store, scene.folder) == STORE_OK &&
          heard(scene.folder, 0));
    store_scene_end(&scene.scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(what_is_read_stays);
    CHECK_CASE(pop3_and_imap_read_at_once);
    CHECK_CASE(pop3_and_imap_delete_in_one_batch);
    CHECK_CASE(a_deleted_mailbox_frees_its_room);
    CHECK_CASE(the_inbox_renamed_is_emptied);
    CHECK_CASE(an_erasure_takes_messages_of_all_mailboxes);
    CHECK_CASE(who_watches_is_told);
    return check_end();
}
