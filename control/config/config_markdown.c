/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"

/* A range or the words, as a table's cell. */
static void put_values(FILE *out, const struct config_option *option)
{
    char text[512];
    struct writer w = writer_of(text, sizeof(text));

    if (option->row == CONFIG_ROW_OPTIONS) {
        writer_printf(&w, "%lld to %lld times ", (long long)option->min, (long long)option->max);
        config_value_range(&w, option);
    } else if (option->type == CONFIG_CHOICE) {
        for (const char *at = option->words; *at;) {
            size_t n = strcspn(at, "|");

            writer_printf(&w, "%s`%.*s`", at == option->words ? "" : ", ", (int)n, at);
            at += n + (at[n] == '|');
        }
    } else {
        config_value_range(&w, option);
    }
    fprintf(out, "%.*s", (int)w.len, text);
}

static void put_option(FILE *out, const struct config_option *option)
{
    fprintf(out, "| `%s` | ", config_option_key(option));
    put_values(out, option);
    if (option->row == CONFIG_ROW_OPTIONS)
        fprintf(out, " | %s", option->min ? "*required*" : "none");
    else if (!option->fallback)
        fprintf(out, " | *required*");
    else
        fprintf(out, option->fallback[0] ? " | `%s`" : " | none", option->fallback);
    fprintf(out, " | %s |\n", option->text);
}

static void put_rows(FILE *out, const struct config_option *group)
{
    fprintf(out, "\n| option | value | default | what it does |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < config_option_count; i++)
        if (config_option_under(&config_options[i], group) &&
            config_options[i].row >= CONFIG_ROW_OPTION)
            put_option(out, &config_options[i]);
}

/* A first configuration; a test reads it. */
static const char example[] =
    "```yaml\n"
    "hostname: mx.example.test\n"
    "engine: {pmd: af_packet, interface: veth1, workers: 1}\n"
    "network:\n"
    "  addresses: [198.18.0.2/24, \"2001:2::2/64\"]\n"
    "  gateways: [198.18.0.1, \"2001:2::1\"]\n"
    "listeners:\n"
    "  - {port: 25, protocol: smtp}\n"
    "  - {port: 110, protocol: pop3}\n"
    "pop3: {allow_cleartext: true}\n"
    "store: {path: /var/lib/wirepost}\n"
    "rules: {files: [rules.yaml]}\n"
    "domains:\n"
    "  - {name: example.test, quarantine_score: 5, reject_score: 15}\n"
    "accounts:\n"
    "  - address: alice@example.test\n"
    "    password: "
    "\"$6$wirepost$fffBq.H1B6MJz2UA6QQ83V."
    "a15NcOaBP2893DfocaVj7AphAYskAmQCq8MEKsmz31NPPIElgEMg86Oq5Zvoyj.\" # of the word: example\n"
    "aliases:\n"
    "  - {address: postmaster@example.test, members: [alice@example.test]}\n"
    "  - {address: abuse@example.test, members: [postmaster@example.test]}\n"
    "records: {path: /var/log/wirepost.ndjson}\n"
    "```\n\n";

void config_markdown(FILE *out)
{
    fprintf(out,
            "<!-- Made by `wirepost config --markdown` from control/config/config_option.def; do "
            "not edit. -->\n"
            "# Configuration\n\n"
            "One YAML file, named with `-c`. `wirepost check -c FILE` reads it as a start would "
            "and tells\n"
            "everything that is wrong with it, a line each: file, line, option, what was expected. "
            "Nothing is\n"
            "started with a file that has a fault. Options that are not listed here are refused by "
            "name.\n\n"
            "Sizes are written with a unit: `512`, `64KiB`, `50MiB`, `2GiB`. So are durations: "
            "`50us`, `20ms`, `10s`,\n"
            "`5m`, `1h`. Scores have up to three decimals. Relative paths start at the directory "
            "of the file.\n\n"
            "A first configuration:\n\n%s"
            "## At the top\n",
            example);
    put_rows(out, NULL);
    for (uint32_t i = 0; i < config_option_count; i++) {
        const struct config_option *group = &config_options[i];

        if (group->row >= CONFIG_ROW_OPTION)
            continue;
        fprintf(out, "\n## %s\n\n%s", group->path, group->text);
        if (group->row == CONFIG_ROW_LIST)
            fprintf(out, " A sequence of %lld to %lld items.", (long long)group->min,
                    (long long)group->max);
        fprintf(out, "\n");
        put_rows(out, group);
    }
}
