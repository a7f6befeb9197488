/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/gs2_header.h"

#include "proto/sasl/sasl_field.h"

/*
 * gs2-cbind-flag = ("p=" cb-name) / "n" / "y"
 * cb-name        = 1*(ALPHA / DIGIT / "." / "-")
 */
static bool read_flag(struct span flag, struct gs2_header *h)
{
    if (flag.len == 0)
        return false;
    h->flag = (char)flag.data[0];
    if (h->flag != 'p')
        return flag.len == 1 && (h->flag == 'n' || h->flag == 'y');
    if (!sasl_field_value(flag, 'p', &h->binding))
        return false;
    for (size_t i = 0; i < h->binding.len; i++) {
        uint8_t c = h->binding.data[i];

        if ((uint8_t)((c | 32) - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '.' && c != '-')
            return false;
    }
    return h->binding.len > 0;
}

/*
 * gs2-header     = gs2-cbind-flag "," [ authzid ] ","
 * authzid        = "a=" saslname
 */
bool gs2_header_read(struct span *message, struct gs2_header *h)
{
    const uint8_t *begin = message->data;
    struct span flag, identity;

    *h = (struct gs2_header){0};
    if (!sasl_field_take(message, &flag) || !sasl_field_take(message, &identity))
        return false;
    if (!read_flag(flag, h))
        return false;
    h->text = span_between(begin, message->data);
    return identity.len == 0 || (sasl_field_value(identity, 'a', &h->identity) && h->identity.len);
}

/*
 * saslname        = 1*(value-safe-char / "=2C" / "=3D")
 */
bool gs2_name_read(struct span name, struct writer *w)
{
    while (name.len) {
        if (name.data[0] == ',')
            return false;
        if (name.data[0] != '=') {
            writer_byte(w, name.data[0]);
            name = span_skip(name, 1);
            continue;
        }
        if (span_equal(span_head(name, 3), span_text("=2C")))
            writer_byte(w, ',');
        else if (span_equal(span_head(name, 3), span_text("=3D")))
            writer_byte(w, '=');
        else
            return false;
        name = span_skip(name, 3);
    }
    return !w->full;
}
