/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CTL_CTL_REQUEST_H
#define CONTROL_CTL_CTL_REQUEST_H

#include <jansson.h>

#include "control/ctl/ctl_server.h"

/* One request line, read and checked against ctl_command.def. */
enum ctl_command {
#define CTL_COMMAND(SYMBOL, subject, kind, name, least, most, arguments, text) CTL_##SYMBOL,
#include "control/ctl/ctl_command.def"
#undef CTL_COMMAND
    CTL_COMMANDS
};

enum ctl_kind {
    CTL_KIND_QUICK, /* answered on the server's thread: in a few milliseconds */
    CTL_KIND_SLOW,  /* answered on a thread of its own, beside others */
    CTL_KIND_BYTES, /* answered with a stream */
};

struct ctl_command_row {
    uint8_t subject; /* enum ctl_subject_id */
    uint8_t kind;    /* enum ctl_kind */
    const char *name;
    uint32_t least, most;
    const char *arguments;
    const char *text;
};

extern const struct ctl_command_row ctl_commands[CTL_COMMANDS];

struct ctl_terms;

enum { CTL_DRAIN_DEFAULT = 30, CTL_DRAIN_MAX = 3600 };

struct ctl_request {
    enum ctl_command command;
    uint32_t count;
    struct span arguments[CTL_ARGUMENTS_MAX]; /* in the line, or in `json` */
    struct id128 id;                          /* of the message commands */
    uint32_t seconds;                         /* of drain */
    json_t *json;
    struct ctl_terms *terms; /* of the API's; NULL: from the socket */
};

/* Borrows the line until ctl_request_fini(). False, with the reason in `why` and nothing to
 * release. */
bool ctl_request_parse(struct span line, struct ctl_request *request_out, struct writer *why);
void ctl_request_fini(struct ctl_request *request);

/* number = 1*DIGIT. False: it is not one, or above `most`, which is at least 9. The bound is
 * checked digit by digit: of the numbers close below `most` some are refused as well, never the
 * other way. */
bool ctl_request_number(struct span text, uint64_t most, uint64_t *number_out);

#endif
