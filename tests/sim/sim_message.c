/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/sim_message.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE = 78, HEADER = 128 };

void sim_message_init(struct sim_message *m, struct sim_random *random, uint32_t index,
                      uint32_t len)
{
    *m = (struct sim_message){.bytes = malloc(len + HEADER + LINE + 2)};
    m->len = (uint32_t)sprintf(
        (char *)m->bytes, "From: a@b.test\r\nSubject: number %u of %u bytes\r\n\r\n", index, len);
    while (m->len < len) {
        uint32_t n = (uint32_t)sim_random_below(random, LINE);

        for (uint32_t i = 0; i < n; i++)
            m->bytes[m->len++] = (uint8_t)('a' + sim_random_below(random, 26));
        if (n && sim_random_below(random, 8) == 0)
            m->bytes[m->len - n] = '.';
        m->bytes[m->len++] = '\r';
        m->bytes[m->len++] = '\n';
    }
    m->wire = sim_message_stuff(span_of(m->bytes, m->len), &m->wire_len);
}

void sim_message_fini(struct sim_message *m)
{
    free(m->bytes);
    free(m->wire);
}

uint8_t *sim_message_stuff(struct span bytes, uint32_t *len_out)
{
    uint8_t *out = malloc(bytes.len * 2 + 8);
    uint32_t n = 0;

    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '.' && (i == 0 || bytes.data[i - 1] == '\n'))
            out[n++] = '.';
        out[n++] = bytes.data[i];
    }
    if (n < 2 || out[n - 1] != '\n') {
        out[n++] = '\r';
        out[n++] = '\n';
    }
    memcpy(out + n, ".\r\n", 3);
    *len_out = n + 3;
    return out;
}
