/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "control/store/store_quarantine.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

static struct store_scene scene;
static uint64_t alice, inbox, quarantine;

static void begin(uint64_t quota)
{
    store_scene_begin(&scene, "quarantine");
    alice = store_fixture_account(scene.store, "alice@example.org", quota);
    inbox = store_fixture_mailbox(scene.store, alice, MESSAGE_INBOX, NULL);
    quarantine = store_fixture_mailbox(scene.store, alice, MESSAGE_QUARANTINE, NULL);
}

static enum store_status send_to(uint64_t number, uint64_t size, uint64_t first, uint64_t second)
{
    return store_scene_send(&scene, number, size, first, MESSAGE_QUARANTINE, second);
}

static struct store_quarantine change_of(uint32_t uid, enum store_audit_action action)
{
    return (struct store_quarantine){
        .account = alice,
        .uid = uid,
        .action = (uint8_t)action,
        .reason = {.who = span_text("operator"), .why = span_text("asked by the recipient")}};
}

static enum store_status release(uint32_t uid, uint32_t *uid_out)
{
    struct store_quarantine q = change_of(uid, STORE_AUDIT_RELEASE);
    struct store_change change = {.kind = STORE_RELEASE, .quarantine = &q};

    store_apply(scene.store, &change, 1);
    *uid_out = q.uid_out;
    return change.status_out;
}

static enum store_status drop(uint32_t uid, enum store_audit_action action)
{
    struct store_quarantine q = change_of(uid, action);
    struct store_change change = {.kind = STORE_DROP, .quarantine = &q};

    store_apply(scene.store, &change, 1);
    return change.status_out;
}

static uint64_t messages_in(uint64_t account, enum message_place place)
{
    struct store_mailbox mailbox = {0};

    store_fixture_mailbox(scene.store, account, place, &mailbox);
    return mailbox.messages;
}

struct log {
    uint64_t rows, last;
    uint8_t actions[64];
    struct store_audit newest;
    char address[64], rule[64], who[64], why[64];
};

static void copy(char *out, struct span text)
{
    snprintf(out, 64, "%.*s", (int)text.len, (const char *)text.data);
}

static bool note(void *context, const struct store_audit *row)
{
    struct log *l = context;

    CHECK(row->sequence > l->last && row->when_ms > 1700000000000);
    if (l->rows < 64)
        l->actions[l->rows] = row->action;
    l->rows++;
    l->last = row->sequence;
    l->newest = *row;
    copy(l->address, row->address);
    copy(l->rule, row->rule);
    copy(l->who, row->for_.who);
    copy(l->why, row->for_.why);
    return true;
}

static struct log read_log(uint64_t since)
{
    struct log l = {.last = since};

    CHECK(store_audit(scene.store, since, note, &l) == STORE_OK);
    return l;
}

static bool see_entry(void *context, const struct store_entry *entry)
{
    *(struct store_entry *)context = *entry;
    return false;
}

static bool see_sender(void *context, const struct store_message *m)
{
    *(bool *)context = span_equal(m->envelope.sender, span_text("sender@example.org")) &&
                       m->deliveries == 1 && m->delivery[0].place == MESSAGE_QUARANTINE &&
                       span_equal(m->delivery[0].recipient, span_text("Somebody@Example.org"));
    return false;
}

static void a_release_moves_all_but_the_body(void)
{
    struct store_entry before = {0}, after = {0}, tomb = {0};
    uint64_t size = 3 * CHUNK_LARGE_DATA + 17;
    struct id128 id = store_fixture_id(7);
    bool envelope = false;
    uint32_t uid;
    struct log log;

    begin(0);
    CHECK(send_to(7, size, alice, 0) == STORE_OK);
    CHECK(messages_in(alice, MESSAGE_QUARANTINE) == 1 && messages_in(alice, MESSAGE_INBOX) == 0);
    CHECK(store_entry_find(scene.store, quarantine, 1, see_entry, &before) == STORE_OK);
    CHECK(release(1, &uid) == STORE_OK && uid == 1);
    CHECK(store_entry_find(scene.store, quarantine, 1, see_entry, &after) == STORE_NONE);
    CHECK(store_entry_find(scene.store, inbox, uid, see_entry, &after) == STORE_OK);
    CHECK(after.internal_ms == before.internal_ms && after.size == before.size &&
          after.saved_ms >= before.saved_ms && after.verdict.len == 0 &&
          memcmp(&after.message, &id, sizeof(id)) == 0 &&
          memcmp(&after.thread, &before.thread, sizeof(id)) == 0 &&
          memcmp(&after.email_base, &before.email_base, sizeof(id)) == 0);
    CHECK(store_fixture_same(scene.store, inbox, uid, 7, 0, size));
    CHECK(store_message_show(scene.store, &id, see_sender, &envelope) == STORE_OK && envelope);
    CHECK(store_tombstones(scene.store, quarantine, 0, see_entry, &tomb) == STORE_OK &&
          tomb.uid == 1);
    log = read_log(0);
    CHECK(log.rows == 1 && log.last == 1 && log.newest.action == STORE_AUDIT_RELEASE &&
          log.newest.uid == 1 && log.newest.uid_new == 1 && log.newest.account == alice);
    CHECK_TEXT(span_text(log.rule), "rule-7");
    CHECK_TEXT(span_text(log.who), "operator");
    CHECK_TEXT(span_text(log.why), "asked by the recipient");
    CHECK_TEXT(span_text(log.address), "Somebody@Example.org");
    CHECK(release(1, &uid) == STORE_NONE && drop(1, STORE_AUDIT_DELETE) == STORE_NONE);
    CHECK(read_log(0).rows == 1);
    store_scene_reopen(&scene);
    CHECK(store_fixture_same(scene.store, inbox, 1, 7, 0, size));
    store_scene_end(&scene);
}

static void twice_in_one_batch_is_once(void)
{
    struct store_quarantine q[3] = {change_of(1, STORE_AUDIT_RELEASE),
                                    change_of(1, STORE_AUDIT_RELEASE),
                                    change_of(1, STORE_AUDIT_DELETE)};
    struct store_change changes[3] = {{.kind = STORE_RELEASE, .quarantine = &q[0]},
                                      {.kind = STORE_RELEASE, .quarantine = &q[1]},
                                      {.kind = STORE_DROP, .quarantine = &q[2]}};

    begin(0);
    CHECK(send_to(1, 100, alice, 0) == STORE_OK);
    store_apply(scene.store, changes, 3);
    CHECK(changes[0].status_out == STORE_OK && changes[1].status_out == STORE_NONE &&
          changes[2].status_out == STORE_NONE);
    CHECK(messages_in(alice, MESSAGE_INBOX) == 1 && read_log(0).rows == 1);
    CHECK(store_fixture_same(scene.store, inbox, 1, 1, 0, 100));
    store_scene_end(&scene);
}

/* The other recipient deletes it in the same batch: two references go, one comes, the body stays.
 */
static void the_body_stays_when_the_other_goes(void)
{
    struct store_quarantine q = change_of(1, STORE_AUDIT_RELEASE);
    const struct pop3_mailbox *view;
    struct store_change changes[2] = {{.kind = STORE_RELEASE, .quarantine = &q},
                                      {.kind = STORE_DELETE, .marked = (const uint8_t *)"\1"}};
    uint64_t bob;

    begin(0);
    bob = store_fixture_account(scene.store, "bob@example.org", 0);
    CHECK(send_to(1, 5000, alice, bob) == STORE_OK);
    CHECK(store_view_open(scene.store, bob, &view) == STORE_OK);
    changes[1].view = view;
    store_apply(scene.store, changes, 2);
    CHECK(changes[0].status_out == STORE_OK && changes[1].status_out == STORE_OK);
    store_view_close(scene.store, view);
    CHECK(store_fixture_same(scene.store, inbox, 1, 1, 0, 5000));
    store_scene_end(&scene);
}

static void a_full_inbox_refuses(void)
{
    uint32_t uid;

    begin(4000);
    CHECK(send_to(1, 5000, alice, 0) == STORE_OK);
    CHECK(release(1, &uid) == STORE_FULL);
    CHECK(messages_in(alice, MESSAGE_QUARANTINE) == 1 && read_log(0).rows == 0);
    CHECK(drop(1, STORE_AUDIT_DELETE) == STORE_OK);
    CHECK(messages_in(alice, MESSAGE_QUARANTINE) == 0 && read_log(0).rows == 1);
    store_scene_end(&scene);
}

static void who_and_why_are_asked_for(void)
{
    struct store_quarantine q = change_of(1, STORE_AUDIT_RELEASE);
    struct store_change change = {.kind = STORE_RELEASE, .quarantine = &q};
    char text[STORE_WHY + 2];

    begin(0);
    CHECK(send_to(1, 100, alice, 0) == STORE_OK);
    q.reason.why = span_text("");
    store_apply(scene.store, &change, 1);
    CHECK(change.status_out == STORE_FAILED);
    q.reason.why = span_text("two\nlines");
    store_apply(scene.store, &change, 1);
    CHECK(change.status_out == STORE_FAILED);
    memset(text, 'x', sizeof(text));
    q.reason.why = span_of(text, STORE_WHY + 1);
    store_apply(scene.store, &change, 1);
    CHECK(change.status_out == STORE_FAILED);
    q.reason.why = span_of(text, STORE_WHY);
    store_apply(scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    store_scene_end(&scene);
}

static void *release_many(void *context)
{
    _Atomic uint32_t *done = context;
    uint32_t uid;

    for (uint32_t i = 1; i <= 50; i++)
        if (release(i, &uid) == STORE_OK)
            atomic_fetch_add(done, 1);
    return NULL;
}

static void of_many_at_once_one_releases(void)
{
    pthread_t threads[4];
    _Atomic uint32_t done = 0;

    begin(0);
    for (uint64_t i = 1; i <= 50; i++)
        CHECK(send_to(i, 200, alice, 0) == STORE_OK);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, release_many, &done);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(done == 50 && messages_in(alice, MESSAGE_INBOX) == 50 && read_log(0).rows == 50);
    store_scene_end(&scene);
}

static void the_oldest_make_room(void)
{
    struct store_quarantine_limits limits = {.quota_octets = 10000,
                                             .full = STORE_QUARANTINE_OLDEST};
    struct store_mailbox m = {0};
    struct log log;

    begin(0);
    store_quarantine_limit(scene.store, &limits);
    for (uint64_t i = 1; i <= 5; i++)
        CHECK(send_to(i, 3000, alice, 0) == STORE_OK);
    store_fixture_mailbox(scene.store, alice, MESSAGE_QUARANTINE, &m);
    CHECK(m.messages == 3 && m.octets <= 10000);
    CHECK(!store_fixture_same(scene.store, quarantine, 2, 2, 0, 3000) &&
          store_fixture_same(scene.store, quarantine, 3, 3, 0, 3000));
    log = read_log(0);
    CHECK(log.rows == 2 && log.newest.action == STORE_AUDIT_EVICT && log.newest.uid == 2);
    /* Larger than the limit: alone. */
    CHECK(send_to(6, 20000, alice, 0) == STORE_OK && messages_in(alice, MESSAGE_QUARANTINE) == 1);
    CHECK(read_log(0).rows == 5);
    limits.full = STORE_QUARANTINE_DEFER;
    store_quarantine_limit(scene.store, &limits);
    CHECK(send_to(7, 10, alice, 0) == STORE_FULL && messages_in(alice, MESSAGE_QUARANTINE) == 1);
    store_scene_end(&scene);
}

static void one_batch_over_the_limit(void)
{
    struct store_quarantine_limits limits = {.quota_octets = 10000};
    struct store_fixture *f[5];
    struct store_change changes[5];

    begin(0);
    store_quarantine_limit(scene.store, &limits);
    CHECK(send_to(100, 4000, alice, 0) == STORE_OK);
    for (uint32_t i = 0; i < 5; i++) {
        f[i] = store_fixture_new(i + 1, 4000, 0, 4096);
        store_fixture_to(f[i], alice, MESSAGE_QUARANTINE);
        changes[i] = (struct store_change){.kind = STORE_COMMIT, .message = &f[i]->message};
    }
    store_apply(scene.store, changes, 5);
    CHECK(changes[0].status_out == STORE_OK && changes[1].status_out == STORE_OK);
    for (int i = 2; i < 5; i++)
        CHECK(changes[i].status_out == STORE_FULL);
    CHECK(messages_in(alice, MESSAGE_QUARANTINE) == 2);
    for (int i = 0; i < 5; i++)
        store_fixture_free(f[i]);
    store_scene_end(&scene);
}

static void numbers_of_the_log_go_on(void)
{
    uint32_t removed = 0;
    uint64_t last = 0;

    begin(0);
    CHECK(store_audit_last(scene.store, &last) == STORE_OK && last == 0);
    for (uint64_t i = 1; i <= 6; i++) {
        CHECK(send_to(i, 10, alice, 0) == STORE_OK);
        CHECK(drop((uint32_t)i, STORE_AUDIT_EXPIRE) == STORE_OK);
    }
    CHECK(read_log(0).rows == 6 && read_log(4).rows == 2 && read_log(6).rows == 0);
    CHECK(store_audit_trim(scene.store, 1, 100, &removed) == STORE_OK && removed == 0);
    CHECK(store_audit_trim(scene.store, UINT64_MAX, 4, &removed) == STORE_OK && removed == 4);
    CHECK(read_log(0).rows == 2 && read_log(0).last == 6);
    CHECK(store_audit_trim(scene.store, UINT64_MAX, 100, &removed) == STORE_OK && removed == 2);
    store_scene_reopen(&scene);
    CHECK(store_audit_last(scene.store, &last) == STORE_OK && last == 6);
    CHECK(send_to(9, 10, alice, 0) == STORE_OK && drop(7, STORE_AUDIT_DELETE) == STORE_OK);
    CHECK(read_log(0).rows == 1 && read_log(0).last == 7);
    store_scene_end(&scene);
}

enum { KILLED = 120 };

/* A child releases one after the other until it is killed. */
static void kill_while_releasing(unsigned wait_us)
{
    int ready[2];
    pid_t child;
    uint32_t uid;
    char byte;

    CHECK(pipe(ready) == 0);
    child = fork();
    if (child == 0) {
        store_scene_open(&scene);
        if (write(ready[1], "", 1) != 1)
            _exit(1);
        for (uint32_t i = 1; i <= KILLED; i++)
            release(i, &uid);
        pause();
        _exit(0);
    }
    CHECK(read(ready[0], &byte, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    usleep(wait_us);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void killed_at_any_point_once(void)
{
    begin(0);
    for (uint64_t i = 1; i <= KILLED; i++)
        CHECK(send_to(i, 300, alice, 0) == STORE_OK);
    for (unsigned round = 0; round < 6; round++) {
        uint64_t in, out, rows;

        store_close(scene.store);
        kill_while_releasing(150 + 100 * round);
        store_scene_open(&scene);
        in = messages_in(alice, MESSAGE_INBOX);
        out = messages_in(alice, MESSAGE_QUARANTINE);
        rows = read_log(0).rows;
        CHECK(in + out == KILLED && rows == in && store_scene_healthy(scene.store));
        printf("# round %u: %llu released\n", round, (unsigned long long)in);
    }
    store_scene_end(&scene);
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    if (!store_fixture_in_memory()) { /* which has no batches */
        CHECK_CASE(killed_at_any_point_once);
        CHECK_CASE(one_batch_over_the_limit);
    }
    CHECK_CASE(a_release_moves_all_but_the_body);
    CHECK_CASE(twice_in_one_batch_is_once);
    CHECK_CASE(the_body_stays_when_the_other_goes);
    CHECK_CASE(a_full_inbox_refuses);
    CHECK_CASE(who_and_why_are_asked_for);
    CHECK_CASE(of_many_at_once_one_releases);
    CHECK_CASE(the_oldest_make_room);
    CHECK_CASE(numbers_of_the_log_go_on);
    return check_end();
}
