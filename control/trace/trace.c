/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/trace/trace.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "control/base/clock.h"
#include "control/record/record_json.h"
#include "control/trace/trace_history.h"
#include "control/trace/trace_reader.h"

enum { FILES_MAX = 4096, LOOK = 256, DAY_MS = 24 * 3600 * 1000 };

/* Ids of messages and connections that records were found of. */
struct found {
    char id[ID128_TEXT + 1];
    json_t *rows; /* of its history */
    char connection[ID128_TEXT + 1];
};

struct search {
    const struct trace_query *query;
    const char *since; /* RFC 3339; empty: none */
    uint64_t deadline; /* monotonic ms */
    bool complete;
    uint32_t count, looks;
    struct found found[TRACE_MESSAGES];
    uint64_t lines;
    struct trace_reader reader;
};

static bool late(struct search *s)
{
    if (s->complete && ++s->looks % LOOK == 0 && clock_monotonic_ms() > s->deadline)
        s->complete = false;
    return !s->complete;
}

static bool copy_id(char out[ID128_TEXT + 1], const json_t *value)
{
    struct id128 id;

    if (!json_is_string(value) || json_string_length(value) != ID128_TEXT ||
        !id128_parse(span_of(json_string_value(value), ID128_TEXT), &id))
        return false;
    memcpy(out, json_string_value(value), ID128_TEXT + 1);
    return true;
}

static struct found *find(struct search *s, const char *id)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (strcmp(s->found[i].id, id) == 0)
            return &s->found[i];
    return NULL;
}

static struct found *note(struct search *s, const char *id)
{
    struct found *f = find(s, id);

    if (f)
        return f;
    if (s->count == TRACE_MESSAGES) {
        s->complete = false;
        return NULL;
    }
    f = &s->found[s->count++];
    memcpy(f->id, id, sizeof(f->id));
    f->connection[0] = 0;
    f->rows = json_array();
    return f;
}

static bool young(const struct search *s, const json_t *record)
{
    const json_t *ended = json_object_get(json_object_get(record, "context"), "ended");

    return !s->since[0] || !json_is_string(ended) ||
           strcmp(json_string_value(ended), s->since) >= 0;
}

/* First pass: what the query names. */
static void look_for_query(struct search *s, struct span line)
{
    char id[ID128_TEXT + 1];
    struct found *f;
    json_t *record;

    if (!trace_query_may(s->query, line))
        return;
    record = json_loadb((const char *)line.data, line.len, 0, NULL);
    if (record && trace_query_is(s->query, record) && young(s, record) &&
        copy_id(id, json_object_get(record, "id")) && (f = note(s, id))) {
        trace_history_record(f->rows, record);
        copy_id(f->connection, json_object_get(json_object_get(record, "context"), "connection"));
    }
    json_decref(record);
}

/* Second pass: the connections of what was found. */
static void look_for_connections(struct search *s, struct span line)
{
    json_t *record = NULL;

    for (uint32_t i = 0; i < s->count; i++) {
        struct found *f = &s->found[i];

        if (!f->connection[0] || !memmem(line.data, line.len, f->connection, ID128_TEXT))
            continue;
        if (!record)
            record = json_loadb((const char *)line.data, line.len, 0, NULL);
        if (!record)
            return;
        if (json_is_string(json_object_get(record, "id")) &&
            strcmp(json_string_value(json_object_get(record, "id")), f->connection) == 0)
            trace_history_record(f->rows, record);
    }
    json_decref(record);
}

static void search_file(struct search *s, const char *path,
                        void (*look)(struct search *s, struct span line))
{
    struct span line;

    if (!trace_reader_open(&s->reader, path))
        return;
    while (!late(s) && trace_reader_next(&s->reader, &line)) {
        s->lines++;
        look(s, line);
    }
    trace_reader_close(&s->reader);
}

/* ---- which files ---- */

struct files {
    char *names[FILES_MAX];
    uint32_t count;
};

/* By day and number, youngest first, whatever the type. */
static int youngest_first(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    uint32_t day_x = 0, day_y = 0, number_x = 0, number_y = 0;
    enum record_type type;

    record_file_name_parse(x, &type, &day_x, &number_x);
    record_file_name_parse(y, &type, &day_y, &number_y);
    if (day_x != day_y)
        return day_x < day_y ? 1 : -1;
    return number_x != number_y ? (number_x < number_y ? 1 : -1) : strcmp(x, y);
}

static bool list_files(const char *path, uint32_t since_day, struct files *out)
{
    DIR *directory = opendir(path);
    struct dirent *entry;
    enum record_type type;
    uint32_t day, number;

    out->count = 0;
    if (!directory)
        return false;
    while (out->count < FILES_MAX && (entry = readdir(directory)))
        if (record_file_name_parse(entry->d_name, &type, &day, &number) && day >= since_day &&
            (out->names[out->count] = strdup(entry->d_name)))
            out->count++;
    closedir(directory);
    qsort(out->names, out->count, sizeof(out->names[0]), youngest_first);
    return true;
}

/* A single file, and the one that it was renamed to last. */
static void search_files(struct search *s, const char *path, const struct files *files,
                         bool directory, void (*look)(struct search *s, struct span line))
{
    char name[PATH_MAX];

    if (!directory) {
        search_file(s, path, look);
        if (snprintf(name, sizeof(name), "%s.1", path) < (int)sizeof(name))
            search_file(s, name, look);
        return;
    }
    for (uint32_t i = 0; i < files->count; i++)
        if (snprintf(name, sizeof(name), "%s/%s", path, files->names[i]) < (int)sizeof(name))
            search_file(s, name, look);
}

static void search_records(struct search *s, const char *path, uint64_t since_ms)
{
    struct files *files = calloc(1, sizeof(*files));
    time_t seconds = (time_t)(since_ms / 1000);
    struct tm day;
    bool directory;

    if (!files || !gmtime_r(&seconds, &day)) {
        free(files);
        s->complete = false;
        return;
    }
    directory = list_files(
        path, (uint32_t)((day.tm_year + 1900) * 10000 + (day.tm_mon + 1) * 100 + day.tm_mday),
        files);
    search_files(s, path, files, directory, look_for_query);
    search_files(s, path, files, directory, look_for_connections);
    for (uint32_t i = 0; i < files->count; i++)
        free(files->names[i]);
    free(files);
}

/* ---- the audit log ---- */

static bool note_audit(void *context, const struct store_audit *row)
{
    struct search *s = context;
    char id[ID128_TEXT + 1];
    struct writer w = writer_of(id, ID128_TEXT);
    struct found *f;

    id128_put(&w, &row->message);
    id[ID128_TEXT] = 0;
    f = find(s, id);
    if (f)
        trace_history_audit(f->rows, row);
    return !late(s);
}

/* ---- all of it ---- */

static void search_store(struct search *s, struct store *store)
{
    struct id128 id;

    if (s->query->by == TRACE_BY_ID) {
        char text[ID128_TEXT + 1];
        struct writer w = writer_of(text, ID128_TEXT);
        json_t *rows = json_array();

        id128_put(&w, &s->query->id);
        text[ID128_TEXT] = 0;
        /* The store may know what records no longer do. */
        if (!find(s, text) && trace_history_store(rows, store, &s->query->id))
            note(s, text);
        json_decref(rows);
    }
    for (uint32_t i = 0; i < s->count; i++)
        if (id128_parse(span_of(s->found[i].id, ID128_TEXT), &id))
            trace_history_store(s->found[i].rows, store, &id);
    store_audit(store, 0, note_audit, s);
}

static json_t *result_of(struct search *s)
{
    json_t *messages = json_object();

    for (uint32_t i = 0; i < s->count; i++)
        json_object_set_new(messages, s->found[i].id, trace_history_sorted(s->found[i].rows));
    return json_pack("{s:s, s:b, s:I, s:o}", "by", trace_by_name(s->query->by), "complete",
                     (int)s->complete, "lines", (json_int_t)s->lines, "messages", messages);
}

static void set_since(uint64_t since_ms, char out[32])
{
    json_t *time = since_ms ? record_json_time(since_ms) : NULL;

    snprintf(out, 32, "%s", json_is_string(time) ? json_string_value(time) : "");
    json_decref(time);
}

json_t *trace(const struct trace_source *source, struct span text, uint64_t since_ms,
              struct writer *why)
{
    struct record_keys *keys = calloc(1, sizeof(*keys));
    struct trace_query *query = malloc(sizeof(*query));
    struct search *s = calloc(1, sizeof(*s));
    json_t *result = NULL;
    char since[32];

    if (keys && query && s) {
        record_writer_keys(source->records, keys);
        set_since(since_ms, since);
        *s = (struct search){.query = query,
                             .since = since,
                             .deadline = clock_monotonic_ms() + TRACE_MS,
                             .complete = true};
        if (trace_query_init(query, text, keys, why)) {
            search_records(s, source->path, since_ms);
            search_store(s, source->store);
            result = result_of(s);
            trace_query_fini(query);
        }
        explicit_bzero(keys, sizeof(*keys));
    } else {
        writer_text(why, "out of memory");
    }
    free(keys);
    free(query);
    free(s);
    return result;
}
