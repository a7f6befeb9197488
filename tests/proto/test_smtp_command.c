/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/smtp/smtp_command.h"
#include "tests/harness/check.h"

#include <stdio.h>

/* A command line, what it is taken for, and the row that refuses it. */
static const struct {
    const char *line;
    enum smtp_verb verb;
    enum smtp_reply_id bad;
} lines[] = {
    {"EHLO mx.example.net", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
    {"ehlo [198.18.0.1]", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
    {"EHLO [IPv6:2001:2::1]", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
    {"EHLO my_host", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
    {"EHLO 198.18.0.1", SMTP_VERB_EHLO, SMTP_REPLY_NONE},
    {"EHLO", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO ", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO a b", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO a\x01", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO a\xff", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO a(b)", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"EHLO a\tb", SMTP_VERB_EHLO, SMTP_REPLY_BAD_HELO},
    {"HELO x", SMTP_VERB_HELO, SMTP_REPLY_NONE},
    {"HELO", SMTP_VERB_HELO, SMTP_REPLY_BAD_HELO},
    {"MAIL FROM:<a@b>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"mail from:<a@b>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM: <a@b>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL  FROM:<a@b>  ", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<> SIZE=0 BODY=7BIT", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<>  body=8bitmime  size=12", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<\"a b\"@c> SIZE=1", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL <a@b>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM :<a@b>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL TO:<a@b>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:a@b", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<a@b", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<a@b>SIZE=1", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<postmaster>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<a@b> SIZE", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=1x", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=-1", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=123456789012345678901", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=1 SIZE=1", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SIZE=1=2", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> =1", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> BODY=BINARYMIME", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@b> BODY=BINARY", SMTP_VERB_MAIL, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"MAIL FROM:<a@b> BODY", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SMTPUTF8 prdr", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@b> SMTPUTF8=1", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> SMTPUTF8 SMTPUTF8", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> PRDR=", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"RCPT TO:<a@b> SMTPUTF8", SMTP_VERB_RCPT, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"MAIL FROM:<a@b> AUTH=<>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@b> AUTH=e+3Dmc2", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@b> AUTH=e+3d", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> AUTH", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> RequireTLS", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@b> REQUIRETLS=YES", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"MAIL FROM:<a@b> REQUIRETLS REQUIRETLS", SMTP_VERB_MAIL, SMTP_REPLY_BAD_ARGUMENT},
    {"RCPT TO:<a@b> REQUIRETLS", SMTP_VERB_RCPT, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"MAIL FROM:<a@b> MT-PRIORITY=3", SMTP_VERB_MAIL, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"MAIL FROM:<a@[192.0.2.1]>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@[IPv6:2001:db8::1]>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@[x-tag:what]>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<a@[192.0.2]>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<@x.test,@y.test:\"a\\\"b\"@c>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<@x.test a@b>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"MAIL FROM:<a@b> RET=HDRS", SMTP_VERB_MAIL, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"MAIL FROM:<\xc3\xa4@b>", SMTP_VERB_MAIL, SMTP_REPLY_NONE},
    {"MAIL FROM:<\xc3@b>", SMTP_VERB_MAIL, SMTP_REPLY_BAD_SENDER},
    {"RCPT TO:<a@b>", SMTP_VERB_RCPT, SMTP_REPLY_NONE},
    {"RCPT TO:<Postmaster>", SMTP_VERB_RCPT, SMTP_REPLY_NONE},
    {"RCPT TO:<@x:a@b>", SMTP_VERB_RCPT, SMTP_REPLY_NONE},
    {"RCPT TO:<>", SMTP_VERB_RCPT, SMTP_REPLY_BAD_RECIPIENT},
    {"RCPT FROM:<a@b>", SMTP_VERB_RCPT, SMTP_REPLY_BAD_ARGUMENT},
    {"RCPT TO:<a@b> NOTIFY=NEVER", SMTP_VERB_RCPT, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"RCPT TO:<a@b> SIZE=1", SMTP_VERB_RCPT, SMTP_REPLY_UNKNOWN_PARAMETER},
    {"RCPT TO:<a@b> !", SMTP_VERB_RCPT, SMTP_REPLY_BAD_ARGUMENT},
    {"DATA", SMTP_VERB_DATA, SMTP_REPLY_NONE},
    {"data \t", SMTP_VERB_DATA, SMTP_REPLY_NONE},
    {"DATA now", SMTP_VERB_DATA, SMTP_REPLY_BAD_ARGUMENT},
    {"RSET", SMTP_VERB_RSET, SMTP_REPLY_NONE},
    {"RSET x", SMTP_VERB_RSET, SMTP_REPLY_BAD_ARGUMENT},
    {"QUIT", SMTP_VERB_QUIT, SMTP_REPLY_NONE},
    {"QUIT x", SMTP_VERB_QUIT, SMTP_REPLY_BAD_ARGUMENT},
    {"NOOP", SMTP_VERB_NOOP, SMTP_REPLY_NONE},
    {"NOOP what ever", SMTP_VERB_NOOP, SMTP_REPLY_NONE},
    {"HELP", SMTP_VERB_HELP, SMTP_REPLY_NONE},
    {"HELP MAIL", SMTP_VERB_HELP, SMTP_REPLY_NONE},
    {"VRFY joe", SMTP_VERB_VRFY, SMTP_REPLY_NONE},
    {"VRFY J\xc3\xb6rg smtputf8", SMTP_VERB_VRFY, SMTP_REPLY_NONE},
    {"VRFY J\xc3\xb6rg", SMTP_VERB_VRFY, SMTP_REPLY_UTF8_NAME},
    {"VRFY J\xf6rg SMTPUTF8", SMTP_VERB_VRFY, SMTP_REPLY_BAD_ARGUMENT},
    {"VRFY  SMTPUTF8", SMTP_VERB_VRFY, SMTP_REPLY_NONE},
    {"XCLIENT ADDR=192.0.2.1", SMTP_VERB_XCLIENT, SMTP_REPLY_NONE},
    {"XCLIENT", SMTP_VERB_XCLIENT, SMTP_REPLY_BAD_XCLIENT},
    {"XCLIENT FOO=1", SMTP_VERB_XCLIENT, SMTP_REPLY_BAD_XCLIENT},
    {"VRFY", SMTP_VERB_VRFY, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 5 LAST", SMTP_VERB_BDAT, SMTP_REPLY_NONE},
    {"bdat 0", SMTP_VERB_BDAT, SMTP_REPLY_NONE},
    {"BDAT  18446744073709551614  last ", SMTP_VERB_BDAT, SMTP_REPLY_NONE},
    {"BDAT", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT LAST", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 5LAST", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 5 FIRST", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 5 LAST LAST", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT -5", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT +5", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 0x5", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 18446744073709551615", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 99999999999999999999", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"BDAT 000000000000000000005", SMTP_VERB_BDAT, SMTP_REPLY_BAD_ARGUMENT},
    {"STARTTLS", SMTP_VERB_STARTTLS, SMTP_REPLY_NONE},
    {"STARTTLS now", SMTP_VERB_STARTTLS, SMTP_REPLY_BAD_ARGUMENT},
    {"AUTH PLAIN AA==", SMTP_VERB_AUTH, SMTP_REPLY_NONE},
    {"AUTH PLAIN", SMTP_VERB_AUTH, SMTP_REPLY_NONE},
    {"AUTH", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
    {"AUTH PLAIN AA== x", SMTP_VERB_AUTH, SMTP_REPLY_BAD_ARGUMENT},
    {"ETRN x", SMTP_VERB_ETRN, SMTP_REPLY_NOT_OFFERED},
    {"EXPN x", SMTP_VERB_EXPN, SMTP_REPLY_NOT_OFFERED},
    {"TURN", SMTP_VERB_TURN, SMTP_REPLY_NOT_OFFERED},
    {"", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {" ", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {"QUI", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {"QUITE", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {" QUIT", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {"GET / HTTP/1.1", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
    {"?", SMTP_VERB_UNKNOWN, SMTP_REPLY_UNKNOWN_COMMAND},
};

static void each_line_has_its_refusal(void)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct span line = guard_copy(span_text(lines[i].line), true);
        struct smtp_command c;
        enum smtp_reply_id bad = smtp_command_parse(line, &c);

        if (!CHECK(bad == lines[i].bad && c.verb == lines[i].verb))
            printf("# \"%s\" -> %s\n", lines[i].line, smtp_reply_row(bad)->counter);
        guard_free(line);
        line = guard_copy(span_text(lines[i].line), false);
        CHECK(smtp_command_parse(line, &c) == lines[i].bad);
        guard_free(line);
    }
}

static struct smtp_xclient xclient_of(const char *text)
{
    struct smtp_xclient x = {0};
    struct span copy = guard_copy(span_text(text), true);

    CHECK(smtp_xclient_parse(copy, &x));
    guard_free(copy);
    return x;
}

static void xclient_attributes_are_read(void)
{
    static const char *const bad[] = {
        "NAME=a NAME=b", "NAME=",       "NAME",           "NAME=a+",    "NAME=a+4", "NAME=a+4g",
        "NAME=a+0A",     "NAME=a+00b",  "ADDR=1.2.3",     "PORT=65536", "PORT=",    "PORT=1x",
        "PROTO=LMTP",    "ADDR=IPV6:1", "DESTPORT=-1",    "LOGIN=a=b",  "=x",       "HELO=\x7f",
        "PORT=123456",   "ADDR=",       "DESTADDR=mx.com"};
    struct smtp_xclient x =
        xclient_of("ADDR=IPV6:2001:db8::1 port=25  Proto=esmtp DESTADDR=192.0.2.7"
                   " DESTPORT=0");
    struct ip_address a;

    CHECK(ip_address_parse(span_text("2001:db8::1"), &a) && ip_address_equal(&x.addr, &a));
    CHECK(ip_address_parse(span_text("192.0.2.7"), &a) && ip_address_equal(&x.dest, &a));
    CHECK(x.port == 25 && x.esmtp && x.dest_port == 0);
    CHECK(smtp_xclient_has(&x, SMTP_XCLIENT_DESTPORT) && !smtp_xclient_has(&x, SMTP_XCLIENT_NAME));
    x = xclient_of("NAME=[TEMPUNAVAIL] ADDR=[unavailable] PROTO=SMTP");
    CHECK(x.temporary && !x.esmtp && x.given == 0x0b && x.unavailable == 0x03);
    CHECK(!smtp_xclient_has(&x, SMTP_XCLIENT_ADDR) && smtp_xclient_has(&x, SMTP_XCLIENT_PROTO));
    x = xclient_of("NAME=[UNAVAILABLE]");
    CHECK(!x.temporary && x.unavailable == 1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (!CHECK(!smtp_xclient_parse(span_text(bad[i]), &x)))
            printf("# %s\n", bad[i]);
}

static void xtext_is_decoded(void)
{
    uint8_t memory[16];
    struct writer w = writer_of(memory, sizeof(memory));
    struct smtp_xclient x;

    CHECK(smtp_xclient_parse(span_text("LOGIN=a+20b+2B+3Dc"), &x));
    smtp_xtext_put(&w, x.login);
    CHECK_TEXT(writer_span(&w), "a b+=c");
}

static void arguments_are_handed_out(void)
{
    struct smtp_command c;

    CHECK(smtp_command_parse(span_text("EHLO  mx.example.net "), &c) == SMTP_REPLY_NONE);
    CHECK_TEXT(c.argument, "mx.example.net");
    CHECK(smtp_command_parse(span_text("MAIL FROM:<A@b> SIZE=18446744073709551615 BODY=8BITMIME"),
                             &c) == SMTP_REPLY_NONE);
    CHECK_TEXT(c.path.local, "A");
    CHECK(c.size == UINT64_MAX && c.body == SMTP_BODY_8BITMIME);
    CHECK(smtp_command_parse(span_text("MAIL FROM:<A@b> SIZE=99999999999999999999"), &c) ==
          SMTP_REPLY_NONE);
    CHECK(c.size == UINT64_MAX && c.body == SMTP_BODY_7BIT);
    CHECK(smtp_command_parse(span_text("MAIL FROM:<A@b> SIZE=42"), &c) == SMTP_REPLY_NONE &&
          c.size == 42);
    CHECK(smtp_command_parse(span_text("VRFY joe user"), &c) == SMTP_REPLY_NONE);
    CHECK_TEXT(c.argument, "joe user");
}

static void a_helo_name_has_a_limit(void)
{
    char line[300] = "EHLO ";
    struct smtp_command c;

    memset(line + 5, 'x', 255);
    CHECK(smtp_command_parse(span_of(line, 260), &c) == SMTP_REPLY_NONE);
    line[260] = 'x';
    CHECK(smtp_command_parse(span_of(line, 261), &c) == SMTP_REPLY_BAD_HELO);
}

/* RFC 5321 section 4.2 and RFC 3463: three digits, a class that agrees, text without line ends, in
 * 512 octets. */
static void every_reply_is_well_formed(void)
{
    for (unsigned id = 1; id < SMTP_REPLY_COUNT; id++) {
        const struct smtp_reply *row = smtp_reply_row((enum smtp_reply_id)id);
        uint8_t text[SMTP_REPLY_MAX];
        struct writer w = writer_of(text, sizeof(text));

        CHECK(row->code >= 200 && row->code < 560);
        CHECK(row->enhanced[0] == 0 || row->enhanced[0] - '0' == row->code / 100);
        CHECK(row->counter[0] && row->text);
        smtp_reply_put(&w, (enum smtp_reply_id)id, span_of(NULL, 0));
        CHECK(!w.full && memcmp(text + w.len - 2, "\r\n", 2) == 0);
        for (unsigned other = 1; other < id; other++)
            CHECK(strcmp(row->counter, smtp_reply_row((enum smtp_reply_id)other)->counter) != 0);
    }
}

static void own_text_is_clean_and_bounded(void)
{
    uint8_t text[SMTP_REPLY_MAX], longer[600];
    struct writer w = writer_of(text, sizeof(text));

    smtp_reply_put(&w, SMTP_REPLY_RULE_REJECTED, span_text("no\r\n250 really"));
    CHECK_TEXT(writer_span(&w), "550 5.7.1 no??250 really\r\n");
    memset(longer, 'x', sizeof(longer));
    w.len = 0;
    smtp_reply_put(&w, SMTP_REPLY_RULE_REJECTED, span_of(longer, sizeof(longer)));
    CHECK(!w.full && w.len == SMTP_REPLY_MAX);
    CHECK(memcmp(text + SMTP_REPLY_MAX - 5, "...\r\n", 5) == 0);
}

int main(void)
{
    check_begin();
    CHECK_CASE(each_line_has_its_refusal);
    CHECK_CASE(arguments_are_handed_out);
    CHECK_CASE(xclient_attributes_are_read);
    CHECK_CASE(xtext_is_decoded);
    CHECK_CASE(a_helo_name_has_a_limit);
    CHECK_CASE(every_reply_is_well_formed);
    CHECK_CASE(own_text_is_clean_and_bounded);
    return check_end();
}
