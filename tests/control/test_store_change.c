/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "tests/control/mailbox_scene.h"
#include "tests/harness/check.h"

static struct mailbox_scene scene;

static void flags_and_keywords_change(void)
{
    uint8_t bytes[64], more[64];
    struct writer two = writer_of(bytes, sizeof(bytes)), one = writer_of(more, sizeof(more));
    struct store_mark_row rows[] = {{.uid = 1, .flags = STORE_FLAG_SEEN},
                                    {.uid = 3, .flags = STORE_FLAG_FLAGGED},
                                    {.uid = 9, .flags = STORE_FLAG_SEEN}};
    struct store_mark mark = {.mailbox = scene.inbox, .rows = rows, .count = 3};
    uint64_t before;

    mailbox_scene_begin(&scene, 0);
    mark.mailbox = scene.inbox;
    mailbox_scene_deliver(&scene, 1, 3, 100);
    before = mailbox_scene_show(&scene, scene.inbox).modseq;
    mailbox_scene_blob(&two, "$Junk");
    rows[1].keywords = mailbox_scene_blob(&two, "work");
    CHECK(mailbox_scene_apply(&scene, STORE_MARK, &mark) == STORE_OK);
    CHECK(!rows[0].gone_out && !rows[1].gone_out && rows[2].gone_out);
    CHECK(mark.modseq_out == before + 1 &&
          mailbox_scene_show(&scene, scene.inbox).modseq == before + 1);
    mailbox_scene_listed(&scene, scene.inbox, "1 1;2 0;3 4 $Junk work;");
    CHECK(mailbox_scene_list(&scene, scene.inbox, 0).modseq == before + 1);
    CHECK(mailbox_scene_list(&scene, scene.inbox, 3).count == 1 &&
          mailbox_scene_list(&scene, scene.inbox, 4).count == 0);
    /* Nothing was there: nothing has changed. */
    mark.rows = &rows[2];
    mark.count = 1;
    CHECK(mailbox_scene_apply(&scene, STORE_MARK, &mark) == STORE_OK &&
          mark.modseq_out == before + 1);
    rows[0].keywords = mailbox_scene_blob(&one, "later");
    mark = (struct store_mark){.mailbox = scene.inbox, .rows = rows, .count = 2, .sync = true};
    rows[1].keywords = span_of(NULL, 0);
    CHECK(mailbox_scene_apply(&scene, STORE_MARK, &mark) == STORE_OK);
    store_scene_reopen(&scene.scene);
    mailbox_scene_listed(&scene, scene.inbox, "1 1 later;2 0;3 4;");
    CHECK(mailbox_scene_show(&scene, scene.inbox).modseq >= mark.modseq_out);
    CHECK(store_sync(scene.scene.store) == STORE_OK);
    store_scene_end(&scene.scene);
}

static bool count_keywords(void *context, const struct store_mailbox *m)
{
    struct span rest = m->keywords;

    for (*(uint32_t *)context = 0; rest.len >= 4; ++*(uint32_t *)context)
        rest = span_skip(rest, 4 + rest.data[3]);
    return true;
}

static uint32_t keywords_of(uint64_t mailbox)
{
    uint32_t count = 0;

    CHECK(store_mailbox_show(scene.scene.store, mailbox, count_keywords, &count) == STORE_OK);
    return count;
}

static void keywords_are_bounded(void)
{
    char name[STORE_KEYWORD + 2];
    uint32_t uid = 1;
    struct store_copy copy = {.uids = &uid, .count = 1, .uids_out = &uid};

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 1, 100);
    memset(name, 'k', sizeof(name) - 1);
    name[STORE_KEYWORD + 1] = 0;
    CHECK(mailbox_scene_mark(&scene, 1, name) == STORE_LIMIT &&
          mailbox_scene_mark(&scene, 1, "") == STORE_LIMIT);
    for (int i = 0; i < STORE_KEYWORDS; i++) {
        snprintf(name, sizeof(name), "k%d", i);
        CHECK(mailbox_scene_mark(&scene, 1, name) == STORE_OK);
    }
    CHECK(mailbox_scene_mark(&scene, 1, "one more") == STORE_LIMIT &&
          mailbox_scene_mark(&scene, 1, "k0") == STORE_OK);
    CHECK(keywords_of(scene.inbox) == STORE_KEYWORDS && keywords_of(scene.folder) == 0);
    store_scene_reopen(&scene.scene);
    CHECK(mailbox_scene_mark(&scene, 1, "one more") == STORE_LIMIT &&
          keywords_of(scene.inbox) == STORE_KEYWORDS);
    copy.from = scene.inbox;
    copy.to = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK &&
          keywords_of(scene.folder) == 1);
    store_scene_end(&scene.scene);
}

static void a_copy_shares_the_body(void)
{
    uint32_t uids[] = {1, 2, 7}, out[3];
    struct store_copy copy = {.uids = uids, .count = 3, .uids_out = out};
    struct store_expunge expunge = {.uids = uids, .count = 3};
    struct store_health h;
    uint64_t octets;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 2, 100000);
    copy.from = expunge.mailbox = scene.inbox;
    copy.to = scene.folder;
    octets = mailbox_scene_octets(&scene);
    CHECK(mailbox_scene_mark(&scene, 2, "kept") == STORE_OK);
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK);
    CHECK(out[0] == 1 && out[1] == 2 && out[2] == 0 &&
          copy.modseq_out == mailbox_scene_show(&scene, scene.folder).modseq);
    CHECK(mailbox_scene_octets(&scene) == 2 * octets);
    mailbox_scene_listed(&scene, scene.folder, "1 0;2 0 kept;");
    CHECK(store_check(scene.scene.store, &h) == STORE_OK && h.bodies == 2 && h.entries == 4);
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 2, 2, 0, 100000));
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_OK &&
          expunge.gone_out == 2);
    CHECK(expunge.modseq_out == mailbox_scene_show(&scene, scene.inbox).modseq);
    CHECK(mailbox_scene_octets(&scene) == octets);
    mailbox_scene_gone(&scene, scene.inbox, 0, "1;2;");
    mailbox_scene_gone(&scene, scene.inbox, expunge.modseq_out, "2;");
    mailbox_scene_listed(&scene, scene.inbox, "");
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 1, 1, 0, 100000));
    store_scene_reopen(&scene.scene);
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 2, 2, 0, 100000));
    expunge.mailbox = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_OK &&
          expunge.gone_out == 2);
    CHECK(store_check(scene.scene.store, &h) == STORE_OK && h.bodies == 0 && h.rows == 0);
    CHECK(mailbox_scene_octets(&scene) == 0);
    store_scene_end(&scene.scene);
}

static void a_move_is_a_copy_and_an_expunge(void)
{
    uint32_t uids[] = {1, 3}, out[2];
    struct store_copy move = {.uids = uids, .count = 2, .uids_out = out, .move = true};
    uint64_t octets;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 3, 300);
    move.from = scene.inbox;
    move.to = scene.folder;
    octets = mailbox_scene_octets(&scene);
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &move) == STORE_OK && out[0] == 1 && out[1] == 2);
    CHECK(mailbox_scene_octets(&scene) == octets);
    CHECK(move.from_modseq_out == mailbox_scene_show(&scene, scene.inbox).modseq);
    mailbox_scene_listed(&scene, scene.inbox, "2 0;");
    mailbox_scene_listed(&scene, scene.folder, "1 0;2 0;");
    mailbox_scene_gone(&scene, scene.inbox, 0, "1;3;");
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 2, 3, 0, 300));
    /* Within a mailbox they get new UIDs. */
    move.from = move.to;
    uids[1] = 2;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &move) == STORE_OK && out[0] == 3 && out[1] == 4);
    mailbox_scene_listed(&scene, scene.folder, "3 0;4 0;");
    mailbox_scene_gone(&scene, scene.folder, 0, "1;2;");
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 4, 3, 0, 300));
    store_scene_reopen(&scene.scene);
    CHECK(mailbox_scene_show(&scene, scene.folder).uid_next == 5 &&
          mailbox_scene_octets(&scene) == octets);
    store_scene_end(&scene.scene);
}

static void a_batch_of_copies_and_expunges(void)
{
    uint32_t uids[] = {1}, second[] = {2}, out[1] = {9}, out2[1] = {9};
    struct store_copy copy = {.uids = uids, .count = 1, .uids_out = out};
    struct store_copy late = {.uids = second, .count = 1, .uids_out = out2};
    struct store_expunge expunge = {.uids = uids, .count = 1}, early = {.uids = second, .count = 1};
    struct store_expunge again = early;
    struct store_mark_row row = {.uid = 2, .flags = STORE_FLAG_SEEN};
    struct store_mark mark = {.rows = &row, .count = 1};
    struct store_change changes[] = {
        {.kind = STORE_COPY, .copy = &copy},        {.kind = STORE_EXPUNGE, .expunge = &expunge},
        {.kind = STORE_EXPUNGE, .expunge = &early}, {.kind = STORE_EXPUNGE, .expunge = &again},
        {.kind = STORE_MARK, .mark = &mark},        {.kind = STORE_COPY, .copy = &late}};

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, 2, 500);
    copy.from = late.from = expunge.mailbox = early.mailbox = again.mailbox = mark.mailbox =
        scene.inbox;
    copy.to = late.to = scene.folder;
    store_apply(scene.scene.store, changes, 6);
    for (int i = 0; i < 6; i++)
        CHECK(changes[i].status_out == STORE_OK);
    CHECK(out[0] == 1 && out2[0] == 0 && row.gone_out);
    CHECK(expunge.gone_out == 1 && early.gone_out == 1 && again.gone_out == 0);
    mailbox_scene_listed(&scene, scene.inbox, "");
    mailbox_scene_listed(&scene, scene.folder, "1 0;");
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 1, 1, 0, 500));
    store_scene_end(&scene.scene);
}

static void what_cannot_be_leaves_no_trace(void)
{
    uint32_t uids[] = {1, 2}, backwards[] = {2, 1}, out[2];
    struct store_copy copy = {.uids = uids, .count = 2, .uids_out = out};
    struct store_expunge expunge = {.uids = backwards, .count = 2};
    uint64_t bob, other, quarantine = 0;

    mailbox_scene_begin(&scene, 1000);
    mailbox_scene_deliver(&scene, 1, 2, 300);
    bob = store_fixture_account(scene.scene.store, "bob@example.org", 0);
    other = store_fixture_mailbox(scene.scene.store, bob, MESSAGE_INBOX, NULL);
    quarantine = store_fixture_mailbox(scene.scene.store, scene.alice, MESSAGE_QUARANTINE, NULL);
    copy.from = expunge.mailbox = scene.inbox;
    copy.to = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_FULL);
    copy.count = 1;
    copy.to = other;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_FAILED);
    copy.to = quarantine;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_FAILED);
    copy.to = 4711;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_NONE);
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_FAILED);
    mailbox_scene_listed(&scene, scene.inbox, "1 0;2 0;");
    mailbox_scene_listed(&scene, scene.folder, "");
    CHECK(mailbox_scene_show(&scene, scene.folder).modseq == 1 &&
          mailbox_scene_show(&scene, scene.folder).uid_next == 1);
    /* A move needs no room. */
    copy = (struct store_copy){.from = scene.inbox, .to = scene.folder, .uids = uids, .count = 2};
    copy.uids_out = out;
    copy.move = true;
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK && out[1] == 2);
    store_scene_end(&scene.scene);
}

static void appended_messages_come_together(void)
{
    struct store_fixture *f[] = {store_fixture_new(10, 200000, 3, 4096),
                                 store_fixture_new(11, 10, 0, 4096)};
    uint8_t bytes[32];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct store_append_row rows[] = {
        {.message = &f[0]->message, .flags = STORE_FLAG_DRAFT},
        {.message = &f[1]->message, .keywords = mailbox_scene_blob(&w, "k")}};
    struct store_append append = {.rows = rows, .count = 2};
    const struct store_reading *reading;
    struct span got;
    void *pin;

    mailbox_scene_begin(&scene, 0);
    append.mailbox = scene.folder;
    /* The rows of the first are not there yet. */
    CHECK(mailbox_scene_apply(&scene, STORE_APPEND, &append) == STORE_FAILED);
    mailbox_scene_listed(&scene, scene.folder, "");
    CHECK(store_fixture_write(scene.scene.store, f[0]) == STORE_OK);
    CHECK(mailbox_scene_apply(&scene, STORE_APPEND, &append) == STORE_OK && rows[0].uid_out == 1 &&
          rows[1].uid_out == 2);
    CHECK(append.modseq_out == mailbox_scene_show(&scene, scene.folder).modseq);
    mailbox_scene_listed(&scene, scene.folder, "1 16;2 0 k;");
    CHECK(mailbox_scene_apply(&scene, STORE_APPEND, &append) == STORE_FAILED); /* they are there */
    store_scene_reopen(&scene.scene);
    mailbox_scene_listed(&scene, scene.folder, "1 16;2 0 k;");
    CHECK(mailbox_scene_octets(&scene) == 200010);
    CHECK(store_reading_open(scene.scene.store, scene.folder, 2, &reading) == STORE_OK);
    CHECK(reading->size == 10 && reading->prefix.len == 0);
    CHECK_TEXT(reading->tree, "encoded tree");
    CHECK(store_reading_read(scene.scene.store, reading, 0, &got, &pin) == STORE_OK &&
          got.len == 10);
    CHECK(memcmp(got.data, f[1]->bytes, 10) == 0);
    store_unpin(scene.scene.store, &pin, 1);
    store_reading_close(scene.scene.store, reading);
    store_fixture_free(f[0]);
    store_fixture_free(f[1]);
    store_scene_end(&scene.scene);
}

static void an_append_over_the_quota_is_none(void)
{
    struct store_fixture *f[] = {store_fixture_new(10, 400, 0, 4096),
                                 store_fixture_new(11, 700, 0, 4096)};
    struct store_append_row rows[] = {{.message = &f[0]->message}, {.message = &f[1]->message}};
    struct store_append append = {.rows = rows, .count = 2};

    mailbox_scene_begin(&scene, 1000);
    append.mailbox = scene.folder;
    CHECK(mailbox_scene_apply(&scene, STORE_APPEND, &append) == STORE_FULL);
    mailbox_scene_listed(&scene, scene.folder, "");
    append.count = 1;
    CHECK(mailbox_scene_apply(&scene, STORE_APPEND, &append) == STORE_OK);
    CHECK(mailbox_scene_octets(&scene) == 400);
    store_fixture_free(f[0]);
    store_fixture_free(f[1]);
    store_scene_end(&scene.scene);
}

static void a_thousand_go_in_one_change(void)
{
    enum { MANY = 1000 };
    static uint32_t uids[MANY], out[MANY];
    static struct store_mark_row rows[MANY];
    struct store_mark mark = {.rows = rows, .count = MANY};
    struct store_copy copy = {.uids = uids, .count = MANY, .uids_out = out};
    struct store_expunge expunge = {.uids = uids, .count = MANY};
    struct store_health h;

    mailbox_scene_begin(&scene, 0);
    mailbox_scene_deliver(&scene, 1, MANY, 100);
    mark.mailbox = copy.from = expunge.mailbox = scene.inbox;
    copy.to = scene.folder;
    for (uint32_t i = 0; i < MANY; i++)
        rows[i] = (struct store_mark_row){.uid = uids[i] = i + 1, .flags = STORE_FLAG_SEEN};
    CHECK(mailbox_scene_apply(&scene, STORE_MARK, &mark) == STORE_OK &&
          mailbox_scene_list(&scene, scene.inbox, 0).modseq == mark.modseq_out);
    CHECK(mailbox_scene_apply(&scene, STORE_COPY, &copy) == STORE_OK && out[MANY - 1] == MANY);
    CHECK(mailbox_scene_apply(&scene, STORE_EXPUNGE, &expunge) == STORE_OK &&
          expunge.gone_out == MANY);
    CHECK(mailbox_scene_show(&scene, scene.inbox).messages == 0 &&
          mailbox_scene_show(&scene, scene.folder).messages == MANY);
    CHECK(store_check(scene.scene.store, &h) == STORE_OK && h.bodies == MANY && h.entries == MANY);
    CHECK(store_fixture_same(scene.scene.store, scene.folder, 777, 777, 0, 100));
    store_scene_end(&scene.scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(flags_and_keywords_change);
    CHECK_CASE(keywords_are_bounded);
    CHECK_CASE(a_copy_shares_the_body);
    CHECK_CASE(a_move_is_a_copy_and_an_expunge);
    CHECK_CASE(a_batch_of_copies_and_expunges);
    CHECK_CASE(what_cannot_be_leaves_no_trace);
    CHECK_CASE(appended_messages_come_together);
    CHECK_CASE(an_append_over_the_quota_is_none);
    CHECK_CASE(a_thousand_go_in_one_change);
    return check_end();
}
