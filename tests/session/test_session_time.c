/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* How long a peer may take. */

#define HELLO "EHLO client.test\r\n"
#define HELLO_REPLY "250-mx.example.test*250 *\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n"

static struct world *ready(void)
{
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "220*" HELLO_REPLY));
    return w;
}

static void a_line_that_has_begun_must_end_in_time(void)
{
    struct world *w = ready();

    for (int i = 0; i < 5 && !w->closed; i++) {
        world_say(w, "N");
        world_wait(w, 7000);
    }
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
    /* One that is too long and goes on and on, likewise. */
    w = ready();
    for (int i = 0; i < 40 && !w->closed; i++) {
        world_say(w, "1234567890123456789012345678901234567890123456789012345678901234567890");
        world_wait(w, 1000);
    }
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
    /* Between lines a client may think for longer. */
    w = ready();
    world_say(w, "NO");
    world_wait(w, 20000);
    world_say(w, "OP\r\n");
    world_wait(w, 60000);
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "250 *\r\n221 *\r\n"));
    CHECK(world_free(w));
}

static void no_talk_keeps_a_session_for_ever(void)
{
    struct world *w = ready();
    int said = 0;

    w->settings.message_timeout_ms = 600000;
    world_publish(w);
    for (; said < 20 && !w->closed; said++) {
        world_say(w, "NOOP\r\n");
        world_wait(w, 60000);
    }
    CHECK(said >= 9 && said <= 11);
    CHECK(world_expect(w, "250 *421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
}

static void a_message_is_bounded_as_a_whole(void)
{
    struct world *w = ready();
    static char piece[4097];
    int said = 0;

    memset(piece, 'x', 4096);
    memcpy(piece + 4094, "\r\n", 2);
    w->settings.message_timeout_ms = 600000;
    world_publish(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    /* Each piece comes in its time. */
    for (; said < 20 && !w->closed; said++) {
        world_say(w, piece);
        world_wait(w, 100000);
    }
    CHECK(said >= 5 && said <= 7);
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
    /* An accepted message begins it anew. */
    w = ready();
    w->settings.message_timeout_ms = 600000;
    world_publish(w);
    for (int i = 0; i < 4; i++) {
        world_say(w, ENVELOPE "x\r\n.\r\n");
        world_wait(w, 200000);
        CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n") && !w->closed);
    }
    CHECK(world_free(w));
}

/* A byte a second, well within all timeouts. */
static void drip(struct world *w, int seconds)
{
    for (int i = 0; i < seconds && !w->closed; i++) {
        world_say(w, "x");
        world_wait(w, 1000);
    }
}

static void data_must_keep_a_rate_while_room_is_short(void)
{
    struct world *w = ready();

    w->settings.pressure = 100;
    w->settings.pressure_rate = 100;
    world_publish(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    drip(w, 60);
    CHECK(world_expect(w, "") && !w->closed);
    w->settings.pressure = 1; /* the one message is more than that of the large chunks */
    world_publish(w);
    drip(w, 60);
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->sessions_slow == 1);
    CHECK(world_free(w));
}

static void who_keeps_the_rate_goes_on_under_pressure(void)
{
    struct world *w = ready();

    w->settings.pressure = 1;
    w->settings.pressure_rate = 10;
    world_publish(w);
    world_say(w, ENVELOPE);
    for (int i = 0; i < 60; i++) {
        world_say(w, "twenty bytes a line.\r\n");
        world_wait(w, 1000);
    }
    world_say(w, ".\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
    /* And who says nothing between messages is not measured. */
    world_wait(w, 60000);
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "221 *\r\n"));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_line_that_has_begun_must_end_in_time);
    CHECK_CASE(no_talk_keeps_a_session_for_ever);
    CHECK_CASE(a_message_is_bounded_as_a_whole);
    CHECK_CASE(data_must_keep_a_rate_while_room_is_short);
    CHECK_CASE(who_keeps_the_rate_goes_on_under_pressure);
    return check_end();
}
