/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <urcu-qsbr.h>

#include "control/record/record_json.h"
#include "control/service/judgement.h"
#include "dataplane/handoff/judge_source.h"
#include "proto/spf/spf_check.h"

enum { PIECE = 8192, WHY = 16384, RECIPIENTS = 100, PATH = ADDRESS_PATH_MAX + 2 };

struct judging {
    struct judge_source source;
    struct judgement *judgement;
    char **files;
    int count, at; /* `at`: of the next one */
    const char *name;
    FILE *in;
    uint8_t last; /* byte read */
    bool json, good;
    struct address recipients[RECIPIENTS];
    char paths[RECIPIENTS + 1][PATH];
    int path_count;
};

/* ---- the files ---- */

static bool complain(struct judging *j)
{
    fprintf(stderr, "wirepost judge: %s: %s\n", j->name, strerror(errno));
    return j->good = false;
}

/* The next file that can be opened. */
static bool open_file(void *context)
{
    struct judging *j = context;

    while (j->at < j->count) {
        j->name = j->files[j->at++];
        j->in = strcmp(j->name, "-") == 0 ? stdin : fopen(j->name, "rb");
        j->last = 0;
        if (j->in)
            return true;
        complain(j);
    }
    return false;
}

/* Lines end in CRLF on the wire: a LF without its CR gets one. */
static size_t read_file(void *context, uint8_t *bytes_out, size_t room)
{
    struct judging *j = context;
    uint8_t piece[PIECE];
    size_t n = fread(piece, 1, room / 2 < PIECE ? room / 2 : PIECE, j->in), len = 0;

    for (size_t i = 0; i < n; i++) {
        if (piece[i] == '\n' && j->last != '\r')
            bytes_out[len++] = '\r';
        bytes_out[len++] = j->last = piece[i];
    }
    return len;
}

/* ---- what is said of them ---- */

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));

    return found ? found : "";
}

static void print_names(const json_t *message, const char *key, const char *sign)
{
    const json_t *name;
    size_t i;

    json_array_foreach(json_object_get(message, key), i, name)
        printf("  %s%s\n", sign, json_string_value(name));
}

static void print_text(const char *name, const json_t *message, const json_t *result)
{
    const json_t *recipient;
    size_t i;

    printf("%s: %s, score %.3f\n", name, text(result, "verdict"),
           json_real_value(json_object_get(result, "score")));
    json_array_foreach(json_object_get(result, "recipients"), i, recipient)
    {
        const char *rule = text(recipient, "rule"), *place = text(recipient, "place");

        printf("  for %s: %s%s%s%s%s\n", text(recipient, "address"), text(recipient, "verdict"),
               *rule ? " by " : "", rule, *place ? ", " : "", place);
    }
    if (*text(result, "reply"))
        printf("  reply %s\n", text(result, "reply"));
    print_names(message, "rules", "hit ");
    print_names(message, "anomalies", "! ");
}

static void print_record(struct judging *j, const struct record *record)
{
    json_t *whole = record_json(record, &record_privacy_default);
    json_t *message = json_object_get(whole, "message"), *result = json_object_get(whole, "result");

    if (!whole) {
        errno = ENOMEM;
        complain(j);
    } else if (j->json) {
        json_t *line = json_pack("{s:o*, s:O, s:O}", "file", json_string(j->name), "message",
                                 message, "result", result);

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
    } else {
        print_text(j->name, message, result);
    }
    json_decref(whole);
}

static void close_file(void *context)
{
    struct judging *j = context;
    struct handoff *handoff = judgement_handoff(j->judgement);
    struct record *record;
    bool failed = ferror(j->in);

    while (record_collect(handoff, &record, 1) == 1) {
        if (!failed)
            print_record(j, record);
        record_return(handoff, record);
    }
    if (failed)
        complain(j);
    if (j->in != stdin)
        fclose(j->in);
}

/* ---- the envelope ---- */

/* An address without its brackets. False: it is none. */
static bool read_path(struct judging *j, const char *value, struct address *address_out)
{
    char *path = j->paths[j->path_count++];
    struct span span;

    if (snprintf(path, PATH, "<%s>", value) >= PATH)
        return false;
    span = span_text(path);
    return address_path(&span, ADDRESS_ALLOW_NULL | ADDRESS_ALLOW_POSTMASTER | ADDRESS_ALLOW_UTF8,
                        address_out) == ADDRESS_OK &&
           span.len == 0;
}

static bool read_spf(struct span value, uint8_t *spf_out)
{
    for (int i = 0; i < SPF_RESULTS; i++)
        if (span_equal(value, span_text(spf_result_word((enum spf_result)i))))
            *spf_out = (uint8_t)(i + 1);
    return *spf_out != 0;
}

static bool read_word(struct judging *j, const char *scope, size_t len, const char *value)
{
    const struct span name = span_of(scope, len);

    if (span_equal(name, span_text("client.ip")))
        return ip_address_parse(span_text(value), &j->source.client);
    if (span_equal(name, span_text("client.name")))
        j->source.client_name = span_text(value);
    else if (span_equal(name, span_text("helo")))
        j->source.helo = span_text(value);
    else if (span_equal(name, span_text("envelope.mail_from")))
        return read_path(j, value, &j->source.sender);
    else if (span_equal(name, span_text("auth.spf")))
        return read_spf(span_text(value), &j->source.spf);
    else
        return j->source.recipient_count < RECIPIENTS &&
               read_path(j, value, &j->recipients[j->source.recipient_count++]);
    return true;
}

static bool is_scope(const char *word, size_t len)
{
    static const char *const scopes[] = {"client.ip", "client.name", "helo", "envelope.mail_from",
                                         "auth.spf",  "envelope.rcpt_to"};

    for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
        if (strlen(scopes[i]) == len && memcmp(scopes[i], word, len) == 0)
            return true;
    return false;
}

/* Takes the words of the envelope off the front. False: one is wrong, or nobody gets the mail. */
static bool read_envelope(struct judging *j, const struct config *config)
{
    for (; j->at < j->count; j->at++) {
        const char *word = j->files[j->at], *sign = strchr(word, '=');

        if (!sign || !is_scope(word, (size_t)(sign - word)))
            break;
        if (j->path_count > RECIPIENTS || !read_word(j, word, (size_t)(sign - word), sign + 1)) {
            fprintf(stderr, "wirepost judge: not a value of that scope: %s\n", word);
            return false;
        }
    }
    if (j->source.recipient_count == 0 && config->accounts_count)
        read_word(j, "", 0, config->accounts[0].address);
    if (j->source.recipient_count && j->at < j->count)
        return true;
    fprintf(stderr, "wirepost judge: %s\n",
            j->at < j->count ? "the configuration has no account: whom is the mail for?"
                             : "expected a file");
    return false;
}

static int judge(struct judging *j, const struct config *config, const struct cli_actions *actions)
{
    static char why_text[WHY];
    struct writer why = writer_of(why_text, sizeof(why_text));
    bool ok;

    j->judgement =
        judgement_new(config, &(struct judgement_options){.workers = 1, .messages = 1}, &why);
    if (!j->judgement) {
        fwrite(why_text, 1, why.len, stderr);
        return CLI_FAILED;
    }
    rcu_register_thread();
    ok = actions->judge(judgement_handoff(j->judgement), &j->source);
    rcu_unregister_thread();
    judgement_free(j->judgement);
    if (!ok)
        fprintf(stderr, "wirepost judge: out of memory\n");
    return fflush(stdout) == 0 && ok && j->good ? CLI_OK : CLI_FAILED;
}

int cli_judge(const struct config *config, const struct cli_actions *actions, int count,
              char **words, bool json)
{
    struct judging *j = calloc(1, sizeof(*j));
    int status = CLI_FAILED;

    if (!j)
        return status;
    *j = (struct judging){.source = {.context = j,
                                     .open = open_file,
                                     .read = read_file,
                                     .close = close_file,
                                     .wall_ms = (uint64_t)time(NULL) * 1000,
                                     .helo = span_text("client.invalid"),
                                     .recipients = j->recipients},
                          .files = words,
                          .count = count,
                          .json = json,
                          .good = true};
    ip_address_parse(span_text("192.0.2.1"), &j->source.client);
    read_path(j, "", &j->source.sender);
    j->path_count = 1;
    status = read_envelope(j, config) ? judge(j, config, actions) : CLI_USAGE;
    free(j);
    return status;
}
