/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/address/address_map.h"
#include "proto/base/base64.h"
#include "proto/sasl/sasl_mechanism.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* Addresses of submitted mail that canonical maps and masquerading change. */

#define ROW(key, to)                                                                               \
    {                                                                                              \
        {(const uint8_t *)key, sizeof(key) - 1},                                                   \
        {                                                                                          \
            (const uint8_t *)to, sizeof(to) - 1                                                    \
        }                                                                                          \
    }

static const struct address_map_row senders[] = {ROW("@example.test", "@shop.test")};
static const struct address_map_row recipients[] = {ROW("robert@example.test", "bob@example.test")};
static const struct address_maps maps = {
    .classes = 15, .rows = {senders, recipients}, .count = {1, 1}};

/* Alice has logged in; `step` octets at a time come from the client. */
static struct world *begin(const struct address_maps *with, size_t step)
{
    static const char login[] = "\0alice@example.test\0secret";
    struct world *w = world_new(NULL, NULL);
    char text[128];
    struct writer out = writer_of(text, sizeof(text) - 1);

    w->settings.mechanisms = sasl_mechanism_bit(SASL_MECHANISMS) - 1;
    w->settings.submission_from = true;
    w->settings.submission_maps = with;
    world_publish(w);
    world_connect(w, 587);
    writer_text(&out, "EHLO c\r\nAUTH PLAIN ");
    base64_put(&out, span_of(login, sizeof(login) - 1));
    writer_text(&out, "\r\n");
    text[out.len] = 0;
    world_say(w, text);
    CHECK(world_expect(w, "220 *235 *"));
    w->step = step;
    return w;
}

static const char *body_of(const struct world *w)
{
    return (const char *)w->messages[0].bytes + w->messages[0].prefix;
}

#define HEADER_BEFORE                                                                              \
    "From: \"Alice, A.\" <alice@example.test>\r\nSubject: alice@example.test\r\nBcc: x@y.test\r\n" \
    "To: bob@example.test,\r\n\tRobert (alice@example.test) <robert@example.test>\r\n"
#define HEADER_AFTER                                                                               \
    "From: \"Alice, A.\" <alice@shop.test>\r\nSubject: alice@example.test\r\n"                     \
    "To: bob@example.test,\r\n\tRobert (alice@example.test) <bob@example.test>\r\n"

static void envelope_and_header_are_changed(void)
{
    for (size_t step = 0; step < 8; step++) {
        struct world *w = begin(&maps, step);

        world_say(w, "MAIL FROM:<Alice@example.test>\r\nRCPT "
                     "TO:<robert@example.test>\r\nDATA\r\n" HEADER_BEFORE
                     "\r\nFrom: alice@example.test\r\n.\r\n");
        CHECK(world_expect(w, "250 *250 2.1.5 *354 *250 2.0.0 *"));
        if (CHECK(w->message_count == 1)) {
            CHECK_TEXT(span_of(body_of(w), w->messages[0].len - w->messages[0].prefix),
                       HEADER_AFTER "\r\nFrom: alice@example.test\r\n");
            CHECK(w->messages[0].accounts[0] == 2);
            CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix,
                         "Return-Path: <Alice@shop.test>", 30) != NULL);
        }
        CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->addresses_mapped == 4);
        CHECK(world_free(w));
    }
}

/* What the account may send as is what the client wrote. */
static void who_may_send_is_asked_before(void)
{
    static const struct {
        const char *fields, *reply;
    } cases[] = {
        {"From: alice@example.test\r\n", "250 2.0.0 *"},
        {"From: alice@example.test\r\nSender: alice+x@example.test\r\n", "250 2.0.0 *"},
        /* Bob becomes bob@shop.test, and is nobody's business. */
        {"From: bob@example.test\r\n", "550 5.7.1 *"},
        {"From: alice@example.test, bob@example.test\r\n", "550 5.7.1 *"},
        {"From: alice@example.test\r\nSender: bob@example.test\r\n", "550 5.7.1 *"},
        /* What it would become is not what it may write itself. */
        {"From: alice@shop.test\r\n", "550 5.7.1 *"},
        {"From: alice@example.test\r\nFrom: alice@example.test\r\n", "554 5.6.0 *"},
        {"From: alice@example.test, x y@z\r\n", "554 5.6.0 *"},
        {"From: <alice@example.test> bob@example.test\r\n", "554 5.6.0 *"},
        {"Sender: alice@example.test\r\n", "554 5.6.0 *"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world *w = begin(&maps, 0);

        world_say(w, "MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n");
        CHECK(world_expect(w, "250 *250 *354 *"));
        world_say(w, cases[i].fields);
        world_say(w, "\r\nbody\r\n.\r\n");
        if (!CHECK(world_expect(w, cases[i].reply)))
            CHECK_TEXT(span_text(cases[i].fields), cases[i].reply);
        CHECK(world_free(w));
    }
}

/* A message that is nothing but a header; a null sender; a sender of which nobody may know. */
static void what_stands_at_the_edges(void)
{
    struct world *w = begin(&maps, 0);

    world_say(w, "MAIL FROM:<>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nFrom: "
                 "alice@example.test\r\n.\r\n");
    CHECK(world_expect(w, "250 *250 *354 *250 2.0.0 *"));
    CHECK(w->message_count == 1 && memcmp(body_of(w), "From: alice@shop.test\r\n", 23) == 0);
    CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix, "Return-Path: <>", 15) != NULL);
    world_say(w, "MAIL FROM:<bob@example.test>\r\nMAIL FROM:<alice@shop.test>\r\n");
    CHECK(world_expect(w, "553 *553 *"));
    CHECK(world_free(w));
}

/* Fields as long as they are held, one after the other: nothing is lost, nothing overflows. */
static void long_fields_pass(void)
{
    static char text[300000];
    struct world *w = begin(&maps, 0);
    struct writer out = writer_of(text, sizeof(text) - 1);
    size_t head;

    writer_text(&out, "MAIL FROM:<alice@example.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n"
                      "From: alice@example.test\r\n");
    for (int field = 0; field < 12; field++) {
        writer_text(&out, "To: x@y.test");
        for (int i = 0; i < 40 * field; i++)
            writer_text(&out, ",\r\n robert@example.test");
        writer_text(&out, "\r\n");
    }
    head = out.len;
    writer_text(&out, "\r\n");
    for (int i = 0; i < 3000; i++)
        writer_text(&out, "A line of the body, which is as it was.\r\n");
    writer_text(&out, ".\r\n");
    world_say_bytes(w, writer_span(&out));
    CHECK(world_expect(w, "250 *250 *354 *250 2.0.0 *"));
    CHECK(w->message_count == 1 && head > 50000);
    if (w->message_count)
        CHECK(!memmem(body_of(w), 40000, "robert", 6));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(envelope_and_header_are_changed);
    CHECK_CASE(who_may_send_is_asked_before);
    CHECK_CASE(what_stands_at_the_edges);
    CHECK_CASE(long_fields_pass);
    return check_end();
}
