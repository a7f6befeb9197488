/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PIECE = 65536 }; /* bytes read at a time */

static bool read_all(struct cli_message *m, FILE *in)
{
    size_t room = 0, n;

    do {
        if (m->len + PIECE > room) {
            uint8_t *grown = realloc(m->data, room * 2 + PIECE);

            if (!grown)
                return false;
            m->data = grown;
            room = room * 2 + PIECE;
        }
        n = fread(m->data + m->len, 1, PIECE, in);
        m->len += n;
    } while (n);
    return !ferror(in);
}

bool cli_message_read(struct cli_message *m, const char *path)
{
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    bool good;
    int error;

    *m = (struct cli_message){0};
    good = in && read_all(m, in);
    error = errno;
    if (in && in != stdin)
        fclose(in);
    if (!good)
        cli_message_free(m);
    errno = error;
    return good;
}

bool cli_message_lines(struct cli_message *m)
{
    size_t ends = 0, at = 0;
    uint8_t *lines;

    for (size_t i = 0; i < m->len; i++)
        ends += m->data[i] == '\n' && (i == 0 || m->data[i - 1] != '\r');
    m->lf = ends > 0;
    if (ends == 0)
        return true;
    lines = malloc(m->len + ends);
    if (!lines)
        return false;
    for (size_t i = 0; i < m->len; i++) {
        if (m->data[i] == '\n' && (i == 0 || m->data[i - 1] != '\r'))
            lines[at++] = '\r';
        lines[at++] = m->data[i];
    }
    free(m->data);
    m->data = lines;
    m->len = at;
    return true;
}

void cli_message_free(struct cli_message *m)
{
    free(m->data);
    *m = (struct cli_message){0};
}

void cli_message_print(const struct cli_message *m, struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        if (!m->lf || bytes.data[i] != '\r' || i + 1 == bytes.len || bytes.data[i + 1] != '\n')
            putchar(bytes.data[i]);
}
