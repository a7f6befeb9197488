/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_auth_options.h"

static bool add(const char **list, int *count, const char *value)
{
    if (*count == CLI_KEYS_MAX)
        return false;
    list[(*count)++] = value;
    return true;
}

bool cli_auth_option(int option, const char *value, struct cli_options *o)
{
    switch (option) {
    case CLI_OPTION_NOW:
        o->now = value;
        return true;
    case CLI_OPTION_LEGACY:
        o->legacy = true;
        return true;
    case CLI_OPTION_KEY:
        return add(o->keys, &o->key_count, value);
    case CLI_OPTION_SELECTOR:
        return add(o->selectors, &o->selector_count, value);
    case CLI_OPTION_PASSPHRASE:
        o->passphrase_file = value;
        return true;
    case CLI_OPTION_DOMAIN:
        o->domain = value;
        return true;
    case CLI_OPTION_IDENTITY:
        o->identity = value;
        return true;
    case CLI_OPTION_CANON:
        o->canonicalization = value;
        return true;
    case CLI_OPTION_SIGN_HEADERS:
        o->sign_headers = value;
        return true;
    case CLI_OPTION_OVERSIGN:
        o->oversign = value;
        return true;
    case CLI_OPTION_EXPIRES:
        o->expires = value;
        return true;
    default:
        return false;
    }
}

static const char *signing_missing(const struct cli_options *o)
{
    if (o->key_count == 0 || o->key_count != o->selector_count)
        return "expected --key FILE and --selector NAME, as many of one as of the other";
    if (!o->domain)
        return "expected --domain NAME";
    return NULL;
}

const char *cli_auth_missing(const struct cli_command *command, const struct cli_options *o)
{
    const char *word = o->argc ? o->argv[0] : "";

    if (command->run == cli_auth_spf) {
        if (o->batch != (!o->ip && !o->helo && !o->mail_from))
            return "expected --ip IP --helo NAME [--mail-from ADDRESS], or --batch";
        if (!o->batch && !(o->ip && o->helo))
            return "expected --ip IP --helo NAME";
        if (o->headers && !o->receiver && !o->config)
            return "expected --receiver NAME with --headers";
    }
    if (o->zone && (o->dns || o->trust_anchors || o->config))
        return "expected one of --zone, --dns and --config";
    if (command->run == cli_auth_arc && (strcmp(word, "verify") != 0 || o->argc < 2))
        return "expected verify FILE...";
    if (command->run == cli_auth_dkim) {
        if (strcmp(word, "verify") == 0)
            return o->argc > 1 ? NULL : "expected a file";
        if (strcmp(word, "sign") == 0)
            return o->argc == 2 ? signing_missing(o) : "expected one file";
        if (strcmp(word, "record") == 0)
            return o->argc == 1 ? signing_missing(o) : "unexpected argument";
        return "expected verify, sign or record";
    }
    return NULL;
}
