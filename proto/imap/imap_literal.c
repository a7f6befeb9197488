/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_literal.h"

bool imap_literal_announced(struct span line, struct imap_literal *out)
{
    size_t end = line.len, at;

    if (end < 3 || line.data[--end] != '}')
        return false;
    out->sync = line.data[end - 1] != '+';
    if (!out->sync)
        end--;
    for (at = end; at > 0 && (uint8_t)(line.data[at - 1] - '0') < 10;)
        at--;
    if (at == end || at == 0 || line.data[at - 1] != '{')
        return false;
    out->literal8 = at > 1 && line.data[at - 2] == '~';
    out->at = line.data + at - (out->literal8 ? 2 : 1);
    for (out->size = 0; at < end; at++)
        out->size = out->size > IMAP_LITERAL_SIZE_LIMIT / 10 - 1
                        ? IMAP_LITERAL_SIZE_LIMIT
                        : 10 * out->size + (line.data[at] - '0');
    return true;
}
