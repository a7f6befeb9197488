/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/net/neighbour.h"
#include "tests/harness/check.h"
#include "tests/packet/packet.h"

/* Frames are only pointers here. */
static struct rte_mbuf *frame(uintptr_t n)
{
    return (struct rte_mbuf *)(0x1000 + n * 8);
}

static struct ip_address address(uint32_t n)
{
    uint8_t bytes[4] = {198, 18, (uint8_t)(n >> 8), (uint8_t)n};

    return ip_address_v4(bytes);
}

static uint32_t turn_all(struct neighbours *t, uint64_t now, struct neighbour_ask *last)
{
    struct neighbour_frames dropped;
    enum neighbour_due due;
    uint32_t asks = 0;

    while ((due = neighbour_turn(t, now, last, &dropped)) != NEIGHBOUR_NOTHING)
        asks += due == NEIGHBOUR_ASK;
    return asks;
}

static void asks_three_times_and_gives_up(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct ip_address a = address(1);
    struct neighbour_frames dropped;
    struct neighbour_ask ask;
    uint64_t now = 1000000;
    uint8_t mac[6];

    CHECK(!neighbour_resolve(t, &a, now, mac));
    CHECK(neighbour_hold(t, &a, frame(1)) == NULL);
    for (int i = 0; i < NEIGHBOUR_TRIES; i++, now += NEIGHBOUR_RETRANS_US) {
        CHECK(neighbour_turn(t, now, &ask, &dropped) == NEIGHBOUR_ASK && !ask.unicast);
        CHECK(neighbour_turn(t, now, &ask, &dropped) == NEIGHBOUR_NOTHING);
        CHECK(neighbour_next_timer(t) == now + NEIGHBOUR_RETRANS_US);
        CHECK(neighbour_turn(t, now + NEIGHBOUR_RETRANS_US - 1, &ask, &dropped) ==
              NEIGHBOUR_NOTHING);
    }
    CHECK(neighbour_turn(t, now, &ask, &dropped) == NEIGHBOUR_SILENT);
    CHECK(dropped.count == 1 && dropped.frames[0] == frame(1));
    /* For a while nobody is asked again, then it starts over. */
    CHECK(!neighbour_resolve(t, &a, now + 1, mac) && neighbour_hold(t, &a, frame(2)) == frame(2));
    CHECK(turn_all(t, now + 1, &ask) == 0 && neighbour_next_timer(t) == UINT64_MAX);
    now += NEIGHBOUR_FAILED_US;
    CHECK(!neighbour_resolve(t, &a, now, mac) && turn_all(t, now, &ask) == 1);
    neighbours_free(t);
}

static void answers_set_waiting_frames_free_oldest_first_and_bounded(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct ip_address a = address(1);
    struct neighbour_frames ready;
    uint8_t mac[6];

    neighbour_resolve(t, &a, 1, mac);
    for (uintptr_t i = 0; i < NEIGHBOUR_PENDING; i++)
        CHECK(neighbour_hold(t, &a, frame(i)) == NULL);
    CHECK(neighbour_hold(t, &a, frame(99)) == frame(0));
    CHECK(neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_ANSWERED, 2, &ready));
    CHECK(ready.count == NEIGHBOUR_PENDING && ready.frames[0] == frame(1) &&
          ready.frames[7] == frame(99));
    CHECK(neighbour_resolve(t, &a, 3, mac) && memcmp(mac, packet_peer_mac, 6) == 0);
    neighbours_free(t);
}

static void all_waiting_frames_together_are_bounded(void)
{
    struct neighbours *t = neighbours_new(64, 1);
    struct neighbour_frames frames;
    uint32_t held = 0, flushed = 0;
    uint8_t mac[6];

    for (uint32_t i = 0; i < 40; i++) {
        struct ip_address a = address(i);

        neighbour_resolve(t, &a, 1, mac);
        for (int j = 0; j < 4; j++)
            held += neighbour_hold(t, &a, frame(i * 4 + (uintptr_t)j)) == NULL;
    }
    CHECK(held == NEIGHBOUR_PENDING_ALL);
    do {
        neighbour_flush(t, &frames);
        flushed += frames.count;
    } while (frames.count);
    CHECK(flushed == NEIGHBOUR_PENDING_ALL);
    neighbours_free(t);
}

static void the_table_is_bounded_and_keeps_what_is_fresh(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct neighbour_frames ready;
    struct ip_address fresh = address(9999);
    uint8_t mac[6];
    uint32_t learned = 0;

    neighbour_learn(t, &fresh, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready);
    neighbour_learn(t, &fresh, packet_peer_mac, NEIGHBOUR_ANSWERED, 1, &ready);
    for (uint32_t i = 0; i < 1000; i++) {
        struct ip_address a = address(i);

        learned += neighbour_learn(t, &a, packet_our_mac, NEIGHBOUR_ASKED_US, 2, &ready);
    }
    CHECK(learned == 1000 && neighbour_count(t) == 16);
    CHECK(neighbour_resolve(t, &fresh, 3, mac) && memcmp(mac, packet_peer_mac, 6) == 0);
    neighbours_free(t);
}

/* Questions for addresses that are not there, a frame waiting on each. Returns how many frames were
 * not taken. */
static uint32_t ask_for(struct neighbours *t, uint32_t from, uint32_t n, uint64_t now)
{
    uint32_t refused = 0;
    uint8_t mac[6];

    for (uint32_t i = from; i < from + n; i++) {
        struct ip_address a = address(i);

        neighbour_resolve(t, &a, now, mac);
        refused += neighbour_hold(t, &a, frame(i)) != NULL;
    }
    return refused;
}

static void in_a_full_table_the_oldest_question_makes_room(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct neighbour_frames ready, dropped;
    struct ip_address a = address(500), first = address(0), second = address(1);
    struct neighbour_ask ask;

    CHECK(ask_for(t, 0, 16, 1) == 0);
    CHECK(neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready));
    CHECK(neighbour_count(t) == 16 && neighbour_next_timer(t) == 0);
    CHECK(neighbour_turn(t, 1, &ask, &dropped) == NEIGHBOUR_CROWDED);
    CHECK(dropped.count == 1 && dropped.frames[0] == frame(0));
    CHECK(!neighbour_learn(t, &first, packet_peer_mac, NEIGHBOUR_ANSWERED, 2, &ready));
    CHECK(neighbour_learn(t, &second, packet_peer_mac, NEIGHBOUR_ANSWERED, 2, &ready) &&
          ready.count == 1 && ready.frames[0] == frame(1));
    neighbours_free(t);
}

/* A flood of questions, many turns long: no frame is lost sight of, and whoever is known stays so.
 */
static void a_flood_of_questions_displaces_only_questions(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct ip_address known = address(5000), idle = address(5001), late = address(5002);
    struct neighbour_frames frames;
    struct neighbour_ask ask;
    uint32_t back = 0;
    uint8_t mac[6];

    neighbour_learn(t, &known, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &frames);
    neighbour_learn(t, &known, packet_peer_mac, NEIGHBOUR_ANSWERED, 1, &frames);
    neighbour_learn(t, &idle, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &frames);
    for (uint32_t i = 0; i < 1000; i += 50) {
        back += ask_for(t, i, 50, 2 + i);
        while (neighbour_turn(t, 2 + i, &ask, &frames) != NEIGHBOUR_NOTHING)
            back += frames.count;
        CHECK(neighbour_find(t, &known, mac) && neighbour_find(t, &idle, mac));
    }
    CHECK(neighbour_count(t) == 16);
    CHECK(neighbour_learn(t, &late, packet_peer_mac, NEIGHBOUR_ASKED_US, 2000, &frames));
    CHECK(neighbour_find(t, &late, mac));
    do {
        neighbour_flush(t, &frames);
        back += frames.count;
    } while (frames.count);
    CHECK(back == 1000);
    neighbours_free(t);
}

static void neighbours_in_use_never_make_room(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct neighbour_frames ready;
    struct ip_address a = address(500);
    uint8_t mac[6];

    for (uint32_t i = 0; i < 16; i++) {
        struct ip_address b = address(i);

        neighbour_learn(t, &b, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready);
        if (i % 2)
            neighbour_learn(t, &b, packet_peer_mac, NEIGHBOUR_ANSWERED, 1, &ready);
        else
            neighbour_resolve(t, &b, 1, mac);
    }
    CHECK(!neighbour_resolve(t, &a, 1, mac) && neighbour_hold(t, &a, frame(1)) == frame(1));
    CHECK(!neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready));
    neighbours_free(t);
}

static void questions_a_second_are_bounded(void)
{
    struct neighbours *t = neighbours_new(512, 1);
    struct neighbour_ask ask;
    uint64_t now = 10000000;
    uint8_t mac[6];

    for (uint32_t i = 0; i < 500; i++) {
        struct ip_address a = address(i);

        neighbour_resolve(t, &a, now, mac);
    }
    CHECK(turn_all(t, now, &ask) == NEIGHBOUR_ASKS);
    CHECK(turn_all(t, now + 500000, &ask) == NEIGHBOUR_ASKS / 2);
    neighbours_free(t);
}

static void stale_entries_are_used_and_then_verified(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct ip_address a = address(1);
    struct neighbour_frames ready;
    struct neighbour_ask ask;
    uint64_t now = NEIGHBOUR_REACHABLE_US + 10;
    uint8_t mac[6];

    neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready);
    CHECK(neighbour_resolve(t, &a, now, mac) &&
          neighbour_next_timer(t) == now + NEIGHBOUR_DELAY_US);
    CHECK(turn_all(t, now + NEIGHBOUR_DELAY_US, &ask) == 1 && ask.unicast);
    CHECK(memcmp(ask.mac, packet_peer_mac, 6) == 0);
    /* Still used while it is probed; gone after the last try. */
    CHECK(neighbour_resolve(t, &a, now + NEIGHBOUR_DELAY_US, mac));
    for (int i = 1; i <= NEIGHBOUR_TRIES; i++)
        turn_all(t, now + NEIGHBOUR_DELAY_US + (uint64_t)i * NEIGHBOUR_RETRANS_US, &ask);
    CHECK(neighbour_count(t) == 0 && !neighbour_find(t, &a, mac));
    neighbours_free(t);
}

static void traffic_confirms_only_the_known_mac(void)
{
    struct neighbours *t = neighbours_new(16, 1);
    struct ip_address a = address(1), b = address(2);
    struct neighbour_frames ready;
    struct neighbour_ask ask;
    uint8_t mac[6];

    neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_ASKED_US, 1, &ready);
    neighbour_resolve(t, &a, 1, mac);
    neighbour_learn(t, &a, packet_our_mac, NEIGHBOUR_CONFIRMED, 2, &ready);
    CHECK(neighbour_next_timer(t) == 1 + NEIGHBOUR_DELAY_US);
    neighbour_learn(t, &a, packet_peer_mac, NEIGHBOUR_CONFIRMED, 2, &ready);
    CHECK(turn_all(t, 2 + NEIGHBOUR_DELAY_US, &ask) == 0);
    CHECK(neighbour_resolve(t, &a, 3, mac) && memcmp(mac, packet_peer_mac, 6) == 0);
    CHECK(!neighbour_learn(t, &b, packet_peer_mac, NEIGHBOUR_CONFIRMED, 2, &ready));
    CHECK(!neighbour_learn(t, &b, packet_peer_mac, NEIGHBOUR_ANNOUNCED, 2, &ready) &&
          neighbour_count(t) == 1);
    neighbours_free(t);
}

int main(void)
{
    check_begin();
    CHECK_CASE(asks_three_times_and_gives_up);
    CHECK_CASE(answers_set_waiting_frames_free_oldest_first_and_bounded);
    CHECK_CASE(all_waiting_frames_together_are_bounded);
    CHECK_CASE(the_table_is_bounded_and_keeps_what_is_fresh);
    CHECK_CASE(in_a_full_table_the_oldest_question_makes_room);
    CHECK_CASE(a_flood_of_questions_displaces_only_questions);
    CHECK_CASE(neighbours_in_use_never_make_room);
    CHECK_CASE(questions_a_second_are_bounded);
    CHECK_CASE(stale_entries_are_used_and_then_verified);
    CHECK_CASE(traffic_confirms_only_the_known_mac);
    return check_end();
}
