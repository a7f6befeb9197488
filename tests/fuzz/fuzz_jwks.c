/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/jwks.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

/* The example of RFC 7515 appendix A.3; no other key than its own verifies it. */
static const char token[] =
    "eyJhbGciOiJFUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    "."
    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/* A JWK set. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jwks *set = size <= 65536 ? jwks_read(span_of(data, size)) : NULL;
    struct jwt jwt;

    if (!set)
        return 0;
    MUST(jwks_count(set) <= JWKS_KEYS);
    MUST(jwt_read(span_text(token), &jwt) == JWT_GOOD);
    jwks_verify(set, &jwt);
    for (int a = 0; a < JWT_ALGORITHMS; a++) {
        jwt.algorithm = (uint8_t)a;
        jwt.signature[0] ^= 1;
        MUST(jwks_verify(set, &jwt) != JWKS_RIGHT || a == JWT_ES256);
    }
    jwt_fini(&jwt);
    jwks_free(set);
    return 0;
}
