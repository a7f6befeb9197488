/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/session/session_world.h"

#define HELLO "EHLO client.test\r\n"
#define ENVELOPE "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
#define HELLO_REPLY "250-mx.example.test*250 *\r\n"
#define ENVELOPE_REPLY "250 2.1.0 *\r\n250 2.1.5 *\r\n354 *\r\n"
#define LONG_NAME "a-name-of-more-than-thirty-two-octets.outbound.client.test"

static void a_long_name_is_kept_whole(void)
{
    struct world *w = world_new(NULL, NULL);
    struct world_message *m = &w->messages[0];
    char longest[5 + 255 + 3] = "EHLO ";

    memset(longest + 5, 'x', 255);
    memcpy(longest + 5 + 255, "\r\n", 3);
    world_connect(w, 25);
    world_say(w, longest);
    world_say(w, "EHLO " LONG_NAME "\r\n" ENVELOPE "x\r\n.\r\nQUIT\r\n");
    CHECK(world_expect(w, "220*" HELLO_REPLY HELLO_REPLY ENVELOPE_REPLY "250*221*"));
    CHECK(memmem(m->bytes, m->prefix, LONG_NAME, strlen(LONG_NAME)) != NULL);
    CHECK(w->record_count == 2);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].message.helo), LONG_NAME);
    CHECK_TEXT(record_text_span(&w->records[1], w->records[1].connection.helo), LONG_NAME);
    CHECK(world_free(w));
}

static void without_memory_a_long_name_is_deferred(void)
{
    struct world *w = world_new(NULL, (uint32_t[]){64, 64, 64});
    struct chunk *all = NULL;

    world_connect(w, 25);
    world_say(w, HELLO);
    for (struct chunk *c; (c = chunk_take(w->pool, CHUNK_SMALL)) != NULL; all = c)
        c->next = all;
    world_say(w, "EHLO " LONG_NAME "\r\nQUIT\r\n");
    CHECK(world_expect(w, "220*" HELLO_REPLY "451 4.3.2 *221 *"));
    chunk_give(w->pool, all);
    CHECK_TEXT(record_text_span(&w->records[0], w->records[0].connection.helo), "client.test");
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_long_name_is_kept_whole);
    CHECK_CASE(without_memory_a_long_name_is_deferred);
    return check_end();
}
