/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/sasl/sasl_field.h"

bool sasl_field_take(struct span *text, struct span *field_out)
{
    ptrdiff_t end = span_find(*text, ',');

    if (end < 0)
        return false;
    *field_out = span_head(*text, (size_t)end);
    *text = span_skip(*text, (size_t)end + 1);
    return true;
}

bool sasl_field_value(struct span field, char name, struct span *value_out)
{
    *value_out = span_skip(field, 2);
    return field.len >= 2 && field.data[0] == name && field.data[1] == '=';
}
