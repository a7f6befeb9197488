/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/tap/tap_item.h"
#include "control/tap/tap_tally.h"
#include "tests/harness/check.h"

enum { ITEMS = 100000, LONGEST = 700 };

/* Item i: its length and bytes follow from i. */
static struct span item(uint32_t i, uint8_t memory[LONGEST])
{
    size_t len = i * 7919u % LONGEST;

    memset(memory, (int)(i % 251), len);
    return span_of(memory, len);
}

static void *produce(void *queue)
{
    uint8_t memory[LONGEST];

    for (uint32_t i = 0; i < ITEMS; i++) {
        struct span all = item(i, memory);
        struct span pieces[] = {span_head(all, all.len / 3), span_skip(all, all.len / 3)};

        while (!tap_queue_put(queue, i, pieces, 2, false))
            sched_yield();
    }
    return NULL;
}

static void all_come_in_order(void)
{
    struct tap_queue *q = tap_queue_new(4096, 0);
    pthread_t producer;
    uint8_t memory[LONGEST];
    uint32_t wrong = 0;

    pthread_create(&producer, NULL, produce, q);
    for (uint32_t i = 0; i < ITEMS;) {
        struct span got;
        uint32_t kind;

        if (!tap_queue_peek(q, &kind, &got)) {
            sched_yield();
            continue;
        }
        wrong += kind != i || !span_equal(got, item(i, memory)) || (uintptr_t)got.data % 8;
        tap_queue_drop(q);
        i++;
    }
    pthread_join(producer, NULL);
    CHECK(wrong == 0);
    tap_queue_free(q);
}

static uint32_t fill(struct tap_queue *q, bool sure)
{
    static const uint8_t bytes[100];
    const struct span piece = span_of(bytes, sizeof(bytes));
    uint32_t n = 0;

    while (tap_queue_put(q, 0, &piece, 1, sure))
        n++;
    return n;
}

static void what_does_not_fit_is_counted(void)
{
    struct tap_queue *q = tap_queue_new(8192, 2048);
    uint32_t n = fill(q, false);
    struct span got;
    uint32_t kind, taken = 0;

    CHECK(n == (8192 - 2048) / 112 && tap_queue_lost(q) == 1);
    /* What is kept is for those that must not be lost. */
    n += fill(q, true);
    CHECK(n > 8000 / 112 && tap_queue_lost(q) == 2);
    while (tap_queue_peek(q, &kind, &got)) {
        tap_queue_drop(q);
        taken++;
    }
    CHECK(taken == n);
    CHECK(fill(q, false) > 0);
    tap_queue_free(q);
}

static void events_come_whole(void)
{
    struct tap_queue *q = tap_queue_new(65536, 0);
    const struct tap_flow_facts flow = {.id = 5, .client_port = 7, .protocol = "smtp"};
    const struct tap_event event = {
        .kind = TAP_EVENT_TLS,
        .flow = &flow,
        .time_ns = 9,
        .direction = "client",
        .name = span_text("a name"),
        .text = span_text("a text"),
        .session = {.greeting = span_text("220"), .helo = span_text("there")},
        .tls = {.client_hello = span_text("mx"),
                .certificates = span_text("0123"),
                .alpn = span_text("smtp")},
    };
    struct tap_item_event read;
    struct span got;
    uint32_t kind;

    tap_item_put_event(q, &event);
    if (CHECK(tap_queue_peek(q, &kind, &got) && kind == TAP_ITEM_EVENT)) {
        tap_item_read_event(got, &read);
        CHECK(read.event.kind == TAP_EVENT_TLS && read.event.time_ns == 9);
        CHECK(read.event.flow == &read.flow && read.flow.id == 5 && read.flow.client_port == 7);
        CHECK_TEXT(read.event.name, "a name");
        CHECK_TEXT(read.event.text, "a text");
        CHECK_TEXT(read.event.session.greeting, "220");
        CHECK_TEXT(read.event.session.helo, "there");
        CHECK_TEXT(read.event.tls.client_hello, "mx");
        CHECK_TEXT(read.event.tls.server_hello, "");
        CHECK_TEXT(read.event.tls.certificates, "0123");
        CHECK_TEXT(read.event.tls.client_certificates, "");
        CHECK_TEXT(read.event.tls.alpn, "smtp");
        CHECK(read.event.name.data != event.name.data);
    }
    tap_queue_free(q);
}

/* What a sink was told, as text. */
static char told[512];

static bool note_open(void *context, uint32_t piece)
{
    sprintf(told + strlen(told), "open %u;", piece);
    return true;
}

static bool note_bytes(void *context, uint32_t piece, struct span bytes)
{
    sprintf(told + strlen(told), "%u %.*s;", piece, (int)bytes.len, (const char *)bytes.data);
    return true;
}

static void note_close(void *context, uint32_t piece, const uint8_t *sha256, bool message)
{
    sprintf(told + strlen(told), "close %u %02x%02x %s;", piece, sha256 ? sha256[0] : 0,
            sha256 ? sha256[31] : 0, message ? "message" : "part");
}

static void replay(struct tap_queue *q)
{
    const struct tap_extract_sink notes = {
        .open = note_open, .bytes = note_bytes, .close = note_close};
    struct span got;
    uint32_t kind;

    told[0] = 0;
    while (tap_queue_peek(q, &kind, &got)) {
        tap_item_replay(kind, got, &notes);
        tap_queue_drop(q);
    }
}

static void pieces_come_whole(void)
{
    struct tap_queue *q = tap_queue_new(65536, 0);
    struct tap_extract_sink sink = tap_item_sink(q);
    struct tap_extract *x = tap_extract_new(&sink, 2, 10);
    const struct part_digests *d = tap_extract_digests(x);
    void *message = tap_extract_message(x), *part = d->begin(d->context);
    uint8_t sha256[PART_SHA256];

    tap_extract_bytes(message, span_text("ab"));
    d->feed(part, span_text("abc"));
    CHECK(d->begin(d->context) == NULL);
    tap_extract_bytes(message, span_text("c"));
    d->end(d->context, part, sha256);
    tap_extract_message_end(x, message, false);
    replay(q);
    CHECK(sha256[0] == 0xba && sha256[31] == 0xad);
    CHECK_TEXT(span_text(told),
               "open 11;open 10;11 ab;10 abc;11 c;close 10 baad part;close 11 0000 "
               "message;");
    tap_extract_free(x);
    tap_queue_free(q);
}

/* A piece of which bytes were lost is dropped; its digest is not. */
static void a_piece_with_a_hole_is_given_up(void)
{
    struct tap_queue *q = tap_queue_new(4096, 0);
    struct tap_extract_sink sink = tap_item_sink(q);
    struct tap_extract *x = tap_extract_new(&sink, 1, 0);
    const struct part_digests *d = tap_extract_digests(x);
    void *part = d->begin(d->context);
    uint8_t *large = calloc(1, 8192), sha256[PART_SHA256];

    d->feed(part, span_of(large, 8192));
    replay(q);
    CHECK_TEXT(span_text(told), "open 0;close 0 0000 part;");
    d->feed(part, span_text("more"));
    d->end(d->context, part, sha256);
    replay(q);
    CHECK_TEXT(span_text(told), "");
    CHECK(tap_queue_lost(q) == 1);
    free(large);
    tap_extract_free(x);
    tap_queue_free(q);
}

static void tallies_add_up_by_group(void)
{
    static const struct tap_statistic rows[] = {
        {"a", "x", 1}, {"b", "x", 2}, {"a", "y", 3}, {"a", "x", 4}, {"b", "z", 5}};
    struct tap_tally tally = {.count = 0};
    char text[128] = "";

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        tap_tally_add(&tally, &rows[i]);
    for (size_t i = 0; i < tally.count; i++)
        sprintf(text + strlen(text), "%s.%s %d;", tally.rows[i].group, tally.rows[i].name,
                (int)tally.rows[i].value);
    CHECK_TEXT(span_text(text), "a.x 5;a.y 3;b.x 2;b.z 5;");
}

int main(void)
{
    check_begin();
    CHECK_CASE(all_come_in_order);
    CHECK_CASE(what_does_not_fit_is_counted);
    CHECK_CASE(events_come_whole);
    CHECK_CASE(pieces_come_whole);
    CHECK_CASE(a_piece_with_a_hole_is_given_up);
    CHECK_CASE(tallies_add_up_by_group);
    return check_end();
}
