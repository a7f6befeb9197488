/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "control/service/login_guard.h"
#include "tests/harness/check.h"

static const struct login_guard_limits limits = {
    .delay_ms = 1000, .delay_max_ms = 30000, .login_ms = 0};

static struct ip_address address(const char *text)
{
    struct ip_address a;

    CHECK(ip_address_parse(span_text(text), &a));
    return a;
}

static struct login_guard *guard(void)
{
    static const uint8_t secret[16] = {42};
    struct login_guard *g = login_guard_new(secret);

    login_guard_limit(g, &limits);
    return g;
}

static uint32_t wrong(struct login_guard *g, const char *client, const char *user, uint64_t now)
{
    struct ip_address a = address(client);

    return login_guard_admit(g, &a, span_text(user), now)
               ? login_guard_wrong(g, &a, span_text(user), now)
               : UINT32_MAX;
}

static bool right(struct login_guard *g, const char *client, const char *user, uint64_t now)
{
    struct ip_address a = address(client);

    return CHECK(login_guard_admit(g, &a, span_text(user), now)) &&
           login_guard_right(g, &a, span_text(user), span_text(user), now);
}

static void waits_double_up_to_a_bound(void)
{
    static const uint32_t expected[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000};
    struct login_guard *g = guard();
    uint64_t now = 1000;

    for (int i = 0; i < 7; i++) {
        CHECK(wrong(g, "198.18.0.1", "a", now) == expected[i]);
        now += expected[i];
    }
    /* Minutes of silence forgive one each. */
    now += 6 * 60000 + 1;
    CHECK(wrong(g, "198.18.0.1", "a", now) == 2000);
    login_guard_free(g);
}

static void accounts_are_watched_over_all_addresses(void)
{
    struct login_guard *g = guard();

    CHECK(wrong(g, "198.18.0.1", "a", 1) == 1000);
    CHECK(wrong(g, "198.18.0.2", "a", 1) == 2000);
    CHECK(wrong(g, "198.18.0.3", "b", 1) == 1000);
    CHECK(wrong(g, "198.18.0.4", "a", 1) == 4000);
    /* Its owner is let in, and the account has a clean slate. */
    CHECK(right(g, "198.18.0.5", "a", 2));
    CHECK(wrong(g, "198.18.0.6", "a", 3) == 1000);
    login_guard_free(g);
}

static void addresses_are_watched_over_all_accounts(void)
{
    struct login_guard *g = guard();

    CHECK(wrong(g, "198.18.0.1", "a", 1) == 1000);
    CHECK(wrong(g, "198.18.0.1", "b", 10000) == 2000);
    /* A login of one's own is no way out. */
    CHECK(right(g, "198.18.0.1", "mine", 20000));
    CHECK(wrong(g, "198.18.0.1", "c", 20000) == 4000);
    CHECK(wrong(g, "2001:2::1", "d", 20000) == 1000);
    CHECK(wrong(g, "2001:2::ffff:1:2:3", "e", 30000) == 2000);
    CHECK(wrong(g, "2001:2:0:1::1", "f", 30000) == 1000);
    login_guard_free(g);
}

static void many_connections_gain_nothing(void)
{
    struct login_guard *g = guard();
    uint64_t sum = 0;

    for (int i = 0; i < 5; i++) {
        uint32_t wait = wrong(g, "198.18.0.1", "a", 1000);

        CHECK(wait > sum);
        sum = wait;
    }
    CHECK(sum == 31000);
    /* More is not judged at all, until it has waited. */
    CHECK(wrong(g, "198.18.0.1", "a", 1000) == UINT32_MAX);
    CHECK(wrong(g, "198.18.0.1", "b", 1999) == UINT32_MAX);
    CHECK(wrong(g, "198.18.0.1", "b", 2000) != UINT32_MAX);
    CHECK(wrong(g, "198.18.0.2", "b", 1000) != UINT32_MAX);
    login_guard_free(g);
}

static void only_so_many_wait_at_a_time(void)
{
    struct login_guard *g = guard();
    struct ip_address a = address("198.18.0.1"), b = address("198.18.0.2");
    char name[] = "a";

    for (int i = 0; i < LOGIN_GUARD_PENDING; i++, name[0]++)
        CHECK(login_guard_admit(g, &a, span_text(name), 1));
    CHECK(!login_guard_admit(g, &a, span_text("x"), 1) &&
          login_guard_admit(g, &b, span_text("x"), 1));
    login_guard_drop(g, &a, span_text("a"), 1);
    CHECK(login_guard_admit(g, &a, span_text("x"), 1) &&
          !login_guard_admit(g, &a, span_text("x"), 1));
    login_guard_free(g);
}

static void many_addresses_gain_little_at_one_account(void)
{
    struct login_guard *g = guard();
    char client[] = "198.18.1.0";
    uint32_t judged = 0;

    /* An hour of eight addresses, each as often as it may: 120 waits of 30 s, and those that were
     * let in while the first ones were short. */
    for (uint64_t now = 1000; now < 3601000; now += 1000)
        for (int i = 0; i < 8; i++) {
            client[9] = (char)('0' + i);
            judged += wrong(g, client, "a", now) != UINT32_MAX;
        }
    CHECK(judged > 100 && judged < 140);
    /* Another account is nothing to them. */
    CHECK(wrong(g, "198.18.2.1", "b", 3601000) == 1000);
    login_guard_free(g);
}

static void only_so_many_of_an_account_wait_at_a_time(void)
{
    struct login_guard *g = guard();
    struct ip_address a = address("198.18.0.1");

    for (int i = 0; i < LOGIN_GUARD_SHARES * LOGIN_GUARD_PENDING; i++, a.bytes[15]++)
        CHECK(login_guard_admit(g, &a, span_text("a"), 1));
    CHECK(!login_guard_admit(g, &a, span_text("a"), 1));
    /* The address owes nothing for it. */
    for (int i = 0; i < LOGIN_GUARD_PENDING; i++)
        CHECK(login_guard_admit(g, &a, span_text("b"), 1));
    login_guard_free(g);
}

/* Whatever one address does, an account is judged from another. */
static void one_address_locks_nobody_out(void)
{
    struct login_guard *g = guard();

    for (uint64_t now = 1000; now < 601000; now += 500) {
        wrong(g, "198.18.1.1", "a", now);
        if (now % 50000 == 0)
            CHECK(right(g, now % 100000 ? "198.18.2.1" : "198.18.2.2", "a", now));
    }
    login_guard_free(g);
}

static void who_has_logged_in_is_not_locked_out(void)
{
    struct login_guard *g = guard();
    char client[] = "198.18.1.0";

    CHECK(right(g, "2001:2::1", "a", 1));
    for (int i = 0; i < 10; i++) {
        client[9] = (char)('0' + i);
        wrong(g, client, "a", 1000);
    }
    CHECK(wrong(g, "198.18.2.1", "a", 1000) == UINT32_MAX);
    /* From where the owner was before, and at the price of a first mistake. */
    CHECK(wrong(g, "2001:2::2", "a", 1000) == 1000);
    CHECK(right(g, "2001:2::2", "a", 1500));
    /* That says nothing about those who go on guessing. */
    CHECK(wrong(g, "198.18.2.1", "a", 1500) == UINT32_MAX);
    /* From elsewhere within a bounded time, and the slate is clean then. */
    CHECK(
        right(g, "198.18.2.2", "a", 1000 + LOGIN_GUARD_SHARES * (LOGIN_GUARD_PENDING + 1) * 30000));
    CHECK(wrong(g, "198.18.2.3", "a", 601001) == 1000);
    login_guard_free(g);
}

/* Those who have logged in are known by their right passwords alone. */
static void guesses_put_out_nobody_who_has_logged_in(void)
{
    struct login_guard *g = guard();
    struct ip_address a = address("198.18.0.0");
    char client[] = "198.19.1.0";

    CHECK(right(g, "2001:2::1", "a", 1));
    for (uint32_t i = 0; i < 300000; i++) {
        for (int b = 0; b < 3; b++)
            a.bytes[13 + b] = (uint8_t)(i >> 8 * b);
        if (login_guard_admit(g, &a, span_of(a.bytes, 16), 1000 + i))
            login_guard_wrong(g, &a, span_of(a.bytes, 16), 1000 + i);
    }
    for (int i = 0; i < 10; i++) {
        client[9] = (char)('0' + i);
        wrong(g, client, "a", 400000);
    }
    CHECK(wrong(g, "198.18.2.1", "a", 400000) == UINT32_MAX && right(g, "2001:2::1", "a", 400000));
    login_guard_free(g);
}

/* RFC 2449 section 6.5 */
static void logins_keep_their_distance(void)
{
    struct login_guard *g = guard();
    struct login_guard_limits minute = limits;

    minute.login_ms = 60000;
    login_guard_limit(g, &minute);
    CHECK(right(g, "198.18.0.1", "a", 1000));
    CHECK(!right(g, "198.18.0.2", "a", 60999));
    CHECK(right(g, "198.18.0.2", "a", 61000));
    CHECK(right(g, "198.18.0.2", "b", 61000));
    login_guard_free(g);
}

static void the_table_forgets_the_oldest(void)
{
    struct login_guard *g = guard();
    struct ip_address a = address("198.18.0.1");
    char name[] = "00000000";

    CHECK(wrong(g, "198.18.0.9", "target", 1000000) == 1000);
    for (uint32_t i = 0; i < 300000; i++) {
        for (int d = 0; d < 8; d++)
            name[d] = (char)('a' + (i >> (4 * d) & 15));
        a.bytes[15] = (uint8_t)i;
        a.bytes[14] = (uint8_t)(i >> 8);
        if (login_guard_admit(g, &a, span_text(name), 1000001 + i))
            login_guard_wrong(g, &a, span_text(name), 1000001 + i);
    }
    CHECK(wrong(g, "198.18.0.9", "other", 2000000) != UINT32_MAX);
    login_guard_free(g);
}

static void zero_means_no_wait(void)
{
    struct login_guard *g = guard();

    login_guard_limit(g, &(struct login_guard_limits){0});
    for (int i = 0; i < 50; i++)
        CHECK(wrong(g, "198.18.0.1", "a", 1000) == 0);
    login_guard_free(g);
}

/* What a token gets wrong and what a password gets wrong add up, and neither takes the other's
 * place in the queue. */
static void whoever_is_named_last_counts_together(void)
{
    struct ip_address a = address("198.18.0.1"), b = address("198.18.0.2");
    struct span nobody = span_text(""), user = span_text("a");
    struct login_guard *g = guard();

    CHECK(wrong(g, "198.18.0.1", "a", 1000) == 1000);
    CHECK(login_guard_admit(g, &b, user, 10000) && login_guard_wrong(g, &b, user, 10000) == 2000);
    CHECK(login_guard_admit(g, &a, nobody, 20000) &&
          login_guard_wrong(g, &a, nobody, 20000) == 2000);
    /* One that waits for its judgement stays where it is when a token without a name is right. */
    for (int i = 0; i < LOGIN_GUARD_PENDING - 1; i++)
        CHECK(login_guard_admit(g, &a, user, 30000));
    CHECK(login_guard_admit(g, &a, nobody, 30000));
    CHECK(!login_guard_admit(g, &a, user, 30000));
    CHECK(login_guard_right(g, &a, nobody, user, 30000));
    CHECK(login_guard_admit(g, &a, user, 30000) && !login_guard_admit(g, &a, user, 30000));
    login_guard_free(g);
}

static void who_was_known_is_known_again(void)
{
    struct login_known known[LOGIN_GUARD_WAYS];
    struct login_guard *g = guard(), *again = guard();
    uint32_t set = 0, next = 0;

    CHECK(!login_guard_changed(g, &set, known));
    CHECK(right(g, "198.18.0.1", "a", 1000));
    set = 0;
    CHECK(login_guard_changed(g, &set, known));
    login_guard_restore(again, set, known);
    next = set + 1;
    CHECK(!login_guard_changed(g, &next, known));
    login_guard_unkept(g, set);
    next = 0;
    CHECK(login_guard_changed(g, &next, known) && next == set);
    /* Within the hour the same login is not worth a row, behind it it is. */
    CHECK(right(g, "198.18.0.1", "a", 2000000));
    next = 0;
    CHECK(!login_guard_changed(g, &next, known));
    CHECK(right(g, "198.18.0.1", "a", 6000000));
    next = 0;
    CHECK(login_guard_changed(g, &next, known) && next == set);
    /* Others have made the account owe all it may; the address that was known gets in. */
    for (int i = 0; i < 600; i++) {
        char text[16];

        snprintf(text, sizeof(text), "198.19.%d.%d", i / 200, i % 200);
        wrong(again, text, "a", 1000);
    }
    CHECK(wrong(again, "198.19.9.9", "a", 1000) == UINT32_MAX);
    CHECK(right(again, "198.18.0.1", "a", 1000));
    login_guard_free(g);
    login_guard_free(again);
}

int main(void)
{
    check_begin();
    CHECK_CASE(waits_double_up_to_a_bound);
    CHECK_CASE(accounts_are_watched_over_all_addresses);
    CHECK_CASE(addresses_are_watched_over_all_accounts);
    CHECK_CASE(many_connections_gain_nothing);
    CHECK_CASE(only_so_many_wait_at_a_time);
    CHECK_CASE(many_addresses_gain_little_at_one_account);
    CHECK_CASE(only_so_many_of_an_account_wait_at_a_time);
    CHECK_CASE(one_address_locks_nobody_out);
    CHECK_CASE(who_has_logged_in_is_not_locked_out);
    CHECK_CASE(guesses_put_out_nobody_who_has_logged_in);
    CHECK_CASE(logins_keep_their_distance);
    CHECK_CASE(the_table_forgets_the_oldest);
    CHECK_CASE(zero_means_no_wait);
    CHECK_CASE(whoever_is_named_last_counts_together);
    CHECK_CASE(who_was_known_is_known_again);
    return check_end();
}
