/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/dkim/dkim_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/harness/check.h"
#include "tests/proto/dkim_play.h"

static struct dkim_message message;
static struct dkim_set set;
static struct dkim_settings settings;
static uint8_t text[1 << 20];
static char rows[1 << 20];

#define MESSAGE                                                                                    \
    "From: a@a.test\r\nTo: b@b.test\r\nSubject: one\r\n two\r\n\r\nhello  there\r\n\r\n\r\n"

static struct dkim_sign_order order_of(void)
{
    return (struct dkim_sign_order){.header_canon = DKIM_RELAXED,
                                    .body_canon = DKIM_RELAXED,
                                    .domain = span_text("a.test"),
                                    .selector = span_text("s"),
                                    .headers = span_text(DKIM_SIGN_HEADERS),
                                    .oversigned = span_text(DKIM_SIGN_OVERSIGNED),
                                    .time = 1000};
}

static void begin(void *context)
{
    dkim_set_init(&set, &message.header, &settings);
    dkim_set_want(&set, &message.body);
}

/* Verifies; all keys are this record, or `outcome` when there is none. The first one's reason. */
static enum dkim_reason verify(struct span in, const char *record, enum dns_outcome outcome)
{
    struct dns_answer a = {.outcome = outcome};

    if (settings.bits_least == 0)
        settings = (struct dkim_settings){
            .now = 2000, .bits_least = DKIM_RSA_BITS_LEAST, .most = DKIM_CHECKS_MAX};
    dkim_play_pass(&message, in, begin, NULL);
    if (record)
        a = dkim_play_answer(record);
    for (uint32_t i = 0; i < set.count; i++)
        if (dkim_set_asks(&set, i))
            dkim_set_answer(&set, i, &a);
    dkim_set_judge(&set, &message.body);
    return set.count ? set.checks[0].reason : DKIM_REASONS;
}

static void done(void)
{
    dkim_set_fini(&set);
    settings = (struct dkim_settings){0};
}

static enum dkim_reason reason_of(const char *signature, const char *record)
{
    struct writer w = writer_of(text, sizeof(text));
    enum dkim_reason reason;

    writer_text(&w, "DKIM-Signature: ");
    writer_text(&w, signature);
    writer_text(&w, "\r\n" MESSAGE);
    reason = verify(writer_span(&w), record, DNS_NXDOMAIN);
    done();
    return reason;
}

static struct span signed_text(const struct dkim_sign_order *order, enum dkim_play_key key)
{
    struct writer w = writer_of(text, sizeof(text));

    CHECK(dkim_play_sign(&w, order, key, span_text(MESSAGE)));
    return writer_span(&w);
}

static void what_is_signed_is_verified(void)
{
    for (unsigned key = 0; key < DKIM_PLAY_RSA_SHORT; key++)
        for (unsigned canons = 0; canons < 4; canons++) {
            struct dkim_sign_order order = order_of();
            struct span in;

            order.header_canon = canons & 1;
            order.body_canon = canons >> 1;
            in = signed_text(&order, key);
            CHECK(verify(in, dkim_play_record(key), 0) == DKIM_GOOD);
            CHECK(dkim_set_result(&set) == DKIM_RESULT_PASS && set.found == 1);
            CHECK(set.checks[0].notes == (key == DKIM_PLAY_RSA ? 1u << DKIM_NOTE_SHORT : 0));
            dkim_set_fini(&set);
            /* One octet of header or body is another. */
            text[in.len - 12] ^= 1;
            CHECK(verify(in, dkim_play_record(key), 0) == DKIM_BODY);
            dkim_set_fini(&set);
            text[in.len - 12] ^= 1;
            text[in.len - 30] ^= 1;
            CHECK(verify(in, dkim_play_record(key), 0) == DKIM_SIGNATURE);
            CHECK(dkim_set_result(&set) == DKIM_RESULT_FAIL);
            done();
        }
}

static void lines_are_short(void)
{
    struct dkim_sign_order order = order_of();
    struct span in = signed_text(&order, DKIM_PLAY_RSA);
    size_t line = 0;

    for (size_t i = 0; i < in.len; i++) {
        line = in.data[i] == '\n' ? 0 : line + 1;
        CHECK(line <= 79);
    }
}

static void over_signed_fields_cannot_be_added(void)
{
    struct dkim_sign_order order = order_of();
    struct writer w = writer_of(rows, sizeof(rows));
    struct span in = signed_text(&order, DKIM_PLAY_ED25519);

    writer_text(&w, "Subject: other\r\n");
    writer_span_put(&w, in);
    CHECK(verify(writer_span(&w), dkim_play_record(DKIM_PLAY_ED25519), 0) == DKIM_SIGNATURE);
    done();
    /* Without it, one more is told. */
    order.oversigned = span_text("");
    w = writer_of(rows, sizeof(rows));
    in = signed_text(&order, DKIM_PLAY_ED25519);
    writer_text(&w, "Subject: other\r\n");
    writer_span_put(&w, in);
    CHECK(verify(writer_span(&w), dkim_play_record(DKIM_PLAY_ED25519), 0) == DKIM_GOOD);
    CHECK(set.checks[0].notes & 1u << DKIM_NOTE_ADDED);
    done();
}

static void orders_that_are_none(void)
{
    struct dkim_sign_order order = order_of();
    struct writer w = writer_of(text, sizeof(text));

    order.headers = span_text("to");
    order.oversigned = span_text("");
    CHECK(!dkim_play_sign(&w, &order, DKIM_PLAY_ED25519, span_text(MESSAGE)));
    w = writer_of(text, 100);
    order = order_of();
    CHECK(!dkim_play_sign(&w, &order, DKIM_PLAY_ED25519, span_text(MESSAGE)));
}

#define HEAD                                                                                       \
    "v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; "  \
    "b=AAAA"

static void tags_have_reasons(void)
{
    static const struct {
        const char *signature;
        enum dkim_reason reason;
    } cases[] = {
        {HEAD, DKIM_NO_KEY},
        {HEAD ";", DKIM_NO_KEY},
        {HEAD "; unknown=1", DKIM_NO_KEY},
        {HEAD ";;", DKIM_SYNTAX},
        {HEAD "; d=b.test", DKIM_TAG_TWICE},
        {HEAD "; q=dns/txt:x", DKIM_NO_KEY},
        {HEAD "; q=x", DKIM_QUERY},
        {HEAD "; c=relaxed", DKIM_NO_KEY},
        {HEAD "; c=strict", DKIM_CANON},
        {HEAD "; c=simple/", DKIM_CANON},
        {HEAD "; i=@a.test", DKIM_NO_KEY},
        {HEAD "; i=x@b.A.test", DKIM_NO_KEY},
        {HEAD "; i=x@aa.test", DKIM_IDENTITY},
        {HEAD "; i=x@test", DKIM_IDENTITY},
        {HEAD "; i=x", DKIM_TAG_VALUE},
        {HEAD "; i=x=4", DKIM_TAG_VALUE},
        {HEAD "; i=x=40a.test", DKIM_NO_KEY},
        {HEAD "; l=1", DKIM_NO_KEY},
        {HEAD "; l=-1", DKIM_TAG_VALUE},
        {HEAD "; t=5", DKIM_NO_KEY},
        {HEAD "; t=x", DKIM_TAG_VALUE},
        {HEAD "; x=2000", DKIM_NO_KEY},
        {HEAD "; x=1999", DKIM_EXPIRED},
        {HEAD "; t=3000; x=3000", DKIM_TAG_VALUE},
        {"v=2; a=rsa-sha256; d=a.test; s=s; h=from; bh=; b=A", DKIM_VERSION},
        {"a=rsa-sha256; d=a.test; s=s; h=from; bh=; b=A", DKIM_TAG_MISSING},
        {"v=1; a=rsa-md5; d=a.test; s=s; h=from; bh=AAAA; b=AAAA", DKIM_ALGORITHM},
        {"v=1; a=rsa-sha256; d=a..test; s=s; h=from; bh=; b=AAAA", DKIM_TAG_VALUE},
        {"v=1; a=rsa-sha256; d=a.test; s=s; h=from; bh=AAAA; b=AAAA", DKIM_TAG_VALUE},
        {"v=1; a=rsa-sha1; d=a.test; s=s; h=from; bh=N9OQp3Fydw5h5SJ1UDyZrgBPEDU=; b=AAAA",
         DKIM_RETIRED},
        {"v=1; a=rsa-sha256; d=a.test; s=s; h=to; "
         "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
         DKIM_FROM},
        {"v=1; a=rsa-sha256; d=a.test; s=s; h=from::to; "
         "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA",
         DKIM_TAG_VALUE},
        {"v=1; a=rsa-sha256; d=a.test; s=s; h=from; "
         "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=",
         DKIM_TAG_VALUE},
        {"nothing", DKIM_SYNTAX},
        {"", DKIM_SYNTAX},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (!CHECK(reason_of(cases[i].signature, NULL) == cases[i].reason))
            printf("# %s\n", cases[i].signature);
}

/* What a record of the good key says beside it. */
static enum dkim_reason record_of(const char *before, const char *behind, enum dkim_play_key key)
{
    struct dkim_sign_order order = order_of();
    struct writer w = writer_of(rows, sizeof(rows));
    const char *record = dkim_play_record(key);
    struct span in;
    enum dkim_reason reason;

    order.identity = span_text("user@sub.a.test");
    writer_text(&w, before);
    writer_text(&w, strstr(record, " p="));
    writer_text(&w, behind);
    writer_byte(&w, 0);
    in = signed_text(&order, key);
    reason = verify(in, rows, 0);
    dkim_set_fini(&set);
    return reason;
}

static void records_have_reasons(void)
{
    static const struct {
        const char *before, *behind;
        enum dkim_reason reason;
    } cases[] = {
        {"v=DKIM1;", "", DKIM_GOOD},
        {"", "", DKIM_GOOD},
        {"v=DKIM1; k=rsa;", "; n=a note; x=1", DKIM_GOOD},
        {"v=DKIM2;", "", DKIM_KEY_VERSION},
        {"k=rsa; v=DKIM1;", "", DKIM_KEY_VERSION},
        {"k=ed25519;", "", DKIM_KEY_BAD},
        {"k=x;", "", DKIM_KEY_TYPE},
        {"h=sha1:sha256;", "", DKIM_GOOD},
        {"h=sha1;", "", DKIM_KEY_HASH},
        {"s=*;", "", DKIM_GOOD},
        {"s=x:email;", "", DKIM_GOOD},
        {"s=x;", "", DKIM_KEY_SERVICE},
        {"t=y;", "", DKIM_GOOD},
        {"t=y:s;", "", DKIM_KEY_STRICT},
        {"g=other;", "", DKIM_GOOD},
        {"t;", "", DKIM_KEY_SYNTAX},
        {"k=rsa; k=rsa;", "", DKIM_KEY_SYNTAX},
        {"", "AAAA", DKIM_KEY_BAD},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (!CHECK(record_of(cases[i].before, cases[i].behind, DKIM_PLAY_RSA) == cases[i].reason))
            printf("# %s %s\n", cases[i].before, cases[i].behind);
    CHECK(record_of("t=y;", "", DKIM_PLAY_RSA) == DKIM_GOOD);
    settings = (struct dkim_settings){
        .now = 2000, .bits_least = DKIM_RSA_BITS_LEAST, .most = 20, .legacy = true};
    CHECK(record_of("g=other;", "", DKIM_PLAY_RSA) == DKIM_KEY_LOCAL);
    CHECK(record_of("g=us*r;", "", DKIM_PLAY_RSA) == DKIM_GOOD);
    CHECK(record_of("g=;", "", DKIM_PLAY_RSA) == DKIM_KEY_LOCAL);
    CHECK(record_of("g=*;", "", DKIM_PLAY_RSA) == DKIM_GOOD);
    settings = (struct dkim_settings){0};
    CHECK(record_of("", "", DKIM_PLAY_RSA_SHORT) == DKIM_KEY_SHORT);
    settings = (struct dkim_settings){
        .now = 2000, .bits_least = DKIM_RSA_BITS_LEAST, .most = 20, .legacy = true};
    CHECK(record_of("", "", DKIM_PLAY_RSA_SHORT) == DKIM_GOOD);
    settings = (struct dkim_settings){0};
}

static void outcomes(void)
{
    static const struct {
        enum dns_outcome outcome;
        enum dkim_reason reason;
    } cases[] = {{DNS_NXDOMAIN, DKIM_NO_KEY}, {DNS_NO_DATA, DKIM_NO_KEY},
                 {DNS_SERVFAIL, DKIM_DNS},    {DNS_TIMEOUT, DKIM_DNS},
                 {DNS_BOGUS, DKIM_DNS},       {DNS_REFUSED, DKIM_DNS},
                 {DNS_LOOP, DKIM_DNS},        {DNS_TOO_LARGE, DKIM_RECORD_LONG},
                 {DNS_BUSY, DKIM_DNS},        {DNS_FAILED, DKIM_DNS}};
    struct dkim_sign_order order = order_of();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(verify(signed_text(&order, DKIM_PLAY_ED25519), NULL, cases[i].outcome) ==
              cases[i].reason);
        done();
    }
    CHECK(verify(signed_text(&order, DKIM_PLAY_ED25519), "v=DKIM1; p=", 0) == DKIM_KEY_REVOKED);
    done();
}

/* l=: what stands behind is not signed, and that is told. */
static void lengths_are_told(void)
{
    struct dkim_sign_order order = order_of();
    struct span in = signed_text(&order, DKIM_PLAY_ED25519);
    struct writer w = writer_of(rows, sizeof(rows));

    writer_span_put(&w, in);
    writer_text(&w, "more\r\n");
    CHECK(verify(writer_span(&w), dkim_play_record(DKIM_PLAY_ED25519), 0) == DKIM_BODY);
    done();
    CHECK(reason_of(HEAD "; c=simple/relaxed; l=100", dkim_play_record(DKIM_PLAY_RSA)) ==
          DKIM_LENGTH);
    CHECK(reason_of(HEAD "; c=simple/relaxed; l=99999999999999999999999999",
                    dkim_play_record(DKIM_PLAY_RSA)) == DKIM_LENGTH);
    /* The hash of nothing: that far the body is right. */
    CHECK(reason_of(HEAD "; l=0", dkim_play_record(DKIM_PLAY_RSA)) == DKIM_SIGNATURE);
    w = writer_of(rows, sizeof(rows));
    writer_text(&w, "DKIM-Signature: " HEAD "; l=0\r\n" MESSAGE);
    verify(writer_span(&w), dkim_play_record(DKIM_PLAY_RSA), 0);
    CHECK(set.checks[0].notes & 1u << DKIM_NOTE_LENGTH &&
          set.checks[0].notes & 1u << DKIM_NOTE_TAIL);
    done();
}

/* U-labels are asked for as A-labels (RFC 8616). */
static void names_in_utf8(void)
{
    struct dkim_sign_order order = order_of();
    uint8_t name[DNS_SHOWN_MAX];
    struct writer w = writer_of(name, sizeof(name));

    order.domain = span_text("b\xc3\xbc"
                             "cher.test");
    order.selector = span_text("s\xc3\xa9l");
    order.identity = span_text("@x.xn--bcher-kva.test");
    CHECK(verify(signed_text(&order, DKIM_PLAY_ED25519), dkim_play_record(DKIM_PLAY_ED25519), 0) ==
          DKIM_GOOD);
    dns_name_put(&w, &set.checks[0].question.name);
    CHECK_TEXT(writer_span(&w), "xn--sl-bja._domainkey.xn--bcher-kva.test");
    done();
}

/* A thousand signatures: those that are looked at are bounded, and all are counted. */
static void a_thousand_signatures(void)
{
    struct dkim_sign_order order = order_of();
    struct writer w = writer_of(text, sizeof(text));
    struct writer all = writer_of(rows, sizeof(rows));
    struct span one;

    CHECK(dkim_play_sign(&w, &order, DKIM_PLAY_RSA, span_text(MESSAGE)));
    one = span_head(writer_span(&w), w.len - strlen(MESSAGE));
    for (unsigned i = 0; i < 1000; i++)
        writer_span_put(&all, one);
    writer_text(&all, MESSAGE);
    CHECK(!all.full);
    CHECK(verify(writer_span(&all), dkim_play_record(DKIM_PLAY_RSA), 0) == DKIM_GOOD);
    CHECK(set.found == 1000 && set.count == DKIM_CHECKS_MAX);
    CHECK(message.body.count == 1); /* one hash for all */
    for (uint32_t i = 0; i < set.count; i++)
        CHECK(set.asks[i] == 0 && set.checks[i].reason == DKIM_GOOD);
    done();
}

/* More fields, names and bytes than are read are told so. */
static void headers_are_bounded(void)
{
    struct dkim_sign_order order = order_of();
    struct writer all = writer_of(rows, sizeof(rows));

    writer_span_put(&all, span_head(signed_text(&order, DKIM_PLAY_RSA), 0));
    for (unsigned i = 0; i < DKIM_FIELDS_MAX; i++)
        writer_printf(&all, "X-%u: y\r\n", i);
    writer_span_put(&all, signed_text(&order, DKIM_PLAY_RSA));
    verify(writer_span(&all), NULL, DNS_NXDOMAIN);
    CHECK(set.count == 0 && message.header.cut);
    done();
    all = writer_of(rows, sizeof(rows));
    writer_span_put(&all, signed_text(&order, DKIM_PLAY_RSA));
    all.len -= strlen(strstr(MESSAGE, "\r\n\r\n")) - 2;
    for (unsigned i = 0; i < DKIM_FIELDS_MAX; i++)
        writer_printf(&all, "X-%u: y\r\n", i);
    writer_text(&all, "\r\nbody\r\n");
    CHECK(verify(writer_span(&all), NULL, DNS_NXDOMAIN) == DKIM_HEADER_LONG);
    done();
    all = writer_of(rows, sizeof(rows));
    writer_text(&all, "v=1; a=rsa-sha256; d=a.test; s=s; b=AAAA; "
                      "bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; h=from");
    for (unsigned i = 0; i < DKIM_NAMES_MAX; i++)
        writer_text(&all, ":a");
    writer_byte(&all, 0);
    CHECK(reason_of(rows, NULL) == DKIM_TAG_MANY);
}

static void texts_of_reasons(void)
{
    for (unsigned i = 0; i < DKIM_REASONS; i++)
        CHECK(dkim_reason_word(i)[0] && dkim_reason_what(i)[0] &&
              dkim_reason_result(i) < DKIM_RESULTS);
    for (unsigned i = 0; i < DKIM_NOTES; i++)
        CHECK(dkim_note_word(i)[0] && dkim_note_what(i)[0]);
    CHECK(strcmp(dkim_result_word(dkim_reason_result(DKIM_GOOD)), "pass") == 0);
}

int main(void)
{
    dkim_message_init(&message);
    check_begin();
    CHECK_CASE(what_is_signed_is_verified);
    CHECK_CASE(lines_are_short);
    CHECK_CASE(over_signed_fields_cannot_be_added);
    CHECK_CASE(orders_that_are_none);
    CHECK_CASE(tags_have_reasons);
    CHECK_CASE(records_have_reasons);
    CHECK_CASE(outcomes);
    CHECK_CASE(lengths_are_told);
    CHECK_CASE(names_in_utf8);
    CHECK_CASE(a_thousand_signatures);
    CHECK_CASE(headers_are_bounded);
    CHECK_CASE(texts_of_reasons);
    return check_end();
}
