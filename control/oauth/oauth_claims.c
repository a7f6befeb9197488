/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/oauth/oauth_claims.h"

#include <math.h>

#include "proto/base/utf8.h"

/* NumericDate = seconds since 1970, maybe with a fraction                 ; RFC 7519 section 2 */
static bool read_date(const json_t *claims, const char *name, double *date_out, bool *has_out)
{
    const json_t *value = json_object_get(claims, name);

    *has_out = value != NULL;
    *date_out = json_number_value(value);
    return !value || (json_is_number(value) && isfinite(*date_out));
}

static bool in_time(const struct oauth_claims_rule *r, const json_t *claims, double *end_out)
{
    bool has_end, has_begin;
    double begin;

    if (!read_date(claims, "exp", end_out, &has_end) ||
        !read_date(claims, "nbf", &begin, &has_begin))
        return false;
    if (!has_end && !r->asked)
        return false;
    if (!has_end)
        *end_out = INFINITY;
    return r->now < *end_out + r->skew && (!has_begin || r->now >= begin - r->skew);
}

static bool is_one_of(struct span text, char *const *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (text.data && span_equal(text, span_text(list[i])))
            return true;
    return false;
}

/* RFC 7519 section 4.1.3: a text, or an array of them. */
static bool is_for_us(const struct oauth_claims_rule *r, const json_t *claims)
{
    const struct config_issuer *issuer = r->issuer;
    const json_t *audience = json_object_get(claims, "aud"), *item;
    size_t i;

    json_array_foreach(audience, i, item)
    {
        if (json_is_string(item) &&
            is_one_of(span_of(json_string_value(item), json_string_length(item)), issuer->audience,
                      issuer->audience_count))
            return true;
    }
    return is_one_of(jwt_text(claims, "aud"), issuer->audience, issuer->audience_count);
}

static bool names_scope(struct span list, struct span scope)
{
    while (list.len) {
        ptrdiff_t end = span_find(list, ' ');
        struct span one = end < 0 ? list : span_head(list, (size_t)end);

        if (span_equal(one, scope))
            return true;
        list = span_skip(list, one.len + 1);
    }
    return false;
}

/* RFC 8693 section 4.2 has `scope` as a text; Microsoft `scp` as a text, others as an array. */
static bool has_scope(const json_t *claims, struct span scope)
{
    const json_t *array = json_object_get(claims, "scp"), *item;
    size_t i;

    json_array_foreach(array, i, item)
    {
        if (json_is_string(item) &&
            span_equal(span_of(json_string_value(item), json_string_length(item)), scope))
            return true;
    }
    return names_scope(jwt_text(claims, "scope"), scope) ||
           names_scope(jwt_text(claims, "scp"), scope);
}

static bool put_identity(const struct oauth_claims_rule *r, const json_t *claims,
                         struct writer *identity)
{
    const struct config_issuer *issuer = r->issuer;
    struct span value = jwt_text(claims, issuer->claim);
    bool email = strcmp(issuer->claim, "email") == 0;
    const json_t *verified = json_object_get(claims, "email_verified");

    /* OpenID Connect Core section 5.1 has a boolean, some a text. */
    if (email && verified && !json_is_true(verified) &&
        !span_equal(jwt_text(claims, "email_verified"), span_text("true")))
        return false;
    if (value.len == 0 || span_find(value, 0) >= 0 || !utf8_valid(value))
        return false;
    writer_span_put(identity, value);
    if (span_find(value, '@') < 0 && issuer->domain[0]) {
        writer_byte(identity, '@');
        writer_text(identity, issuer->domain);
    }
    return !identity->full;
}

enum oauth_verdict oauth_claims_check(const struct oauth_claims_rule *r, const json_t *claims,
                                      struct writer *identity, double *end_out)
{
    const struct config_issuer *issuer = r->issuer;
    struct span said = jwt_text(claims, "iss");
    bool named = said.data || !r->asked;

    if ((named && !span_equal(said, span_text(issuer->issuer))) || !in_time(r, claims, end_out) ||
        !is_for_us(r, claims) || !put_identity(r, claims, identity))
        return OAUTH_WRONG;
    for (uint32_t i = 0; i < issuer->scope_count; i++)
        if (!has_scope(claims, span_text(issuer->scope[i])))
            return OAUTH_SCOPE;
    return OAUTH_GOOD;
}
