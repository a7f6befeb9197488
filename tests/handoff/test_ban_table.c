/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/ban_table.h"
#include "tests/harness/check.h"

static const uint8_t secret[16] = {3};

static struct ip_address address(const char *text)
{
    struct ip_address a;

    CHECK(ip_address_parse(span_text(text), &a));
    return a;
}

static bool put(struct ban_table *t, const char *text, uint8_t bits, uint64_t until)
{
    struct ip_address a = address(text);

    return ban_table_put(t, &a, bits, until, 1000);
}

static bool has(const struct ban_table *t, const char *text, uint64_t now)
{
    struct ip_address a = address(text);

    return ban_table_has(t, &a, now);
}

static void networks_of_every_length_until_their_end(void)
{
    struct ban_table *t = ban_table_new(64, secret);
    struct ip_address a = address("198.18.0.1");

    CHECK(!has(t, "198.18.0.1", 1000));
    CHECK(put(t, "198.18.0.1", 128, 2000) && put(t, "198.19.0.0", 96 + 16, BAN_FOR_EVER) &&
          put(t, "2001:2::", 64, 3000));
    CHECK(has(t, "198.18.0.1", 1999) && !has(t, "198.18.0.1", 2000));
    CHECK(!has(t, "198.18.0.2", 1000));
    CHECK(has(t, "198.19.200.1", UINT64_MAX - 1) && !has(t, "198.20.0.1", 1000));
    CHECK(has(t, "2001:2::5:6", 2999) && !has(t, "2001:2:0:1::5", 1000));
    /* Another end, earlier or later. */
    CHECK(put(t, "198.18.0.1", 128, 5000) && has(t, "198.18.0.1", 4999));
    ban_table_remove(t, &a, 128);
    CHECK(!has(t, "198.18.0.1", 1001));
    ban_table_remove(t, &a, 127);
    CHECK(put(t, "0.0.0.0", 0, 2000) && has(t, "2001:2:0:1::5", 1999));
    ban_table_free(t);
}

static void what_has_ended_gives_way_and_nothing_else(void)
{
    struct ban_table *t = ban_table_new(1, secret);
    struct ip_address a = address("198.18.0.0");
    uint32_t taken = 0;

    for (int i = 0; i < 64; i++) {
        a.bytes[15] = (uint8_t)i;
        taken += ban_table_put(t, &a, 128, 2000, 1000);
    }
    CHECK(taken == 8);
    for (int i = 0; i < 64; i++) {
        a.bytes[15] = (uint8_t)i;
        taken -= ban_table_has(t, &a, 1000);
    }
    CHECK(taken == 0);
    CHECK(ban_table_put(t, &a, 128, 4000, 2000) && ban_table_has(t, &a, 3999));
    ban_table_free(t);
}

int main(void)
{
    check_begin();
    CHECK_CASE(networks_of_every_length_until_their_end);
    CHECK_CASE(what_has_ended_gives_way_and_nothing_else);
    return check_end();
}
