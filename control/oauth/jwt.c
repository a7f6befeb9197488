/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/jwt.h"

#include "control/oauth/base64url.h"

static const char *const names[JWT_ALGORITHMS] = {
    [JWT_RS256] = "RS256", [JWT_ES256] = "ES256", [JWT_EDDSA] = "EdDSA"};

enum jwt_algorithm jwt_algorithm_find(struct span name)
{
    int a = 0;

    while (a < JWT_ALGORITHMS && !span_equal(name, span_text(names[a])))
        a++;
    return (enum jwt_algorithm)a;
}

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return names[algorithm];
}

struct span jwt_text(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : span_of(NULL, 0);
}

json_t *jwt_json(struct span text)
{
    return text.len ? json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, NULL)
                    : NULL;
}

static bool take_part(struct span *token, struct span *part_out)
{
    ptrdiff_t end = span_find(*token, '.');

    if (end < 0)
        return false;
    *part_out = span_head(*token, (size_t)end);
    *token = span_skip(*token, (size_t)end + 1);
    return true;
}

static json_t *read_object(struct span encoded)
{
    uint8_t memory[JWT_MAX];
    struct writer w = writer_of(memory, sizeof(memory));
    json_t *value = base64url_read(encoded, &w) ? jwt_json(writer_span(&w)) : NULL;

    if (json_is_object(value))
        return value;
    json_decref(value);
    return NULL;
}

/*
 * RFC 7515 section 4.1: `alg` must be one of ours; what `crit` names has to be understood, and
 * nothing that it may name is; `b64` (RFC 7797) would be there.
 */
static bool read_header(struct jwt *j)
{
    enum jwt_algorithm algorithm = jwt_algorithm_find(jwt_text(j->header, "alg"));
    const json_t *id = json_object_get(j->header, "kid");

    j->algorithm = (uint8_t)algorithm;
    j->key_id = jwt_text(j->header, "kid");
    return algorithm != JWT_ALGORITHMS && !json_object_get(j->header, "crit") &&
           (!id || (j->key_id.data && j->key_id.len <= JWT_KEY_ID_MAX));
}

/* BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature)       ; RFC 7515 section 3.1 */
enum jwt_status jwt_read(struct span token, struct jwt *j)
{
    struct span rest = token, header, claims;
    struct writer signature = writer_of(j->signature, sizeof(j->signature));

    memset(j, 0, offsetof(struct jwt, signature));
    if (token.len > JWT_MAX || !take_part(&rest, &header) || !take_part(&rest, &claims))
        return JWT_NONE;
    j->header = read_object(header);
    if (!j->header)
        return JWT_NONE;
    j->input = span_between(token.data, claims.data + claims.len);
    if (read_header(j) && rest.len && base64url_read(rest, &signature)) {
        j->signature_len = (uint16_t)signature.len;
        j->claims = read_object(claims);
        if (j->claims)
            return JWT_GOOD;
    }
    jwt_fini(j);
    return JWT_BAD;
}

void jwt_fini(struct jwt *j)
{
    json_decref(j->header);
    json_decref(j->claims);
    j->header = j->claims = NULL;
}
