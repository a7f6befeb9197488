/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/scram_text.h"

#include "proto/base/base64.h"
#include "proto/base/utf8.h"
#include "proto/sasl/sasl_field.h"

/*
 * printable = %x21-2B / %x2D-7E
 */
static bool is_nonce(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.data[i] < 0x21 || s.data[i] > 0x7e || s.data[i] == ',')
            return false;
    return s.len > 0;
}

/*
 * attr-val   = ALPHA "=" value
 * extensions = attr-val *("," attr-val)
 */
static bool are_extensions(struct span text)
{
    while (text.len) {
        ptrdiff_t end = span_find(text, ',');
        struct span field = end < 0 ? text : span_head(text, (size_t)end);

        if (field.len < 3 || field.data[1] != '=' || (uint8_t)((field.data[0] | 32) - 'a') >= 26)
            return false;
        if (end >= 0 && (size_t)end + 1 == text.len)
            return false;
        text = span_skip(text, field.len + 1);
    }
    return true;
}

/*
 * client-first-message-bare = [reserved-mext ","] username "," nonce ["," extensions]
 * username                  = "n=" saslname
 * nonce                     = "r=" c-nonce [s-nonce]
 */
bool scram_first_read(struct span message, struct scram_first *first_out)
{
    struct span field, rest;

    *first_out = (struct scram_first){0};
    if (!utf8_valid(message) || span_find(message, 0) >= 0 ||
        !gs2_header_read(&message, &first_out->header))
        return false;
    first_out->bare = rest = message;
    if (!sasl_field_take(&rest, &field) || !sasl_field_value(field, 'n', &first_out->user) ||
        first_out->user.len == 0)
        return false;
    if (!sasl_field_take(&rest, &field)) {
        field = rest;
        rest.len = 0;
    } else if (rest.len == 0) {
        return false;
    }
    return sasl_field_value(field, 'r', &first_out->nonce) && is_nonce(first_out->nonce) &&
           first_out->nonce.len <= SCRAM_NONCE_MAX && are_extensions(rest);
}

/*
 * client-final-message-without-proof = channel-binding "," nonce ["," extensions]
 * client-final-message = client-final-message-without-proof "," proof
 * channel-binding      = "c=" base64
 * proof                = "p=" base64
 */
bool scram_final_read(struct span message, struct scram_final *final_out)
{
    struct span all = message, field;
    size_t at = message.len;

    *final_out = (struct scram_final){0};
    if (!utf8_valid(message) || span_find(message, 0) >= 0)
        return false;
    while (at > 0 && all.data[at - 1] != ',')
        at--;
    if (at == 0 || !sasl_field_value(span_skip(all, at), 'p', &final_out->proof))
        return false;
    final_out->without_proof = message = span_head(all, at - 1);
    if (!sasl_field_take(&message, &field) || !sasl_field_value(field, 'c', &final_out->binding))
        return false;
    if (!sasl_field_take(&message, &field)) {
        field = message;
        message.len = 0;
    } else if (message.len == 0) {
        return false;
    }
    return sasl_field_value(field, 'r', &final_out->nonce) && is_nonce(final_out->nonce) &&
           are_extensions(message);
}

/*
 * server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
 */
void scram_challenge_put(struct writer *w, struct span client_nonce, struct span server_nonce,
                         struct span salt, uint32_t iterations)
{
    writer_text(w, "r=");
    writer_span_put(w, client_nonce);
    base64_put(w, server_nonce);
    writer_text(w, ",s=");
    base64_put(w, salt);
    writer_text(w, ",i=");
    writer_number(w, iterations);
}
