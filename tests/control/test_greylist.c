/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/greylist_service.h"
#include "dataplane/handoff/greylist.h"
#include "dataplane/handoff/known_table.h"
#include "dataplane/handoff/window_table.h"
#include "tests/control/store_fixture.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <stdlib.h>

#define MINUTE UINT64_C(60000)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static uint64_t now;

static uint64_t clock_ms(void)
{
    return now;
}

/* A service over a store of its own, under a clock of the test's; its thread has nothing to do. */
struct bench {
    struct store *store;
    struct handoff *handoff;
    struct known_table *known;
    struct window_table *names;
    struct greylist_service *service;
};

static const struct config_greylist usual = {.delay = 300000000,
                                             .window = 172800000000,
                                             .expiry = 36 * INT64_C(86400000000),
                                             .networks_after = 3};

static void start(struct bench *b)
{
    b->service = greylist_service_start(&(struct greylist_service_options){.handoff = b->handoff,
                                                                           .store = b->store,
                                                                           .known = b->known,
                                                                           .names = b->names,
                                                                           .now_ms = clock_ms},
                                        &usual);
    CHECK(b->service != NULL);
}

static struct bench open_bench(void)
{
    struct bench b = {
        .handoff = handoff_new(&(struct handoff_options){.workers = 1, .jobs = 8, .records = 8}),
        .known = known_table_new(1024),
        .names = window_table_new(64, (uint8_t[16]){1})};
    char error[STORE_ERROR];

    CHECK(store_memory_open(&(struct store_options){.node = 0}, &b.store, error) == STORE_OK);
    now = UINT64_C(1800000000000);
    start(&b);
    return b;
}

static void close_bench(struct bench *b)
{
    greylist_service_stop(b->service);
    store_close(b->store);
    handoff_free(b->handoff);
    known_table_free(b->known);
    window_table_free(b->names);
}

static struct span triple_to(const char *client, const char *sender, const char *recipient)
{
    static uint8_t bytes[GREYLIST_KEY_MAX];
    struct writer w = writer_of(bytes, sizeof(bytes));
    struct ip_address address;

    CHECK(ip_address_parse(span_text(client), &address));
    greylist_key(&w, &address, 96 + 24, span_text(sender), span_text(recipient));
    return writer_span(&w);
}

static struct span triple(const char *client, const char *sender)
{
    return triple_to(client, sender, "alice@example.test");
}

static enum job_status ask(struct bench *b, const char *client, const char *sender)
{
    return greylist_service_judge(b->service, triple(client, sender));
}

static void a_stranger_comes_again_in_time(void)
{
    struct bench b = open_bench();

    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    now += 4 * MINUTE;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    now += MINUTE;
    /* From a neighbour of the same network. */
    CHECK(ask(&b, "192.0.2.99", "a@b.test") == JOB_OK);
    CHECK(known_table_has(b.known, greylist_name(b.names, triple("192.0.2.7", "a@b.test")),
                          (uint32_t)(now / 1000)));
    CHECK(ask(&b, "192.0.2.1", "other@b.test") == JOB_REFUSED);
    CHECK(ask(&b, "192.0.3.1", "a@b.test") == JOB_REFUSED);
    now += 35 * DAY;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_OK);
    now += 37 * DAY;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    close_bench(&b);
}

static void who_comes_too_late_is_a_stranger(void)
{
    struct bench b = open_bench();

    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    now += 2 * DAY + MINUTE;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    now += 6 * MINUTE;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_OK);
    /* A clock that is set back makes nobody a stranger, and nobody wait for ever. */
    now -= HOUR;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_OK);
    close_bench(&b);
}

static void a_network_is_known_after_some(void)
{
    struct bench b = open_bench();
    const char *const senders[] = {"a@b.test", "b@b.test", "c@b.test"};

    for (int round = 0; round < 2; round++, now += 10 * MINUTE)
        for (int i = 0; i < 3; i++)
            CHECK(ask(&b, "192.0.2.1", senders[i]) == (round ? JOB_OK : JOB_REFUSED));
    CHECK(ask(&b, "192.0.2.200", "stranger@c.test") == JOB_OK);
    CHECK(ask(&b, "192.0.3.200", "stranger@c.test") == JOB_REFUSED);
    close_bench(&b);
}

static void what_is_known_outlives_the_service(void)
{
    struct bench b = open_bench();

    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    greylist_service_sweep(b.service, 1); /* writes */
    greylist_service_stop(b.service);
    start(&b);
    now += 6 * MINUTE;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_OK);
    close_bench(&b);
}

static bool count_row(void *context, const struct store_greylist_row *row)
{
    ++*(uint32_t *)context;
    return row->key.len > 0;
}

static uint32_t rows(struct bench *b)
{
    uint32_t n = 0;

    CHECK(store_greylist_walk(b->store, span_of(NULL, 0), count_row, &n) == STORE_OK);
    return n;
}

static void expired_rows_are_swept_in_steps(void)
{
    struct bench b = open_bench();
    char sender[32];

    for (int i = 0; i < 1000; i++) {
        snprintf(sender, sizeof(sender), "s%d@b.test", i);
        CHECK(ask(&b, "192.0.2.1", sender) == JOB_REFUSED);
    }
    CHECK(!greylist_service_sweep(b.service, 100));
    CHECK(rows(&b) == 1000);
    now += 3 * DAY;
    for (int ends = 0; ends < 2;)
        ends += greylist_service_sweep(b.service, 100);
    CHECK(rows(&b) == 0 && greylist_service_counters(b.service).swept == 1000);
    close_bench(&b);
}

static bool keeps(struct bench *b, const char *sender, const char *recipient)
{
    struct store_greylist_row row;

    return store_greylist_find(b->store, triple_to("192.0.2.1", sender, recipient), &row) ==
           STORE_OK;
}

static void meet(struct bench *b, const char *sender, const char *recipient)
{
    CHECK(greylist_service_judge(b->service, triple_to("192.0.2.1", sender, recipient)) ==
          JOB_REFUSED);
}

static void an_address_is_forgotten_whole(void)
{
    static const struct {
        const char *sender, *recipient;
        bool stays;
    } rows_of[] = {{"a@b.test", "alice@example.test", false},
                   {"a@b.test", "alice+lists@example.test", false},
                   {"alice@example.test", "bob@example.test", false},
                   {"a@b.test", "bob@example.test", true},
                   {"a@b.test", "alice-b@example.test", true},
                   {"a@b.test", "alice+x@other.test", true},
                   {"a@b.test", "alice@example.test.net", true},
                   {"a@b.test", "malice@example.test", true}};
    struct bench b = open_bench();
    uint64_t count = 0;

    for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]); i++)
        meet(&b, rows_of[i].sender, rows_of[i].recipient);
    CHECK(greylist_service_forget_address(b.service, span_text("alice@example.test"), '+',
                                          &count) == STORE_OK);
    CHECK(count == 3);
    for (size_t i = 0; i < sizeof(rows_of) / sizeof(rows_of[0]); i++)
        CHECK(keeps(&b, rows_of[i].sender, rows_of[i].recipient) == rows_of[i].stays);
    meet(&b, "a@b.test", "alice+x@example.test");
    CHECK(greylist_service_forget_address(b.service, span_text("alice@example.test"), 0, &count) ==
              STORE_OK &&
          count == 0);
    close_bench(&b);
}

static void networks_are_forgotten_on_demand(void)
{
    struct bench b = open_bench();
    uint8_t network[GREYLIST_NETWORK];
    uint64_t count = 0;

    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    CHECK(ask(&b, "192.0.3.1", "a@b.test") == JOB_REFUSED);
    now += 6 * MINUTE;
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_OK && ask(&b, "192.0.3.1", "a@b.test") == JOB_OK);
    greylist_network(triple("192.0.2.1", "a@b.test"), network);
    CHECK(greylist_service_forget(b.service, span_of(network, sizeof(network)), &count) ==
          STORE_OK);
    CHECK(count == 2);
    CHECK(ask(&b, "192.0.2.1", "a@b.test") == JOB_REFUSED);
    CHECK(ask(&b, "192.0.3.1", "a@b.test") == JOB_OK);
    CHECK(greylist_service_forget(b.service, span_of(NULL, 0), &count) == STORE_OK && count == 3);
    CHECK(rows(&b) == 0);
    close_bench(&b);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_stranger_comes_again_in_time);
    CHECK_CASE(who_comes_too_late_is_a_stranger);
    CHECK_CASE(a_network_is_known_after_some);
    CHECK_CASE(what_is_known_outlives_the_service);
    CHECK_CASE(expired_rows_are_swept_in_steps);
    CHECK_CASE(networks_are_forgotten_on_demand);
    CHECK_CASE(an_address_is_forgotten_whole);
    return check_end();
}
