/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "proto/base/base64.h"
#include "proto/sasl/sasl_mechanism.h"
#include "tests/harness/check.h"
#include "tests/session/world_tls.h"

/* Logins by a token and by the client's certificate, as a session asks control about them
 * (JOB_ACCOUNT_IDENTITY). */

static struct tls_outcome outcome;

/* Submission or POP3 under TLS, greeted; the certificate, if any, is for that address. */
static void begin(struct world_tls *t, bool pop3, const char *certificate)
{
    struct world *w = world_new(NULL, NULL);

    w->settings.mechanisms = sasl_mechanism_bit(SASL_MECHANISMS) - 1;
    w->settings.submission_from = true;
    world_tls_listen(w, pop3 ? LISTENER_POP3 : LISTENER_SUBMISSION);
    outcome = (struct tls_outcome){.client = certificate ? TLS_CLIENT_VERIFIED : TLS_CLIENT_NONE};
    if (certificate) {
        outcome.identity_len = (uint16_t)strlen(certificate);
        memcpy(outcome.identity, certificate, outcome.identity_len);
    }
    world_tls_connect(t, w, &outcome);
    CHECK(world_tls_expect(t, pop3 ? "+OK *\r\n" : "220 *\r\n"));
    if (pop3)
        return;
    world_tls_say(t, "EHLO c\r\n");
    CHECK(world_tls_expect(t, certificate ? "250-*250-AUTH * EXTERNAL OAUTHBEARER XOAUTH2*\r\n"
                                          : "250-*250-AUTH SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2*\r\n"));
}

static const struct counters *counters(const struct world_tls *t)
{
    return handoff_counters(handoff_port_of(t->w->handoff, 0));
}

static const char *line(const char *before, const char *text)
{
    static char out[1024];
    struct writer w = writer_of(out, sizeof(out) - 1);

    writer_text(&w, before);
    base64_put(&w, span_text(text));
    writer_text(&w, "\r\n");
    out[w.len] = 0;
    return out;
}

#define BEARER(identity, token)                                                                    \
    line("AUTH OAUTHBEARER ", "n,a=" identity ",\x01"                                              \
                              "auth=Bearer " token "\x01\x01")
#define NAMELESS(token)                                                                            \
    line("AUTH OAUTHBEARER ", "n,,\x01"                                                            \
                              "auth=Bearer " token "\x01\x01")
#define XOAUTH2(identity, token)                                                                   \
    line("AUTH XOAUTH2 ", "user=" identity "\x01"                                                  \
                          "auth=Bearer " token "\x01\x01")

static void a_token_is_a_login(void)
{
    for (int way = 0; way < 4; way++) {
        struct world_tls t;
        bool pop3 = way & 1;

        begin(&t, pop3, NULL);
        world_tls_say(&t, way & 2 ? XOAUTH2("alice@example.test", "good")
                                  : BEARER("alice@example.test", "good"));
        CHECK(world_tls_expect(&t, pop3 ? "+OK *\r\n" : "235 2.7.0 *\r\n"));
        CHECK(counters(&t)->auth_logins == 1 && counters(&t)->auth_failures == 0);
        /* It is the account's session. */
        world_tls_say(&t,
                      pop3 ? "STAT\r\n"
                           : "MAIL FROM:<bob@example.test>\r\nMAIL FROM:<alice@example.test>\r\n");
        CHECK(world_tls_expect(&t, pop3 ? "+OK *\r\n" : "553 5.7.1 *\r\n250 *\r\n"));
        CHECK(world_tls_free(&t));
    }
}

/* How the challenge begins: whole groups of three octets. */
static void put_challenge(char *text, size_t size, bool pop3, const char *status)
{
    struct writer w = writer_of(text, size - 1);
    char json[64];
    int n = snprintf(json, sizeof(json), "{\"status\":\"%s\"", status);

    writer_text(&w, pop3 ? "+ " : "334 ");
    base64_put(&w, span_of(json, (size_t)(n - n % 3)));
    writer_text(&w, "*\r\n");
    text[w.len] = 0;
}

/* What is missing is said in JSON, then the client's octet is awaited, and the refusal waits for
 * as long as control has said (RFC 7628 section 3.2.3). */
static void a_wrong_token_is_explained_and_answered_later(void)
{
    static const struct {
        enum login_refusal why;
        const char *status;
    } cases[] = {{LOGIN_WRONG, "invalid_token"}, {LOGIN_SCOPE, "insufficient_scope"}};

    for (int i = 0; i < 4; i++) {
        struct world_tls t;
        char expected[512];
        bool pop3 = i & 1;

        begin(&t, pop3, NULL);
        t.w->login_delay_ms = 5000;
        t.w->login_why = (uint8_t)cases[i / 2].why;
        world_tls_say(&t, NAMELESS("bad"));
        put_challenge(expected, sizeof(expected), pop3, cases[i / 2].status);
        CHECK(world_tls_expect(&t, expected));
        world_tls_say(&t, "AQ==\r\n");
        CHECK(world_tls_expect(&t, ""));
        world_wait(t.w, 4000);
        CHECK(world_tls_expect(&t, ""));
        world_wait(t.w, 2000);
        CHECK(world_tls_expect(&t, pop3 ? "-ERR [AUTH] *\r\n" : "535 5.7.8 *\r\n"));
        CHECK(counters(&t)->auth_failures == 1 && counters(&t)->auth_logins == 0);
        CHECK(world_tls_free(&t));
    }
}

/* No answer to it, too many, too soon: come again, at once. */
static void what_is_not_known_refuses_nobody(void)
{
    static const struct {
        enum job_status status;
        enum login_refusal why;
        const char *smtp, *pop3;
    } cases[] = {{JOB_FAILED, LOGIN_WRONG, "454 4.7.0 *\r\n", "-ERR [SYS/TEMP] *\r\n"},
                 {JOB_REFUSED, LOGIN_BUSY, "454 4.7.0 *\r\n", "-ERR [SYS/TEMP] *\r\n"},
                 {JOB_REFUSED, LOGIN_EARLY, "454 4.7.0 *\r\n", "-ERR [LOGIN-DELAY] *\r\n"}};

    for (int i = 0; i < 6; i++) {
        struct world_tls t;

        begin(&t, i & 1, NULL);
        t.w->login_status = cases[i / 2].status;
        t.w->login_why = (uint8_t)cases[i / 2].why;
        t.w->login_delay_ms = 60000;
        world_tls_say(&t, NAMELESS("good"));
        CHECK(world_tls_expect(&t, i & 1 ? cases[i / 2].pop3 : cases[i / 2].smtp));
        CHECK(counters(&t)->auth_failures == 0);
        CHECK(world_tls_free(&t));
    }
}

static void a_certificate_is_a_login(void)
{
    struct world_tls t;

    for (int pop3 = 0; pop3 < 2; pop3++) {
        begin(&t, pop3, "alice@example.test");
        world_tls_say(&t, "AUTH EXTERNAL =\r\n");
        CHECK(world_tls_expect(&t, pop3 ? "+OK *\r\n" : "235 2.7.0 *\r\n"));
        CHECK(world_tls_free(&t));
        /* To act as somebody else is control's to judge. */
        begin(&t, pop3, "alice@example.test");
        world_tls_say(&t, line("AUTH EXTERNAL ", "bob@example.test"));
        CHECK(world_tls_expect(&t, pop3 ? "-ERR [AUTH] *\r\n" : "535 5.7.8 *\r\n"));
        CHECK(world_tls_free(&t));
        /* Without one there is no such mechanism. */
        begin(&t, pop3, NULL);
        world_tls_say(&t, "AUTH EXTERNAL =\r\n");
        CHECK(world_tls_expect(&t, pop3 ? "-ERR *\r\n" : "504 5.5.4 *\r\n"));
        CHECK(world_tls_free(&t));
    }
}

/* Reset, closed, drained or banned: while control has the question, or the answer is held back. */
static void whoever_goes_meanwhile_leaves_nothing(void)
{
    for (int how = 0; how < 12; how++) {
        struct world_tls t;

        begin(&t, how & 1, "bob@example.test");
        t.w->login_delay_ms = 30000;
        t.w->late = how & 2;
        world_tls_say(&t, how & 2 ? NAMELESS("bad") : "AUTH EXTERNAL =\r\n");
        if (how / 4 == 0)
            world_reset(t.w);
        else if (how / 4 == 1)
            world_close(t.w);
        else
            notice_send(t.w->handoff, UINT16_MAX, &(struct notice){.kind = NOTICE_DRAIN});
        world_wait(t.w, 1000);
        t.w->late = false;
        world_wait(t.w, 40000);
        CHECK(sessions_count(t.w->sessions) == 0);
        CHECK(world_tls_free(&t));
    }
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_token_is_a_login);
    CHECK_CASE(a_wrong_token_is_explained_and_answered_later);
    CHECK_CASE(what_is_not_known_refuses_nobody);
    CHECK_CASE(a_certificate_is_a_login);
    CHECK_CASE(whoever_goes_meanwhile_leaves_nothing);
    return check_end();
}
