/* SPDX-License-Identifier: BSD-3-Clause */
#include "dataplane/handoff/tls_outcome.h"
#include "dataplane/tls/tls_stream.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* Handshakes as a worker sees them: jobs, of which it asks no more than its share; and what is left
 * of a connection when records come to their end. */
enum { SMTPS = 465, FLOOD = 28, JOBS = 64, SHARE = 8 };

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
    struct listener *l = &w->settings.listeners[w->settings.listener_count++];

    *l = (struct listener){.port = SMTPS, .protocol = LISTENER_SMTP, .tls = LISTENER_IMPLICIT};
    w->settings.tls_handshakes = 1000;
    w->settings.tls_timeout_ms = 60000;
    world_publish(w);
    world_run(w);
    return w;
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
        f->conns[i] = world_open(w, SMTPS);
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

static struct tls_keys keys_of(bool client)
{
    struct tls_keys keys = {.version = TLS_VERSION_1_3, .suite = 0x1301};

    memset(client ? keys.write.secret : keys.read.secret, 1, sizeof(keys.read.secret));
    memset(client ? keys.read.secret : keys.write.secret, 2, sizeof(keys.read.secret));
    return keys;
}

/* Control has one job, of a handshake or of its end, and does what the handshake comes to. */
static void answer(struct world *w, const struct tls_outcome *outcome)
{
    struct job *job;

    if (service_take(w->handoff, SERVICE_CRYPTO, &job, 1) == 0)
        return;
    if (job->kind == JOB_TLS_HANDSHAKE) {
        job->tls_handshake.taken_out = (uint32_t)job->tls_handshake.in.len;
        job->tls_handshake.handshake_out = w;
        job->tls_handshake.outcome_out = outcome;
    }
    job_answer(w->handoff, job, JOB_OK);
}

/* A connection under TLS that was greeted, in records that nobody here reads. */
static struct world *secured(struct tls_stream *client, struct tls_crypto *crypto)
{
    static struct tls_outcome outcome;
    struct tls_keys keys = keys_of(true);
    struct world *w = with_tls(world_new(NULL, NULL));

    outcome.keys = keys_of(false);
    CHECK(tls_stream_init_client(client, crypto, &keys));
    w->hold = true;
    world_connect(w, SMTPS);
    world_say_bytes(w, span_of(hello, sizeof(hello)));
    answer(w, &outcome);
    world_run(w);
    answer(w, NULL);
    world_run(w);
    CHECK(w->text_len > 0);
    return w;
}

/* Whoever says QUIT has nothing more to say: what lies unread behind it in its record, and behind
 * the record, is dropped with the connection's input, under the reader. */
static void a_record_that_ends_the_session(void)
{
    static const char *const words[] = {"QUIT\r\n", "QUIT\r\nNOOP\r\nNOOP\r\n", "NOOP\r\nQUIT\r\n"};
    struct tls_crypto *crypto = tls_crypto_new();

    for (int reset = 0; reset < 2; reset++)
        for (int i = 0; i < 3; i++) {
            struct tls_stream client;
            struct world *w = secured(&client, crypto);
            uint8_t room[2 * (128 + TLS_STREAM_ROOM)];
            size_t len = tls_stream_seal(&client, crypto, span_text(words[i]), room);

            len += tls_stream_seal(&client, crypto, span_text("NOOP\r\n"), room + len);
            send_bytes(w, w->conn, span_of(room, len));
            if (reset) {
                world_turn(w);
                world_reset(w);
            }
            world_run(w);
            CHECK(reset || w->closed);
            CHECK(world_free(w));
        }
    tls_crypto_free(crypto);
}

/*
 * Control still has the handshake when its client goes: by FIN, by RST, or by an RST that comes in
 * the same turn as the answer, which then finds nothing of what control took.
 */
static void a_client_goes_while_control_works(void)
{
    static struct tls_outcome outcome;

    outcome.keys = keys_of(false);
    for (int way = 0; way < 3; way++) {
        struct world *w = with_tls(world_new(NULL, NULL));

        w->hold = true;
        world_connect(w, SMTPS);
        world_say_bytes(w, span_of(hello, sizeof(hello)));
        if (way == 0)
            world_close(w);
        else if (way == 1)
            world_reset(w);
        answer(w, &outcome);
        if (way == 2)
            world_reset(w);
        world_run(w);
        answer(w, NULL);
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
