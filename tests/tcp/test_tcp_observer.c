/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/tcp/observer_rig.h"

#define NOTHING span_text("")
#define TOLD(text_) CHECK_TEXT(span_text(rig_told(&rig)), text_)

/* Each case has a rig of its own, finished and empty at the end. */
static struct observer_rig rig;

static void start(void)
{
    rig_init(&rig);
    rig_start(&rig);
}

static void started_open(void)
{
    start();
    rig_open(&rig);
    TOLD("begin");
}

static void stop(const char *last)
{
    tcp_observer_finish(rig.observer);
    TOLD(last);
    CHECK(tcp_observer_flows(rig.observer) == 0);
    CHECK(tcp_observer_held(rig.observer) == 0);
    rig_fini(&rig);
}

static void a_session_is_told_in_order(void)
{
    started_open();
    rig_text(&rig, 'S', 1, 1, "220 hi\r\n");
    rig_text(&rig, 'C', 1, 9, "EHLO a\r\n");
    rig_text(&rig, 'S', 9, 9, "250 a\r\n");
    TOLD("S 220 hi\r\n\nC EHLO a\r\n\nS 250 a\r\n");
    rig_send(&rig, 'C', "FA", 9, 16, NOTHING);
    rig_send(&rig, 'S', "FA", 16, 10, NOTHING);
    TOLD("fin C\nfin S\nend closed");
    rig_send(&rig, 'C', "A", 10, 17, NOTHING);
    stop("");
}

static void a_syn_alone_is_not_told(void)
{
    start();
    rig_send(&rig, 'C', "S", 0, 0, NOTHING);
    CHECK(tcp_observer_flows(rig.observer) == 1);
    rig_wait(&rig, 31000);
    CHECK(tcp_observer_flows(rig.observer) == 0);
    stop("");
}

static void out_of_order_waits(void)
{
    started_open();
    rig_text(&rig, 'C', 4, 1, "def");
    TOLD("");
    CHECK(tcp_observer_held(rig.observer) > 0);
    rig_text(&rig, 'C', 1, 1, "abc");
    TOLD("C abcdef");
    stop("end capture-end");
}

static void a_reply_waits_for_its_command(void)
{
    started_open();
    rig_text(&rig, 'S', 1, 6, "reply");
    TOLD("");
    rig_text(&rig, 'C', 1, 1, "order");
    TOLD("C order\nS reply");
    stop("end capture-end");
}

static void a_lost_segment_is_a_gap_once_acknowledged(void)
{
    started_open();
    rig_text(&rig, 'C', 4, 1, "def");
    rig_wait(&rig, 5000);
    TOLD(""); /* the server has not got it either */
    rig_send(&rig, 'S', "A", 1, 7, NOTHING);
    rig_wait(&rig, 900);
    TOLD("");
    rig_wait(&rig, 200);
    TOLD("gap C 3\nC def");
    rig_text(&rig, 'C', 1, 1, "abc");
    TOLD("");
    stop("end capture-end");
}

/* Seconds between segments: that one comes some places too late is no loss yet. */
static void a_slow_dialogue_may_be_out_of_order(void)
{
    rig_init(&rig);
    rig.options.gap_segments = 4;
    rig_start(&rig);
    rig_open(&rig);
    rig_text(&rig, 'C', 4, 1, "def");
    rig_send(&rig, 'S', "A", 1, 7, NOTHING);
    for (uint32_t i = 0; i < 2; i++) {
        rig_wait(&rig, 1500);
        rig_send(&rig, 'S', "A", 1, 7, NOTHING);
    }
    TOLD("begin");
    rig_text(&rig, 'C', 1, 1, "abc");
    TOLD("C abcdef");
    /* So many segments later it is one; and without any after so many times the patience. */
    rig_text(&rig, 'C', 10, 1, "jkl");
    rig_send(&rig, 'S', "A", 1, 13, NOTHING);
    for (uint32_t i = 0; i < 4; i++)
        rig_send(&rig, 'S', "A", 1, 13, NOTHING);
    rig_wait(&rig, 1100);
    TOLD("gap C 3\nC jkl");
    rig_text(&rig, 'C', 16, 1, "pqr");
    rig_send(&rig, 'S', "A", 1, 19, NOTHING);
    for (uint32_t i = 0; i < 4; i++) {
        rig_wait(&rig, 1100);
        TOLD("");
    }
    rig_wait(&rig, 1100);
    TOLD("gap C 3\nC pqr");
    stop("end capture-end");
}

static void a_doubtful_packet_waits_for_its_receiver(void)
{
    started_open();
    rig.doubtful = true;
    rig_text(&rig, 'C', 1, 1, "abc");
    rig_text(&rig, 'C', 4, 1, "xyz");
    rig.doubtful = false;
    TOLD("");
    rig_send(&rig, 'S', "A", 1, 4, NOTHING);
    TOLD("C abc");
    rig_text(&rig, 'C', 4, 1, "def");
    TOLD("event C overlap xyz\nC def");
    /* At the end it is better than nothing. */
    rig.doubtful = true;
    rig_text(&rig, 'C', 7, 1, "ghi");
    rig.doubtful = false;
    stop("C ghi\nend capture-end");
}

static void a_gap_is_told_at_the_end_at_the_latest(void)
{
    started_open();
    rig_text(&rig, 'C', 4, 1, "def");
    stop("gap C 3\nC def\nend capture-end");
}

static void one_direction_suffices(void)
{
    start();
    rig_send(&rig, 'C', "S", 0, 0, NOTHING);
    rig_send(&rig, 'C', "A", 1, 1, NOTHING);
    rig_text(&rig, 'C', 1, 9, "EHLO a\r\n");
    TOLD("");
    rig_wait(&rig, 1100);
    TOLD("begin\nevent C one-sided\nC EHLO a\r\n");
    rig_text(&rig, 'C', 9, 20, "QUIT\r\n");
    TOLD("C QUIT\r\n");
    rig_send(&rig, 'C', "FA", 15, 30, NOTHING);
    TOLD("fin C\nend closed");
    stop("");
}

static void the_other_direction_may_come_late(void)
{
    start();
    rig_send(&rig, 'C', "S", 0, 0, NOTHING);
    rig_text(&rig, 'C', 1, 9, "EHLO a\r\n");
    rig_wait(&rig, 1100);
    TOLD("begin\nevent C one-sided\nC EHLO a\r\n");
    rig_text(&rig, 'S', 9, 9, "250 a\r\n");
    TOLD("");
    rig_wait(&rig, 1100);
    TOLD("event S midstream\nS 250 a\r\n");
    rig_text(&rig, 'S', 16, 11, "x");
    rig_text(&rig, 'C', 9, 16, "yy");
    TOLD("C yy\nS x");
    stop("end capture-end");
}

static void midstream_waits_for_what_is_earlier(void)
{
    start();
    rig_text(&rig, 'C', 104, 50, "def");
    rig_text(&rig, 'C', 101, 50, "abc");
    rig_send(&rig, 'S', "A", 50, 107, NOTHING);
    TOLD("");
    rig_wait(&rig, 1100);
    TOLD("begin\nevent C midstream\nC abcdef");
    stop("end capture-end");
}

static void midstream_goes_on_with_a_listener(void)
{
    start();
    rig_text(&rig, 'C', 101, 50, "abc");
    rig_send(&rig, 'S', "A", 50, 104, NOTHING);
    rig_wait(&rig, 1100);
    TOLD("begin\nevent C midstream\nC abc");
    rig_text(&rig, 'C', 104, 50, "def");
    TOLD("C def");
    rig_text(&rig, 'S', 50, 107, "ok");
    TOLD("S ok");
    stop("end capture-end");
}

static void a_late_syn_says_where_a_flow_begins(void)
{
    start();
    rig_text(&rig, 'S', 4, 1, "def");
    rig_text(&rig, 'S', 1, 1, "abc");
    rig_send(&rig, 'S', "SA", 0, 1, NOTHING);
    TOLD("begin\nS abcdef");
    rig_send(&rig, 'C', "S", 0, 0, NOTHING);
    rig_text(&rig, 'C', 1, 7, "x");
    TOLD("C x");
    stop("end capture-end");
}

static void a_retransmission_that_differs_is_told(void)
{
    started_open();
    rig_text(&rig, 'C', 1, 1, "abcdef");
    rig_text(&rig, 'C', 1, 1, "abcdef");
    rig_text(&rig, 'C', 3, 1, "XXef");
    TOLD("C abcdef\nevent C retransmission XXef");
    rig_send(&rig, 'S', "A", 1, 7, NOTHING);
    rig_text(&rig, 'C', 1, 1, "ABCDEF"); /* acknowledged: no receiver looks at it */
    TOLD("");
    stop("end capture-end");
}

static void a_keep_alive_is_none(void)
{
    started_open();
    rig_text(&rig, 'C', 1, 1, "abc");
    rig_text(&rig, 'C', 3, 1, "\x7f");
    TOLD("C abc");
    stop("end capture-end");
}

static void a_wrong_checksum_waits_for_a_better_copy(void)
{
    started_open();
    rig.checksum = TCP_CHECKSUM_BAD;
    rig_text(&rig, 'C', 1, 1, "EVIL");
    TOLD("event C checksum");
    rig.checksum = TCP_CHECKSUM_GOOD;
    rig_text(&rig, 'C', 1, 1, "good");
    TOLD("C good");
    rig.checksum = TCP_CHECKSUM_BAD;
    rig_text(&rig, 'C', 5, 1, "lost");
    rig.checksum = TCP_CHECKSUM_GOOD;
    rig_wait(&rig, 5000);
    stop("end capture-end");
}

static void a_wrong_checksum_counts_when_it_is_acknowledged(void)
{
    started_open();
    rig.checksum = TCP_CHECKSUM_PSEUDO;
    rig_text(&rig, 'C', 1, 1, "sent from here");
    rig.checksum = TCP_CHECKSUM_GOOD;
    TOLD("event C checksum");
    rig_send(&rig, 'S', "A", 1, 15, NOTHING);
    TOLD("event C checksum-taken\nC sent from here");
    stop("end capture-end");
}

static void a_short_lived_segment_loses(void)
{
    started_open();
    rig.ttl[0] = 2;
    rig_text(&rig, 'C', 1, 1, "EVIL");
    TOLD("event C ttl");
    rig.ttl[0] = 64;
    rig_text(&rig, 'C', 1, 1, "good");
    TOLD("event C overlap EVIL\nC good");
    rig.ttl[0] = 50; /* another way, and it arrives */
    rig_text(&rig, 'C', 5, 1, "more");
    TOLD("");
    rig_send(&rig, 'S', "A", 1, 9, NOTHING);
    TOLD("C more");
    rig_text(&rig, 'C', 9, 1, "!");
    TOLD("C !");
    stop("end capture-end");
}

static void a_reset_must_be_exact(void)
{
    started_open();
    rig_text(&rig, 'C', 1, 1, "abc");
    rig_send(&rig, 'C', "R", 5000, 0, NOTHING);
    TOLD("C abc\nevent C reset-ignored");
    rig_text(&rig, 'C', 4, 1, "def");
    TOLD("C def");
    rig_send(&rig, 'C', "R", 7, 0, NOTHING);
    rig_text(&rig, 'S', 1, 7, "late"); /* captured behind it */
    TOLD("S late");
    rig_wait(&rig, 1100);
    TOLD("end reset");
    stop("");
}

static void a_timestamp_of_the_past_is_doubtful(void)
{
    start();
    rig.ts[0] = rig.ts[1] = 100;
    rig_open(&rig);
    rig_text(&rig, 'C', 1, 1, "abc");
    TOLD("begin\nC abc");
    rig.ts[0] = 50;
    rig_text(&rig, 'C', 4, 1, "EVIL");
    rig.ts[0] = 101;
    rig_text(&rig, 'C', 4, 1, "good");
    TOLD("event C paws\nevent C overlap EVIL\nC good");
    stop("end capture-end");
}

static void bytes_beyond_the_window_wait_for_it(void)
{
    start();
    rig.window[1] = 4;
    rig_open(&rig);
    rig_text(&rig, 'C', 1, 1, "abcd");
    rig_text(&rig, 'C', 5, 1, "EVIL");
    TOLD("begin\nC abcd\nevent C window");
    rig_send(&rig, 'S', "A", 1, 5, NOTHING);
    rig_text(&rig, 'C', 5, 1, "good");
    TOLD("C EVIL\nevent C retransmission good");
    stop("end capture-end");
}

static void the_window_is_scaled(void)
{
    start();
    rig.window[1] = 4;
    rig.scale[0] = rig.scale[1] = 4;
    rig_open(&rig);
    rig_send(&rig, 'S', "A", 1, 1, NOTHING);
    rig_text(&rig, 'C', 1, 1, "abcdefgh");
    TOLD("begin\nC abcdefgh");
    stop("end capture-end");
}

static void numbers_wrap(void)
{
    rig_init(&rig);
    rig.isn[0] = UINT32_MAX - 3;
    rig.isn[1] = UINT32_MAX;
    rig_start(&rig);
    rig_open(&rig);
    rig_text(&rig, 'C', 5, 1, "efgh");
    rig_text(&rig, 'S', 1, 9, "12");
    rig_text(&rig, 'C', 1, 1, "abcd");
    TOLD("begin\nC abcdefgh\nS 12");
    stop("end capture-end");
}

static void ports_are_used_again(void)
{
    started_open();
    rig_text(&rig, 'C', 1, 1, "one");
    rig_send(&rig, 'C', "FA", 4, 1, NOTHING);
    rig_send(&rig, 'S', "FA", 1, 5, NOTHING);
    TOLD("C one\nfin C\nfin S\nend closed");
    rig.isn[0] += 100000;
    rig.isn[1] += 100000;
    rig_open(&rig);
    rig_text(&rig, 'C', 1, 1, "two");
    TOLD("begin\nC two");
    /* One that crashed starts anew: its SYN alone may be anybody's, the answer to it is not. */
    rig.isn[0] += 100000;
    rig_send(&rig, 'C', "S", 0, 0, NOTHING);
    TOLD("event C syn-inside");
    rig.isn[1] += 100000;
    rig_send(&rig, 'S', "SA", 0, 1, NOTHING);
    TOLD("end reused");
    rig_text(&rig, 'C', 1, 1, "three");
    TOLD("begin\nC three");
    stop("end capture-end");
}

static void a_cut_segment_leaves_a_gap(void)
{
    started_open();
    rig.cut = 3;
    rig_text(&rig, 'C', 1, 1, "abcdef");
    rig.cut = 0;
    rig_text(&rig, 'C', 7, 1, "ghi");
    TOLD("C abc\ngap C 3\nC ghi");
    stop("end capture-end");
}

static void memory_is_bounded(void)
{
    uint8_t bytes[1000];

    rig_init(&rig);
    rig.options.flow_memory = 16 * 2048;
    rig.options.keep = 0;
    rig.window[1] = 65535;
    rig.scale[0] = rig.scale[1] = 5;
    rig_start(&rig);
    rig_open(&rig);
    rig_send(&rig, 'S', "A", 1, 1, NOTHING);
    rig_told(&rig);
    memset(bytes, 'x', sizeof(bytes));
    for (uint32_t i = 1; i < 100; i++)
        rig_send(&rig, 'C', "A", 1 + 1000 * i, 1, span_of(bytes, 1000));
    CHECK(tcp_observer_held(rig.observer) == 16 * 2048);
    TOLD("event C memory");
    rig_send(&rig, 'C', "A", 1, 1, span_of(bytes, 1000));
    CHECK(strlen(rig_told(&rig)) == 17000 + 2);
    CHECK(tcp_observer_held(rig.observer) == 0);
    CHECK(tcp_observer_counters(rig.observer)->drop_memory == 83);
    stop("end capture-end");
}

static void a_full_table_gives_up_half_open_flows(void)
{
    start();
    for (uint32_t i = 0; i < 16; i++) {
        struct observed_packet p = {.source = ip_address_v4((uint8_t[]){198, 18, 1, (uint8_t)i}),
                                    .destination = ip_address_v4((uint8_t[]){198, 18, 0, 2}),
                                    .segment =
                                        span_of("\1\1\0\x19\0\0\0\0\0\0\0\0\x50\2\0\0\0\0\0", 20),
                                    .segment_len = 20,
                                    .time_ns = rig.now_ns};

        tcp_observer_packet(rig.observer, &p);
    }
    CHECK(tcp_observer_flows(rig.observer) == 16);
    rig_open(&rig);
    TOLD("begin");
    CHECK(tcp_observer_counters(rig.observer)->flows_evicted == 1);
    stop("end capture-end");
}

static void capture_losses_mark_living_flows(void)
{
    started_open();
    tcp_observer_lost(rig.observer);
    rig_text(&rig, 'C', 1, 1, "abc");
    TOLD("event C capture-gap\nC abc");
    stop("end capture-end");
}

static void an_idle_flow_ends(void)
{
    started_open();
    rig_text(&rig, 'C', 1, 1, "abc");
    rig_wait(&rig, 601000);
    TOLD("C abc\nend idle");
    stop("");
}

static void syn_data_counts_when_it_is_acknowledged(void)
{
    start();
    rig_send(&rig, 'C', "S", 0, 0, span_text("fast"));
    rig_send(&rig, 'S', "SA", 0, 5, NOTHING);
    TOLD("begin\nevent C syn-data\nC fast");
    stop("end capture-end");
    start();
    rig_send(&rig, 'C', "S", 0, 0, span_text("EVIL"));
    rig_send(&rig, 'S', "SA", 0, 1, NOTHING);
    rig_text(&rig, 'C', 1, 1, "good");
    TOLD("begin\nevent C syn-data\nevent C overlap EVIL\nC good");
    stop("end capture-end");
}

static void payload_behind_the_end_is_told(void)
{
    started_open();
    rig_send(&rig, 'C', "FA", 4, 1, NOTHING);
    rig_text(&rig, 'C', 1, 1, "abcdef");
    TOLD("event C behind-end\nC abc\nfin C");
    stop("end capture-end");
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_session_is_told_in_order);
    CHECK_CASE(a_syn_alone_is_not_told);
    CHECK_CASE(out_of_order_waits);
    CHECK_CASE(a_reply_waits_for_its_command);
    CHECK_CASE(a_lost_segment_is_a_gap_once_acknowledged);
    CHECK_CASE(a_slow_dialogue_may_be_out_of_order);
    CHECK_CASE(a_doubtful_packet_waits_for_its_receiver);
    CHECK_CASE(a_gap_is_told_at_the_end_at_the_latest);
    CHECK_CASE(one_direction_suffices);
    CHECK_CASE(the_other_direction_may_come_late);
    CHECK_CASE(midstream_waits_for_what_is_earlier);
    CHECK_CASE(midstream_goes_on_with_a_listener);
    CHECK_CASE(a_late_syn_says_where_a_flow_begins);
    CHECK_CASE(a_retransmission_that_differs_is_told);
    CHECK_CASE(a_keep_alive_is_none);
    CHECK_CASE(a_wrong_checksum_waits_for_a_better_copy);
    CHECK_CASE(a_wrong_checksum_counts_when_it_is_acknowledged);
    CHECK_CASE(a_short_lived_segment_loses);
    CHECK_CASE(a_reset_must_be_exact);
    CHECK_CASE(a_timestamp_of_the_past_is_doubtful);
    CHECK_CASE(bytes_beyond_the_window_wait_for_it);
    CHECK_CASE(the_window_is_scaled);
    CHECK_CASE(numbers_wrap);
    CHECK_CASE(ports_are_used_again);
    CHECK_CASE(a_cut_segment_leaves_a_gap);
    CHECK_CASE(memory_is_bounded);
    CHECK_CASE(a_full_table_gives_up_half_open_flows);
    CHECK_CASE(capture_losses_mark_living_flows);
    CHECK_CASE(an_idle_flow_ends);
    CHECK_CASE(syn_data_counts_when_it_is_acknowledged);
    CHECK_CASE(payload_behind_the_end_is_told);
    return check_end();
}
