/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/base/base64.h"
#include "proto/sasl/sasl_message.h"
#include "proto/sasl/sasl_server.h"
#include "tests/harness/check.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>

static struct sasl_server s;
/* Of the connection: no binding, and all mechanisms but those that need one. */
static uint8_t said[SASL_TOKEN_TEXT_MAX];
static struct sasl_terms terms = {.memory = said};

static struct span encoded(struct span text)
{
    static uint8_t memory[2 * SASL_LINE_MAX];
    struct writer w = writer_of(memory, sizeof(memory));

    base64_put(&w, text);
    return writer_span(&w);
}

static struct span decoded(struct span text)
{
    static uint8_t memory[SASL_LINE_MAX];
    struct writer w = writer_of(memory, sizeof(memory));

    CHECK(sasl_base64_read(text, &w));
    return writer_span(&w);
}

static enum sasl_status say(const char *text)
{
    return sasl_server_line(&s, encoded(span_text(text)));
}

static enum sasl_status begin_with(enum sasl_mechanism mechanism, struct span text)
{
    return sasl_server_begin(&s, &terms, mechanism, encoded(text));
}

#define RAW(literal) span_of(literal, sizeof(literal) - 1)

/* ---- PLAIN and LOGIN ---- */

static void plain_is_taken_apart(void)
{
    CHECK(begin_with(SASL_PLAIN, RAW("\0alice\0secret")) == SASL_ASK);
    CHECK(s.question.kind == SASL_ASK_PASSWORD && s.question.identity.len == 0);
    CHECK_TEXT(s.question.user, "alice");
    CHECK_TEXT(s.question.password, "secret");
    CHECK(begin_with(SASL_PLAIN, RAW("bob\0alice\0sec ret")) == SASL_ASK);
    CHECK_TEXT(s.question.identity, "bob");
    sasl_server_wipe(&s);
    CHECK(memmem(said, sizeof(said), "sec ret", 7) == NULL);
    CHECK(sasl_server_begin(&s, &terms, SASL_PLAIN, span_of(NULL, 0)) == SASL_CHALLENGE);
    CHECK(sasl_server_challenge(&s).len == 0);
    CHECK(sasl_server_line(&s, encoded(RAW("\0alice\0secret"))) == SASL_ASK);
}

static void what_is_no_plain_is_bad(void)
{
    const struct span bad[] = {
        RAW(""),           RAW("alice"),         RAW("\0alice"),          RAW("\0alice\0"),
        RAW("\0\0secret"), RAW("\0alice\0s\0x"), RAW("\0al\xff\0secret"), RAW("\xc0\0a\0b"),
    };
    char longest[2 + 255 + 512 + 1];

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(begin_with(SASL_PLAIN, bad[i]) == SASL_BAD);
    CHECK(sasl_server_begin(&s, &terms, SASL_PLAIN, span_text("=")) == SASL_BAD);
    memset(longest, 'x', sizeof(longest));
    longest[0] = longest[256] = 0;
    CHECK(begin_with(SASL_PLAIN, span_of(longest, 1 + 255 + 1 + 512)) == SASL_ASK);
    CHECK(s.question.user.len == 255 && s.question.password.len == 512);
    CHECK(begin_with(SASL_PLAIN, span_of(longest, 1 + 255 + 1 + 513)) == SASL_BAD);
    longest[256] = 'x';
    longest[257] = 0;
    CHECK(begin_with(SASL_PLAIN, span_of(longest, 300)) == SASL_BAD);
}

static void login_asks_twice(void)
{
    CHECK(sasl_server_begin(&s, &terms, SASL_LOGIN, span_of(NULL, 0)) == SASL_CHALLENGE);
    CHECK_TEXT(sasl_server_challenge(&s), "VXNlcm5hbWU6");
    CHECK(say("alice") == SASL_CHALLENGE);
    CHECK_TEXT(sasl_server_challenge(&s), "UGFzc3dvcmQ6");
    CHECK(say("secret") == SASL_ASK);
    CHECK_TEXT(s.question.user, "alice");
    CHECK_TEXT(s.question.password, "secret");
    CHECK(begin_with(SASL_LOGIN, span_text("alice")) == SASL_CHALLENGE);
    CHECK_TEXT(sasl_server_challenge(&s), "UGFzc3dvcmQ6");
    CHECK(say("") == SASL_BAD);
    CHECK(sasl_server_begin(&s, &terms, SASL_LOGIN, span_text("=")) == SASL_BAD);
}

static void a_star_cancels_and_bad_base64_is_bad(void)
{
    static const char *const bad[] = {"=",    "A",        "AA",   "AAA",   "AA=A",
                                      "A===", "QQ=",      "QR==", "QUJ=",  "QU\xc3\xa4",
                                      "Q Q=", "QQ==QQ==", "**",   "QQ==\t"};

    CHECK(sasl_server_begin(&s, &terms, SASL_LOGIN, span_of(NULL, 0)) == SASL_CHALLENGE);
    CHECK(sasl_server_line(&s, span_text("*")) == SASL_CANCELLED);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(sasl_server_begin(&s, &terms, SASL_LOGIN, span_of(NULL, 0)) == SASL_CHALLENGE);
        if (!CHECK(sasl_server_line(&s, span_text(bad[i])) == SASL_BAD))
            printf("# %s\n", bad[i]);
    }
}

/* ---- SCRAM ---- */

static struct scram_keys keys_of(enum scram_hash hash, const char *salt, const char *password)
{
    struct scram_keys k = {.hash = (uint8_t)hash, .iterations = 4096};
    struct span bytes = decoded(span_text(salt));

    k.salt_len = (uint8_t)bytes.len;
    memcpy(k.salt, bytes.data, bytes.len);
    CHECK(scram_keys_derive(&k, span_text(password)));
    return k;
}

/* The examples of the RFCs have nonces that are text, ours are base64: so what is proved is checked
 * apart from the exchange. */
static void keys_are_those_of_the_examples(void)
{
    struct scram_keys sha1 = keys_of(SCRAM_SHA1, "QSXCR+Q6sek8bf92", "pencil");
    struct scram_keys sha256 = keys_of(SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "pencil");
    struct span message =
        span_text("n=user,r=fyko+d2lbbFgONRv9qkxdawL,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                  "s=QSXCR+Q6sek8bf92,i=4096,c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j");
    uint8_t proof[SCRAM_KEY_MAX], signature[SCRAM_KEY_MAX];

    memcpy(proof, decoded(span_text("v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=")).data, 20);
    CHECK(scram_keys_check(&sha1, message, proof, signature)); /* RFC 5802 section 5 */
    CHECK_TEXT(encoded(span_of(signature, 20)), "rmF9pqV8S7suAoZWja4dJRkFsKQ=");
    proof[19] ^= 1;
    CHECK(!scram_keys_check(&sha1, message, proof, signature));
    message = span_text("n=user,r=rOprNGfwEbeRWgbNEkqO,"
                        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                        "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
                        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
    memcpy(proof, decoded(span_text("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")).data, 32);
    CHECK(scram_keys_check(&sha256, message, proof, signature)); /* RFC 7677 section 3 */
    CHECK_TEXT(encoded(span_of(signature, 32)), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

static void keys_are_written_and_read(void)
{
    static const char *const bad[] = {
        "",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256$4096:AAAA$AAAA:AAAA",
        "SCRAM-SHA-512$4096:AAAA$AAAA:AAAA",
        "SCRAM-SHA-1$0:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
        "SCRAM-SHA-1$1000001:QSXC$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
        "SCRAM-SHA-1$4096:$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=",
        "SCRAM-SHA-1$4096:QSXC$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+CSWLOshSulAsxiupA+qs2/fTE=x"};
    const char *text = "SCRAM-SHA-1$4096:QSXCR+Q6sek8bf92$6dlGYMOdZcOPutkcNY8U2g7vK9Y=:D+"
                       "CSWLOshSulAsxiupA+qs2/fTE=";
    struct scram_keys k, derived = keys_of(SCRAM_SHA1, "QSXCR+Q6sek8bf92", "pencil");
    uint8_t memory[SCRAM_KEYS_TEXT];
    struct writer w = writer_of(memory, sizeof(memory));

    CHECK(scram_keys_read(span_text(text), &k) && memcmp(&k, &derived, sizeof(k)) == 0);
    scram_keys_put(&w, &k);
    CHECK_TEXT(writer_span(&w), text);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!scram_keys_read(span_text(bad[i]), &k));
    for (size_t n = 0; n < strlen(text); n++) {
        struct span cut = guard_copy(span_of(text, n), true);

        CHECK(!scram_keys_read(cut, &k));
        guard_free(cut);
    }
}

static void unknown_names_have_salts_that_stay(void)
{
    struct span secret = span_text("a secret of the server's");
    struct scram_keys a, b, c, d;

    CHECK(scram_keys_fake(&a, SCRAM_SHA256, 4096, secret, span_text("nobody@example.com")));
    CHECK(scram_keys_fake(&b, SCRAM_SHA256, 4096, secret, span_text("nobody@example.com")));
    CHECK(scram_keys_fake(&c, SCRAM_SHA256, 4096, secret, span_text("nobodz@example.com")));
    CHECK(scram_keys_fake(&d, SCRAM_SHA256, 4096, span_text("other"),
                          span_text("nobody@example.com")));
    CHECK(memcmp(&a, &b, sizeof(a)) == 0);
    CHECK(a.salt_len == 16 && memcmp(a.salt, c.salt, 16) != 0 && memcmp(a.salt, d.salt, 16) != 0);
    CHECK(memcmp(a.stored, a.salt, 16) != 0 && memcmp(a.stored, a.server, 32) != 0);
}

/* A client that follows the RFC, with keys of its own making: proof := ClientKey XOR
 * HMAC(StoredKey, AuthMessage). The keys' server part stands in for the client key's derivation. */

static void prove(const struct scram_keys *k, const char *password, struct span message,
                  uint8_t *proof_out)
{
    uint8_t salted[32], client[32], signature[32];

    PKCS5_PBKDF2_HMAC(password, (int)strlen(password), k->salt, k->salt_len, (int)k->iterations,
                      EVP_sha256(), 32, salted);
    HMAC(EVP_sha256(), salted, 32, (const uint8_t *)"Client Key", 10, client, NULL);
    HMAC(EVP_sha256(), k->stored, 32, message.data, message.len, signature, NULL);
    for (int i = 0; i < 32; i++)
        proof_out[i] = client[i] ^ signature[i];
}

static const uint8_t server_nonce[SCRAM_SERVER_NONCE] = "0123456789abcdefg";

/* Up to the question about the proof. `final` replaces what stands before the proof, unless NULL.
 */
static enum sasl_status exchange_by(enum sasl_mechanism mechanism, const char *first,
                                    const char *bare, const char *final, const char *password)
{
    struct scram_keys k = keys_of(SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "pencil");
    char without[1024], message[4096], whole[2048];
    uint8_t proof[32];
    struct span challenge;

    enum sasl_status status = begin_with(mechanism, span_text(first));

    if (status != SASL_ASK || !CHECK(s.question.kind == SASL_ASK_SALT))
        return status;
    CHECK(sasl_server_salt(&s, span_of(k.salt, k.salt_len), 4096, server_nonce) == SASL_CHALLENGE);
    challenge = decoded(sasl_server_challenge(&s));
    CHECK_TEXT(challenge, "r=abcMDEyMzQ1Njc4OWFiY2RlZmcA,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
    snprintf(without, sizeof(without), "%s",
             final ? final : "c=biws,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA");
    snprintf(message, sizeof(message), "%s,%.*s,%s", bare, (int)challenge.len,
             (const char *)challenge.data, without);
    prove(&k, password, span_text(message), proof);
    snprintf(whole, sizeof(whole), "%s,p=%.*s", without, 44,
             (const char *)encoded(span_of(proof, 32)).data);
    return say(whole);
}

static enum sasl_status exchange(const char *first, const char *bare, const char *final,
                                 const char *password)
{
    return exchange_by(SASL_SCRAM_SHA_256, first, bare, final, password);
}

static void scram_proves_both_sides(void)
{
    struct scram_keys k = keys_of(SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "pencil");
    uint8_t signature[SCRAM_KEY_MAX];

    CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", NULL, "pencil") == SASL_ASK);
    CHECK(s.question.kind == SASL_ASK_PROOF);
    CHECK_TEXT(s.question.user, "user");
    CHECK(scram_keys_check(&k, s.question.message, s.question.proof, signature));
    CHECK(sasl_server_proved(&s, signature) == SASL_CHALLENGE);
    CHECK(span_equal(span_head(decoded(sasl_server_challenge(&s)), 2), span_text("v=")));
    CHECK(sasl_server_line(&s, span_of(NULL, 0)) == SASL_DONE);
    CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", NULL, "wrong") == SASL_ASK);
    CHECK(!scram_keys_check(&k, s.question.message, s.question.proof, signature));
}

static void scram_binds_header_and_nonce(void)
{
    struct scram_keys k = keys_of(SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "pencil");
    uint8_t signature[SCRAM_KEY_MAX];

    /* The client thinks that we have no channel binding, and has one itself. */
    CHECK(exchange("y,a=bob,n=user,r=abc", "n=user,r=abc",
                   "c=eSxhPWJvYiw=,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA", "pencil") == SASL_ASK);
    CHECK(scram_keys_check(&k, s.question.message, s.question.proof, signature));
    CHECK_TEXT(s.question.identity, "bob");
    /* It said "n" and proves "y": a proof that is right, and not of this exchange. */
    CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", "c=eSws,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA",
                   "pencil") == SASL_ASK);
    CHECK(!scram_keys_check(&k, s.question.message, s.question.proof, signature));
    CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", "c=biws,r=abcMDEyMzQ1Njc4OWFiY2RlZmcB",
                   "pencil") == SASL_ASK);
    CHECK(!scram_keys_check(&k, s.question.message, s.question.proof, signature));
}

/* "c=" with this header and these octets behind it. */
static const char *final_of(const char *header, struct span binding)
{
    static char text[256];
    uint8_t memory[128];
    struct writer w = writer_of(memory, sizeof(memory));
    struct span base64;

    writer_text(&w, header);
    writer_span_put(&w, binding);
    base64 = encoded(writer_span(&w));
    snprintf(text, sizeof(text), "c=%.*s,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA", (int)base64.len,
             (const char *)base64.data);
    return text;
}

static bool proves(const char *header, struct span binding)
{
    struct scram_keys k = keys_of(SCRAM_SHA256, "W22ZaJ0SNY7soEsUEjb6gQ==", "pencil");
    uint8_t signature[SCRAM_KEY_MAX];
    char first[128];

    snprintf(first, sizeof(first), "%sn=user,r=abc", header);
    return CHECK(exchange_by(SASL_SCRAM_SHA_256_PLUS, first, "n=user,r=abc",
                             final_of(header, binding), "pencil") == SASL_ASK) &&
           scram_keys_check(&k, s.question.message, s.question.proof, signature);
}

static void scram_binds_the_connection(void)
{
    struct span exporter = span_text("the exporter's octets"), end = span_text("of a certificate");

    terms =
        (struct sasl_terms){.offered = ~0u, .exporter = exporter, .end_point = end, .memory = said};
    CHECK(proves("p=tls-exporter,,", exporter));
    CHECK(proves("p=tls-server-end-point,a=bob,", end));
    CHECK_TEXT(s.question.identity, "bob");
    /* Of another connection, of the other type, cut, longer, none. */
    CHECK(!proves("p=tls-exporter,,", span_text("the exporter's octetS")));
    CHECK(!proves("p=tls-exporter,,", end));
    CHECK(!proves("p=tls-exporter,,", span_head(exporter, 3)));
    CHECK(!proves("p=tls-exporter,,", span_text("the exporter's octets.")));
    CHECK(!proves("p=tls-exporter,,", span_of(NULL, 0)));
    terms = (struct sasl_terms){.memory = said};
}

/* RFC 5802 section 6 */
static void a_binding_is_of_the_mechanism(void)
{
    static const struct {
        enum sasl_mechanism mechanism;
        const char *header;
        enum sasl_status status;
    } rows[] = {
        {SASL_SCRAM_SHA_256_PLUS, "n,,", SASL_BAD},
        {SASL_SCRAM_SHA_256_PLUS, "y,,", SASL_BAD},
        {SASL_SCRAM_SHA_256_PLUS, "p=tls-exporter,,", SASL_UNBOUND},
        {SASL_SCRAM_SHA_256_PLUS, "p=tls-unique,,", SASL_UNBOUND},
        {SASL_SCRAM_SHA_256_PLUS, "p=tls-server-end-point,,", SASL_ASK},
        {SASL_SCRAM_SHA_256_PLUS, "p=,,", SASL_BAD},
        {SASL_SCRAM_SHA_256_PLUS, "p=tls exporter,,", SASL_BAD},
        {SASL_SCRAM_SHA_256_PLUS, "p,,", SASL_BAD},
        {SASL_SCRAM_SHA_256, "p=tls-server-end-point,,", SASL_BAD},
        {SASL_SCRAM_SHA_256, "n,,", SASL_ASK},
        {SASL_SCRAM_SHA_256, "y,,", SASL_DOWNGRADED},
        {SASL_SCRAM_SHA_1, "y,,", SASL_ASK}, /* that one has no sibling with a binding */
    };
    char first[64];

    terms = (struct sasl_terms){.offered = ~0u, .end_point = span_text("end"), .memory = said};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        snprintf(first, sizeof(first), "%sn=u,r=x", rows[i].header);
        if (!CHECK(begin_with(rows[i].mechanism, span_text(first)) == rows[i].status))
            printf("# %s\n", first);
    }
    terms = (struct sasl_terms){.memory = said};
}

static void names_of_scram_are_decoded(void)
{
    CHECK(begin_with(SASL_SCRAM_SHA_256, span_text("n,a==2C,n=a=3Db=2Cc,r=x,e=1,f=22")) ==
          SASL_ASK);
    CHECK_TEXT(s.question.user, "a=b,c");
    CHECK_TEXT(s.question.identity, ",");
}

static void what_is_no_scram_is_bad(void)
{
    static const char *const first[] = {"",
                                        "n",
                                        "n,",
                                        "n,,",
                                        "n,,n=user",
                                        "n,,n=user,",
                                        "n,,n=,r=x",
                                        "n,,n=u,r=",
                                        "p=tls-exporter,,n=u,r=x",
                                        "x,,n=u,r=x",
                                        "n,b=x,n=u,r=x",
                                        "n,a=,n=u,r=x",
                                        "n,,m=x,n=u,r=x",
                                        "n,,r=x,n=u",
                                        "n,,n=a=2D,r=x",
                                        "n,,n=a=,r=x",
                                        "n,,n=u,r=x,",
                                        "n,,n=u,r=x,e",
                                        "n,,n=u,r=x y",
                                        "n,,n=u\xff,r=x",
                                        "n,,n=u,r=x,1=2",
                                        "nn,,n=u,r=x"};
    static const char *const final[] = {"c=biws,r=abcMDEyMzQ1Njc4OWFiY2RlZmcA,",
                                        "c=biws,r=", "c=biws", "r=abc,c=biws", "c=biws,r=a b"};
    char text[300] = "n,,n=u,r=";

    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        if (!CHECK(begin_with(SASL_SCRAM_SHA_256, span_text(first[i])) == SASL_BAD))
            printf("# %s\n", first[i]);
    for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
        if (!CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", final[i], "pencil") == SASL_BAD))
            printf("# %s\n", final[i]);
    memset(text + 9, 'x', SCRAM_NONCE_MAX);
    CHECK(begin_with(SASL_SCRAM_SHA_256, span_text(text)) == SASL_ASK);
    text[9 + SCRAM_NONCE_MAX] = 'x';
    CHECK(begin_with(SASL_SCRAM_SHA_256, span_text(text)) == SASL_BAD);
    CHECK(exchange("n,,n=user,r=abc", "n=user,r=abc", NULL, "pencil") == SASL_ASK);
    CHECK(sasl_server_proved(&s, s.question.proof) == SASL_CHALLENGE);
    CHECK(say("more") == SASL_BAD);
}

/* ---- identities and tokens ---- */

static void external_names_nobody_or_somebody(void)
{
    CHECK(begin_with(SASL_EXTERNAL, RAW("")) == SASL_ASK && s.question.kind == SASL_ASK_EXTERNAL);
    CHECK(s.question.identity.len == 0 && s.question.user.len == 0);
    CHECK(begin_with(SASL_EXTERNAL, RAW("bob@example.com")) == SASL_ASK);
    CHECK_TEXT(s.question.identity, "bob@example.com");
    CHECK(begin_with(SASL_EXTERNAL, RAW("b\0b")) == SASL_BAD);
    CHECK(begin_with(SASL_EXTERNAL, RAW("b\xff")) == SASL_BAD);
    CHECK(sasl_server_begin(&s, &terms, SASL_EXTERNAL, span_of(NULL, 0)) == SASL_CHALLENGE);
    CHECK(say("") == SASL_ASK);
}

static void tokens_are_taken_apart(void)
{
    static const struct {
        enum sasl_mechanism mechanism;
        const char *message, *identity, *token;
    } rows[] = {
        {SASL_OAUTHBEARER, "n,a=u@x=2Cy,\1host=h\1port=1\1auth=Bearer a-._~+/=\1\1", "u@x,y",
         "a-._~+/="},
        {SASL_OAUTHBEARER, "y,,\1auth=bearer   tok\1\1", "", "tok"},
        {SASL_OAUTHBEARER, "n,,\1AUTH=Bearer tok\1x=\1\1", "", "tok"},
        {SASL_OAUTHBEARER, "", NULL, NULL},
        {SASL_OAUTHBEARER, "\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearer tok\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearer tok\1\1x", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearer to k\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearer =\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Basic tok\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearertok\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1auth=Bearer a\1auth=Bearer b\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1=x\1auth=Bearer a\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "n,,\1k1=x\1auth=Bearer a\1\1", NULL, NULL},
        {SASL_OAUTHBEARER, "p=tls-exporter,,\1auth=Bearer a\1\1", NULL, NULL},
        {SASL_XOAUTH2, "user=u@x\1auth=Bearer tok\1\1", "u@x", "tok"},
        {SASL_XOAUTH2, "user=\1auth=Bearer tok\1\1", NULL, NULL},
        {SASL_XOAUTH2, "auth=Bearer tok\1user=u\1\1", NULL, NULL},
        {SASL_XOAUTH2, "user=u@x\1auth=Bearer tok\1", NULL, NULL},
        {SASL_XOAUTH2, "user=u@x", NULL, NULL},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum sasl_status status = begin_with(rows[i].mechanism, span_text(rows[i].message));

        if (!CHECK(status == (rows[i].token ? SASL_ASK : SASL_BAD))) {
            printf("# %s\n", rows[i].message);
        } else if (rows[i].token) {
            CHECK(s.question.kind == SASL_ASK_TOKEN);
            CHECK_TEXT(s.question.identity, rows[i].identity);
            CHECK_TEXT(s.question.password, rows[i].token);
        }
    }
}

/* RFC 7628 section 3.2.2 and 3.2.3 */
static void a_refused_token_is_explained(void)
{
    terms.scope = span_text("mail");
    terms.discovery = span_text("https://id.test/");
    CHECK(begin_with(SASL_OAUTHBEARER, RAW("n,,\1auth=Bearer t\1\1")) == SASL_ASK);
    CHECK(sasl_server_refused(&s, "insufficient_scope") == SASL_CHALLENGE);
    CHECK_TEXT(decoded(sasl_server_challenge(&s)),
               "{\"status\":\"insufficient_scope\",\"scope\":\"mail\","
               "\"openid-configuration\":\"https://id.test/\"}");
    CHECK(say("\1") == SASL_REFUSED);
    terms = (struct sasl_terms){.memory = said};
    CHECK(begin_with(SASL_XOAUTH2, RAW("user=u\1auth=Bearer t\1\1")) == SASL_ASK);
    CHECK(sasl_server_refused(&s, "invalid_token") == SASL_CHALLENGE);
    CHECK_TEXT(decoded(sasl_server_challenge(&s)), "{\"status\":\"invalid_token\"}");
    CHECK(say("") == SASL_REFUSED);
    /* Who brings none asks where they come from. */
    CHECK(begin_with(SASL_OAUTHBEARER, RAW("n,,\1auth=\1\1")) == SASL_CHALLENGE);
    CHECK(sasl_server_line(&s, span_text("*")) == SASL_CANCELLED);
}

static void refusals_fit_their_challenge(void)
{
    static char scope[SASL_SCOPE_MAX + 1], discovery[SASL_DISCOVERY_MAX + 1];

    memset(scope, 's', SASL_SCOPE_MAX);
    memset(discovery, 'd', SASL_DISCOVERY_MAX);
    terms.scope = span_text(scope);
    terms.discovery = span_text(discovery);
    CHECK(begin_with(SASL_OAUTHBEARER, RAW("n,,\1auth=Bearer t\1\1")) == SASL_ASK);
    CHECK(sasl_server_refused(&s, "insufficient_scope") == SASL_CHALLENGE);
    terms = (struct sasl_terms){.memory = said};
    CHECK(sasl_refusal_text_good(span_text("mail read")) &&
          !sasl_refusal_text_good(span_text("\"")));
    CHECK(!sasl_refusal_text_good(span_text("\\")) && !sasl_refusal_text_good(span_text("\n")));
}

/* ---- any input ---- */

static void nothing_is_read_behind_a_message(void)
{
    const struct span messages[] = {RAW("bob\0alice\0secret"),
                                    RAW("n,a=b=2C,n=u=3D,r=abc,e=1"),
                                    RAW("c=biws,r=abc,e=1,p=AAAA"),
                                    RAW("p=tls-exporter,a=b,n=u,r=abc"),
                                    RAW("n,a=b,\1x=y\1auth=Bearer t=\1\1"),
                                    RAW("user=u\1auth=Bearer t=\1\1")};

    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++)
        for (size_t n = 0; n <= messages[i].len; n++) {
            struct span cut = guard_copy(span_head(messages[i], n), true);
            struct sasl_plain plain;
            struct scram_first first;
            struct sasl_bearer bearer;
            struct scram_final final;
            uint8_t memory[64];
            struct writer w = writer_of(memory, sizeof(memory));

            sasl_plain_read(cut, &plain);
            scram_first_read(cut, &first);
            sasl_oauthbearer_read(cut, &bearer);
            sasl_xoauth2_read(cut, &bearer);
            scram_final_read(cut, &final);
            gs2_name_read(cut, &w);
            w.len = 0;
            sasl_base64_read(cut, &w);
            guard_free(cut);
        }
    CHECK(true);
}

static void what_is_too_long_is_bad(void)
{
    static char text[SASL_LINE_MAX];

    memset(text, 'A', sizeof(text));
    for (unsigned m = 0; m < SASL_MECHANISMS; m++)
        CHECK(sasl_server_begin(&s, &terms, (enum sasl_mechanism)m, span_of(text, sizeof(text))) ==
              SASL_BAD);
}

static void mechanisms_are_found_by_name(void)
{
    uint32_t set = sasl_mechanism_bit(SASL_PLAIN) | sasl_mechanism_bit(SASL_SCRAM_SHA_256);
    uint8_t memory[64];
    struct writer w = writer_of(memory, sizeof(memory));

    CHECK(sasl_mechanism_find(span_text("plain"), set) == SASL_PLAIN);
    CHECK(sasl_mechanism_find(span_text("LOGIN"), set) == SASL_MECHANISMS);
    CHECK(sasl_mechanism_find(span_text(""), set) == SASL_MECHANISMS);
    CHECK(sasl_mechanism_find(span_text("PLAINX"), set) == SASL_MECHANISMS);
    sasl_mechanism_put(&w, set);
    CHECK_TEXT(writer_span(&w), " SCRAM-SHA-256 PLAIN");
    set |= sasl_mechanism_bit(SASL_SCRAM_SHA_256_PLUS);
    CHECK(sasl_mechanisms_possible(set, SASL_NEEDS_BINDING) == set);
    CHECK(sasl_mechanisms_possible(set, 0) == (set & ~sasl_mechanism_bit(SASL_SCRAM_SHA_256_PLUS)));
}

int main(void)
{
    check_begin();
    CHECK_CASE(plain_is_taken_apart);
    CHECK_CASE(what_is_no_plain_is_bad);
    CHECK_CASE(login_asks_twice);
    CHECK_CASE(a_star_cancels_and_bad_base64_is_bad);
    CHECK_CASE(keys_are_those_of_the_examples);
    CHECK_CASE(keys_are_written_and_read);
    CHECK_CASE(unknown_names_have_salts_that_stay);
    CHECK_CASE(scram_proves_both_sides);
    CHECK_CASE(scram_binds_header_and_nonce);
    CHECK_CASE(scram_binds_the_connection);
    CHECK_CASE(a_binding_is_of_the_mechanism);
    CHECK_CASE(names_of_scram_are_decoded);
    CHECK_CASE(what_is_no_scram_is_bad);
    CHECK_CASE(external_names_nobody_or_somebody);
    CHECK_CASE(tokens_are_taken_apart);
    CHECK_CASE(a_refused_token_is_explained);
    CHECK_CASE(refusals_fit_their_challenge);
    CHECK_CASE(nothing_is_read_behind_a_message);
    CHECK_CASE(what_is_too_long_is_bad);
    CHECK_CASE(mechanisms_are_found_by_name);
    return check_end();
}
