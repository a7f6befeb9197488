/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <urcu-qsbr.h>

#include "control/capture/capture_files.h"
#include "control/config/config.h"
#include "control/service/judgement.h"
#include "control/tap/tap_extract.h"
#include "control/tap/tap_json.h"
#include "control/tap/tap_streams.h"

enum { OK = 0, FAILED = 1, USAGE = 2, WHY = 16384, RULES = 16, STATISTICS = 256 };
enum { FLOWS = 65536, MESSAGES = 256 }; /* most at a time */

struct tap_words {
    char **captures;
    uint32_t capture_count;
    const char *json, *extract, *streams, *policy;
    const char *rules[RULES];
    uint32_t rule_count;
    bool commands, secrets, ignore_checksums;
};

struct tapping {
    struct tap_source source;
    struct capture_files *files;
    struct judgement *judgement;
    struct tap_extract *extract;
    struct tap_streams *streams;
    struct tap_json json;
    FILE *out;
    bool failed; /* a capture was broken, or something could not be written */
    struct tap_statistic statistics[STATISTICS];
    size_t statistic_count;
};

static int complain(const char *what, const char *which)
{
    fprintf(stderr, "wirepost tap: %s%s%s\n", what, which ? ": " : "", which ? which : "");
    return USAGE;
}

/* ---- the command line ---- */

/* The words behind --pcap, up to the next option. */
static int take_captures(struct tap_words *w, int at, int count, char **words)
{
    w->captures = words + at;
    while (at < count && strncmp(words[at], "--", 2) != 0)
        at++;
    w->capture_count = (uint32_t)(words + at - w->captures);
    return at;
}

static const char **value_of(struct tap_words *w, const char *option)
{
    if (strcmp(option, "--json") == 0)
        return &w->json;
    if (strcmp(option, "--extract") == 0)
        return &w->extract;
    if (strcmp(option, "--streams") == 0)
        return &w->streams;
    if (strcmp(option, "--policy") == 0)
        return &w->policy;
    if (strcmp(option, "--rules") == 0 && w->rule_count < RULES)
        return &w->rules[w->rule_count++];
    return NULL;
}

static int read_words(struct tap_words *w, int count, char **words)
{
    for (int at = 0; at < count;) {
        const char *option = words[at++], **value;

        if (strcmp(option, "--pcap") == 0) {
            at = take_captures(w, at, count, words);
        } else if (strcmp(option, "--commands") == 0) {
            w->commands = true;
        } else if (strcmp(option, "--ignore-checksums") == 0) {
            w->ignore_checksums = true;
        } else if (strcmp(option, "--show-secrets") == 0) {
            w->secrets = true;
        } else {
            value = value_of(w, option);
            if (!value || at == count)
                return complain(value ? "expected something behind" : "unknown option", option);
            *value = words[at++];
        }
    }
    if (w->capture_count == 0)
        return complain("expected --pcap FILE", NULL);
    return w->json ? OK : complain("expected --json FILE", NULL);
}

static bool is_policy(const char *name)
{
    static const char *const policies[] = {"linux", "first", "last", "bsd", "windows"};

    for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++)
        if (strcmp(policies[i], name) == 0)
            return true;
    return false;
}

/* ---- the source ---- */

static bool next(void *context, struct tap_frame_source *frame_out)
{
    struct tapping *t = context;
    struct capture_frame frame;

    for (;;)
        switch (capture_files_next(t->files, &frame)) {
        case CAPTURE_FRAME:
            *frame_out = (struct tap_frame_source){.bytes = frame.bytes,
                                                   .wire_len = frame.wire_len,
                                                   .link = frame.link,
                                                   .time_ns = frame.time_ns};
            return true;
        case CAPTURE_BROKEN:
            fprintf(stderr, "wirepost tap: %s\n", capture_files_error(t->files));
            t->failed = true;
            break;
        case CAPTURE_END:
            return false;
        }
}

static void put(void *context, const struct json_line *line)
{
    struct tapping *t = context;

    if (line->lost || fwrite(line->data, 1, line->len, t->out) != line->len)
        t->failed = true;
}

static void on_message(struct tapping *t, const struct tap_event *event)
{
    struct handoff *handoff = judgement_handoff(t->judgement);
    struct record *record;

    while (record_collect(handoff, &record, 1) == 1) {
        tap_json_message(&t->json, record);
        put(t, &t->json.line);
        tap_json_parts(&t->json, event, record, put, t);
        record_return(handoff, record);
    }
}

static void on_event(void *context, const struct tap_event *event)
{
    struct tapping *t = context;

    if (event->kind == TAP_EVENT_MESSAGE)
        on_message(t, event);
    else if (tap_json_event(&t->json, event))
        put(t, &t->json.line);
}

static void on_statistic(void *context, const struct tap_statistic *statistic)
{
    struct tapping *t = context;

    if (t->statistic_count < STATISTICS)
        t->statistics[t->statistic_count++] = *statistic;
}

static void *message_begin(void *context)
{
    return tap_extract_message(((struct tapping *)context)->extract);
}

static void message_end(void *context, void *message, bool whole)
{
    tap_extract_message_end(((struct tapping *)context)->extract, message, whole);
}

static void on_stream(void *context, const struct tap_flow_facts *flow, const char *direction,
                      struct span bytes, uint64_t offset)
{
    tap_streams_put(((struct tapping *)context)->streams, flow, direction, bytes, offset);
}

/* ---- the run ---- */

/* Rules need settings, settings a configuration: one without anybody in it. */
static struct config *make_config(const struct tap_words *w)
{
    static struct config_errors errors;
    char memory[RULES * 4096 + 256];
    struct writer text = writer_of(memory, sizeof(memory));
    struct config *config;

    /* What every configuration has to have; nothing is opened. */
    writer_text(&text, "hostname: tap.invalid\n"
                       "engine: {interface: unused}\n"
                       "network: {addresses: [198.18.0.1/32]}\n"
                       "listeners: [{port: 110, protocol: pop3}]\n"
                       "store: {kind: memory, path: unused}\n");
    if (w->rule_count)
        writer_text(&text, "rules:\n  files:\n");
    for (uint32_t i = 0; i < w->rule_count; i++)
        writer_printf(&text, "    - \"%s\"\n", w->rules[i]);
    config = text.full ? NULL : config_read(writer_span(&text), "--rules", &errors);
    if (errors.count)
        fwrite(errors.bytes, 1, errors.text.len, stderr);
    return config;
}

static bool open_all(struct tapping *t, const struct tap_words *w, const struct config *config)
{
    static char why_text[WHY];
    struct writer why = writer_of(why_text, sizeof(why_text));

    t->out = strcmp(w->json, "-") == 0 ? stdout : fopen(w->json, "we");
    if (!t->out)
        return complain(w->json, strerror(errno)) == OK;
    t->extract = tap_extract_new(w->extract, 2 * MESSAGES);
    if (!t->extract)
        return complain(w->extract ? w->extract : "parts", strerror(errno)) == OK;
    if (w->streams && !(t->streams = tap_streams_new(w->streams)))
        return complain(w->streams, strerror(errno)) == OK;
    /* A mirror's two directions are often two files. */
    t->files =
        capture_files_new(w->captures, w->capture_count, w->capture_count <= CAPTURE_FILES_MERGED);
    t->judgement = t->files ? judgement_new(config, MESSAGES, &why) : NULL;
    fwrite(why_text, 1, why.len, stderr);
    return t->judgement != NULL;
}

static void tell_failed(struct tapping *t, uint64_t failed, const char *folder)
{
    if (!failed)
        return;
    fprintf(stderr, "wirepost tap: %llu times nothing could be written to %s\n",
            (unsigned long long)failed, folder);
    t->failed = true;
}

static bool watch(struct tapping *t, const struct tap_words *w,
                  bool (*tap)(struct handoff *handoff, const struct tap_source *source))
{
    bool ok;

    t->json.secrets = w->secrets;
    t->json.commands = w->commands;
    t->source = (struct tap_source){
        .context = t,
        .next = next,
        .event = on_event,
        .statistic = on_statistic,
        .message_begin = w->extract ? message_begin : NULL,
        .message_bytes = tap_extract_bytes,
        .message_end = message_end,
        .stream = t->streams ? on_stream : NULL,
        .digests = tap_extract_digests(t->extract),
        .policy = w->policy,
        .ignore_checksums = w->ignore_checksums,
        .flows = FLOWS,
        .messages = MESSAGES,
    };
    if (getrandom(t->source.secret, sizeof(t->source.secret), 0) < 0)
        return false;
    rcu_register_thread();
    ok = tap(judgement_handoff(t->judgement), &t->source);
    rcu_unregister_thread();
    if (!ok) {
        fprintf(stderr, "wirepost tap: out of memory\n");
        return false;
    }
    tap_json_statistics(&t->json, t->statistics, t->statistic_count);
    put(t, &t->json.line);
    tell_failed(t, tap_extract_failed(t->extract), w->extract);
    if (t->streams)
        tell_failed(t, tap_streams_failed(t->streams), w->streams);
    return true;
}

static void close_all(struct tapping *t)
{
    if (t->out && fflush(t->out) != 0)
        t->failed = true;
    if (t->out && t->out != stdout)
        fclose(t->out);
    judgement_free(t->judgement);
    capture_files_free(t->files);
    tap_extract_free(t->extract);
    tap_streams_free(t->streams);
    json_line_fini(&t->json.line);
}

int tap_command(bool (*tap)(struct handoff *handoff, const struct tap_source *source), int count,
                char **words)
{
    struct tap_words w = {.policy = "linux"};
    struct tapping *t;
    struct config *config;
    int status = read_words(&w, count, words);

    if (status != OK)
        return status;
    if (!is_policy(w.policy))
        return complain("no such policy", w.policy);
    config = make_config(&w);
    t = calloc(1, sizeof(*t));
    if (!config || !t) {
        config_free(config);
        free(t);
        return config ? FAILED : USAGE;
    }
    status = open_all(t, &w, config) && watch(t, &w, tap) && !t->failed ? OK : FAILED;
    close_all(t);
    if (t->failed)
        status = FAILED;
    free(t);
    config_free(config);
    return status;
}
