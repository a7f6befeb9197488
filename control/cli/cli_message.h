/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_MESSAGE_H
#define CONTROL_CLI_CLI_MESSAGE_H

#include "proto/base/span.h"

/* A message from a file, or a file of another kind that a command reads whole. */
struct cli_message {
    uint8_t *data;
    size_t len;
    bool lf; /* of a message: its lines ended in LF alone */
};

/* Reads a file, "-" for standard input. False: errno says why. */
bool cli_message_read(struct cli_message *m, const char *path);
/* Line ends of a file that has been edited on this system become those of mail: LF alone becomes
 * CRLF. False: no memory. */
bool cli_message_lines(struct cli_message *m);
void cli_message_free(struct cli_message *m);

static inline struct span cli_message_span(const struct cli_message *m)
{
    return span_of(m->data, m->len);
}

/* Writes bytes of a message to standard output, with the line ends that its file has. */
void cli_message_print(const struct cli_message *m, struct span bytes);

#endif
