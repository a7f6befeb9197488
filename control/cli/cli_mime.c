/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/cli/cli_mime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/cli/cli.h"
#include "control/cli/cli_mime_tree.h"
#include "proto/charset/charset.h"

enum { PIECE = 65536 }; /* bytes read at a time */

/* What reading takes, the same for every file. */
struct mime_memories {
    struct mime_limits limits;
    struct mime_readings reader;
    struct cli_mime_tree trees[MIME_READINGS];
    json_t
        *readings[MIME_READINGS]; /* what is told of each beside its parts; NULL: there is none */
    json_t *others;               /* readings that have ended */
    void *lent[MIME_READINGS];    /* memory of further readings */
    size_t lent_count;
    uint8_t piece[PIECE];
    uint8_t scratch[PIECE];
    uint8_t field[];
};

static struct mime_memories *memories_new(void)
{
    const struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct mime_memories *m = malloc(sizeof(*m) + limits.field);

    if (!m)
        return NULL;
    m->limits = limits;
    memset(m->readings, 0, sizeof(m->readings));
    return m;
}

/* A further reading has ended: it is put with the others. */
static void end_other(struct mime_memories *m, size_t n)
{
    json_object_set_new(m->readings[n], "parts", cli_mime_tree_finish(&m->trees[n]));
    json_array_append_new(m->others, m->readings[n]);
    m->readings[n] = NULL;
}

/* False when memory ran out. */
static bool begin_other(struct mime_memories *m, const struct mime_event *e)
{
    size_t n = e->reading;

    if (m->readings[n])
        end_other(m, n);
    m->readings[n] = json_pack("{s:s, s:I, s:i}", "doubt", mime_doubt_name(e->other.doubt),
                               "offset", (json_int_t)e->offset, "from", (int)e->other.from);
    return e->other.doubt == MIME_DOUBTS
               ? cli_mime_tree_init(&m->trees[n])
               : cli_mime_tree_copy(&m->trees[n], &m->trees[e->other.from]);
}

/* False when memory ran out. */
static bool read_piece(struct mime_memories *m, struct span piece)
{
    enum mime_status status;
    struct mime_event event;
    bool good = true;

    while (good && (status = mime_readings_next(&m->reader, &piece, &event)) != MIME_MORE) {
        if (status == MIME_DOUBT) {
            void *memory = malloc(mime_readings_size(&m->limits));

            if (!memory)
                return false;
            m->lent[m->lent_count++] = memory;
            mime_readings_attach(&m->reader, memory);
        } else if (event.kind == MIME_READING) {
            good = begin_other(m, &event);
        } else {
            cli_mime_tree_feed(&m->trees[event.reading], &event);
        }
    }
    return good;
}

static bool read_all(struct mime_memories *m, FILE *in, uint64_t *size_out)
{
    bool good = true;
    size_t n;

    *size_out = 0;
    while (good && (n = fread(m->piece, 1, sizeof(m->piece), in)) > 0) {
        *size_out += n;
        good = read_piece(m, span_of(m->piece, n));
    }
    mime_readings_finish(&m->reader);
    return good && read_piece(m, span_of(NULL, 0)) && !ferror(in);
}

static bool undivided(json_t *parts, const json_t *others, FILE *in)
{
    const json_t *other;
    size_t i;

    json_array_foreach(others, i, other)
    {
        if (!cli_mime_tree_undivided(json_object_get(other, "parts"), in))
            return false;
    }
    return cli_mime_tree_undivided(parts, in);
}

/* The parts, or NULL when the file could not be read or memory ran out; other readings of it. */
static json_t *read_message(struct mime_memories *m, FILE *in, uint64_t *size_out,
                            json_t **others_out)
{
    struct mime_memory memory = {.field = m->field,
                                 .scratch = m->scratch,
                                 .scratch_size = sizeof(m->scratch),
                                 .charset = &charset_all};
    json_t *parts;
    bool good;

    m->others = *others_out = json_array();
    m->lent_count = 0;
    if (!mime_readings_init(&m->reader, &memory, &m->limits) || !cli_mime_tree_init(m->trees)) {
        errno = ENOMEM;
        return NULL;
    }
    good = read_all(m, in, size_out);
    for (size_t i = 1; i < MIME_READINGS; i++)
        if (m->readings[i])
            end_other(m, i);
    while (m->lent_count)
        free(m->lent[--m->lent_count]);
    parts = cli_mime_tree_finish(m->trees);
    if (good && undivided(parts, m->others, in))
        return parts;
    json_decref(parts);
    return NULL;
}

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));

    return found ? found : "";
}

static long long number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* A decoded value on one line of a terminal: control bytes of a stranger do not get there. */
static void print_text(const char *value)
{
    for (; *value; value++)
        putchar((unsigned char)*value < ' ' || *value == 0x7f ? '?' : *value);
}

static void print_parameters(const json_t *part, const char *key)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(part, key), name, value)
    {
        printf("; ");
        print_text(name);
        printf("=\"");
        print_text(json_string_value(value));
        printf("\"");
    }
}

static void print_part(const json_t *part)
{
    int indent = 0;
    const json_t *row;
    size_t i;

    for (const char *p = text(part, "path"); *p; p++)
        indent += *p == '.' ? 2 : 0;
    printf("%*s%s ", indent, "", text(part, "path"));
    print_text(text(part, "type"));
    putchar('/');
    print_text(text(part, "subtype"));
    print_parameters(part, "parameters");
    printf("\n%*s  header at %lld, body at %lld, %lld bytes, %lld lines, %s\n", indent, "",
           number(part, "header_offset"), number(part, "body_offset"), number(part, "body_size"),
           number(part, "lines"), text(part, "encoding"));
    if (json_object_get(part, "disposition")) {
        printf("%*s  disposition ", indent, "");
        print_text(text(part, "disposition"));
        print_parameters(part, "disposition_parameters");
        putchar('\n');
    }
    if (json_object_get(part, "sha256"))
        printf("%*s  decoded %lld bytes, sha256 %s\n", indent, "", number(part, "size"),
               text(part, "sha256"));
    json_array_foreach(json_object_get(part, "headers"), i, row)
    {
        printf("%*s  | ", indent, "");
        print_text(text(row, "name"));
        printf(": ");
        print_text(text(row, "value"));
        putchar('\n');
    }
    json_array_foreach(json_object_get(part, "defects"), i, row)
        printf("%*s  ! %s at %lld: %s\n", indent, "", text(row, "name"), number(row, "offset"),
               text(row, "what"));
}

static void print_parts(const json_t *parts)
{
    const json_t *part;
    size_t i;

    json_array_foreach(parts, i, part) print_part(part);
}

static void print_message(const char *name, uint64_t size, json_t *parts, json_t *others, bool json)
{
    const json_t *other;
    size_t i;

    if (json) {
        json_t *line = json_pack("{s:o*, s:I, s:O}", "file", json_string(name), "size",
                                 (json_int_t)size, "parts", parts);

        if (json_array_size(others))
            json_object_set(line, "readings", others);
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
        return;
    }
    printf("%s: %llu bytes\n", name, (unsigned long long)size);
    print_parts(parts);
    json_array_foreach(others, i, other)
    {
        printf("another reading, by %s at %lld:\n", text(other, "doubt"), number(other, "offset"));
        print_parts(json_object_get(other, "parts"));
    }
}

/* Standard input as a file, of which bytes may be read again. NULL: errno says why. */
static FILE *standard_input(struct mime_memories *m)
{
    FILE *file = tmpfile();
    size_t n;

    while (file && (n = fread(m->piece, 1, sizeof(m->piece), stdin)) > 0)
        fwrite(m->piece, 1, n, file);
    if (file && !ferror(stdin) && fflush(file) == 0 && fseeko(file, 0, SEEK_SET) == 0)
        return file;
    if (file)
        fclose(file);
    return NULL;
}

static bool show(struct mime_memories *m, const char *name, bool json)
{
    FILE *in = strcmp(name, "-") == 0 ? standard_input(m) : fopen(name, "rb");
    uint64_t size = 0;
    json_t *others = NULL;
    json_t *parts = in ? read_message(m, in, &size, &others) : NULL;

    if (parts)
        print_message(name, size, parts, others, json);
    else
        fprintf(stderr, "wirepost mime: %s: %s\n", name, strerror(errno));
    json_decref(parts);
    json_decref(others);
    if (in)
        fclose(in);
    return parts != NULL;
}

int cli_mime(int count, char **files, bool json)
{
    struct mime_memories *m = memories_new();
    bool good = m != NULL;

    for (int i = 0; m && i < count; i++)
        good = show(m, files[i], json) && good;
    free(m);
    return fflush(stdout) == 0 && good ? CLI_OK : CLI_FAILED;
}
