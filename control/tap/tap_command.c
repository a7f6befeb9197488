/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/tap/tap_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <urcu-qsbr.h>

#include "control/capture/capture_files.h"
#include "control/config/config.h"
#include "control/service/judgement.h"
#include "control/tap/tap_files.h"
#include "control/tap/tap_key_log.h"
#include "control/tap/tap_settings.h"
#include "control/tap/tap_streams.h"
#include "control/tap/tap_teller.h"

enum { OK = 0, FAILED = 1, USAGE = 2, WHY = 16384, RULES = 16 };

struct tap_words {
    char **captures;
    uint32_t capture_count;
    const char *json, *streams;
    const char *rules[RULES];
    uint32_t rule_count;
    struct tap_settings settings;
};

struct tapping {
    struct tap_source source;
    struct capture_files *captures;
    struct judgement *judgement;
    struct tap_files *files; /* NULL: nothing is extracted */
    struct tap_extract *extract;
    struct tap_streams *streams;
    struct tap_key_log *keylog; /* NULL: none */
    struct tap_teller teller;
    struct tap_tally tally;
    FILE *out;
    bool failed; /* a capture was broken, or something could not be written */
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
        return &w->settings.extract;
    if (strcmp(option, "--keylog") == 0)
        return &w->settings.keylog;
    if (strcmp(option, "--streams") == 0)
        return &w->streams;
    if (strcmp(option, "--policy") == 0)
        return &w->settings.policy;
    if (strcmp(option, "--rules") == 0 && w->rule_count < RULES)
        return &w->rules[w->rule_count++];
    return NULL;
}

const char *tap_command_config(int count, char **words)
{
    bool named = count == 2 && (strcmp(words[0], "-c") == 0 || strcmp(words[0], "--config") == 0);

    return named ? words[1] : NULL;
}

static int read_words(struct tap_words *w, int count, char **words)
{
    for (int at = 0; at < count;) {
        const char *option = words[at++], **value;

        if (strcmp(option, "--pcap") == 0) {
            at = take_captures(w, at, count, words);
        } else if (strcmp(option, "--commands") == 0) {
            w->settings.commands = true;
        } else if (strcmp(option, "--ignore-checksums") == 0) {
            w->settings.ignore_checksums = true;
        } else if (strcmp(option, "--show-secrets") == 0) {
            w->settings.secrets = true;
        } else {
            value = value_of(w, option);
            if (strcmp(option, "-c") == 0 || strcmp(option, "--config") == 0)
                return complain("expected a configuration alone, or --pcap FILE", NULL);
            if (!value || at == count)
                return complain(value ? "expected something behind" : "unknown option", option);
            *value = words[at++];
        }
    }
    if (w->capture_count == 0)
        return complain("expected --pcap FILE", NULL);
    return w->json ? OK : complain("expected --json FILE", NULL);
}

/* ---- the source ---- */

static bool next(void *context, struct tap_frame_source *frame_out)
{
    struct tapping *t = context;
    struct capture_frame frame;

    for (;;)
        switch (capture_files_next(t->captures, &frame)) {
        case CAPTURE_FRAME:
            *frame_out = (struct tap_frame_source){.bytes = frame.bytes,
                                                   .wire_len = frame.wire_len,
                                                   .link = frame.link,
                                                   .time_ns = frame.time_ns};
            return true;
        case CAPTURE_BROKEN:
            fprintf(stderr, "wirepost tap: %s\n", capture_files_error(t->captures));
            t->failed = true;
            break;
        case CAPTURE_END:
            return false;
        }
}

static void put(void *context, enum record_type type, const struct json_line *line)
{
    struct tapping *t = context;

    if (line->lost || fwrite(line->data, 1, line->len, t->out) != line->len)
        t->failed = true;
}

static void on_event(void *context, const struct tap_event *event)
{
    tap_teller_event(&((struct tapping *)context)->teller, 0, event);
}

static void on_statistic(void *context, const struct tap_statistic *statistic)
{
    tap_tally_add(&((struct tapping *)context)->tally, statistic);
}

/* A capture may come from a pipe, and the log grow beside it. */
static bool secrets_more(void *context)
{
    return tap_key_log_read(((struct tapping *)context)->keylog);
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
                       "role: tap\n"
                       "tap: {ports: [{interface: unused}]}\n");
    if (w->rule_count)
        writer_text(&text, "rules:\n  files:\n");
    for (uint32_t i = 0; i < w->rule_count; i++)
        writer_printf(&text, "    - \"%s\"\n", w->rules[i]);
    config = text.full ? NULL : config_read(writer_span(&text), "--rules", &errors);
    if (errors.count)
        fwrite(errors.bytes, 1, errors.text.len, stderr);
    return config;
}

static bool open_judgement(struct tapping *t, const struct config *config, uint32_t messages)
{
    const struct judgement_options options = {.workers = 1, .messages = messages};
    static char why_text[WHY];
    struct writer why = writer_of(why_text, sizeof(why_text));

    t->judgement = judgement_new(config, &options, &why);
    fwrite(why_text, 1, why.len, stderr);
    if (!t->judgement)
        return false;
    t->teller.handoff = judgement_handoff(t->judgement);
    return tap_teller_init(&t->teller, messages + JUDGEMENT_RECORDS);
}

static bool open_keylog(struct tapping *t, const char *path)
{
    char memory[WHY];
    struct writer why = writer_of(memory, sizeof(memory) - 1);

    t->keylog = tap_key_log_new(path, false, &why);
    if (!t->keylog) {
        memory[why.len] = 0;
        return complain("--keylog", memory) == OK;
    }
    while (tap_key_log_read(t->keylog))
        continue;
    return true;
}

static bool open_all(struct tapping *t, const struct tap_words *w, const struct config *config)
{
    const struct tap_settings *s = &w->settings;
    uint32_t pieces = 2 * s->messages;

    t->out = strcmp(w->json, "-") == 0 ? stdout : fopen(w->json, "we");
    if (!t->out)
        return complain(w->json, strerror(errno)) == OK;
    if (s->extract) {
        t->files = tap_files_new(s->extract, pieces);
        if (!t->files)
            return complain(s->extract, strerror(errno)) == OK;
    }
    t->extract = tap_extract_new(t->files ? tap_files_sink(t->files) : NULL, pieces, 0);
    if (!t->extract)
        return complain("parts", strerror(errno)) == OK;
    if (s->keylog && !open_keylog(t, s->keylog))
        return false;
    if (w->streams && !(t->streams = tap_streams_new(w->streams)))
        return complain(w->streams, strerror(errno)) == OK;
    /* A mirror's two directions are often two files. */
    t->captures =
        capture_files_new(w->captures, w->capture_count, w->capture_count <= CAPTURE_FILES_MERGED);
    return t->captures && open_judgement(t, config, s->messages);
}

static void tell_failed(struct tapping *t, uint64_t failed, const char *folder)
{
    if (!failed)
        return;
    fprintf(stderr, "wirepost tap: %llu times nothing could be written to %s\n",
            (unsigned long long)failed, folder);
    t->failed = true;
}

/* Frames come as they are captured: what their hosts log may come a little later. */
static bool from_pipe(const struct tap_words *w)
{
    for (uint32_t i = 0; i < w->capture_count; i++)
        if (strcmp(w->captures[i], "-") == 0)
            return true;
    return false;
}

static bool run(struct tapping *t, const struct tap_words *w,
                bool (*tap)(struct handoff *handoff, const struct tap_source *source))
{
    bool ok;

    t->source = (struct tap_source){
        .context = t,
        .next = next,
        .event = on_event,
        .statistic = on_statistic,
        .message_begin = t->files ? message_begin : NULL,
        .message_bytes = tap_extract_bytes,
        .message_end = message_end,
        .stream = t->streams ? on_stream : NULL,
        .digests = tap_extract_digests(t->extract),
        .secrets = t->keylog ? tap_key_log_secrets(t->keylog) : NULL,
        .secrets_more = secrets_more,
        .secrets_grow = from_pipe(w),
    };
    if (!tap_settings_source(&w->settings, &t->source))
        return false;
    rcu_register_thread();
    ok = tap(judgement_handoff(t->judgement), &t->source);
    rcu_unregister_thread();
    if (!ok)
        fprintf(stderr, "wirepost tap: out of memory\n");
    return ok;
}

static bool watch(struct tapping *t, const struct tap_words *w,
                  bool (*tap)(struct handoff *handoff, const struct tap_source *source))
{
    t->teller.json.secrets = w->settings.secrets;
    t->teller.json.commands = w->settings.commands;
    t->teller.put = put;
    t->teller.context = t;
    if (!run(t, w, tap))
        return false;
    if (t->keylog)
        tap_key_log_statistics(t->keylog, tap_tally_add, &t->tally);
    tap_teller_statistics(&t->teller, &t->tally, NULL);
    if (t->files)
        tell_failed(t, tap_files_failed(t->files), w->settings.extract);
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
    if (t->teller.handoff)
        tap_teller_fini(&t->teller);
    judgement_free(t->judgement);
    capture_files_free(t->captures);
    tap_extract_free(t->extract);
    tap_files_free(t->files);
    tap_streams_free(t->streams);
    tap_key_log_free(t->keylog);
}

int tap_command(bool (*tap)(struct handoff *handoff, const struct tap_source *source), int count,
                char **words)
{
    struct tap_words w = {.settings = {.policy = "linux",
                                       .flows = TAP_SETTINGS_FLOWS,
                                       .messages = TAP_SETTINGS_MESSAGES}};
    struct tapping *t;
    struct config *config;
    int status = read_words(&w, count, words);

    if (status != OK)
        return status;
    if (!tap_settings_policy(w.settings.policy))
        return complain("no such policy", w.settings.policy);
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
