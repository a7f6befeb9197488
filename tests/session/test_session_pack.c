/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "dataplane/session/session_pack.h"
#include "proto/imap/imap_deflate.h"
#include "tests/harness/check.h"
#include "tests/session/session_world.h"
#include "tests/session/world_tls.h"

/* COMPRESS=DEFLATE: a client with zlib of its own; control is played by a few lines. */
enum { LARGE = 3000000, PIECE = 20000, TEXT = 4 << 20 };

static struct {
    uint8_t *large;
    size_t at;
    bool lends;
    uint32_t appended, faults;
    uint64_t size;
} control;

static struct {
    z_stream out, in;
    char *text; /* inflated */
    size_t len;
} client;

static void put(struct job *job, const char *text)
{
    struct chunk *out = job->imap.out;

    memcpy(out->data + out->len, text, strlen(text));
    out->len += (uint32_t)strlen(text);
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
    job->imap.more_out = n != 0;
    if (n == 0)
        put(job, "a OK done\r\n");
}

static enum job_status play(struct world *w, struct job *job)
{
    job->imap.state_out = IMAP_EXECUTED_AUTH;
    switch (job->kind) {
    case JOB_IMAP_OPEN:
        job->imap.session = (struct imap_session *)&control;
        return JOB_OK;
    case JOB_IMAP_CLOSE:
        return JOB_OK;
    case JOB_IMAP_MORE:
        put_large(w, job);
        return JOB_OK;
    case JOB_IMAP_APPEND:
        control.faults += job->imap.message == NULL;
        control.appended += job->imap.message != NULL;
        control.size = job->imap.message ? job->imap.message->size : 0;
        put(job, job->imap.message ? "a OK appended\r\n" : "a NO not\r\n");
        return JOB_OK;
    default:
        if (memmem(job->imap.command.data, job->imap.command.len, "LARGE", 5)) {
            control.at = 0;
            put_large(w, job);
        } else if (memmem(job->imap.command.data, job->imap.command.len, "APPEND", 6)) {
            job->imap.append_out = true;
        } else {
            put(job, "a OK done\r\n");
        }
        return JOB_OK;
    }
}

static void begin_client(void)
{
    memset(&client, 0, sizeof(client));
    client.text = malloc(TEXT);
    CHECK(deflateInit2(&client.out, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    CHECK(inflateInit2(&client.in, -15) == Z_OK);
}

static void end_client(void)
{
    deflateEnd(&client.out);
    inflateEnd(&client.in);
    free(client.text);
}

static void set_up(struct world *w, enum listener_tls tls)
{
    memset(&control, 0, sizeof(control));
    control.large = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        control.large[i] = (uint8_t)((i * 2654435761u) >> 20);
    w->imap = play;
    if (tls == LISTENER_CLEAR)
        w->settings.listeners[w->settings.listener_count++] =
            (struct listener){.port = 143, .protocol = LISTENER_IMAP};
    w->settings.imap_cleartext = true;
    w->settings.imap_idle_ms = 600000;
    w->settings.imap_login_ms = 60000;
    w->settings.imap_failures_max = 3;
    world_publish(w);
    world_run(w);
}

static struct world *connected(uint32_t step)
{
    struct world *w = world_new_with(NULL, NULL, 16, 16);

    set_up(w, LISTENER_CLEAR);
    begin_client();
    world_connect(w, 143);
    CHECK(world_expect(w, "* OK [CAPABILITY *"));
    world_say(w, "a LOGIN alice@example.test secret\r\n");
    CHECK(world_expect(w, "a OK [CAPABILITY *COMPRESS=DEFLATE*"));
    world_say(w, "a COMPRESS DEFLATE\r\n");
    CHECK(world_expect(w, "a OK compressed from here on\r\n"));
    w->step = step;
    return w;
}

static void ended(struct world *w)
{
    world_close(w);
    world_run(w);
    CHECK(w->pins == 0);
    end_client();
    CHECK(world_free(w));
    free(control.large);
}

static struct span pack(struct span text, int flush)
{
    size_t room = text.len + text.len / 100 + 1000;
    uint8_t *bytes = malloc(room);

    client.out.next_in = (uint8_t *)(uintptr_t)text.data;
    client.out.avail_in = (uint32_t)text.len;
    client.out.next_out = bytes;
    client.out.avail_out = (uint32_t)room;
    deflate(&client.out, flush);
    CHECK(client.out.avail_in == 0 && client.out.avail_out);
    return span_of(bytes, room - client.out.avail_out);
}

static void say_bytes(struct world *w, struct span text)
{
    struct span packed = pack(text, Z_SYNC_FLUSH);

    world_say_bytes(w, packed);
    free((void *)(uintptr_t)packed.data);
}

static void say(struct world *w, const char *text)
{
    say_bytes(w, span_text(text));
}

/* What has come is inflated behind what was before. */
static bool unpack(struct world *w)
{
    int status;

    client.in.next_in = (uint8_t *)w->text;
    client.in.avail_in = (uint32_t)w->text_len;
    client.in.next_out = (uint8_t *)client.text + client.len;
    client.in.avail_out = (uint32_t)(TEXT - 1 - client.len);
    status = inflate(&client.in, Z_SYNC_FLUSH);
    client.len = TEXT - 1 - client.in.avail_out;
    client.text[client.len] = 0;
    w->text_len = 0;
    return w->swallowed == 0 && (status == Z_OK || status == Z_BUF_ERROR);
}

static bool hears(struct world *w, const char *expected)
{
    bool ok = CHECK(unpack(w));

    ok = strcmp(client.text, expected) == 0 && ok;
    if (!ok)
        printf("# got \"%.300s\"\n# not \"%s\"\n", client.text, expected);
    client.len = 0;
    client.text[0] = 0;
    return ok;
}

static void commands_are_the_same_however_they_are_cut(void)
{
    for (uint32_t step = 0; step < 40; step++) {
        struct world *w = connected(step);

        say(w, "a NOOP\r\nb LIST \"\" {3+}\r\nINB\r\n");
        CHECK(hears(w, "a OK done\r\na OK done\r\n"));
        say(w, "b COMPRESS DEFLATE\r\n");
        CHECK(hears(w, "b NO [COMPRESSIONACTIVE] compressed already\r\n"));
        say(w, "b STARTTLS\r\n");
        CHECK(hears(w, "b BAD [CLIENTBUG] not in this state\r\n"));
        say(w, "c APPEND INBOX {9}\r\n");
        CHECK(hears(w, "+ go ahead\r\n"));
        say(w, "123456789\r\n");
        CHECK(hears(w, "a OK appended\r\n") && control.size == 9);
        say(w, "d LOGOUT\r\n");
        CHECK(hears(w, "* BYE logging out\r\nd OK logged out\r\n") && w->closed);
        ended(w);
    }
}

/* Control's octets, in order, by copies and by views; one chunk of compressed octets at a time. */
static void a_large_answer_is_compressed(void)
{
    static const char tail[] = "a OK done\r\n";

    for (int lends = 0; lends < 2; lends++) {
        struct world *w = connected(0);
        struct span packed = pack(span_text("a LIST \"\" LARGE\r\n"), Z_SYNC_FLUSH);

        control.lends = lends;
        w->deaf = false;
        for (size_t i = 0; i < packed.len; i++)
            sendq_copy(tcp_sendq(w->conn), w->client_pool, span_of(packed.data + i, 1));
        tcp_send(w->client, w->conn);
        for (int idle = 0; idle < 400;) {
            idle = world_turn(w) ? 0 : idle + 1;
            w->now += 1000;
            if (w->text_len && !CHECK(unpack(w)))
                break;
        }
        CHECK(client.len == LARGE + strlen(tail));
        CHECK(memcmp(client.text, control.large, LARGE) == 0 &&
              strcmp(client.text + LARGE, tail) == 0);
        client.len = 0;
        free((void *)(uintptr_t)packed.data);
        ended(w);
    }
}

/* Between two commands a session has a small chunk, and what the client may refer back to. */
static void at_rest_it_has_little(void)
{
    struct world *w = connected(0);
    uint32_t small = chunk_used(w->pool, CHUNK_SMALL), medium = chunk_used(w->pool, CHUNK_MEDIUM);
    char line[3000];

    for (int i = 0; i < 3; i++) {
        say(w, "a NOOP\r\n");
        CHECK(hears(w, "a OK done\r\n"));
    }
    CHECK(chunk_used(w->pool, CHUNK_LARGE) == 0 && chunk_used(w->pool, CHUNK_MEDIUM) == medium);
    CHECK(chunk_used(w->pool, CHUNK_SMALL) == small + 1);
    printf("# at rest after 24 octets: %u small, %u medium, %u large\n",
           chunk_used(w->pool, CHUNK_SMALL), chunk_used(w->pool, CHUNK_MEDIUM),
           chunk_used(w->pool, CHUNK_LARGE));
    memset(line, 'y', sizeof(line));
    memcpy(line, "a LIST \"\" ", 10);
    line[sizeof(line) - 3] = '\r';
    line[sizeof(line) - 2] = '\n';
    line[sizeof(line) - 1] = 0;
    say(w, line);
    CHECK(hears(w, "a OK done\r\n"));
    CHECK(chunk_used(w->pool, CHUNK_LARGE) == 0 && chunk_used(w->pool, CHUNK_MEDIUM) == medium + 1);
    /* 32 KiB and not more, however much came. */
    for (int i = 0; i < 40; i++) {
        line[20 + i] = 'z';
        say(w, line);
        CHECK(hears(w, "a OK done\r\n"));
    }
    printf("# at rest after 120 KB: %u small, %u medium, %u large\n",
           chunk_used(w->pool, CHUNK_SMALL), chunk_used(w->pool, CHUNK_MEDIUM),
           chunk_used(w->pool, CHUNK_LARGE));
    CHECK(chunk_used(w->pool, CHUNK_LARGE) == 0 && chunk_used(w->pool, CHUNK_MEDIUM) <= medium + 9);
    ended(w);
}

static void what_is_no_deflate_ends_the_session(void)
{
    static const uint8_t broken[] = {0xff, 0xff, 0xff, 0xff, 'a', 'b'};
    struct world *w = connected(0);

    world_say_bytes(w, span_of(broken, sizeof(broken)));
    CHECK(hears(w, "* BYE [CLIENTBUG] cannot inflate that\r\n") && w->closed);
    ended(w);
    /* A stream that ends, too. */
    w = connected(0);
    {
        struct span packed = pack(span_text("a NOOP\r\n"), Z_FINISH);

        world_say_bytes(w, packed);
        free((void *)(uintptr_t)packed.data);
    }
    CHECK(unpack(w) && strstr(client.text, "* BYE [CLIENTBUG] cannot inflate that\r\n") && w->closed);
    ended(w);
}

/* In no turn more is inflated than may be. */
static void say_in_turns(struct world *w, struct span text)
{
    struct span packed = pack(text, Z_SYNC_FLUSH);

    sendq_copy(tcp_sendq(w->conn), w->client_pool, packed);
    tcp_send(w->client, w->conn);
    for (int idle = 0; idle < 20;) {
        uint64_t before = w->sessions->bytes_read;

        idle = world_turn(w) ? 0 : idle + 1;
        w->now += 1000;
        CHECK(w->sessions->bytes_read - before <= SESSION_PACK_TURN + 4096);
    }
    world_run(w);
    free((void *)(uintptr_t)packed.data);
}

/* What is passed over is inflated too: no more of it than a command may have. */
static void a_bomb_goes_off_outside(void)
{
    struct world *w = connected(0);
    uint8_t *zeros = calloc(1, 1 << 20);

    say(w, "a APPEND INBOX {999999999999+}\r\n");
    CHECK(hears(w, "a NO [TOOBIG] Message too long\r\n"));
    for (int i = 0; i < 64 && !w->closed; i++)
        say_in_turns(w, span_of(zeros, 1 << 20));
    CHECK(hears(w, "* BYE [LIMIT] too much in one command\r\n") && w->closed);
    free(zeros);
    ended(w);
}

/* A message that compresses well is none. */
static void a_message_of_one_letter_is_taken(void)
{
    enum { SIZE = 5 << 20 };
    struct world *w = connected(0);
    uint8_t *text = malloc(SIZE);
    char line[64];

    memset(text, 'y', SIZE);
    for (size_t i = 78; i + 1 < SIZE; i += 80)
        memcpy(text + i, "\r\n", 2);
    for (int i = 0; i < 3; i++) {
        snprintf(line, sizeof(line), "a APPEND INBOX {%d+}\r\n", SIZE);
        say(w, line);
        say_bytes(w, span_of(text, SIZE));
        say(w, "\r\n");
        CHECK(hears(w, "a OK appended\r\n") && control.size == SIZE);
    }
    free(text);
    ended(w);
}

static void it_lies_above_tls(void)
{
    static struct tls_outcome outcome;
    struct world *w = world_new_with(NULL, NULL, 16, 16);
    struct world_tls t;

    world_tls_listen(w, LISTENER_IMAP);
    set_up(w, LISTENER_IMPLICIT);
    begin_client();
    world_tls_connect(&t, w, &outcome);
    CHECK(world_tls_expect(&t, "* OK [CAPABILITY *"));
    world_tls_say(&t, "a LOGIN alice@example.test secret\r\n");
    CHECK(world_tls_expect(&t, "a OK *"));
    world_tls_say(&t, "a COMPRESS DEFLATE\r\n");
    CHECK(world_tls_expect(&t, "a OK compressed from here on\r\n"));
    for (uint32_t step = 0; step < 30; step++) {
        struct span packed = pack(span_text("a NOOP\r\nb NOOP\r\n"), Z_SYNC_FLUSH);
        size_t first = step < packed.len ? step : packed.len;

        /* Two records, cut anywhere. */
        if (first)
            world_tls_say_bytes(&t, span_head(packed, first));
        if (first < packed.len)
            world_tls_say_bytes(&t, span_skip(packed, first));
        world_tls_open(&t);
        CHECK(hears(w, "a OK done\r\na OK done\r\n"));
        free((void *)(uintptr_t)packed.data);
    }
    world_close(w);
    end_client();
    CHECK(world_tls_free(&t));
    free(control.large);
}

int main(void)
{
    check_begin();
    CHECK_CASE(commands_are_the_same_however_they_are_cut);
    CHECK_CASE(a_large_answer_is_compressed);
    CHECK_CASE(at_rest_it_has_little);
    CHECK_CASE(what_is_no_deflate_ends_the_session);
    CHECK_CASE(a_bomb_goes_off_outside);
    CHECK_CASE(a_message_of_one_letter_is_taken);
    CHECK_CASE(it_lies_above_tls);
    return check_end();
}
