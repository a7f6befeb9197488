/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CLI_CLI_DKIM_H
#define CONTROL_CLI_CLI_DKIM_H

#include <jansson.h>

#include "control/cli/cli_command.h"
#include "control/cli/cli_message.h"
#include "control/dns/dns_source.h"
#include "proto/dkim/dkim_check.h"
#include "proto/dkim/dkim_message.h"
#include "proto/dkim/dkim_sign.h"

/* What the commands about signatures share. */

enum {
    CLI_HEADER_MAX = 1 << 20, /* bytes of a header that are read */
    /* Exit statuses, beside 0 for pass: as `wirepost spf` has them. */
    CLI_AUTH_FAIL = 3,
    CLI_AUTH_NEUTRAL = 5,
    CLI_AUTH_NONE = 6,
    CLI_AUTH_TEMPERROR = 7,
    CLI_AUTH_PERMERROR = 8,
    CLI_AUTH_POLICY = 9,
};

/* What a signature or a set of them is checked by. */
struct cli_dkim {
    struct dns_source source;
    struct dkim_settings settings;
    uint64_t limit_ns;
    const char *receiver; /* of fields that are printed; NULL: none are */
    bool json;
};

/* Verifies files, and prints what comes out; the exit status is the first result that is not pass.
 */
int cli_dkim_verify(const struct cli_dkim *told, int count, char **files);
/* What is told of one signature. */
json_t *cli_dkim_check_json(const struct dkim_check *c);
void cli_dkim_check_print(const json_t *row);
/* Exit status of a result. */
int cli_dkim_status(enum dkim_result result);

/* What is signed with: a key and its selector. */
struct cli_dkim_key {
    struct dkim_signer signer;
    const char *selector;
};

/* Reads the keys that the options name. Returns how many; -1, and told, when one cannot be read. */
int cli_dkim_keys(const struct cli_options *o, const char *command,
                  struct cli_dkim_key keys[CLI_KEYS_MAX]);
void cli_dkim_keys_free(struct cli_dkim_key keys[CLI_KEYS_MAX], int count);
/* Canonicalizations, names, domain, times. False, and told: one of them is none. */
bool cli_dkim_order(const struct cli_options *o, const char *command,
                    struct dkim_sign_order *order_out);
/* Reads the message that the one argument names. False, and told. */
bool cli_dkim_message(struct cli_message *m, const char *path, const char *command);
/* Passes all of the message through `d`, whose header is already begun. Calls `wants` between
 * header and body. */
void cli_dkim_pass(struct dkim_message *d, struct span message, void (*wants)(void *context),
                   void *context);

int cli_dkim_sign(const struct cli_options *o);
int cli_dkim_record(const struct cli_options *o);

#endif
