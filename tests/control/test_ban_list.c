/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/ban_list.h"
#include "dataplane/handoff/window_table.h"
#include "tests/harness/check.h"

enum { MINUTE = 60000 };

static const uint8_t secret[16] = {5};

struct lists {
    struct ban_table *table;
    struct window_table *windows;
    struct ban_list *list;
};

static struct ip_address address(const char *text)
{
    struct ip_address a;

    CHECK(ip_address_parse(span_text(text), &a));
    return a;
}

/* Three wrong passwords within ten minutes ban for five, at most for fifteen; 198.18.7.0/24 is
 * trusted. */
static struct lists begin(void)
{
    struct ban_limits limits = {.failures = 3,
                                .window_ms = 10 * MINUTE,
                                .time_ms = 5 * MINUTE,
                                .time_max_ms = 15 * MINUTE,
                                .network_count = 1,
                                .trusted = {{.address = address("198.18.7.0"), .bits = 120}}};
    struct lists l = {.table = ban_table_new(BAN_LIST_MAX, secret),
                      .windows = window_table_new(1 << 20, secret)};

    l.list = ban_list_new(l.table, l.windows);
    ban_list_limit(l.list, &limits);
    return l;
}

static void end(struct lists *l)
{
    ban_list_free(l->list);
    ban_table_free(l->table);
    window_table_free(l->windows);
}

static bool wrong(struct lists *l, const char *client, uint64_t now)
{
    struct ip_address a = address(client);

    return ban_list_failure(l->list, &a, now);
}

static bool banned(struct lists *l, const char *client, uint64_t now)
{
    struct ip_address a = address(client);

    return ban_table_has(l->table, &a, now);
}

static enum ban_status add(struct lists *l, const char *network, uint8_t bits, uint64_t ms,
                           uint64_t now)
{
    struct ip_address a = address(network);

    return ban_list_add(l->list, &a, bits, ms, now);
}

static enum ban_status forget(struct lists *l, const char *network, uint8_t bits)
{
    struct ip_address a = address(network);

    return ban_list_remove(l->list, &a, bits);
}

struct seen {
    uint32_t count;
    struct ban last;
};

static void see(void *context, const struct ban *ban)
{
    struct seen *seen = context;

    seen->count++;
    seen->last = *ban;
}

static struct seen walk(struct lists *l, uint64_t now)
{
    struct seen seen = {0};

    ban_list_walk(l->list, now, see, &seen);
    return seen;
}

static void too_many_wrong_passwords_ban_an_address(void)
{
    struct lists l = begin();
    uint64_t now = MINUTE;

    CHECK(!wrong(&l, "198.18.0.1", now) && !wrong(&l, "198.18.0.2", now));
    CHECK(!wrong(&l, "198.18.0.1", now) && !banned(&l, "198.18.0.1", now));
    CHECK(wrong(&l, "198.18.0.1", now));
    CHECK(banned(&l, "198.18.0.1", now) && !banned(&l, "198.18.0.2", now));
    CHECK(walk(&l, now).count == 1 && walk(&l, now).last.times == 1 &&
          walk(&l, now).last.until_ms == now + 5 * MINUTE);
    CHECK(!banned(&l, "198.18.0.1", now + 5 * MINUTE) && walk(&l, now + 5 * MINUTE).count == 0);
    /* An IPv6 client has all of its /64. */
    CHECK(!wrong(&l, "2001:2::1", now) && !wrong(&l, "2001:2::2", now) &&
          wrong(&l, "2001:2::3", now));
    CHECK(banned(&l, "2001:2::ffff", now) && !banned(&l, "2001:2:0:1::1", now));
    end(&l);
}

static void few_wrong_passwords_are_forgotten(void)
{
    struct lists l = begin();

    for (int i = 0; i < 20; i++)
        CHECK(!wrong(&l, "198.18.0.1", (uint64_t)(1 + 8 * i) * MINUTE));
    end(&l);
}

/* Bans `client` and returns for how many minutes. */
static uint64_t ban_once(struct lists *l, const char *client, uint64_t now)
{
    for (int i = 0; i < 3; i++)
        CHECK(wrong(l, client, now) == (i == 2));
    return (walk(l, now).last.until_ms - now) / MINUTE;
}

static void bans_grow_and_are_forgotten(void)
{
    struct lists l = begin();
    uint64_t now = MINUTE;

    CHECK(ban_once(&l, "198.18.0.1", now) == 5);
    now += 5 * MINUTE;
    CHECK(ban_once(&l, "198.18.0.1", now) == 10);
    now += 20 * MINUTE;
    CHECK(ban_once(&l, "198.18.0.1", now) == 15);
    CHECK(walk(&l, now).last.times == 3);
    now += 16 * MINUTE;
    CHECK(ban_once(&l, "198.18.0.1", now) == 15);
    now += 31 * MINUTE;
    CHECK(ban_once(&l, "198.18.0.1", now) == 5);
    end(&l);
}

static void trusted_networks_are_never_banned(void)
{
    struct lists l = begin();

    for (int i = 0; i < 10; i++)
        CHECK(!wrong(&l, "198.18.7.1", MINUTE));
    CHECK(add(&l, "198.18.7.9", 128, BAN_FOR_EVER, MINUTE) == BAN_TRUSTED);
    CHECK(add(&l, "198.18.7.0", 120, BAN_FOR_EVER, MINUTE) == BAN_TRUSTED);
    CHECK(add(&l, "198.18.0.0", 112, BAN_FOR_EVER, MINUTE) == BAN_DONE);
    end(&l);
}

static void without_a_number_nobody_is_banned(void)
{
    struct lists l = begin();

    ban_list_limit(l.list, &(struct ban_limits){0});
    for (int i = 0; i < 100; i++)
        CHECK(!wrong(&l, "198.18.0.1", MINUTE));
    end(&l);
}

static void operators_add_delete_and_clear(void)
{
    struct lists l = begin();

    CHECK(add(&l, "198.18.3.77", 120, BAN_FOR_EVER, 1) == BAN_DONE);
    CHECK(banned(&l, "198.18.3.1", UINT64_MAX - 1) && walk(&l, 1).last.by_hand &&
          walk(&l, 1).last.until_ms == BAN_FOR_EVER);
    CHECK(add(&l, "198.18.3.0", 120, MINUTE, 1) == BAN_DONE && walk(&l, 1).count == 1);
    CHECK(!banned(&l, "198.18.3.1", 1 + MINUTE));
    CHECK(forget(&l, "198.18.3.0", 119) == BAN_NONE && forget(&l, "198.18.3.0", 120) == BAN_DONE);
    CHECK(!banned(&l, "198.18.3.1", 1) && forget(&l, "198.18.3.0", 120) == BAN_NONE);
    /* What was deleted is no repetition. */
    ban_once(&l, "198.18.0.1", MINUTE);
    CHECK(forget(&l, "198.18.0.1", 128) == BAN_DONE && !banned(&l, "198.18.0.1", MINUTE));
    CHECK(add(&l, "2001:2::", 48, MINUTE, 1) == BAN_DONE &&
          add(&l, "198.18.0.9", 128, MINUTE, 1) == BAN_DONE);
    CHECK(ban_list_clear(l.list, 1) == 2 && walk(&l, 1).count == 0);
    CHECK(!banned(&l, "2001:2::1", 1) && !banned(&l, "198.18.0.9", 1));
    end(&l);
}

/* What an operator said stays; of the others the one goes that would have ended first. */
static void a_full_list_takes_further_ones(void)
{
    struct lists l = begin();
    struct ip_address a = address("198.18.0.0");

    ban_list_limit(
        l.list, &(struct ban_limits){
                    .failures = 1, .window_ms = MINUTE, .time_ms = MINUTE, .time_max_ms = MINUTE});
    CHECK(add(&l, "198.19.0.1", 128, 10, 1) == BAN_DONE);
    for (uint32_t i = 0; i < BAN_LIST_MAX + 10; i++) {
        a.bytes[14] = (uint8_t)(i >> 8);
        a.bytes[13] = (uint8_t)(i >> 16);
        a.bytes[15] = (uint8_t)i;
        ban_list_failure(l.list, &a, 2 + i / 4096);
    }
    CHECK(banned(&l, "198.19.0.1", 9) && ban_table_has(l.table, &a, 10));
    CHECK(!banned(&l, "198.0.0.0", 10));
    CHECK(walk(&l, 9).count <= BAN_LIST_MAX && walk(&l, 9).count > BAN_LIST_MAX - 100);
    CHECK(ban_list_clear(l.list, 9) > BAN_LIST_MAX - 100);
    CHECK(!ban_table_has(l.table, &a, 10));
    end(&l);
}

int main(void)
{
    check_begin();
    CHECK_CASE(too_many_wrong_passwords_ban_an_address);
    CHECK_CASE(few_wrong_passwords_are_forgotten);
    CHECK_CASE(bans_grow_and_are_forgotten);
    CHECK_CASE(trusted_networks_are_never_banned);
    CHECK_CASE(without_a_number_nobody_is_banned);
    CHECK_CASE(operators_add_delete_and_clear);
    CHECK_CASE(a_full_list_takes_further_ones);
    return check_end();
}
