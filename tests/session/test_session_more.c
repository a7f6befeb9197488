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

/* ---- proxies ---- */

static void let_in(struct network_list *list, const char *address, uint8_t bits)
{
    list->count = 1;
    ip_address_parse(span_text(address), &list->network[0].address);
    list->network[0].bits = bits;
}

static struct world *proxied_world(void)
{
    struct world *w = world_new(NULL, NULL);

    let_in(&w->settings.proxy_networks, "198.18.0.0", 24);
    w->settings.proxy_timeout_ms = 5000;
    world_publish(w);
    return w;
}

/* 192.0.2.7, port 4660, to 192.0.2.25, port 25. */
static const uint8_t proxy_header[] =
    "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\2\7\xc0\0\2\x19\x12\x34\0\x19";

static void a_proxy_says_who_the_client_is(void)
{
    for (size_t step = 0; step < 29; step += 7) {
        struct world *w = proxied_world();
        const struct record_connection *c = &w->records[1].connection;
        struct ip_address client, proxy;

        w->step = step;
        ip_address_parse(span_text("192.0.2.7"), &client);
        ip_address_parse(span_text("198.18.0.1"), &proxy);
        world_connect(w, 25);
        CHECK(world_expect(w, ""));
        world_say_bytes(w, span_of(proxy_header, sizeof(proxy_header) - 1));
        CHECK(world_expect(w, "220*"));
        world_say(w, HELLO ENVELOPE "x\r\n.\r\nQUIT\r\n");
        CHECK(world_expect(w, HELLO_REPLY ENVELOPE_REPLY "250*221*"));
        CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix, "([192.0.2.7])", 13) != NULL);
        CHECK(ip_address_equal(&w->records[0].message.peer.client, &client));
        CHECK(c->peer.relayed && c->peer.client_port == 4660 && c->peer.server_port == 25 &&
              ip_address_equal(&c->peer.client, &client) && ip_address_equal(&c->peer.via, &proxy));
        CHECK(world_free(w));
    }
}

static void the_header_comes_with_commands_behind_it(void)
{
    struct world *w = proxied_world();
    uint8_t all[64];
    struct writer text = writer_of(all, sizeof(all));

    writer_span_put(&text, span_of(proxy_header, sizeof(proxy_header) - 1));
    writer_text(&text, "NOOP\r\nQUIT\r\n");
    world_connect(w, 25);
    world_say_bytes(w, writer_span(&text));
    CHECK(world_expect(w, "220*250*221*") && w->closed);
    /* And before POP3. */
    world_connect(w, 110);
    CHECK(world_expect(w, ""));
    world_say_bytes(w, span_of(proxy_header, sizeof(proxy_header) - 1));
    CHECK(world_expect(w, "+OK*"));
    CHECK(world_free(w));
}

static void without_a_good_header_a_proxy_is_not_heard(void)
{
    struct world *w = proxied_world();
    struct counters *c = handoff_counters(handoff_port_of(w->handoff, 0));

    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "") && w->closed && c->sessions_refused_proxy == 1);
    world_connect(w, 25);
    world_say_bytes(w, span_of(proxy_header, 20));
    world_close(w);
    world_run(w);
    CHECK(world_expect(w, "") && w->closed && c->sessions_refused_proxy == 2);
    world_connect(w, 25);
    world_say_bytes(w, span_of(proxy_header, 20));
    world_wait(w, 6000);
    CHECK(world_expect(w, "") && w->closed && c->sessions_timed_out == 1);
    CHECK(c->sessions_proxied == 0);
    CHECK(world_free(w));
    /* From elsewhere it is no header but a command. */
    w = proxied_world();
    let_in(&w->settings.proxy_networks, "198.18.1.0", 24);
    world_publish(w);
    world_connect(w, 25);
    world_say_bytes(w, span_of(proxy_header, sizeof(proxy_header) - 1));
    CHECK(world_expect(w, "220*500 5.5.2 *500 5.5.2 *550 5.5.2 NUL *") && w->closed);
    CHECK(world_free(w));
}

static void xclient_says_who_the_client_is(void)
{
    struct world *w = world_new(NULL, NULL);
    const struct record_message *m = &w->records[0].message;
    struct ip_address client;

    let_in(&w->settings.xclient_networks, "198.18.0.1", 32);
    world_publish(w);
    ip_address_parse(span_text("2001:db8::7"), &client);
    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "220*250-XCLIENT NAME *250 *"));
    world_say(w, "XCLIENT NAME=mail.client.test ADDR=IPV6:2001:db8::7 PORT=77 LOGIN=j+40x\r\n"
                 "MAIL FROM:<>\r\n");
    CHECK(world_expect(w, "220 *503 *"));
    world_say(w, "EHLO real.test\r\n" ENVELOPE "x\r\n.\r\nRSET\r\n");
    CHECK(world_expect(w, HELLO_REPLY ENVELOPE_REPLY "250 2.0.0 *250 2.0.0 ok\r\n"));
    CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix,
                 "(mail.client.test [IPv6:2001:db8::7])", 37) != NULL);
    CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix, "with ESMTPA id", 14) != NULL);
    CHECK(ip_address_equal(&m->peer.client, &client) && m->peer.relayed &&
          m->peer.client_port == 77);
    CHECK_TEXT(record_text_span(&w->records[0], m->client_name), "mail.client.test");
    CHECK_TEXT(record_text_span(&w->records[0], m->login), "j@x");
    /* What is not known any more. */
    world_say(w, "XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.9 LOGIN=[TEMPUNAVAIL]\r\n"
                 "EHLO real.test\r\n" ENVELOPE "x\r\n.\r\nQUIT\r\n");
    CHECK(world_expect(w, "220*" HELLO_REPLY ENVELOPE_REPLY "250 2.0.0 *221 *"));
    CHECK(memmem(w->messages[1].bytes, w->messages[1].prefix, "([192.0.2.9])", 13) != NULL);
    CHECK(memmem(w->messages[1].bytes, w->messages[1].prefix, "with ESMTP id", 13) != NULL);
    CHECK(world_free(w));
}

/* ---- extensions, whole ---- */

static void binary_is_kept_as_it_is(void)
{
    static const char body[] = "Content-Transfer-Encoding: binary\r\n\r\n\0\r\n.\n\r\r.\r\n\xff";
    struct world *w = world_new(NULL, NULL);
    uint8_t all[256];
    struct writer text = writer_of(all, sizeof(all));

    world_connect(w, 25);
    world_say(w, HELLO "MAIL FROM:<a@b.test> BODY=BINARYMIME\r\nRCPT TO:<alice@example.test>\r\n"
                       "DATA\r\n");
    CHECK(world_expect(w, "220*" HELLO_REPLY "250*250*503 5.5.1 *"));
    writer_printf(&text, "BDAT 37\r\n");
    writer_span_put(&text, span_of(body, 37));
    writer_printf(&text, "BDAT %zu LAST\r\n", sizeof(body) - 1 - 37);
    writer_span_put(&text, span_of(body + 37, sizeof(body) - 1 - 37));
    world_say_bytes(w, writer_span(&text));
    CHECK(world_expect(w, "250 2.0.0 chunk ok\r\n250 2.0.0 accepted as *"));
    if (CHECK(w->message_count == 1))
        CHECK(span_equal(
            span_skip(span_of(w->messages[0].bytes, w->messages[0].len), w->messages[0].prefix),
            span_of(body, sizeof(body) - 1)));
    CHECK(world_free(w));
}

static void utf8_addresses_reach_their_mailboxes(void)
{
    struct world *w = world_new(NULL, NULL);

    world_put_address(w, "j\xc3\xb6rg@example.test", (uint64_t[]){2}, 1);
    world_connect(w, 25);
    world_say(w, HELLO
              "MAIL FROM:<\xc3\xa4@b.test> SMTPUTF8\r\n"
              "RCPT TO:<JO\xcc\x88rg+x@Example.test>\r\nDATA\r\nSubject: \xc3\xa4\r\n\r\n.\r\n");
    CHECK(world_expect(w, "220*" HELLO_REPLY ENVELOPE_REPLY "250 2.0.0 *"));
    CHECK(w->messages[0].accounts[0] == 2);
    CHECK(memmem(w->messages[0].bytes, w->messages[0].prefix, "with UTF8SMTP id", 16) != NULL);
    CHECK(memcmp(w->messages[0].bytes, "Return-Path: <\xc3\xa4@b.test>\r\n", 26) == 0);
    world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<J\xc3\xb6rg@example.test>\r\n"
                 "RCPT TO:<alice@example.test>\r\nDATA\r\n\r\n.\r\nQUIT\r\n");
    CHECK(world_expect(w, "250 2.1.0 *553 5.6.7 *250 *354 *250 *221 *"));
    CHECK(memmem(w->messages[1].bytes, w->messages[1].prefix, "with ESMTP id", 13) != NULL);
    CHECK(w->records[0].message.smtputf8 && !w->records[1].message.smtputf8);
    CHECK(world_free(w));
}

/* RFC 8689 section 3: one word has a meaning, once. */
static void the_header_says_whether_tls_matters(void)
{
    static const struct {
        const char *fields;
        bool optional;
    } cases[] = {
        {"TLS-Required: No\r\n", true},
        {"tls-required:\r\n no \r\nSubject: x\r\n", true},
        {"TLS-Required: Yes\r\n", false},
        {"TLS-Required: No, thanks\r\n", false},
        {"TLS-Required: No\r\nTLS-Required: No\r\n", false},
        {"X-TLS-Required: No\r\n", false},
        {"Content-Type: message/rfc822\r\n\r\nTLS-Required: No\r\n", false},
        {"Subject: x\r\n", false},
    };
    struct world *w = world_new(NULL, NULL);

    world_connect(w, 25);
    world_say(w, HELLO);
    CHECK(world_expect(w, "220*" HELLO_REPLY));
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_say(w, "MAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n");
        world_say(w, cases[i].fields);
        world_say(w, "\r\nbody\r\n.\r\n");
        CHECK(world_expect(w, "250 *250 *354 *250 2.0.0 *"));
        if (!CHECK(w->message_count == i + 1 && w->messages[i].tls_optional == cases[i].optional))
            CHECK_TEXT(span_text(cases[i].fields), "");
    }
    world_say(w, "MAIL FROM:<a@b.test> REQUIRETLS\r\n");
    CHECK(world_expect(w, "530 5.7.10 *"));
    CHECK(world_free(w));
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_long_name_is_kept_whole);
    CHECK_CASE(without_memory_a_long_name_is_deferred);
    CHECK_CASE(a_proxy_says_who_the_client_is);
    CHECK_CASE(the_header_comes_with_commands_behind_it);
    CHECK_CASE(without_a_good_header_a_proxy_is_not_heard);
    CHECK_CASE(xclient_says_who_the_client_is);
    CHECK_CASE(binary_is_kept_as_it_is);
    CHECK_CASE(utf8_addresses_reach_their_mailboxes);
    CHECK_CASE(the_header_says_whether_tls_matters);
    return check_end();
}
