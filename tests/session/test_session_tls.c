/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/world_tls.h"

/* Handshakes as a worker sees them: jobs, of which it asks no more than its share; and what is left
 * of a connection when records come to their end. */
enum { FLOOD = 28, JOBS = 64, SHARE = 8 };

/* The head of a handshake's record, and as much behind it as it says. */
static const uint8_t hello[] = {22, 3, 1, 0, 4, 1, 0, 0, 0};

struct flood {
    struct world *w;
    struct tcp_conn *conns[FLOOD];
    struct job *jobs[FLOOD];
    uint32_t count; /* of jobs that control has and has not answered */
};

static struct world *with_tls(struct world *w)
{
    return world_tls_listen(w, LISTENER_SMTP);
}

static void send_bytes(struct world *w, struct tcp_conn *conn, struct span bytes)
{
    CHECK(sendq_copy(tcp_sendq(conn), w->client_pool, bytes));
    tcp_send(w->client, conn);
}

/* A session that stands, and as many handshakes that have not begun. */
static void begin(struct flood *f, struct world *w)
{
    *f = (struct flood){.w = with_tls(w)};
    world_connect(w, 25);
    CHECK(world_expect(w, "220 *\r\n"));
    w->hold = true;
    for (int i = 0; i < FLOOD; i++)
        f->conns[i] = world_open(w, WORLD_TLS_PORT);
    world_run(w);
}

/* What is asked of control, which keeps it. How many. */
static uint32_t take(struct flood *f)
{
    uint32_t n = service_take(f->w->handoff, SERVICE_CRYPTO, f->jobs + f->count, FLOOD - f->count);

    f->count += n;
    return n;
}

/* Control refuses all that it has. */
static void refuse(struct flood *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        f->jobs[i]->tls_handshake.taken_out = (uint32_t)f->jobs[i]->tls_handshake.in.len;
        f->jobs[i]->tls_handshake.why_out = "refused";
        job_answer(f->w->handoff, f->jobs[i], JOB_REFUSED);
    }
    f->count = 0;
}

static bool end(struct flood *f)
{
    for (int i = 0; i < FLOOD; i++)
        tcp_shutdown(f->w->client, f->conns[i]);
    world_run(f->w);
    return world_free(f->w);
}

static void say_hello(struct flood *f)
{
    for (int i = 0; i < FLOOD; i++)
        send_bytes(f->w, f->conns[i], span_of(hello, sizeof(hello)));
}

static void a_turn_asks_its_share(void)
{
    static const uint32_t expected[] = {SHARE, SHARE, SHARE, FLOOD - 1 - 3 * SHARE};
    struct flood f;

    begin(&f, world_new_with(NULL, NULL, JOBS, 16));
    /* All but one wait, to go on at once. */
    f.w->settings.tls_handshakes = 1;
    world_publish(f.w);
    say_hello(&f);
    world_run(f.w);
    CHECK(take(&f) == 1);
    f.w->settings.tls_handshakes = 1000;
    world_publish(f.w);
    send_bytes(f.w, f.w->conn, span_text("NOOP\r\n"));
    for (int turn = 0; turn < 4; turn++) {
        world_turn(f.w);
        CHECK(take(&f) == expected[turn]);
        /* The session that stood before is not kept waiting. */
        CHECK(turn || world_expect(f.w, "250 2.0.0 *\r\n"));
    }
    CHECK(f.count == FLOOD);
    CHECK(handoff_counters(handoff_port_of(f.w->handoff, 0))->tls_handshakes_put_off > 0);
    refuse(&f);
    world_run(f.w);
    CHECK(end(&f));
}

/* And nobody is forgotten: each gets its turn when others have had theirs. */
static void half_of_the_jobs_are_left_to_others(void)
{
    struct flood f;
    uint32_t all = 0;

    begin(&f, world_new_small(NULL, 32)); /* it has 16 jobs */
    say_hello(&f);
    world_run(f.w);
    CHECK(take(&f) == 8);
    CHECK(take(&f) == 0);
    for (int round = 0; round < FLOOD && all < FLOOD; round++) {
        all += f.count;
        refuse(&f);
        world_turn(f.w);
        world_turn(f.w);
        take(&f);
    }
    CHECK(all == FLOOD && f.count == 0);
    world_run(f.w);
    CHECK(end(&f));
}

/* ---- behind the handshake ---- */

/* Whoever says QUIT has nothing more to say: what lies unread behind it in its record, and behind
 * the record, is dropped with the connection's input, under the reader. */
static void a_record_that_ends_the_session(void)
{
    static const char *const words[] = {"QUIT\r\n", "QUIT\r\nNOOP\r\nNOOP\r\n", "NOOP\r\nQUIT\r\n"};
    static struct tls_outcome outcome;

    for (int reset = 0; reset < 2; reset++)
        for (int i = 0; i < 3; i++) {
            uint8_t room[2 * (128 + TLS_STREAM_ROOM)];
            struct world *w = with_tls(world_new(NULL, NULL));
            struct world_tls t;
            size_t len;

            world_tls_connect(&t, w, &outcome);
            w->hold = true;
            len = tls_stream_seal(&t.client, t.crypto, span_text(words[i]), room);
            len += tls_stream_seal(&t.client, t.crypto, span_text("NOOP\r\n"), room + len);
            send_bytes(w, w->conn, span_of(room, len));
            if (reset) {
                world_turn(w);
                world_reset(w);
            }
            world_run(w);
            CHECK(reset || w->closed);
            CHECK(world_tls_free(&t));
        }
}

/*
 * Control still has the handshake when its client goes: by FIN, by RST, or by an RST that comes in
 * the same turn as the answer, which then finds nothing of what control took.
 */
static void a_client_goes_while_control_works(void)
{
    static struct tls_outcome outcome;

    outcome.keys.version = TLS_VERSION_1_3;
    outcome.keys.suite = 0x1301;
    for (int way = 0; way < 3; way++) {
        struct world *w = with_tls(world_new(NULL, NULL));

        w->hold = true;
        world_connect(w, WORLD_TLS_PORT);
        world_tls_hello(w);
        if (way == 0)
            world_close(w);
        else if (way == 1)
            world_reset(w);
        world_tls_answer(w, &outcome);
        if (way == 2)
            world_reset(w);
        world_run(w);
        world_tls_answer(w, NULL);
        world_run(w);
        CHECK(world_free(w));
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_turn_asks_its_share);
    CHECK_CASE(half_of_the_jobs_are_left_to_others);
    CHECK_CASE(a_record_that_ends_the_session);
    CHECK_CASE(a_client_goes_while_control_works);
    return check_end();
}
