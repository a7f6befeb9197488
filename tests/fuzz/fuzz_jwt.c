/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/jwks.h"
#include "control/oauth/oauth_claims.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* Of RFC 7515 appendix A.3 and RFC 8037 appendix A.2. */
static const char keys[] = "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
                           "\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
                           "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},{\"kty\":"
                           "\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
                           "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static char *audience[] = {(char[]){"mail"}}, *scope[] = {(char[]){"a"}};
static const struct config_issuer issuer = {.issuer = (char[]){"joe"},
                                            .claim = (char[]){"email"},
                                            .domain = (char[]){"x.test"},
                                            .audience = audience,
                                            .audience_count = 1,
                                            .scope = scope,
                                            .scope_count = 1};

static void put_encoded(struct writer *w, struct span octets)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    int held = 0;

    for (size_t i = 0; i < octets.len; i++)
        for (bits = bits << 8 | octets.data[i], held += 8; held >= 6; held -= 6)
            writer_byte(w, (uint8_t)digits[bits >> (held - 6) & 63]);
    if (held)
        writer_byte(w, (uint8_t)digits[bits << (6 - held) & 63]);
}

static struct span take_line(struct span *in)
{
    ptrdiff_t end = span_find(*in, '\n');
    struct span line = end < 0 ? *in : span_head(*in, (size_t)end);

    *in = span_skip(*in, line.len + 1);
    return line;
}

static void check_claims(const json_t *claims)
{
    uint8_t memory[OAUTH_IDENTITY_MAX];
    double end;

    for (int asked = 0; asked < 2; asked++) {
        struct oauth_claims_rule rule = {
            .issuer = &issuer, .now = 1000, .skew = 60, .asked = asked};
        struct writer identity = writer_of(memory, sizeof(memory));

        if (oauth_claims_check(&rule, claims, &identity, &end) == OAUTH_GOOD)
            MUST(identity.len > 0 && !identity.full && span_find(writer_span(&identity), 0) < 0);
    }
}

static void read_token(struct span token)
{
    static struct jwks *set;
    struct jwt jwt;

    if (!set)
        set = jwks_read(span_text(keys));
    MUST(set && jwks_count(set) == 2);
    if (jwt_read(token, &jwt) != JWT_GOOD)
        return;
    MUST(jwt.algorithm < JWT_ALGORITHMS && jwt.signature_len > 0);
    MUST(jwt.input.data == token.data && jwt.input.len < token.len);
    jwks_verify(set, &jwt);
    check_claims(jwt.claims);
    jwt_fini(&jwt);
}

/* A token as it is; or, where the first byte is odd, header, claims and signature in lines, to be
 * encoded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t memory[2 * JWT_MAX];
    struct writer w = writer_of(memory, sizeof(memory));
    struct span in;

    if (size < 1 || size > JWT_MAX)
        return 0;
    in = span_of(data + 1, size - 1);
    if (!(data[0] & 1)) {
        read_token(in);
        return 0;
    }
    put_encoded(&w, take_line(&in));
    writer_byte(&w, '.');
    put_encoded(&w, take_line(&in));
    writer_byte(&w, '.');
    put_encoded(&w, in);
    read_token(writer_span(&w));
    return 0;
}
