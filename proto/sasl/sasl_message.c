/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_message.h"

#include "proto/base/base64_read.h"
#include "proto/base/utf8.h"

bool sasl_base64_read(struct span text, struct writer *w)
{
    size_t padding = 0;
    uint8_t last;

    while (padding < text.len && text.data[text.len - 1 - padding] == '=')
        padding++;
    if (text.len % 4 || padding > 2)
        return false;
    if (!base64_read(text, w))
        return false;
    if (!padding)
        return true;
    /* The bits behind the last octet are zero, or two texts would be one message. */
    last = text.data[text.len - 1 - padding];
    return strchr(padding == 2 ? "AQgw" : "AEIMQUYcgkosw048", last) != NULL;
}

bool sasl_word_good(struct span word, size_t max)
{
    return word.len > 0 && word.len <= max && span_find(word, 0) < 0 && utf8_valid(word);
}

/* Takes what stands before the next NUL, and the NUL. */
static bool take_part(struct span *message, struct span *part_out)
{
    ptrdiff_t end = span_find(*message, 0);

    if (end < 0)
        return false;
    *part_out = span_head(*message, (size_t)end);
    *message = span_skip(*message, (size_t)end + 1);
    return true;
}

/*
 * message = [authzid] UTF8NUL authcid UTF8NUL passwd
 * authcid = 1*SAFE ; MUST accept up to 255 octets
 * authzid = 1*SAFE ; MUST accept up to 255 octets
 * passwd  = 1*SAFE ; MUST accept up to 255 octets                        ; RFC 4616 section 2
 */
bool sasl_plain_read(struct span message, struct sasl_plain *plain_out)
{
    *plain_out = (struct sasl_plain){0};
    if (!take_part(&message, &plain_out->identity) || !take_part(&message, &plain_out->user))
        return false;
    plain_out->password = message;
    return (plain_out->identity.len == 0 || sasl_word_good(plain_out->identity, SASL_NAME_MAX)) &&
           sasl_word_good(plain_out->user, SASL_NAME_MAX) &&
           sasl_word_good(message, SASL_PASSWORD_MAX);
}
