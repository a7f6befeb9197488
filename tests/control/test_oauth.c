/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/base64url.h"
#include "control/oauth/jwks.h"
#include "control/oauth/oauth.h"
#include "control/oauth/oauth_cache.h"
#include "tests/harness/check.h"

#include <stdio.h>
#include <string.h>

/* The examples of RFC 7515 appendix A.2 and A.3. */
#define CLAIMS                                                                                     \
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl" \
    "fQ"
#define RSA_TOKEN                                                                                  \
    "eyJhbGciOiJSUzI1NiJ9." CLAIMS                                                                 \
    ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp" \
    "5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl" \
    "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9Q" \
    "OYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
#define RSA_N                                                                                      \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4" \
    "d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5re" \
    "xMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxX" \
    "FvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define EC_TOKEN                                                                                   \
    "eyJhbGciOiJFUzI1NiJ9." CLAIMS                                                                 \
    ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define RSA_KEY "{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""
#define EC_KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""

static struct jwks *keys(const char *text)
{
    struct span copy = guard_copy(span_text(text), true);
    struct jwks *s = jwks_read(copy);

    guard_free(copy);
    return s;
}

static void base64url_is_strict(void)
{
    static const struct {
        const char *text, *octets;
    } rows[] = {
        {"", ""},      {"QQ", "A"},    {"QUI", "AB"},     {"QUJD", "ABC"}, {"_-8", "\xff\xef"},
        {"Q", NULL},   {"QQ==", NULL}, {"QR", NULL},      {"QUJ", NULL},   {"Q/8", NULL},
        {"Q+8", NULL}, {"Q Q", NULL},  {"QUJDRA", "ABCD"}};
    uint8_t memory[4];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct writer w = writer_of(memory, sizeof(memory));
        bool good = base64url_read(span_text(rows[i].text), &w);

        if (!CHECK(good == (rows[i].octets != NULL)) ||
            (good && !CHECK(span_equal(writer_span(&w), span_text(rows[i].octets)))))
            printf("# %s\n", rows[i].text);
    }
    CHECK(!base64url_read(span_text("QUJDREU"), &(struct writer){.data = memory, .cap = 4}));
}

/* RFC 7515 appendix A; a token by a key of its own algorithm alone. */
static void signatures_are_verified(void)
{
    static const struct {
        const char *keys, *token;
        enum jwks_verdict verdict;
    } rows[] = {
        {"{\"keys\":[" RSA_KEY "}]}", RSA_TOKEN, JWKS_RIGHT},
        {"{\"keys\":[" EC_KEY "}]}", EC_TOKEN, JWKS_RIGHT},
        {"{\"keys\":[" RSA_KEY "}," EC_KEY ",\"use\":\"sig\",\"alg\":\"ES256\"}]}", EC_TOKEN,
         JWKS_RIGHT},
        {"{\"keys\":[" RSA_KEY "}]}", EC_TOKEN, JWKS_UNKNOWN},
        {"{\"keys\":[" EC_KEY "}]}", RSA_TOKEN, JWKS_UNKNOWN},
        {"{\"keys\":[" EC_KEY ",\"use\":\"enc\"}]}", EC_TOKEN, JWKS_UNKNOWN},
        {"{\"keys\":[" EC_KEY ",\"alg\":\"ES384\"}]}", EC_TOKEN, JWKS_UNKNOWN},
        {"{\"keys\":[]}", EC_TOKEN, JWKS_UNKNOWN},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwks *s = keys(rows[i].keys);
        struct jwt jwt;

        if (!CHECK(s) || !CHECK(jwt_read(span_text(rows[i].token), &jwt) == JWT_GOOD))
            continue;
        if (!CHECK(jwks_verify(s, &jwt) == rows[i].verdict))
            printf("# row %zu\n", i);
        jwt.signature[0] ^= 1;
        CHECK(jwks_verify(s, &jwt) != JWKS_RIGHT);
        jwt.signature_len--;
        CHECK(jwks_verify(s, &jwt) != JWKS_RIGHT);
        jwt_fini(&jwt);
        jwks_free(s);
    }
}

static void wrong_keys_are_passed_over(void)
{
    static const char *const none[] = {
        "", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[", "{\"keys\":[],\"keys\":[]}",
    };
    static const char *const empty[] = {
        "{\"keys\":[1,null,\"x\",[],{}]}",
        "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAC\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"ofgWCuLjybRl\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_Y "\",\"y\":\"" EC_Y "\"}]}",
        "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}]}",
        "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" EC_X "\"}]}",
    };

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        CHECK(!keys(none[i]));
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct jwks *s = keys(empty[i]);

        if (!CHECK(s && jwks_count(s) == 0))
            printf("# %s\n", empty[i]);
        jwks_free(s);
    }
}

static const char *encoded(const char *header, const char *claims, const char *signature)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *parts[] = {header, claims, signature};
    static char text[4096];
    size_t n = 0;

    for (int p = 0; p < 3; p++) {
        uint32_t bits = 0;
        int held = 0;

        for (const char *c = parts[p]; *c; c++)
            for (bits = bits << 8 | (uint8_t)*c, held += 8; held >= 6; held -= 6)
                text[n++] = digits[bits >> (held - 6) & 63];
        if (held)
            text[n++] = digits[bits << (6 - held) & 63];
        text[n++] = p < 2 ? '.' : 0;
    }
    return text;
}

/* RFC 7515 section 4.1, 10.12; RFC 8725 section 3.1 */
static void headers_decide(void)
{
    static const struct {
        const char *header;
        enum jwt_status status;
    } rows[] = {
        {"{\"alg\":\"RS256\"}", JWT_GOOD},
        {"{\"alg\":\"RS256\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", JWT_GOOD},
        {"{\"alg\":\"none\"}", JWT_BAD},
        {"{\"alg\":\"None\"}", JWT_BAD},
        {"{\"alg\":\"HS256\"}", JWT_BAD},
        {"{\"alg\":\"rs256\"}", JWT_BAD},
        {"{\"alg\":1}", JWT_BAD},
        {"{}", JWT_BAD},
        {"{\"alg\":\"RS256\",\"crit\":[]}", JWT_BAD},
        {"{\"alg\":\"RS256\",\"kid\":1}", JWT_BAD},
        {"{\"alg\":\"RS256\",\"alg\":\"none\"}", JWT_NONE},
        {"[]", JWT_NONE},
        {"", JWT_NONE},
    };
    struct jwt jwt;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        enum jwt_status status = jwt_read(span_text(encoded(rows[i].header, "{}", "x")), &jwt);

        if (!CHECK(status == rows[i].status))
            printf("# %s\n", rows[i].header);
        if (status == JWT_GOOD)
            jwt_fini(&jwt);
    }
    CHECK(jwt_read(span_text(encoded("{\"alg\":\"RS256\"}", "{}", "")), &jwt) == JWT_BAD);
    CHECK(jwt_read(span_text(encoded("{\"alg\":\"RS256\"}", "[]", "x")), &jwt) == JWT_BAD);
    CHECK(jwt_read(span_text("opaque"), &jwt) == JWT_NONE);
    CHECK(jwt_read(span_text("a.b.c.d.e"), &jwt) == JWT_NONE);
}

/* At every length, with nothing readable behind it. */
static void cut_tokens_are_none(void)
{
    struct span token = span_text(EC_TOKEN);
    struct jwt jwt;

    for (size_t n = 0; n <= token.len; n++) {
        struct span cut = guard_copy(span_head(token, n), true);

        if (jwt_read(cut, &jwt) == JWT_GOOD)
            jwt_fini(&jwt);
        guard_free(cut);
    }
    CHECK(true);
}

/* RFC 7519 section 4.1, with a minute's difference of clocks, at the second 1000. */
static void claims_are_checked(void)
{
    char *audience[] = {(char[]){"mail"}, (char[]){"other"}},
         *scope[] = {(char[]){"a"}, (char[]){"b"}};
    const struct config_issuer issuer = {.issuer = (char[]){"joe"},
                                         .claim = (char[]){"email"},
                                         .domain = (char[]){"x.test"},
                                         .audience = audience,
                                         .audience_count = 2,
                                         .scope = scope,
                                         .scope_count = 2};
#define GOOD_BUT(rest)                                                                             \
    "{\"iss\":\"joe\",\"aud\":\"mail\",\"scope\":\"b c a\",\"email\":\"u@x.test\"," rest "}"
#define WHO(rest)                                                                                  \
    "{\"iss\":\"joe\",\"aud\":[\"x\",\"other\"],\"scp\":[\"a\",\"b\"],\"exp\":1001," rest "}"
    static const struct {
        const char *claims;
        enum oauth_verdict verdict, asked;
        const char *identity;
    } rows[] = {
        {GOOD_BUT("\"exp\":1001"), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {GOOD_BUT("\"exp\":941"), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {GOOD_BUT("\"exp\":940"), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {GOOD_BUT("\"exp\":1e300,\"nbf\":1060"), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {GOOD_BUT("\"exp\":1001,\"nbf\":1060.5"), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {GOOD_BUT("\"exp\":\"1001\""), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {GOOD_BUT("\"x\":1"), OAUTH_WRONG, OAUTH_GOOD, "u@x.test"},
        {"{\"aud\":\"mail\",\"scope\":\"a b\",\"email\":\"u\",\"exp\":1001}", OAUTH_WRONG,
         OAUTH_GOOD, "u@x.test"},
        {"{\"iss\":\"jo\",\"aud\":\"mail\",\"scope\":\"a b\",\"email\":\"u\",\"exp\":1001}",
         OAUTH_WRONG, OAUTH_WRONG, NULL},
        {"{\"iss\":\"joe\",\"aud\":\"mai\",\"scope\":\"a b\",\"email\":\"u\",\"exp\":1001}",
         OAUTH_WRONG, OAUTH_WRONG, NULL},
        {"{\"iss\":\"joe\",\"aud\":\"mail\",\"scope\":\"a bb\",\"email\":\"u\",\"exp\":1001}",
         OAUTH_SCOPE, OAUTH_SCOPE, NULL},
        {WHO("\"email\":\"u\""), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {WHO("\"email\":\"u\",\"email_verified\":true"), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {WHO("\"email\":\"u\",\"email_verified\":\"true\""), OAUTH_GOOD, OAUTH_GOOD, "u@x.test"},
        {WHO("\"email\":\"u\",\"email_verified\":false"), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {WHO("\"email\":\"u\",\"email_verified\":1"), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {WHO("\"email\":\"\""), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {WHO("\"email\":[\"u\"]"), OAUTH_WRONG, OAUTH_WRONG, NULL},
        {WHO("\"sub\":\"u\""), OAUTH_WRONG, OAUTH_WRONG, NULL},
    };
    uint8_t memory[OAUTH_IDENTITY_MAX];
    double end;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (int asked = 0; asked < 2; asked++) {
            struct oauth_claims_rule rule = {
                .issuer = &issuer, .now = 1000, .skew = 60, .asked = asked};
            json_t *claims = jwt_json(span_text(rows[i].claims));
            struct writer identity = writer_of(memory, sizeof(memory));
            enum oauth_verdict verdict = oauth_claims_check(&rule, claims, &identity, &end);

            if (!CHECK(claims && verdict == (asked ? rows[i].asked : rows[i].verdict)))
                printf("# %s: %d\n", rows[i].claims, verdict);
            if (verdict == OAUTH_GOOD)
                CHECK_TEXT(writer_span(&identity), rows[i].identity);
            json_decref(claims);
        }
}

static void answers_are_remembered_until_they_end(void)
{
    struct oauth_cache *cache = oauth_cache_new(10), *none = oauth_cache_new(0);
    uint8_t memory[16];
    char token[16];
    int kept = 0;

    CHECK(cache && none);
    oauth_cache_put(none, span_text("t"), span_text("u"), 100);
    oauth_cache_put(cache, span_text("t"), span_text("u"), 100);
    for (uint64_t now = 98; now < 102; now++) {
        struct writer w = writer_of(memory, sizeof(memory));

        CHECK(oauth_cache_find(cache, span_text("t"), now, &w) == (now < 100));
        CHECK(!oauth_cache_find(none, span_text("t"), now, &w));
        CHECK(!oauth_cache_find(cache, span_text("T"), now, &w));
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(token, sizeof(token), "%d", i);
        oauth_cache_put(cache, span_text(token), span_text("u"), 1000 + (uint64_t)i);
    }
    for (int i = 0; i < 1000; i++) {
        struct writer w = writer_of(memory, sizeof(memory));

        snprintf(token, sizeof(token), "%d", i);
        kept += oauth_cache_find(cache, span_text(token), 999, &w);
    }
    CHECK(kept >= 10 && kept <= 16);
    oauth_cache_free(cache);
    oauth_cache_free(none);
}

int main(void)
{
    check_begin();
    CHECK_CASE(base64url_is_strict);
    CHECK_CASE(signatures_are_verified);
    CHECK_CASE(wrong_keys_are_passed_over);
    CHECK_CASE(headers_decide);
    CHECK_CASE(cut_tokens_are_none);
    CHECK_CASE(claims_are_checked);
    CHECK_CASE(answers_are_remembered_until_they_end);
    return check_end();
}
