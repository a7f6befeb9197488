/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_trace.h"
#include "tests/harness/check.h"

static struct smtp_trace usual(void)
{
    static const uint8_t client[4] = {198, 18, 0, 2};

    return (struct smtp_trace){.sender = span_text("a@b.example"),
                               .recipient = span_text("x@y.example"),
                               .mailbox = span_text("X@y.example"),
                               .helo = span_text("client.example"),
                               .client = ip_address_v4(client),
                               .hostname = span_text("mx.example.org"),
                               .esmtp = true,
                               .id = span_text("01KA000000000000000000000Z"),
                               .wall_seconds = 1795319245};
}

static void check_trace(const struct smtp_trace *t, const char *expected)
{
    uint8_t text[SMTP_TRACE_MAX];
    struct writer w = writer_of(text, sizeof(text));

    smtp_trace_put(&w, t);
    CHECK(!w.full);
    CHECK_TEXT(writer_span(&w), expected);
}

static void several_recipients_have_no_for(void)
{
    struct smtp_trace t = usual();

    check_trace(&t, "Return-Path: <a@b.example>\r\n"
                    "Delivered-To: X@y.example\r\n"
                    "Received: from client.example ([198.18.0.2]) by mx.example.org\r\n"
                    "\twith ESMTP id 01KA000000000000000000000Z;\r\n"
                    "\tSun, 22 Nov 2026 03:47:25 +0000\r\n");
}

static void one_recipient_is_named(void)
{
    static const uint8_t client[16] = {0x20, 0x01, 0, 2, [15] = 1};
    struct smtp_trace t = usual();

    t.only_recipient = true;
    t.esmtp = false;
    t.sender = span_of(NULL, 0);
    t.client = ip_address_v6(client);
    check_trace(&t, "Return-Path: <>\r\n"
                    "Delivered-To: X@y.example\r\n"
                    "Received: from client.example ([IPv6:2001:2::1]) by mx.example.org\r\n"
                    "\twith SMTP id 01KA000000000000000000000Z for <x@y.example>;\r\n"
                    "\tSun, 22 Nov 2026 03:47:25 +0000\r\n");
}

static void tls_is_named(void)
{
    struct smtp_trace t = usual();

    t.tls_version = span_text("TLS1.3");
    t.tls_suite = span_text("TLS_AES_128_GCM_SHA256");
    check_trace(&t, "Return-Path: <a@b.example>\r\n"
                    "Delivered-To: X@y.example\r\n"
                    "Received: from client.example ([198.18.0.2]) by mx.example.org\r\n"
                    "\twith ESMTPS (TLS1.3) id 01KA000000000000000000000Z\r\n"
                    "\ttls TLS_AES_128_GCM_SHA256; Sun, 22 Nov 2026 03:47:25 +0000\r\n");
    t.smtputf8 = t.authenticated = t.only_recipient = true;
    t.tls_version = span_text("TLS1.2");
    check_trace(&t, "Return-Path: <a@b.example>\r\n"
                    "Delivered-To: X@y.example\r\n"
                    "Received: from client.example ([198.18.0.2]) by mx.example.org\r\n"
                    "\twith UTF8SMTPSA (TLS1.2) id 01KA000000000000000000000Z\r\n"
                    "\tfor <x@y.example> tls TLS_AES_128_GCM_SHA256;\r\n"
                    "\tSun, 22 Nov 2026 03:47:25 +0000\r\n");
    /* RFC 3848 has no name for it behind HELO. */
    t.esmtp = t.smtputf8 = t.only_recipient = false;
    check_trace(&t, "Return-Path: <a@b.example>\r\n"
                    "Delivered-To: X@y.example\r\n"
                    "Received: from client.example ([198.18.0.2]) by mx.example.org\r\n"
                    "\twith SMTP (TLS1.2) id 01KA000000000000000000000Z\r\n"
                    "\ttls TLS_AES_128_GCM_SHA256; Sun, 22 Nov 2026 03:47:25 +0000\r\n");
}

static void no_peer_adds_a_line(void)
{
    struct smtp_trace t = usual();

    t.sender = span_text("a\r\nX: 1\r\n@b");
    t.mailbox = span_of("x\0@y", 4);
    t.helo = span_text("h\r\nBcc: z");
    check_trace(&t, "Return-Path: <a??X: 1??@b>\r\n"
                    "Delivered-To: x?@y\r\n"
                    "Received: from h??Bcc: z ([198.18.0.2]) by mx.example.org\r\n"
                    "\twith ESMTP id 01KA000000000000000000000Z;\r\n"
                    "\tSun, 22 Nov 2026 03:47:25 +0000\r\n");
}

static void the_longest_fits(void)
{
    static uint8_t longest[400];
    uint8_t text[SMTP_TRACE_MAX];
    struct writer w = writer_of(text, sizeof(text));
    struct smtp_trace t = usual();

    memset(longest, 'x', sizeof(longest));
    t.only_recipient = true;
    t.sender = t.recipient = t.mailbox = t.helo = t.hostname = t.id =
        span_of(longest, sizeof(longest));
    memset(t.client.bytes, 0xab, 16);
    smtp_trace_put(&w, &t);
    CHECK(!w.full);
    for (size_t at = 0, line = 0; at < w.len; at++) {
        line = text[at] == '\n' ? 0 : line + 1;
        CHECK(line <= 998);
    }
}

static void dates_are_right(void)
{
    static const struct {
        uint64_t seconds;
        const char *date;
    } rows[] = {
        {0, "Thu, 1 Jan 1970 00:00:00 +0000"},
        {951782399, "Mon, 28 Feb 2000 23:59:59 +0000"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 +0000"},
        {951868800, "Wed, 1 Mar 2000 00:00:00 +0000"},
        {1709164800, "Thu, 29 Feb 2024 00:00:00 +0000"},
        {1735689599, "Tue, 31 Dec 2024 23:59:59 +0000"},
        {4107542400, "Mon, 1 Mar 2100 00:00:00 +0000"},
        {4107456000, "Sun, 28 Feb 2100 00:00:00 +0000"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t text[64];
        struct writer w = writer_of(text, sizeof(text));

        smtp_trace_date(&w, rows[i].seconds);
        CHECK_TEXT(writer_span(&w), rows[i].date);
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(several_recipients_have_no_for);
    CHECK_CASE(one_recipient_is_named);
    CHECK_CASE(tls_is_named);
    CHECK_CASE(no_peer_adds_a_line);
    CHECK_CASE(the_longest_fits);
    CHECK_CASE(dates_are_right);
    return check_end();
}
