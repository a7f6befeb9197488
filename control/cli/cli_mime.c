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
    struct mime_reader reader;
    uint8_t piece[PIECE];
    uint8_t scratch[PIECE];
    uint8_t field[];
};

static struct mime_memories *memories_new(void)
{
    const struct mime_limits limits = MIME_LIMITS_DEFAULT;
    struct mime_memories *m = malloc(sizeof(*m) + limits.field);

    if (m)
        m->limits = limits;
    return m;
}

static void read_piece(struct mime_memories *m, struct cli_mime_tree *tree, struct span piece)
{
    struct mime_event event;

    while (mime_reader_next(&m->reader, &piece, &event) == MIME_EVENT)
        cli_mime_tree_feed(tree, &event);
}

/* The parts, or NULL when the file could not be read or memory ran out. */
static json_t *read_message(struct mime_memories *m, FILE *in, uint64_t *size_out)
{
    struct mime_memory memory = {.field = m->field,
                                 .scratch = m->scratch,
                                 .scratch_size = sizeof(m->scratch),
                                 .charset = &charset_all};
    struct cli_mime_tree tree;
    json_t *parts;
    size_t n;

    if (!mime_reader_init(&m->reader, &memory, &m->limits) || !cli_mime_tree_init(&tree)) {
        errno = ENOMEM;
        return NULL;
    }
    *size_out = 0;
    while ((n = fread(m->piece, 1, sizeof(m->piece), in)) > 0) {
        *size_out += n;
        read_piece(m, &tree, span_of(m->piece, n));
    }
    mime_reader_finish(&m->reader);
    read_piece(m, &tree, span_of(NULL, 0));
    parts = cli_mime_tree_finish(&tree);
    if (!ferror(in))
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

static void print_message(const char *name, uint64_t size, json_t *parts, bool json)
{
    const json_t *part;
    size_t i;

    if (json) {
        json_t *line = json_pack("{s:o*, s:I, s:O}", "file", json_string(name), "size",
                                 (json_int_t)size, "parts", parts);

        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(line);
        return;
    }
    printf("%s: %llu bytes\n", name, (unsigned long long)size);
    json_array_foreach(parts, i, part) print_part(part);
}

static bool show(struct mime_memories *m, const char *name, bool json)
{
    bool standard = strcmp(name, "-") == 0;
    FILE *in = standard ? stdin : fopen(name, "rb");
    uint64_t size = 0;
    json_t *parts = in ? read_message(m, in, &size) : NULL;

    if (parts)
        print_message(name, size, parts, json);
    else
        fprintf(stderr, "wirepost mime: %s: %s\n", name, strerror(errno));
    json_decref(parts);
    if (in && !standard)
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
