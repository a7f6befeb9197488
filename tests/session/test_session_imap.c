/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/session/transaction.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

/* What a worker does of IMAP: control is played by a few lines. */
enum { LARGE = 3000000, PIECE = 20000 };

static struct {
    uint8_t *large;
    size_t at;  /* of it, what goes out next */
    bool lends; /* it is lent, with pins */
    uint32_t open, news, appended, faults, staged, steps;
    char command[128];
    uint64_t idler; /* argument of a notice for who idles */
} control;

static void put(struct job *job, const char *text)
{
    struct chunk *out = job->imap.out;
    size_t n = strlen(text);

    memcpy(out->data + out->len, text, n);
    out->len += (uint32_t)n;
}

static void put_large(struct world *w, struct job *job)
{
    size_t left = LARGE - control.at, n;
    struct chunk *out = job->imap.out;

    n = control.lends ? PIECE : out->cap - out->len;
    if (n > left)
        n = left;
    if (control.lends && n) {
        job->imap.bytes_out = span_of(control.large + control.at, n);
        job->imap.pin_out = control.large + (control.at & ~(size_t)1);
        w->pins++;
    } else {
        memcpy(out->data + out->len, control.large + control.at, n);
        out->len += (uint32_t)n;
    }
    control.at += n;
    job->imap.more_out = true;
    if (n == 0) {
        put(job, "\r\na OK done\r\n");
        job->imap.more_out = false;
    }
}

static enum job_status command(struct world *w, struct job *job)
{
    struct span text = job->imap.command;

    snprintf(control.command, sizeof(control.command), "%.*s", (int)text.len,
             (const char *)text.data);
    job->imap.state_out = IMAP_EXECUTED_AUTH;
    if (strstr(control.command, "LARGE") || strstr(control.command, "SELECT")) {
        control.at = 0;
        put_large(w, job);
    } else if (strstr(control.command, "FOREVER")) {
        job->imap.more_out = true;
    } else if (strstr(control.command, "IDLE")) {
        job->imap.state_out = IMAP_EXECUTED_IDLE;
        control.idler = (uint64_t)job->generation << 32 | job->session;
        put(job, "+ idling\r\n");
    } else if (strstr(control.command, "APPEND")) {
        job->imap.append_out = true;
    } else {
        put(job, "a OK done\r\n");
    }
    return JOB_OK;
}

/* They are control's from now on. */
static void take_rows(struct world *w, const struct id128 *id)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < w->row_count; i++)
        if (memcmp(&w->rows[i].id, id, sizeof(*id)) != 0)
            w->rows[kept++] = w->rows[i];
        else
            free(w->rows[i].bytes);
    w->row_count = kept;
}

static enum job_status play(struct world *w, struct job *job)
{
    switch (job->kind) {
    case JOB_IMAP_OPEN:
        control.open++;
        job->imap.session = (struct imap_session *)&control;
        return JOB_OK;
    case JOB_IMAP_CLOSE:
        control.open--;
        return JOB_OK;
    case JOB_IMAP_MORE:
        job->imap.state_out = IMAP_EXECUTED_AUTH;
        if (strstr(control.command, "FOREVER")) {
            control.steps++;
            job->imap.more_out = true;
            return JOB_OK;
        }
        put_large(w, job);
        return JOB_OK;
    case JOB_IMAP_NEWS:
        control.news++;
        job->imap.state_out = IMAP_EXECUTED_IDLE;
        put(job, "* 7 EXISTS\r\n");
        return JOB_OK;
    case JOB_IMAP_APPEND:
        job->imap.state_out = IMAP_EXECUTED_AUTH;
        if (job->imap.again && job->imap.message) {
            control.staged++;
            take_rows(w, &job->imap.message->id);
            job->imap.append_out = job->imap.stored_out = true;
            return JOB_OK;
        }
        control.faults += job->imap.message == NULL;
        control.appended += job->imap.message != NULL;
        if (job->imap.fault) {
            put(job, job->imap.fault_bad ? "a BAD " : "a NO ");
            put(job, job->imap.fault);
            put(job, "\r\n");
            return JOB_OK;
        }
        job->imap.stored_out = false; /* so that its rows are discarded */
        put(job, "a NO not kept\r\n");
        return JOB_OK;
    default:
        return command(w, job);
    }
}

static struct world *connected(uint32_t jobs)
{
    struct world *w = world_new_with(NULL, NULL, jobs, 16);
    struct listener *l = &w->settings.listeners[w->settings.listener_count++];

    memset(&control, 0, sizeof(control));
    control.large = malloc(LARGE);
    memset(control.large, 'x', LARGE);
    w->imap = play;
    *l = (struct listener){.port = 143, .protocol = LISTENER_IMAP};
    w->settings.imap_cleartext = true;
    w->settings.imap_idle_ms = 600000;
    w->settings.imap_login_ms = 60000;
    w->settings.imap_failures_max = 3;
    world_publish(w);
    world_run(w);
    world_connect(w, 143);
    CHECK(world_expect(w, "* OK [CAPABILITY *"));
    world_say(w, "a LOGIN alice@example.test secret\r\n");
    CHECK(world_expect(w, "a OK *") && control.open == 1);
    return w;
}

/* Control's side has ended, no pin and no chunk is out. */
static void ended(struct world *w)
{
    world_run(w);
    CHECK(control.open == 0 && w->pins == 0 && w->row_count == 0);
    CHECK(world_free(w));
    free(control.large);
}

static void commands_are_executed_one_by_one(void)
{
    struct world *w = connected(16);

    world_say(w, "a NOOP\r\nb NOOP\r\nc LOGOUT\r\n");
    CHECK(world_expect(w, "a OK done\r\na OK done\r\n* BYE *c OK *") && w->closed);
    ended(w);
}

static void a_large_answer_is_pulled(void)
{
    for (int lends = 0; lends < 2; lends++) {
        struct world *w = connected(16);

        control.lends = lends;
        world_say(w, "a LIST \"\" LARGE\r\n");
        CHECK(w->swallowed + w->text_len == LARGE + strlen("\r\na OK done\r\n"));
        CHECK(w->pins == 0);
        world_close(w);
        ended(w);
    }
}

/* Of an answer that nobody takes, no more is asked for; what was lent comes back when the reader
 * goes or its time is up. */
static void a_slow_reader_holds_a_piece(void)
{
    for (int how = 0; how < 4; how++) {
        struct world *w = connected(16);

        control.lends = how & 1;
        w->deaf = true;
        world_say(w, "a LIST \"\" LARGE\r\n");
        world_wait(w, 1000);
        CHECK(control.at < LARGE);
        /* It goes, or says nothing for so long. */
        if (how & 2)
            world_reset(w);
        world_wait(w, how & 2 ? 5000 : 700000);
        ended(w);
    }
}

/* A command that goes on and says nothing: it is asked on, one job at a time, until the client
 * resets the connection, or says nothing for too long. */
static void a_command_that_nobody_waits_for_ends(void)
{
    for (int how = 0; how < 2; how++) {
        struct world *w = connected(16);
        uint32_t steps;

        sendq_copy(tcp_sendq(w->conn), w->client_pool, span_text("a LIST \"\" FOREVER\r\n"));
        tcp_send(w->client, w->conn);
        for (int i = 0; i < 100; i++)
            world_turn(w);
        if (!CHECK(control.steps > 10))
            printf("# %u steps\n", control.steps);
        if (how == 0)
            world_reset(w);
        for (int i = 0; how && control.open && i < 7000; i++) {
            w->now += 100000;
            w->wall_ms += 100;
            world_turn(w);
        }
        CHECK(control.open == 0);
        steps = control.steps;
        for (int i = 0; i < 100; i++)
            world_turn(w);
        CHECK(control.steps == steps);
        ended(w);
    }
}

static void an_idling_session_hears_news(void)
{
    struct world *w = connected(16);

    world_say(w, "i IDLE\r\n");
    CHECK(world_expect(w, "+ idling\r\n"));
    CHECK(notice_send(w->handoff, 0,
                      &(struct notice){.kind = NOTICE_MAIL, .argument = control.idler}));
    world_run(w);
    CHECK(world_expect(w, "* 7 EXISTS\r\n") && control.news == 1);
    /* For somebody that has gone. */
    CHECK(notice_send(
        w->handoff, 0,
        &(struct notice){.kind = NOTICE_MAIL, .argument = control.idler + (1ull << 40)}));
    world_run(w);
    CHECK(control.news == 1);
    world_say(w, "DONE\r\n");
    CHECK(world_expect(w, "a OK done\r\n"));
    CHECK(strcmp(control.command, "DONE") == 0);
    world_close(w);
    ended(w);
}

static void say_octets(struct world *w, size_t n)
{
    uint8_t *text = malloc(n);

    for (size_t i = 0; i < n; i++)
        text[i] = i % 60 == 58 ? '\r' : i % 60 == 59 ? '\n' : 'y';
    world_say_bytes(w, span_of(text, n));
    free(text);
}

/* Three rows and a rest: they are discarded when it ends in the middle, or is not kept. */
static void an_append_that_ends_early_leaves_no_rows(void)
{
    for (int how = 0; how < 3; how++) {
        struct world *w = connected(16);

        world_say(w, "a APPEND INBOX {200000}\r\n");
        CHECK(world_expect(w, "+ *"));
        say_octets(w, how ? 199990 : 200000);
        CHECK(w->writes > 0);
        if (how == 0) {
            world_say(w, "\r\n");
            CHECK(world_expect(w, "a NO not kept\r\n") && control.appended == 1);
            world_say(w, "b NOOP\r\n");
            CHECK(world_expect(w, "a OK done\r\n"));
        }
        if (how == 1)
            world_reset(w);
        else
            world_close(w);
        world_wait(w, how == 2 ? 120000 : 2000);
        CHECK(w->discards == 1);
        ended(w);
    }
}

/* Every message is stamped here. Cycles that are counted for one that is over would be added to
 * what its memory is used for then: octets of somebody's answer. */
static void no_cycles_are_counted_for_an_append(void)
{
    struct world *w = connected(16);

    world_say(w, "a APPEND INBOX {5}\r\n");
    CHECK(world_expect(w, "+ *"));
    CHECK(w->sessions->stamping == NULL);
    world_say(w, "hallo\r\n");
    CHECK(world_expect(w, "a NO not kept\r\n") && w->sessions->stamping == NULL);
    world_say(w, "c LOGOUT\r\n");
    world_wait(w, 2000);
    ended(w);
}

/* Mail is moved between servers and folders with all the fields that its way has left in it. */
static void no_loop_is_seen_in_an_append(void)
{
    static const char received[] = "Received: from a by b\r\n",
                      delivered[] = "Delivered-To: alice@example.org\r\n\r\n";
    struct world *w = connected(16);
    char line[64];

    snprintf(line, sizeof(line), "a APPEND INBOX {%zu+}\r\n",
             150 * (sizeof(received) - 1) + sizeof(delivered) - 1);
    world_say(w, line);
    for (int i = 0; i < 150; i++)
        world_say(w, received);
    world_say(w, delivered);
    world_say(w, "\r\n");
    CHECK(world_expect(w, "a NO not kept\r\n") && control.appended == 1 && control.faults == 0);
    /* Nor are fields hidden that are ours alone to write: the octets are those of the client. */
    world_say(w, "a APPEND INBOX {25+}\r\nReturn-Path: <a@b.test>\r\n\r\n");
    CHECK(world_expect(w, "a NO not kept\r\n") && w->sessions->counters->fields_hidden == 0);
    world_close(w);
    ended(w);
}

/* What control has taken is its own; of a message that it has not, the rows are discarded. */
static void several_messages_of_one_command(void)
{
    struct world *w = connected(16);

    world_say(w, "a APPEND INBOX {200000}\r\n");
    CHECK(world_expect(w, "+ *"));
    say_octets(w, 200000);
    world_say(w, " (\\Seen) {200000+}\r\n");
    CHECK(control.staged == 1 && control.faults == 0);
    say_octets(w, 200000);
    world_say(w, " {5}\r\n");
    CHECK(world_expect(w, "+ *") && control.staged == 2);
    world_say(w, "hallo\r\n");
    CHECK(world_expect(w, "a NO not kept\r\n") && control.appended == 1 && w->discards == 0);
    /* Behind one that is not taken nothing is. */
    world_say(w, "a APPEND INBOX {200000+}\r\n");
    say_octets(w, 200000);
    world_say(w, " {999999999}\r\nb NOOP\r\n");
    CHECK(world_expect(w, "a NO [TOOBIG] *a OK done\r\n") && control.faults == 1);
    CHECK(w->discards == 1 && control.staged == 2);
    world_say(w, "a APPEND INBOX {1+}\r\nx {0+}\r\n\r\n");
    CHECK(world_expect(w, "a NO [CANNOT] *") && control.staged == 3 && control.faults == 2);
    world_close(w);
    ended(w);
}

static void it_waits_for_a_job_where_there_is_none(void)
{
    struct world *w = connected(1);

    control.lends = true;
    world_say(w, "a LIST \"\" LARGE\r\nb NOOP\r\n");
    CHECK(w->swallowed + w->text_len == LARGE + strlen("\r\na OK done\r\na OK done\r\n"));
    world_close(w);
    ended(w);
}

static void a_job_that_fails_ends_the_session(void)
{
    struct world *w = connected(16);

    w->imap = NULL;
    world_say(w, "a NOOP\r\n");
    CHECK(world_expect(w, "* BYE *") && w->closed);
    world_run(w);
    control.open = 0;
    ended(w);
}

int main(void)
{
    check_begin();
    CHECK_CASE(commands_are_executed_one_by_one);
    CHECK_CASE(a_large_answer_is_pulled);
    CHECK_CASE(a_slow_reader_holds_a_piece);
    CHECK_CASE(a_command_that_nobody_waits_for_ends);
    CHECK_CASE(an_idling_session_hears_news);
    CHECK_CASE(an_append_that_ends_early_leaves_no_rows);
    CHECK_CASE(no_cycles_are_counted_for_an_append);
    CHECK_CASE(no_loop_is_seen_in_an_append);
    CHECK_CASE(several_messages_of_one_command);
    CHECK_CASE(it_waits_for_a_job_where_there_is_none);
    CHECK_CASE(a_job_that_fails_ends_the_session);
    return check_end();
}
