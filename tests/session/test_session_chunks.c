/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#include <stdio.h>
#include <stdlib.h>

/* Messages that arrive by BDAT (RFC 3030). */

#define HELLO "EHLO client.test\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n"
#define CHUNK_REPLY "250 2.0.0 chunk ok\r\n"

static void ready(struct world *w)
{
    world_connect(w, 25);
    CHECK(world_expect(w, "220 mx.example.test ESMTP*\r\n"));
    world_say(w, HELLO);
    CHECK(world_expect(w, "250-mx.example.test*250-CHUNKING\r\n*250 *\r\n"));
}

static struct world *in_transaction(const uint32_t chunks[CHUNK_CLASSES])
{
    struct world *w = world_new(NULL, chunks);

    ready(w);
    world_say(w, ENVELOPE);
    CHECK(world_expect(w, ENVELOPE_REPLY));
    return w;
}

static void check_body(struct world *w, uint32_t index, struct span body)
{
    struct world_message *m = &w->messages[index];

    if (CHECK(index < w->message_count))
        CHECK(span_equal(span_of(m->bytes + m->prefix, m->len - m->prefix), body));
}

static void say_chunk(struct world *w, struct span bytes, bool last)
{
    uint8_t *all = malloc(bytes.len + 64);
    struct writer out = writer_of(all, bytes.len + 64);

    writer_printf(&out, "BDAT %zu%s\r\n", bytes.len, last ? " LAST" : "");
    writer_span_put(&out, bytes);
    world_say_bytes(w, writer_span(&out));
    free(all);
}

static uint8_t *large_body(size_t len)
{
    uint8_t *body = malloc(len);

    for (size_t i = 0; i < len; i++)
        body[i] = i % 76 == 74   ? '\r'
                  : i % 76 == 75 ? '\n'
                  : i % 76       ? (uint8_t)('A' + i / 76 % 26)
                                 : '.';
    if (body[len - 1] == '\r')
        body[len - 1] = 'x';
    return body;
}

static uint32_t counter(struct world *w, size_t offset)
{
    return (uint32_t) *
           (uint64_t *)((char *)handoff_counters(handoff_port_of(w->handoff, 0)) + offset);
}
#define COUNTER_OF(w, name) counter(w, offsetof(struct counters, name))

static bool same_text(const struct record *a, struct record_text x, const struct record *b,
                      struct record_text y)
{
    return span_equal(record_text_span(a, x), record_text_span(b, y));
}

/* All that the bytes say; what remains is when, and under which name. */
static void check_same_record(const struct record *a, const struct record *b)
{
    const struct record_message *m = &a->message, *n = &b->message;

    CHECK(m->code == n->code && m->size == n->size && m->anomalies == n->anomalies &&
          m->verdict == n->verdict);
    CHECK(m->recipient_count == n->recipient_count &&
          m->recipients[0].place == n->recipients[0].place);
    CHECK(m->subject.len && same_text(a, m->subject, b, n->subject));
    CHECK(m->from.len && same_text(a, m->from, b, n->from));
    CHECK(m->message_id.len && same_text(a, m->message_id, b, n->message_id));
    CHECK(m->tree.len && same_text(a, m->tree, b, n->tree));
}

static void data_and_chunks_leave_the_same(void)
{
    static const char message[] =
        "From: j@b.test\r\nSubject: one\r\nMessage-ID: <1@b.test>\r\n"
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n.dot\r\n--x\r\n"
        "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--x--\r\n";
    struct span whole = span_text(message);
    struct world *w = world_new(NULL, NULL);

    w->settings.messages_max = 1000;
    world_publish(w);
    ready(w);
    world_say(w, ENVELOPE "DATA\r\n");
    for (size_t i = 0; i < whole.len; i++) {
        if (message[i] == '.' && message[i - 1] == '\n')
            world_say(w, ".");
        world_say_bytes(w, span_of(message + i, 1));
    }
    world_say(w, ".\r\n");
    CHECK(world_expect(w, ENVELOPE_REPLY "354 *\r\n250 2.0.0 accepted as *\r\n"));
    check_body(w, 0, whole);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        w->record_count = 1;
        world_say(w, ENVELOPE);
        say_chunk(w, span_head(whole, cut), false);
        say_chunk(w, span_skip(whole, cut), true);
        CHECK(world_expect(w, ENVELOPE_REPLY CHUNK_REPLY "250 2.0.0 accepted as *\r\n"));
        check_body(w, 1, whole);
        if (CHECK(w->record_count == 2))
            check_same_record(&w->records[0], &w->records[1]);
        free(w->messages[1].bytes);
        memset(&w->messages[1], 0, sizeof(w->messages[1]));
        w->message_count = 1;
    }
    CHECK(world_free(w));
}

static void a_pipelined_message_in_one_piece(void)
{
    for (size_t step = 0; step < 30; step += 1 + step / 4) {
        struct world *w = world_new(NULL, NULL);

        w->step = step;
        world_connect(w, 25);
        world_say(w, HELLO ENVELOPE "BDAT 5\r\na\r\n.\rBDAT 1\r\n\nBDAT 0 LAST\r\n" ENVELOPE
                                    "BDAT 6 LAST\r\nQUIT\r\nQUIT\r\n");
        CHECK(world_expect(w, "220*" ENVELOPE_REPLY CHUNK_REPLY CHUNK_REPLY
                              "250 2.0.0 accepted*\r\n" ENVELOPE_REPLY
                              "250 2.0.0 accepted*\r\n221*\r\n"));
        check_body(w, 0, span_text("a\r\n.\r\n"));
        check_body(w, 1, span_text("QUIT\r\n"));
        CHECK(w->closed);
        CHECK(world_free(w));
    }
}

static void say_all(struct world *w, struct span body, size_t piece)
{
    for (; body.len > piece; body = span_skip(body, piece)) {
        say_chunk(w, span_head(body, piece), false);
        CHECK(world_expect(w, CHUNK_REPLY));
    }
    say_chunk(w, body, true);
}

static void a_large_message_goes_to_the_store_while_it_arrives(void)
{
    static const size_t pieces[] = {1000, 16384, 65511, 65512, 65513, 700000, 5000000};
    uint8_t *body = large_body(1000000);

    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        /* Few chunks only slow the sender down. */
        struct world *w = in_transaction(i % 2 ? (uint32_t[]){64, 64, 8} : NULL);

        say_all(w, span_of(body, 1000000), pieces[i]);
        CHECK(world_expect(w, "250 2.0.0 accepted*\r\n"));
        check_body(w, 0, span_of(body, 1000000));
        CHECK(w->writes >= 15);
        CHECK(world_free(w));
    }
    free(body);
}

static void a_pool_that_is_used_up_makes_the_sender_wait(void)
{
    struct world *w = in_transaction((uint32_t[]){64, 64, 4});
    struct chunk *taken[8];
    uint8_t *body = large_body(300000);
    uint32_t n = 0;

    while ((taken[n] = chunk_take(w->pool, CHUNK_LARGE)) != NULL)
        n++;
    say_chunk(w, span_of(body, 300000), true);
    CHECK(world_expect(w, "") && COUNTER_OF(w, chunks_short) > 0);
    while (n)
        chunk_give(w->pool, taken[--n]);
    world_run(w);
    CHECK(world_expect(w, "250 2.0.0 accepted*\r\n"));
    check_body(w, 0, span_of(body, 300000));
    CHECK(world_free(w));
    free(body);
}

static void a_body_without_a_line_end_is_kept_and_read_back(void)
{
    struct world *w = in_transaction(NULL);

    say_chunk(w, span_text("Subject: x\r\n\r\n.no end"), true);
    CHECK(world_expect(w, "250 2.0.0 accepted*\r\n"));
    check_body(w, 0, span_text("Subject: x\r\n\r\n.no end"));
    world_close(w);
    world_connect(w, 110);
    world_say(w, "USER alice@example.test\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n");
    CHECK(world_expect(w, "+OK*Subject: x\r\n\r\n..no end\r\n.\r\n+OK*"));
    CHECK(world_free(w));
}

static void a_failing_store_refuses_this_chunk_or_the_next(void)
{
    uint8_t *body = large_body(300000);
    struct world *w = in_transaction(NULL);

    /* The write fails while the chunk is read; what follows of the message is refused alike, up to
     * LAST. */
    w->write_status = JOB_DISK_FULL;
    say_chunk(w, span_of(body, 300000), false);
    CHECK(world_expect(w, "452 4.3.1 *\r\n"));
    say_chunk(w, span_text("a\nb"), false);
    say_chunk(w, span_text("c"), true);
    CHECK(world_expect(w, "452 4.3.1 *\r\n452 4.3.1 *\r\n"));
    CHECK(w->message_count == 0 && w->row_count == 0 && COUNTER_OF(w, messages_deferred) == 1);
    CHECK(w->records[0].message.code == 452);
    /* It fails behind the chunk that it was for. */
    world_say(w, ENVELOPE);
    w->hold = true;
    say_chunk(w, span_of(body, 100000), false);
    CHECK(world_expect(w, ENVELOPE_REPLY CHUNK_REPLY));
    w->hold = false;
    world_run(w);
    say_chunk(w, span_text("c"), true);
    CHECK(world_expect(w, "452 4.3.1 *\r\n"));
    /* The commit fails; the next message is none the worse. */
    w->write_status = JOB_OK;
    w->commit_status = JOB_FAILED;
    world_say(w, ENVELOPE);
    say_chunk(w, span_of(body, 100000), true);
    w->commit_status = JOB_OK;
    CHECK(world_expect(w, ENVELOPE_REPLY "451 4.3.0 *\r\n"));
    world_say(w, ENVELOPE);
    say_chunk(w, span_text("fine\r\n"), true);
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
    CHECK(w->message_count == 1 && w->row_count == 0);
    CHECK(world_free(w));
    free(body);
}

static void a_client_that_goes_leaves_nothing(void)
{
    uint8_t *body = large_body(200000);

    /* Closed or reset, in a chunk and between two. */
    for (int how = 0; how < 4; how++) {
        struct world *w = in_transaction(NULL);

        if (how < 2)
            world_say(w, "BDAT 300000\r\n");
        else
            world_say(w, "BDAT 200000\r\n");
        world_say_bytes(w, span_of(body, 200000));
        if (how % 2)
            world_close(w);
        else
            world_reset(w);
        world_wait(w, 1000);
        CHECK(sessions_count(w->sessions) == 0 && w->message_count == 0 && w->row_count == 0 &&
              w->discards == 1);
        CHECK(w->message_records == 1 && w->records[0].message.code == 0 &&
              COUNTER_OF(w, messages_abandoned) == 1);
        CHECK(world_free(w));
    }
    free(body);
}

static void rset_forgets_the_chunks(void)
{
    uint8_t *body = large_body(200000);
    struct world *w = in_transaction(NULL);

    say_chunk(w, span_of(body, 200000), false);
    world_say(w, "FOO\r\nDATA\r\nRSET\r\n");
    CHECK(world_expect(w, CHUNK_REPLY "500 *\r\n503 5.5.1 *\r\n250 2.0.0 ok\r\n"));
    CHECK(w->row_count == 0 && w->discards == 1);
    /* What was refused between the chunks is not the message's reply. */
    CHECK(w->records[0].message.code == 0 && COUNTER_OF(w, messages_abandoned) == 1);
    world_say(w, ENVELOPE);
    say_chunk(w, span_text("fine\r\n"), true);
    CHECK(world_expect(w, ENVELOPE_REPLY "250 2.0.0 *\r\n"));
    check_body(w, 0, span_text("fine\r\n"));
    CHECK(world_free(w));
    free(body);
}

static void bare_line_ends_are_refused_and_the_connection_ends(void)
{
    static const char *const forms[] = {"a\nb\r\n", "a\rb\r\n", "\n.\r\n", "\r\n.\n", "a\r\n\r"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct world *w = in_transaction(NULL);

        say_chunk(w, span_text(forms[i]), true);
        CHECK(world_expect(w, "550 5.5.2 bare *\r\n") && w->closed);
        CHECK(w->message_count == 0 && w->records[0].message.code == 550);
        CHECK(world_free(w));
    }
}

static void too_big_and_out_of_place(void)
{
    struct world *w = in_transaction(NULL);

    w->settings.message_size_max = 1000;
    world_publish(w);
    say_chunk(w, span_text("a\r\n"), false);
    world_say(w, "BDAT 998\r\n");
    for (int i = 0; i < 499; i++)
        world_say(w, "\n\n");
    world_say(w, "BDAT 0 LAST\r\nBDAT 6\r\nQUIT\r\nBDAT 99999999999999999999\r\n");
    CHECK(world_expect(w, CHUNK_REPLY
                       "552 5.3.4 *\r\n552 5.3.4 *\r\n503 5.5.1 *\r\n501 5.5.4 *\r\n") &&
          w->closed);
    CHECK(w->records[0].message.code == 552 && COUNTER_OF(w, messages_rejected) == 1);
    CHECK(world_free(w));
}

static void silence_in_a_chunk_ends_the_session(void)
{
    struct world *w = in_transaction(NULL);

    world_say(w, "BDAT 10\r\nabc");
    world_wait(w, 170000);
    CHECK(world_expect(w, "") && !w->closed);
    world_wait(w, 12000);
    CHECK(world_expect(w, "421 4.4.2 *\r\n") && w->closed);
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(data_and_chunks_leave_the_same);
    CHECK_CASE(a_pipelined_message_in_one_piece);
    CHECK_CASE(a_large_message_goes_to_the_store_while_it_arrives);
    CHECK_CASE(a_pool_that_is_used_up_makes_the_sender_wait);
    CHECK_CASE(a_body_without_a_line_end_is_kept_and_read_back);
    CHECK_CASE(a_failing_store_refuses_this_chunk_or_the_next);
    CHECK_CASE(a_client_that_goes_leaves_nothing);
    CHECK_CASE(rset_forgets_the_chunks);
    CHECK_CASE(bare_line_ends_are_refused_and_the_connection_ends);
    CHECK_CASE(too_big_and_out_of_place);
    CHECK_CASE(silence_in_a_chunk_ends_the_session);
    return check_end();
}
