/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/arc/arc_chain.h"

#include <stdio.h>

#include "tests/harness/check.h"
#include "tests/proto/dkim_play.h"

static struct dkim_message message;
static struct arc_chain chain;
static const struct dkim_settings settings = {
    .now = 2000, .bits_least = DKIM_RSA_BITS_LEAST, .most = DKIM_CHECKS_MAX};
static uint8_t text[1 << 18];

#define DIGEST "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define RESULTS(i) "ARC-Authentication-Results: i=" i "; a.test; none\r\n"
#define SIGNATURE(i)                                                                               \
    "ARC-Message-Signature: i=" i "; a=rsa-sha256; d=a.test; s=s; h=from; bh=" DIGEST "; "         \
                                                                                      "b=AAAA\r\n"
#define SEAL(i, cv) "ARC-Seal: i=" i "; a=rsa-sha256; d=a.test; s=s; cv=" cv "; b=AAAA\r\n"
#define SET(i, cv) RESULTS(i) SIGNATURE(i) SEAL(i, cv)

static void begin(void *context)
{
    arc_chain_init(&chain, &message.header, &settings);
    arc_chain_want(&chain, &message.body);
}

/* Without a key, the first reason that is found. */
static enum arc_reason reason_of(const char *fields)
{
    struct writer w = writer_of(text, sizeof(text));
    struct dns_answer none = {.outcome = DNS_NXDOMAIN};
    enum arc_reason reason;

    writer_text(&w, fields);
    writer_text(&w, "From: a@a.test\r\n\r\n");
    dkim_play_pass(&message, writer_span(&w), begin, NULL);
    for (uint32_t i = 0; i < chain.check_count; i++)
        if (arc_chain_asks(&chain, i))
            arc_chain_answer(&chain, i, &none);
    arc_chain_judge(&chain, &message.body);
    reason = chain.reason;
    arc_chain_fini(&chain);
    return reason;
}

static void structures(void)
{
    static const struct {
        const char *fields;
        enum arc_reason reason;
    } cases[] = {
        {"", ARC_NONE},
        {SET("1", "none"), ARC_MESSAGE},
        {SET("2", "pass") SET("1", "none"), ARC_MESSAGE},
        {SET("2", "pass"), ARC_MISSING},
        {SET("3", "pass") SET("1", "none"), ARC_MISSING},
        {RESULTS("1") SIGNATURE("1"), ARC_MISSING},
        {SET("1", "none") SEAL("1", "none"), ARC_TWICE},
        {SET("1", "pass"), ARC_CHAIN},
        {SET("1", "fail"), ARC_CHAIN_FAILED},
        {SET("2", "none") SET("1", "none"), ARC_CHAIN},
        {SET("2", "fail") SET("1", "none"), ARC_CHAIN_FAILED},
        {SET("2", "pass") SET("1", "fail"), ARC_CHAIN},
        {SET("0", "none"), ARC_INSTANCE},
        {SET("51", "none"), ARC_INSTANCE},
        {SET("x", "none"), ARC_INSTANCE},
        {"ARC-Seal: a=b\r\n", ARC_INSTANCE},
        {"ARC-Authentication-Results: a.test; i=1\r\n", ARC_INSTANCE},
        {"ARC-Authentication-Results: i=1\r\n", ARC_INSTANCE},
        {RESULTS("1") SIGNATURE(
             "1") "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=a.test; s=s; h=from; b=AAAA\r\n",
         ARC_SEAL},
        {RESULTS("1")
             SIGNATURE("1") "ARC-Seal: i=1; cv=none; a=rsa-sha1; d=a.test; s=s; b=AAAA\r\n",
         ARC_SEAL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (!CHECK(reason_of(cases[i].fields) == cases[i].reason))
            printf("# %s\n", cases[i].fields);
}

/* Fifty sets are one question, when one key made them all. */
static void fifty_sets(void)
{
    struct writer w = writer_of(text, sizeof(text));
    unsigned asked = 0;

    for (unsigned i = 50; i > 0; i--)
        writer_printf(&w,
                      "ARC-Authentication-Results: i=%u; a.test; none\r\n"
                      "ARC-Message-Signature: i=%u; a=rsa-sha256; d=a.test; s=s; h=from; bh=" DIGEST
                      "; b=AAAA\r\nARC-Seal: i=%u; a=rsa-sha256; d=a.test; s=s; cv=%s; b=AAAA\r\n",
                      i, i, i, i == 1 ? "none" : "pass");
    writer_text(&w, "From: a@a.test\r\n\r\n");
    dkim_play_pass(&message, writer_span(&w), begin, NULL);
    CHECK(chain.count == 50 && chain.check_count == 51 && !chain.decided);
    for (uint32_t i = 0; i < chain.check_count; i++)
        asked += arc_chain_asks(&chain, i);
    CHECK(asked == 1);
    arc_chain_judge(&chain, &message.body);
    CHECK(arc_chain_result(&chain) == ARC_RESULT_FAIL && chain.reason == ARC_MESSAGE);
    arc_chain_fini(&chain);
}

int main(void)
{
    dkim_message_init(&message);
    check_begin();
    CHECK_CASE(structures);
    CHECK_CASE(fifty_sets);
    return check_end();
}
