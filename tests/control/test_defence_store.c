/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/base/clock.h"
#include "control/service/defence_row.h"
#include "control/service/defence_store.h"
#include "dataplane/handoff/window_table.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"

enum { MINUTE = 60000 };

static const uint8_t secret[16] = {7};
static const struct store_reason reason = {.who = {(const uint8_t *)"anna", 4},
                                           .why = {(const uint8_t *)"a flood", 7}};

/* What there is of an engine that runs. */
struct engine {
    struct ban_table *table;
    struct window_table *windows;
    struct ban_list *bans;
    struct login_guard *guard;
    struct defence_store *defence;
};

static struct store_scene scene;

static struct engine start(void)
{
    struct ban_limits limits = {
        .failures = 1, .window_ms = 10 * MINUTE, .time_ms = 5 * MINUTE, .time_max_ms = 15 * MINUTE};
    struct engine e = {.table = ban_table_new(BAN_LIST_MAX, secret),
                       .windows = window_table_new(1 << 16, secret),
                       .guard = login_guard_new(secret)};

    e.bans = ban_list_new(e.table, e.windows);
    ban_list_limit(e.bans, &limits);
    e.defence = defence_store_new(scene.store, e.bans, e.guard);
    return e;
}

static void stop(struct engine *e)
{
    defence_store_free(e->defence);
    login_guard_free(e->guard);
    ban_list_free(e->bans);
    ban_table_free(e->table);
    window_table_free(e->windows);
}

static void restart(struct engine *e)
{
    stop(e);
    store_scene_reopen(&scene);
    *e = start();
}

static struct ip_address address(const char *text)
{
    struct ip_address a;

    CHECK(ip_address_parse(span_text(text), &a));
    return a;
}

static struct limit_network network(const char *text, uint8_t bits)
{
    return (struct limit_network){.address = address(text), .bits = bits};
}

static bool banned(const struct engine *e, const char *client)
{
    struct ip_address a = address(client);

    return ban_table_has(e->table, &a, clock_monotonic_ms());
}

static bool count_row(void *context, const struct store_directory_row *row)
{
    ++*(uint32_t *)context;
    return true;
}

static uint32_t rows(void)
{
    uint32_t count = 0;

    CHECK(store_directory_walk(scene.store, span_of(NULL, 0), count_row, &count) == STORE_OK);
    return count;
}

struct logged {
    uint32_t count;
    uint8_t actions[8];
    uint64_t last_count;
    char last[DEFENCE_STORE_NETWORK + 1];
};

static bool note(void *context, const struct store_audit *row)
{
    struct logged *l = context;

    CHECK(span_equal(row->for_.who, reason.who) && span_equal(row->for_.why, reason.why));
    l->actions[l->count++] = row->action;
    l->last_count = row->count;
    memcpy(l->last, row->address.data, row->address.len);
    l->last[row->address.len] = 0;
    return true;
}

static struct logged logged(void)
{
    struct logged l = {.count = 0};

    CHECK(store_audit(scene.store, 0, note, &l) == STORE_OK);
    return l;
}

static void bans_outlive_the_engine(void)
{
    struct ip_address guesser = address("198.18.3.3");
    struct limit_network for_ever = network("2001:2::", 64), hour = network("198.18.1.0", 120);
    struct engine e;
    enum store_status kept;
    struct ban before, after;

    store_scene_begin(&scene, "defence");
    e = start();
    CHECK(defence_store_ban(e.defence, &for_ever, BAN_FOR_EVER, &reason, &kept) == BAN_DONE &&
          kept == STORE_OK);
    CHECK(defence_store_ban(e.defence, &hour, 60 * MINUTE, &reason, &kept) == BAN_DONE &&
          kept == STORE_OK && rows() == 2);
    CHECK(ban_list_failure(e.bans, &guesser, clock_monotonic_ms()) && rows() == 2);
    defence_store_write(e.defence);
    CHECK(rows() == 3 && ban_list_find(e.bans, &hour.address, 120, &before));
    restart(&e);
    CHECK(banned(&e, "2001:2::1") && banned(&e, "198.18.1.9") && banned(&e, "198.18.3.3"));
    CHECK(!banned(&e, "198.18.2.9") && ban_list_find(e.bans, &hour.address, 120, &after));
    CHECK(after.by_hand && after.until_ms + 20 > before.until_ms &&
          after.until_ms < before.until_ms + 20);
    CHECK(ban_list_find(e.bans, &for_ever.address, 64, &after) && after.until_ms == BAN_FOR_EVER);
    /* The next one for passwords would be the second. */
    CHECK(ban_list_find(e.bans, &guesser, 128, &after) && after.times == 1 && !after.by_hand);
    CHECK(defence_store_unban(e.defence, &hour, &reason, &kept) == BAN_DONE && kept == STORE_OK);
    CHECK(defence_store_unban(e.defence, &hour, &reason, &kept) == BAN_NONE);
    restart(&e);
    CHECK(!banned(&e, "198.18.1.9") && banned(&e, "2001:2::1"));
    CHECK(defence_store_clear(e.defence, &reason, &kept) == 2 && kept == STORE_OK && rows() == 0);
    restart(&e);
    CHECK(!banned(&e, "2001:2::1") && !banned(&e, "198.18.3.3"));
    stop(&e);
    store_scene_end(&scene);
}

static void each_change_by_hand_is_in_the_log(void)
{
    struct limit_network some = network("198.18.1.0", 120);
    struct engine e;
    enum store_status kept;
    struct logged l;

    store_scene_begin(&scene, "defence");
    e = start();
    defence_store_ban(e.defence, &some, MINUTE, &reason, &kept);
    l = logged();
    CHECK(l.count == 1 && l.actions[0] == STORE_AUDIT_BAN);
    CHECK_TEXT(span_text(l.last), "198.18.1.0/24");
    defence_store_unban(e.defence, &some, &reason, &kept);
    defence_store_ban(e.defence, &some, MINUTE, &reason, &kept);
    defence_store_clear(e.defence, &reason, &kept);
    l = logged();
    CHECK(l.count == 4 && l.actions[1] == STORE_AUDIT_UNBAN &&
          l.actions[3] == STORE_AUDIT_UNBAN_ALL && l.last_count == 1);
    /* A reason that is none: the change is in force, and told not to be kept. */
    CHECK(defence_store_ban(e.defence, &some, MINUTE, &(struct store_reason){.who = span_text("")},
                            &kept) == BAN_DONE &&
          kept == STORE_FAILED && banned(&e, "198.18.1.1") && rows() == 0);
    defence_store_write(e.defence);
    CHECK(rows() == 1);
    stop(&e);
    store_scene_end(&scene);
}

/* Rows of bans that are over for so long that the next one would be a first one again. */
static void rows_that_nobody_remembers_go(void)
{
    uint8_t key_bytes[DEFENCE_ROW_KEY], value_bytes[DEFENCE_ROW_VALUE];
    struct defence_clocks now = {.monotonic_ms = 100 * MINUTE, .wall_ms = clock_wall_ms()};
    struct store_directory_row all[100];
    uint8_t keys[100][DEFENCE_ROW_KEY];
    struct engine e;

    store_scene_begin(&scene, "defence");
    for (uint8_t i = 0; i < 100; i++) {
        struct ban ban = {.network = address("198.18.5.0"),
                          .bits = 128,
                          .times = 1,
                          .since_ms = 50 * MINUTE,
                          .until_ms = (i ? 60 : 90) * MINUTE};
        struct writer key = writer_of(key_bytes, sizeof(key_bytes)),
                      value = writer_of(value_bytes, sizeof(value_bytes));

        ban.network.bytes[15] = i;
        defence_row_ban_key(&key, &ban.network, ban.bits);
        defence_row_put_ban(&value, &now, &ban);
        memcpy(keys[i], key_bytes, key.len);
        all[i] = (struct store_directory_row){span_of(keys[i], key.len), writer_span(&value)};
        CHECK(store_directory_put(scene.store, &all[i], 1, NULL, 0) == STORE_OK);
    }
    e = start();
    CHECK(defence_store_sweep(e.defence) == STORE_OK && rows() == 1);
    stop(&e);
    store_scene_end(&scene);
}

static void addresses_that_have_logged_in_are_known_again(void)
{
    struct login_guard_limits limits = {.delay_ms = 1000, .delay_max_ms = 30000};
    struct ip_address home = address("198.18.0.1");
    struct span user = span_text("anna@example.test");
    struct engine e;

    store_scene_begin(&scene, "defence");
    e = start();
    login_guard_limit(e.guard, &limits);
    CHECK(login_guard_admit(e.guard, &home, user, 1000) &&
          login_guard_right(e.guard, &home, user, user, 1000));
    restart(&e);
    CHECK(rows() == 1);
    login_guard_limit(e.guard, &limits);
    for (uint32_t i = 0; i < 600; i++) {
        struct ip_address from = address("198.19.0.0");

        from.bytes[14] = (uint8_t)(i / 200);
        from.bytes[15] = (uint8_t)(i % 200);
        if (login_guard_admit(e.guard, &from, user, 1000))
            login_guard_wrong(e.guard, &from, user, 1000);
    }
    CHECK(!login_guard_admit(e.guard, &(struct ip_address){.bytes = {9}}, user, 1000));
    CHECK(login_guard_admit(e.guard, &home, user, 1000));
    stop(&e);
    store_scene_end(&scene);
}

static void rows_are_read_to_their_end_and_no_further(void)
{
    struct defence_clocks now = {.monotonic_ms = 100000, .wall_ms = 1000000}, later = now;
    struct ban ban = {.network = address("198.18.5.0"),
                      .bits = 120,
                      .times = 3,
                      .since_ms = 90000,
                      .until_ms = 110000},
               read;
    struct login_known known[LOGIN_GUARD_WAYS] = {{5, 99000}, {0, 0}, {7, 98000}}, back[4];
    uint8_t key_bytes[DEFENCE_ROW_KEY], bytes[DEFENCE_ROW_VALUE + 1];
    struct writer key = writer_of(key_bytes, sizeof(key_bytes)),
                  value = writer_of(bytes, sizeof(bytes));
    uint32_t set;

    defence_row_ban_key(&key, &ban.network, ban.bits);
    defence_row_put_ban(&value, &now, &ban);
    for (size_t n = 0; n <= value.len + 1; n++)
        CHECK(defence_row_read_ban(writer_span(&key), span_of(bytes, n), &now, &read) ==
              (n == value.len));
    CHECK(defence_row_read_ban(writer_span(&key), writer_span(&value), &now, &read) &&
          read.since_ms == ban.since_ms && read.until_ms == ban.until_ms && read.times == 3 &&
          read.bits == 120 && ip_address_equal(&read.network, &ban.network));
    /* A clock that was set back makes none longer, a machine that has just begun none negative. */
    later.wall_ms = 5000;
    CHECK(defence_row_read_ban(writer_span(&key), writer_span(&value), &later, &read) &&
          read.until_ms == 120000);
    later = (struct defence_clocks){.monotonic_ms = 3, .wall_ms = 2000000};
    CHECK(defence_row_read_ban(writer_span(&key), writer_span(&value), &later, &read) &&
          read.until_ms == 1);
    key.len = value.len = 0;
    defence_row_known_key(&key, 4095);
    defence_row_put_known(&value, &now, known);
    for (size_t n = 0; n <= value.len + 1; n++)
        CHECK(defence_row_read_known(writer_span(&key), span_of(bytes, n), &now, &set, back) ==
              (n == value.len));
    CHECK(defence_row_read_known(writer_span(&key), writer_span(&value), &now, &set, back) &&
          set == 4095 && back[0].key == 5 && back[1].key == 7 && back[1].login_ms == 98000 &&
          !back[2].key);
    key.len = 0;
    defence_row_known_key(&key, 4096);
    CHECK(!defence_row_read_known(writer_span(&key), writer_span(&value), &now, &set, back));
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(bans_outlive_the_engine);
    CHECK_CASE(each_change_by_hand_is_in_the_log);
    CHECK_CASE(rows_that_nobody_remembers_go);
    CHECK_CASE(addresses_that_have_logged_in_are_known_again);
    CHECK_CASE(rows_are_read_to_their_end_and_no_further);
    return check_end();
}
