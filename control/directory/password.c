/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "proto/address/address.h"
#include "proto/base/utf8.h"
#include "proto/base/writer.h"

/* Without telling by its time where two texts differ. */
static bool same_text(const char *a, const char *b)
{
    size_t n = strlen(a);
    unsigned differ = 0;

    if (n != strlen(b))
        return false;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

/* Non-ASCII blanks become spaces (RFC 8265 section 4.2.2, rule 2). False: no room. */
static bool map_blanks(struct span password, struct writer *out)
{
    while (password.len) {
        ucs4_t c;
        size_t n = (size_t)u8_mbtouc(&c, password.data, password.len);

        if (uc_is_general_category(c, UC_SPACE_SEPARATOR))
            writer_byte(out, ' ');
        else
            writer_span_put(out, span_head(password, n));
        password = span_skip(password, n);
    }
    return !out->full;
}

/* The password as it is hashed, NUL-terminated. */
static bool prepare(struct span password, char phrase[PASSWORD_MAX + 1])
{
    uint8_t mapped[PASSWORD_MAX];
    struct writer w = writer_of(mapped, sizeof(mapped));
    size_t len = PASSWORD_MAX;
    uint8_t *normal = (uint8_t *)phrase;
    bool ok = password.len <= PASSWORD_MAX && span_find(password, 0) < 0;

    if (!ok)
        return false;
    if (!utf8_needed(password) || !utf8_valid(password)) {
        memcpy(phrase, password.len ? (const void *)password.data : "", password.len);
        return true;
    }
    ok = map_blanks(password, &w);
    if (ok)
        normal = u8_normalize(UNINORM_NFC, mapped, w.len, (uint8_t *)phrase, &len);
    explicit_bzero(mapped, sizeof(mapped));
    if (!normal)
        return false;
    if (normal != (uint8_t *)phrase) {
        explicit_bzero(normal, len);
        free(normal);
        return false;
    }
    phrase[ok ? len : 0] = 0;
    return ok;
}

bool password_check(struct span password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    char phrase[PASSWORD_MAX + 1] = {0};
    const char *computed;
    bool ok = prepare(password, phrase);

    if (!data)
        return false;
    computed = crypt_r(phrase, hash, data);
    ok = ok && computed && computed[0] != '*' && same_text(computed, hash);
    explicit_bzero(phrase, sizeof(phrase));
    explicit_bzero(data, sizeof(*data));
    free(data);
    return ok;
}

char *password_prepare_name(struct span name)
{
    char text[ADDRESS_KEY_MAX + 1], *prepared = NULL;

    if (!utf8_needed(name) || !utf8_valid(name) || name.len >= sizeof(text) ||
        span_find(name, 0) >= 0)
        return NULL;
    memcpy(text, name.data, name.len);
    text[name.len] = 0;
    return stringprep_profile(text, &prepared, "SASLprep", 0) == STRINGPREP_OK ? prepared : NULL;
}
