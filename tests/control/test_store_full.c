/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <time.h>

#include "control/store/store_quarantine.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

/* Accounts that are full: when the store says so, and since when. */

static struct {
    char *folder;
    struct store *store;
    uint64_t account;
    uint64_t numbered; /* messages so far */
    struct store_full told[8];
    uint32_t tellings;
} world;

static void tell(void *context, const struct store_full *full)
{
    (void)context;
    world.told[world.tellings++ % 8] = *full;
}

static struct store_full last(void)
{
    return world.tellings ? world.told[(world.tellings - 1) % 8] : (struct store_full){0};
}

static void open_store(void)
{
    struct store_options options = {.path = world.folder};
    char error[STORE_ERROR];

    CHECK(store_fixture_open(&options, &world.store, error) == STORE_OK);
    store_full_watch(world.store, tell, NULL);
}

static void begin(uint64_t quota)
{
    world.tellings = 0;
    world.folder = store_fixture_folder("full");
    open_store();
    world.account = store_fixture_account(world.store, "a@example.org", quota);
}

static void end(void)
{
    store_close(world.store);
    store_fixture_remove(world.folder);
}

static enum store_status deliver_to(const uint64_t *accounts, uint32_t count, uint64_t size,
                                    enum message_place place)
{
    struct store_fixture *f = store_fixture_new(++world.numbered, size, 0, 4096);
    enum store_status status;

    for (uint32_t i = 0; i < count; i++)
        store_fixture_to(f, accounts[i], place);
    status = store_fixture_commit(world.store, f);
    store_fixture_free(f);
    return status;
}

static enum store_status deliver(uint64_t size)
{
    return deliver_to(&world.account, 1, size, MESSAGE_INBOX);
}

static uint64_t wall_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void delete_first(void)
{
    const struct pop3_mailbox *view;
    uint8_t marked[8] = {1};

    CHECK(store_view_open(world.store, world.account, &view) == STORE_OK);
    store_apply(world.store,
                &(struct store_change){.kind = STORE_DELETE, .view = view, .marked = marked}, 1);
    store_view_close(world.store, view);
}

static void a_refused_commit_makes_it_full(void)
{
    uint64_t before = wall_ms(), since;

    begin(100000);
    CHECK(deliver(60000) == STORE_OK);
    CHECK(world.tellings == 0);
    CHECK(deliver(60000) == STORE_FULL);
    since = last().since_ms;
    CHECK(world.tellings == 1 && last().account == world.account);
    CHECK(since >= before && since <= wall_ms() && last().room > 39000 && last().room < 40000);
    /* Refused again: since the first time. */
    CHECK(deliver(50000) == STORE_FULL);
    CHECK(last().since_ms == since);
    /* Something that fits is taken, so it is not full any more. */
    CHECK(deliver(1000) == STORE_OK);
    CHECK(last().since_ms == 0);
    end();
}

static void a_deletion_makes_room(void)
{
    begin(100000);
    CHECK(deliver(90000) == STORE_OK);
    CHECK(deliver(50000) == STORE_FULL);
    CHECK(last().since_ms != 0);
    delete_first();
    CHECK(last().since_ms == 0 && last().room == 100000);
    CHECK(deliver(50000) == STORE_OK);
    end();
}

static void what_never_fits_says_nothing(void)
{
    begin(100000);
    CHECK(deliver(200000) == STORE_FULL);
    CHECK(world.tellings == 0);
    end();
}

static void a_larger_quota_makes_room(void)
{
    begin(100000);
    CHECK(deliver(90000) == STORE_OK);
    CHECK(deliver(50000) == STORE_FULL);
    store_fixture_account(world.store, "a@example.org", 80000);
    CHECK(last().since_ms != 0 && last().room == 0);
    store_fixture_account(world.store, "a@example.org", 200000);
    CHECK(last().since_ms == 0);
    CHECK(deliver(50000) == STORE_OK);
    end();
}

static void all_that_are_full_are_found_and_none_gets_it(void)
{
    uint64_t accounts[3];
    struct store_mailbox mailbox;

    begin(100000);
    accounts[0] = world.account;
    accounts[1] = store_fixture_account(world.store, "b@example.org", 100000);
    accounts[2] = store_fixture_account(world.store, "c@example.org", 100000);
    CHECK(deliver_to(&accounts[0], 1, 90000, MESSAGE_INBOX) == STORE_OK);
    CHECK(deliver_to(&accounts[2], 1, 90000, MESSAGE_INBOX) == STORE_OK);
    CHECK(deliver_to(accounts, 3, 50000, MESSAGE_INBOX) == STORE_FULL);
    CHECK(world.tellings == 2);
    CHECK(world.told[0].account != accounts[1] && world.told[1].account != accounts[1]);
    store_fixture_mailbox(world.store, accounts[1], MESSAGE_INBOX, &mailbox);
    CHECK(mailbox.messages == 0);
    end();
}

static void quarantine_does_not_count(void)
{
    const struct store_quarantine_limits limits = {.quota_octets = 70000,
                                                   .full = STORE_QUARANTINE_DEFER};

    begin(100000);
    store_quarantine_limit(world.store, &limits);
    CHECK(deliver_to(&world.account, 1, 60000, MESSAGE_QUARANTINE) == STORE_OK);
    CHECK(deliver_to(&world.account, 1, 60000, MESSAGE_QUARANTINE) == STORE_FULL);
    CHECK(world.tellings == 0);
    CHECK(deliver(90000) == STORE_OK);
    CHECK(deliver(90000) == STORE_FULL);
    CHECK(last().since_ms != 0);
    end();
}

static void it_is_known_after_a_restart(void)
{
    struct store_health health;
    uint64_t since;

    begin(100000);
    CHECK(deliver(90000) == STORE_OK);
    CHECK(deliver(50000) == STORE_FULL);
    since = last().since_ms;
    store_close(world.store);
    world.tellings = 0;
    open_store();
    CHECK(world.tellings == 0);
    store_fixture_account(world.store, "a@example.org", 100000);
    CHECK(world.tellings == 1 && last().since_ms == since && last().room < 10000);
    CHECK(store_check(world.store, &health) == STORE_OK);
    CHECK(health.bad == 0 && health.counts == 0);
    end();
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(a_refused_commit_makes_it_full);
    CHECK_CASE(a_deletion_makes_room);
    CHECK_CASE(what_never_fits_says_nothing);
    CHECK_CASE(a_larger_quota_makes_room);
    CHECK_CASE(all_that_are_full_are_found_and_none_gets_it);
    CHECK_CASE(quarantine_does_not_count);
    if (!store_fixture_in_memory())
        CHECK_CASE(it_is_known_after_a_restart);
    return check_end();
}
