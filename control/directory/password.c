/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stringprep.h>
#include <sys/random.h>
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

static bool put_scram(struct span password, char text_out[SCRAM_KEYS_TEXT + 1])
{
    struct scram_keys keys = {.hash = SCRAM_SHA256, .salt_len = 16, .iterations = SCRAM_ITERATIONS};
    struct writer w = writer_of(text_out, SCRAM_KEYS_TEXT);
    char text[PASSWORD_MAX + 1] = {0}, *prepared = NULL;
    bool ok;

    memcpy(text, password.data, password.len);
    ok = getrandom(keys.salt, keys.salt_len, 0) == keys.salt_len;
    if (ok && utf8_needed(password))
        ok = utf8_valid(password) &&
             stringprep_profile(text, &prepared, "SASLprep", 0) == STRINGPREP_OK;
    ok = ok && scram_keys_derive(&keys, span_text(prepared ? prepared : text));
    if (ok)
        scram_keys_put(&w, &keys);
    text_out[ok ? w.len : 0] = 0;
    if (prepared)
        explicit_bzero(prepared, strlen(prepared));
    free(prepared);
    explicit_bzero(text, sizeof(text));
    explicit_bzero(&keys, sizeof(keys));
    return ok;
}

bool password_make(struct span password, const char *method, struct password_kept *kept_out)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    char phrase[PASSWORD_MAX + 1] = {0}, setting[CRYPT_GENSALT_OUTPUT_SIZE];
    const char *hash = NULL;

    *kept_out = (struct password_kept){.hash = ""};
    if (data && password.len && prepare(password, phrase) &&
        crypt_gensalt_rn(method, 0, NULL, 0, setting, sizeof(setting)))
        hash = crypt_r(phrase, setting, data);
    if (hash && hash[0] != '*') {
        snprintf(kept_out->hash, sizeof(kept_out->hash), "%s", hash);
        /* Without keys it can still log in by PLAIN. */
        (void)put_scram(password, kept_out->scram);
    }
    explicit_bzero(phrase, sizeof(phrase));
    if (data)
        explicit_bzero(data, sizeof(*data));
    free(data);
    return kept_out->hash[0] != 0;
}
