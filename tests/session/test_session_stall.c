/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* A store that is slow or never answers: who waits for it is parked, the others go on. */
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n"

static const char small[] = "Subject: hello\r\n\r\nend\r\n.\r\n";

static uint64_t parked(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0))->commits_parked;
}

/* A client that is there already stays, and is closed at the end. */
static void ready(struct world *w)
{
    for (int i = 0; w->conn && i < WORLD_CLIENTS; i++) {
        if (w->others[i])
            continue;
        w->others[i] = w->conn;
        break;
    }
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *\r\n"));
    world_say(w, "EHLO client.test\r\n");
    CHECK(world_expect(w, "250-mx.example.test*250 *\r\n"));
}

static bool leave(struct world *w)
{
    for (int i = 0; i < WORLD_CLIENTS; i++)
        if (w->others[i])
            tcp_shutdown(w->client, w->others[i]);
    world_run(w);
    return world_free(w);
}

/* The newest client's message, up to where the store is asked. */
static void park(struct world *w)
{
    ready(w);
    world_say(w, ENVELOPE);
    world_say(w, small);
    CHECK(world_expect(w, ENVELOPE_REPLY));
}

static void a_slow_store_parks_who_waits_for_it(void)
{
    struct world *w = world_new(NULL, NULL);

    CHECK(parked(w) == 0);
    w->hold = true;
    park(w);
    CHECK(parked(w) == 1);
    park(w); /* another connection gets as far */
    CHECK(parked(w) == 2);
    ready(w); /* and one that does not need the store is served */
    world_say(w, "NOOP\r\nVRFY alice\r\nRSET\r\n");
    CHECK(world_expect(w, "250 2.0.0 *\r\n252 *\r\n250 2.0.0 *\r\n"));
    world_wait(w, 5000);
    CHECK(world_expect(w, "") && parked(w) == 2 && w->message_count == 0);
    w->hold = false;
    world_run(w);
    CHECK(parked(w) == 0 && w->message_count == 2 && w->message_records == 2);
    for (int i = 0; i < 2; i++) {
        CHECK(w->records[i].message.code == 250);
        CHECK(w->records[i].message.commit_us >= 5000000 &&
              w->records[i].message.commit_us < 7000000);
    }
    CHECK(handoff_counters(handoff_port_of(w->handoff, 0))->messages_deferred == 0);
    CHECK(leave(w));
}

/* 4xx only when the store has confirmed that nothing was committed: until then not a word. */
static void a_store_that_never_answers_is_never_guessed(void)
{
    struct world *w = world_new(NULL, NULL);

    w->late = true; /* it is done, and nobody hears of it */
    park(w);
    CHECK(w->message_count == 1 && parked(w) == 1);
    world_wait(w, 600000);
    CHECK(world_expect(w, "") && !w->closed && parked(w) == 1);
    ready(w);
    world_say(w, "NOOP\r\n");
    CHECK(world_expect(w, "250 2.0.0 *\r\n"));
    w->late = false;
    world_run(w);
    CHECK(parked(w) == 0 && w->message_records == 1 && w->records[0].message.code == 250);
    CHECK(w->records[0].message.commit_us >= 600000000);
    CHECK(leave(w));
}

static void what_was_not_begun_is_dropped_and_deferred(void)
{
    struct world *w = world_new(NULL, NULL);

    w->hold = true;
    park(w);
    world_wait(w, 200000);
    CHECK(world_expect(w, "") && parked(w) == 1);
    w->hold = false;
    world_run(w);
    CHECK(world_expect(w, "451 4.3.0 *\r\n"));
    CHECK(parked(w) == 0 && w->message_count == 0 && w->records[0].message.code == 451);
    CHECK(w->records[0].message.commit_us >= 200000000);
    world_say(w, ENVELOPE);
    world_say(w, small);
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n") && w->message_count == 1);
    CHECK(leave(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_slow_store_parks_who_waits_for_it);
    CHECK_CASE(a_store_that_never_answers_is_never_guessed);
    CHECK_CASE(what_was_not_begun_is_dropped_and_deferred);
    return check_end();
}
