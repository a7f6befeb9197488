/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/mail/mail_collate.h"

#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

static void put(ucs4_t c, struct writer *out)
{
    uint8_t bytes[6];
    int n = u8_uctomb(bytes, c, sizeof(bytes));

    if (n > 0)
        writer_span_put(out, span_of(bytes, (size_t)n));
}

/* As deep as Unicode's data go, which is a few steps: what a character decomposes to never has
 * itself in it. */
static void decompose(ucs4_t c, struct writer *out)
{
    ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
    int tag, n = uc_decomposition(c, &tag, parts);

    if (n < 0)
        put(c, out);
    for (int i = 0; i < n; i++)
        decompose(parts[i], out);
}

void mail_collate(struct span text, struct writer *out)
{
    for (size_t i = 0; i < text.len;) {
        uint8_t byte = text.data[i];
        ucs4_t c;
        int n;

        if (byte < 0x80) {
            writer_byte(out, (uint8_t)(byte - 'a') < 26 ? (uint8_t)(byte - 'a' + 'A') : byte);
            i++;
            continue;
        }
        n = u8_mbtoucr(&c, text.data + i, text.len - i);
        if (n <= 0) {
            writer_byte(out, byte);
            i++;
            continue;
        }
        decompose(uc_totitle(c), out);
        i += (size_t)n;
    }
}
