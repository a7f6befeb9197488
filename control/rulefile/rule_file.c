/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "control/rulefile/rule_file.h"
#include "control/rulefile/rule_reader.h"

/* One file that was read. The rules borrow their texts from the document. */
struct source {
    struct source *next;
    char *name;
    yaml_document_t document;
};

struct rule_file {
    struct rule *rules;
    size_t count;
    size_t room;
    size_t patterns;
    struct source *sources;
    struct rule_names_known tenants, domains;
};

struct rule_file *rule_file_new(void)
{
    return calloc(1, sizeof(struct rule_file));
}

void rule_file_known(struct rule_file *f, const struct rule_names_known *tenants,
                     const struct rule_names_known *domains)
{
    f->tenants = *tenants;
    f->domains = *domains;
}

static void free_lists(const struct rule *rule)
{
    free((void *)rule->patterns);
    free((void *)rule->nodes);
    free((void *)rule->domains);
    free((void *)rule->tenants);
}

void rule_file_free(struct rule_file *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->count; i++)
        free_lists(&f->rules[i]);
    while (f->sources) {
        struct source *s = f->sources;

        f->sources = s->next;
        yaml_document_delete(&s->document);
        free(s->name);
        free(s);
    }
    free(f->rules);
    free(f);
}

const struct rule *rule_file_rules(const struct rule_file *f, size_t *count_out)
{
    *count_out = f->count;
    return f->rules;
}

/* Takes the rule's lists in every case. */
static bool add(void *context, const struct rule *rule)
{
    struct rule_file *f = context;

    if (f->count == f->room) {
        size_t room = f->room ? f->room * 2 : 64;
        struct rule *rules = realloc(f->rules, room * sizeof *rules);

        if (!rules) {
            free_lists(rule);
            return false;
        }
        f->rules = rules;
        f->room = room;
    }
    f->rules[f->count++] = *rule;
    f->patterns += rule->pattern_count;
    return f->count <= RULE_FILE_PATTERNS && f->patterns <= RULE_FILE_PATTERNS;
}

static int compare_ids(const void *left, const void *right)
{
    const struct rule *a = *(const struct rule *const *)left;
    const struct rule *b = *(const struct rule *const *)right;
    size_t shorter = a->id.len < b->id.len ? a->id.len : b->id.len;
    int order = shorter ? memcmp(a->id.data, b->id.data, shorter) : 0;

    if (order == 0 && a->id.len != b->id.len)
        order = a->id.len < b->id.len ? -1 : 1;
    if (order == 0)
        order = a < b ? -1 : a > b;
    return order;
}

/* Of rules with one id, each but the first is named. `before` rules had been checked already. */
static bool ids_check(const struct rule_file *f, size_t before, struct writer *errors)
{
    const struct rule **sorted = calloc(f->count + 1, sizeof(struct rule *));
    bool ok = true;

    if (!sorted) {
        writer_text(errors, "out of memory\n");
        return false;
    }
    for (size_t i = 0; i < f->count; i++)
        sorted[i] = &f->rules[i];
    qsort(sorted, f->count, sizeof *sorted, compare_ids);
    for (size_t i = 1; i < f->count; i++) {
        const struct rule *rule = sorted[i];
        const struct rule *other = sorted[i - 1];

        if (rule->id.len == 0 || !span_equal(rule->id, other->id) ||
            (size_t)(rule - f->rules) < before)
            continue;
        rule_error_begin(errors, &rule->source, rule->id);
        writer_printf(errors, "expected an id of its own; %.*s:%u has it too\n",
                      (int)other->source.file.len, (const char *)other->source.file.data,
                      other->source.line);
        ok = false;
    }
    free(sorted);
    return ok;
}

static bool syntax_error(const char *name, const yaml_parser_t *parser, struct writer *errors)
{
    size_t line = parser->problem_mark.line;

    if (parser->error == YAML_READER_ERROR)
        writer_printf(errors, "%s: expected UTF-8 text: %s at byte %zu\n", name,
                      parser->problem ? parser->problem : "bad input", parser->problem_offset);
    else
        writer_printf(errors, "%s:%zu: expected YAML: %s%s%s\n", name, line + 1,
                      parser->context ? parser->context : "", parser->context ? ", " : "",
                      parser->problem ? parser->problem : "out of memory");
    return false;
}

/* Behind the document nothing may follow. At the end of input libyaml yields an empty document, to
 * be deleted too. */
static bool nothing_behind(const char *name, yaml_parser_t *parser, struct writer *errors)
{
    yaml_document_t behind;
    bool ok;

    if (!yaml_parser_load(parser, &behind))
        return syntax_error(name, parser, errors);
    ok = yaml_document_get_root_node(&behind) == NULL;
    if (!ok)
        writer_printf(errors, "%s:%zu: expected the end of the file, not another document\n", name,
                      behind.start_mark.line + 1);
    yaml_document_delete(&behind);
    return ok;
}

/* Reads the one document there is; it needs yaml_document_delete() when true. */
static bool load_document(const char *name, struct span text, struct writer *errors,
                          yaml_document_t *document)
{
    yaml_parser_t parser;
    bool ok;

    if (!yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, text.len ? text.data : (const uint8_t *)"", text.len);
    ok = yaml_parser_load(&parser, document) || syntax_error(name, &parser, errors);
    if (ok && yaml_document_get_root_node(document) && !nothing_behind(name, &parser, errors)) {
        yaml_document_delete(document);
        ok = false;
    }
    yaml_parser_delete(&parser);
    return ok;
}

bool rule_file_parse(struct rule_file *f, const char *name, struct span text, struct writer *errors)
{
    struct source *s;
    size_t before = f->count;
    bool ok;

    if (text.len > RULE_FILE_BYTES) {
        writer_printf(errors, "%s: expected at most %d bytes\n", name, RULE_FILE_BYTES);
        return false;
    }
    s = calloc(1, sizeof *s);
    if (s)
        s->name = strdup(name);
    if (!s || !s->name || !load_document(name, text, errors, &s->document)) {
        if (s)
            free(s->name);
        free(s);
        return false;
    }
    s->next = f->sources;
    f->sources = s;
    ok = rule_reader_run(&(struct rule_reader){.document = &s->document,
                                               .file = span_text(s->name),
                                               .tenants = f->tenants,
                                               .domains = f->domains,
                                               .add = add,
                                               .context = f},
                         errors);
    return ids_check(f, before, errors) && ok;
}

/* Memory for the whole file, or NULL with errno; never more than one byte above the limit. */
static uint8_t *read_all(FILE *file, size_t *length_out)
{
    size_t room = 64 << 10;
    uint8_t *bytes = malloc(room);
    size_t length = 0;

    while (bytes) {
        length += fread(bytes + length, 1, room - length, file);
        if (length < room || length > RULE_FILE_BYTES)
            break;
        room *= 2;
        uint8_t *more = realloc(bytes, room);

        if (!more)
            free(bytes);
        bytes = more;
    }
    if (bytes && ferror(file)) {
        free(bytes);
        bytes = NULL;
    }
    *length_out = length;
    return bytes;
}

bool rule_file_read(struct rule_file *f, const char *path, struct writer *errors)
{
    FILE *file = fopen(path, "re");
    uint8_t *bytes = NULL;
    size_t length = 0;
    bool ok = false;

    if (file)
        bytes = read_all(file, &length);
    if (bytes)
        ok = rule_file_parse(f, path, span_of(bytes, length), errors);
    else
        writer_printf(errors, "%s: %s\n", path, strerror(errno));
    free(bytes);
    if (file)
        fclose(file);
    return ok;
}
