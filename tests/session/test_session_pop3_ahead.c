/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>

/* Messages that are read before they are asked for: few questions, the right bytes, bounds, and all
 * of it given back however a session ends. */

enum { MESSAGES = 60, SIZE = 3000 };

static const struct counters *counters(struct world *w)
{
    return handoff_counters(handoff_port_of(w->handoff, 0));
}

/* Lines that tell message and place, some with a dot in front. */
static void put(struct world *w, uint32_t number, size_t size)
{
    struct world_message *m = &w->messages[w->message_count++];
    int at = 0;

    m->bytes = malloc(size + 64);
    while ((size_t)at < size)
        at += sprintf((char *)m->bytes + at, "%s%u at %d, and so on and on\r\n",
                      at % 7 == 3 ? "." : "", number, at);
    m->len = (size_t)at;
}

static struct world *mailbox(uint32_t messages)
{
    struct world *w = world_new(NULL, NULL);

    for (uint32_t i = 1; i <= messages; i++)
        put(w, i, SIZE + i);
    world_connect(w, 110);
    world_say(w, "USER alice@example.test\r\nPASS secret\r\n");
    CHECK(world_expect(w, "+OK *\r\n+OK *\r\n+OK *\r\n"));
    return w;
}

/* The answer to RETR of that message: status line, stuffed lines, the end. */
static size_t answer_of(const struct world *w, uint32_t index, char *out)
{
    const struct world_message *m = &w->messages[index];
    size_t n = (size_t)sprintf(out, "+OK %zu octets\r\n", m->len);

    for (size_t i = 0; i < m->len; i++) {
        if (m->bytes[i] == '.' && (i == 0 || m->bytes[i - 1] == '\n'))
            out[n++] = '.';
        out[n++] = (char)m->bytes[i];
    }
    return n + (size_t)sprintf(out + n, ".\r\n");
}

static void check_answers(struct world *w, uint32_t first, uint32_t count)
{
    static char expected[WORLD_TEXT];
    size_t n = 0;

    for (uint32_t i = first; i < first + count; i++)
        n += answer_of(w, i, expected + n);
    CHECK(w->text_len == n && memcmp(w->text, expected, n) == 0);
    w->text_len = 0;
    w->text[0] = 0;
}

static void say_retr(struct world *w, uint32_t number)
{
    char text[32];

    sprintf(text, "RETR %u\r\n", number);
    world_say(w, text);
}

static void retrieve(struct world *w, uint32_t number)
{
    say_retr(w, number);
    check_answers(w, number - 1, 1);
}

/* The end of a session, and that nothing is held afterwards. */
static void end(struct world *w)
{
    CHECK(w->pins == 0 && w->views == 0 && w->batches == 0);
    CHECK(counters(w)->pop3_ahead_bytes == 0);
    CHECK(world_free(w));
}

static void quit(struct world *w)
{
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "+OK*\r\n"));
    end(w);
}

static void one_question_serves_many(void)
{
    struct world *w = mailbox(MESSAGES);

    for (uint32_t i = 1; i <= MESSAGES; i++)
        retrieve(w, i);
    /* 16 KiB, 32, 64, and 64 again. */
    CHECK(w->reads >= 4 && w->reads <= 6);
    CHECK(counters(w)->pop3_ahead == MESSAGES - w->reads);
    CHECK(counters(w)->pop3_retrieved == MESSAGES && counters(w)->pop3_ahead_unused == 0);
    CHECK(w->batches <= 1);
    quit(w);
}

/* In the turn that reads the command. */
static void the_next_reply_needs_no_answer_of_control(void)
{
    struct world *w = mailbox(MESSAGES);

    retrieve(w, 1);
    w->hold = true;
    for (uint32_t i = 2; i <= 5; i++)
        retrieve(w, i);
    say_retr(w, 6);
    CHECK(world_expect(w, ""));
    w->hold = false;
    world_run(w);
    check_answers(w, 5, 1);
    quit(w);
}

static void commands_in_one_piece_are_answered_in_order(void)
{
    static char text[20 * 16];
    struct world *w = mailbox(MESSAGES);
    int n = 0;

    for (uint32_t i = 1; i <= 20; i++)
        n += sprintf(text + n, "RETR %u\r\n", i);
    for (w->step = 1; w->step < 64; w->step = w->step * 3 + 1) {
        w->reads = 0;
        world_say(w, text);
        check_answers(w, 0, 20);
        CHECK(w->reads <= 5);
    }
    quit(w);
}

static void out_of_order_nothing_is_read_ahead(void)
{
    struct world *w = mailbox(MESSAGES);

    for (uint32_t i = 30; i > 2; i -= 4)
        retrieve(w, i);
    CHECK(w->reads == 7 && counters(w)->pop3_ahead == 0 && counters(w)->pop3_ahead_bytes == 0);
    quit(w);
}

static void what_is_passed_over_is_passed_over(void)
{
    struct world *w = mailbox(MESSAGES);

    retrieve(w, 1);
    retrieve(w, 3);
    world_say(w, "DELE 4\r\nRETR 4\r\n");
    CHECK(world_expect(w, "+OK*\r\n-ERR*\r\n"));
    world_say(w, "TOP 5 1\r\n");
    CHECK(world_expect(w, "+OK\r\n5 at 0*.\r\n"));
    CHECK(w->reads == 1 && counters(w)->pop3_ahead == 2);
    quit(w);
}

static void whoever_goes_another_way_gives_it_back(void)
{
    struct world *w = mailbox(MESSAGES);

    retrieve(w, 1);
    CHECK(counters(w)->pop3_ahead_bytes > SIZE);
    retrieve(w, 40);
    CHECK(counters(w)->pop3_ahead_unused == 1 && counters(w)->pop3_ahead_bytes == 0);
    retrieve(w, 20);
    CHECK(w->batches <= 1);
    /* And begins small again when it comes back into the order. */
    w->reads = 0;
    retrieve(w, 21);
    retrieve(w, 22);
    CHECK(w->reads == 1);
    retrieve(w, 21);
    CHECK(w->reads == 2 && counters(w)->pop3_ahead_unused == 2);
    quit(w);
}

static void top_is_read_alone(void)
{
    struct world *w = mailbox(MESSAGES);

    world_say(w, "TOP 1 1\r\nTOP 2 1\r\n");
    CHECK(world_expect(w, "+OK\r\n1 at 0*.\r\n+OK\r\n2 at 0*.\r\n"));
    CHECK(w->reads == 2 && counters(w)->pop3_ahead == 0);
    quit(w);
}

static void quit_in_the_middle(void)
{
    for (int deletes = 0; deletes < 2; deletes++) {
        struct world *w = mailbox(MESSAGES);

        retrieve(w, 1);
        retrieve(w, 2);
        CHECK(w->batches == 1 && counters(w)->pop3_ahead_bytes > 0);
        w->hold = true;
        world_say(w, deletes ? "DELE 1\r\nQUIT\r\n" : "RETR 99\r\nQUIT\r\n");
        CHECK(world_expect(w, deletes ? "+OK*\r\n" : "-ERR*\r\n"));
        w->hold = false;
        while (!w->text_len && world_turn(w))
            CHECK(!w->text_len || w->views == 0);
        CHECK(world_expect(w, "+OK*\r\n"));
        world_run(w);
        end(w);
    }
}

static void the_peer_goes_in_the_middle(void)
{
    for (int how = 0; how < 4; how++) {
        struct world *w = mailbox(MESSAGES);

        retrieve(w, 1);
        w->deaf = how >= 2;
        world_say(w, "RETR 2\r\nRETR 3\r\nRETR 4\r\nRETR 5\r\nRETR 6\r\nRETR 7\r\n");
        if (how % 2)
            world_reset(w);
        else
            world_close(w);
        w->deaf = false;
        world_wait(w, 700000);
        end(w);
    }
}

/* What was queued is on its way when its rest is given up: the bytes stay until the peer has them.
 */
static void given_up_bytes_stay_until_they_are_acknowledged(void)
{
    struct world *w = mailbox(MESSAGES);

    for (uint32_t i = 1; i <= 20; i++)
        retrieve(w, i);
    w->deaf = true;
    world_say(w, "RETR 21\r\nRETR 22\r\nRETR 55\r\nRETR 1\r\nRETR 2\r\n");
    w->deaf = false;
    world_say(w, "NOOP\r\n");
    {
        static char expected[WORLD_TEXT];
        const uint32_t order[] = {20, 21, 54, 0, 1};
        size_t n = 0;

        for (int i = 0; i < 5; i++)
            n += answer_of(w, order[i], expected + n);
        n += (size_t)sprintf(expected + n, "+OK ok\r\n");
        CHECK(w->text_len == n && memcmp(w->text, expected, n) == 0);
    }
    w->text_len = 0;
    w->text[0] = 0;
    quit(w);
}

static void late_answers_of_whoever_has_gone(void)
{
    struct world *w = mailbox(MESSAGES);

    retrieve(w, 1);
    w->late = true;
    say_retr(w, 30);
    world_reset(w);
    w->late = false;
    world_run(w);
    end(w);
}

static void the_store_fails_behind_what_was_read(void)
{
    struct world *w = mailbox(MESSAGES);

    retrieve(w, 1);
    w->read_status = JOB_FAILED;
    retrieve(w, 2);
    say_retr(w, 30);
    CHECK(world_expect(w, "-ERR [SYS/TEMP]*\r\n"));
    CHECK(counters(w)->pop3_ahead_bytes == 0);
    w->read_status = JOB_OK;
    retrieve(w, 3);
    quit(w);
}

static void it_can_be_turned_off(void)
{
    struct world *w = mailbox(MESSAGES);

    w->settings.pop3_ahead = 0;
    world_publish(w);
    for (uint32_t i = 1; i <= 5; i++)
        retrieve(w, i);
    CHECK(w->reads == 5 && counters(w)->pop3_ahead == 0 && counters(w)->pop3_ahead_short == 0);
    quit(w);
}

/* Two sessions and room for what one of them reads ahead: both get their mail, and who has not used
 * his for longer gives it back. */
static void all_together_hold_so_much(void)
{
    struct world *w = mailbox(MESSAGES);
    struct tcp_conn *first = w->conn, *second;

    w->shared = true;
    w->settings.pop3_ahead_all = 20000;
    world_publish(w);
    retrieve(w, 1);
    CHECK(counters(w)->pop3_ahead_bytes > SIZE);
    world_connect(w, 110);
    second = w->conn;
    world_say(w, "USER alice@example.test\r\nPASS secret\r\n");
    world_expect(w, "+OK*");
    retrieve(w, 1);
    CHECK(counters(w)->pop3_ahead_short == 1 && counters(w)->pop3_ahead_unused == 1);
    CHECK(counters(w)->pop3_ahead_bytes <= 20000);
    retrieve(w, 2);
    CHECK(counters(w)->pop3_ahead_bytes > 0 && counters(w)->pop3_ahead_bytes <= 20000);
    w->conn = first;
    for (uint32_t i = 2; i < 20; i++) {
        retrieve(w, i);
        CHECK(counters(w)->pop3_ahead_bytes <= 20000);
    }
    world_say(w, "QUIT\r\n");
    CHECK(world_expect(w, "+OK*\r\n"));
    w->closed = false;
    w->conn = second;
    retrieve(w, 3);
    quit(w);
}

static void chunks_are_short(void)
{
    const uint32_t chunks[CHUNK_CLASSES] = {12, 8, 4};
    struct world *w = world_new(NULL, chunks);

    for (uint32_t i = 1; i <= 30; i++)
        put(w, i, SIZE);
    world_connect(w, 110);
    world_say(w, "USER alice@example.test\r\nPASS secret\r\n");
    world_wait(w, 1000);
    for (uint32_t i = 1; w->conn && i <= 30; i += i % 4 ? 1 : 5)
        say_retr(w, i);
    world_reset(w);
    world_wait(w, 1000);
    end(w);
}

int main(void)
{
    check_begin();
    CHECK_CASE(one_question_serves_many);
    CHECK_CASE(the_next_reply_needs_no_answer_of_control);
    CHECK_CASE(commands_in_one_piece_are_answered_in_order);
    CHECK_CASE(out_of_order_nothing_is_read_ahead);
    CHECK_CASE(what_is_passed_over_is_passed_over);
    CHECK_CASE(whoever_goes_another_way_gives_it_back);
    CHECK_CASE(top_is_read_alone);
    CHECK_CASE(quit_in_the_middle);
    CHECK_CASE(the_peer_goes_in_the_middle);
    CHECK_CASE(given_up_bytes_stay_until_they_are_acknowledged);
    CHECK_CASE(late_answers_of_whoever_has_gone);
    CHECK_CASE(the_store_fails_behind_what_was_read);
    CHECK_CASE(it_can_be_turned_off);
    CHECK_CASE(all_together_hold_so_much);
    CHECK_CASE(chunks_are_short);
    return check_end();
}
