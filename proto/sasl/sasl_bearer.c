/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_bearer.h"

#include "proto/base/utf8.h"
#include "proto/sasl/gs2_header.h"
#include "proto/sasl/sasl_message.h"

enum { KVSEP = 1 };

static bool is_alpha(uint8_t c)
{
    return (uint8_t)((c | 32) - 'a') < 26;
}

/*
 * value  = *(VCHAR / SP / HTAB / CR / LF )
 */
static bool is_value(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((s.data[i] < 0x20 && s.data[i] != '\t' && s.data[i] != '\r' && s.data[i] != '\n') ||
            s.data[i] > 0x7e)
            return false;
    return true;
}

/*
 * kvpair = key "=" value kvsep
 * key    = 1*(ALPHA)
 */
static bool take_pair(struct span *message, struct span *key_out, struct span *value_out)
{
    ptrdiff_t end = span_find(*message, KVSEP), equals;
    struct span pair = span_head(*message, end < 0 ? 0 : (size_t)end);

    equals = span_find(pair, '=');
    if (end < 0 || equals < 1)
        return false;
    *key_out = span_head(pair, (size_t)equals);
    *value_out = span_skip(pair, (size_t)equals + 1);
    *message = span_skip(*message, (size_t)end + 1);
    for (size_t i = 0; i < key_out->len; i++)
        if (!is_alpha(key_out->data[i]))
            return false;
    return is_value(*value_out);
}

/*
 * credentials = "Bearer" 1*SP b64token                                   ; RFC 6750 section 2.1
 * b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
 */
static bool read_token(struct span value, struct span *token_out)
{
    static const char scheme[] = "Bearer";
    struct span token = span_skip(value, sizeof(scheme) - 1), rest;

    if (value.len == 0)
        return true;
    if (!span_equal_nocase(span_head(value, sizeof(scheme) - 1), span_text(scheme)) ||
        token.len == 0 || token.data[0] != ' ')
        return false;
    while (token.len && token.data[0] == ' ')
        token = span_skip(token, 1);
    rest = token;
    while (rest.len && (is_alpha(rest.data[0]) || (uint8_t)(rest.data[0] - '0') < 10 ||
                        strchr("-._~+/", rest.data[0])))
        rest = span_skip(rest, 1);
    *token_out = token;
    if (rest.len == token.len)
        return token.len == 0;
    while (rest.len && rest.data[0] == '=')
        rest = span_skip(rest, 1);
    return rest.len == 0 && token.len <= SASL_TOKEN_MAX;
}

/* *kvpair kvsep; what is not known is passed over, and a token may come once. */
static bool read_pairs(struct span message, struct sasl_bearer *b)
{
    struct span key, value;
    bool seen = false;

    while (message.len && message.data[0] != KVSEP) {
        if (!take_pair(&message, &key, &value))
            return false;
        if (!span_equal_nocase(key, span_text("auth")))
            continue;
        if (seen || !read_token(value, &b->token))
            return false;
        seen = true;
    }
    return message.len == 1;
}

/*
 * client-resp = (gs2-header kvsep *kvpair kvsep) / kvsep                ; RFC 7628 section 3.1
 *
 * The second form is the answer to a refusal alone (section 3.2.3). There is no channel binding.
 */
bool sasl_oauthbearer_read(struct span message, struct sasl_bearer *b)
{
    struct gs2_header header;

    *b = (struct sasl_bearer){0};
    if (!utf8_valid(message) || span_find(message, 0) >= 0 || !gs2_header_read(&message, &header) ||
        header.flag == 'p' || message.len == 0 || message.data[0] != KVSEP)
        return false;
    b->identity = header.identity;
    return read_pairs(span_skip(message, 1), b);
}

/*
 * "user=" name ^A "auth=Bearer " token ^A ^A, as Google and Microsoft have written it down.
 */
bool sasl_xoauth2_read(struct span message, struct sasl_bearer *b)
{
    static const char user[] = "user=";
    ptrdiff_t end = span_find(message, KVSEP);

    *b = (struct sasl_bearer){0};
    if (end < 0 || !span_equal(span_head(message, sizeof(user) - 1), span_text(user)))
        return false;
    b->identity = span_skip(span_head(message, (size_t)end), sizeof(user) - 1);
    return sasl_word_good(b->identity, SASL_NAME_MAX) &&
           read_pairs(span_skip(message, (size_t)end + 1), b);
}

bool sasl_refusal_text_good(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] > 0x7e || text.data[i] == '"' ||
            text.data[i] == '\\')
            return false;
    return true;
}

static void put_member(struct writer *w, const char *name, struct span value)
{
    if (value.len == 0)
        return;
    writer_text(w, ",\"");
    writer_text(w, name);
    writer_text(w, "\":\"");
    writer_span_put(w, value);
    writer_byte(w, '"');
}

void sasl_refusal_put(struct writer *w, const char *status, struct span scope,
                      struct span discovery)
{
    writer_text(w, "{\"status\":\"");
    writer_text(w, status);
    writer_byte(w, '"');
    put_member(w, "scope", scope);
    put_member(w, "openid-configuration", discovery);
    writer_byte(w, '}');
}
