/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "control/blast/blast_words.h"

/*
 * Options from a YAML file: a mapping of the options' names to what stands behind them on the
 * command line, a list where they may be said more than once, and true or false for those that
 * stand alone.
 */
struct reading {
    struct blast_words *words;
    enum blast_words_who who;
    const char *path;
    yaml_document_t document;
};

static bool complain(const struct reading *r, const yaml_node_t *at, const char *what)
{
    fprintf(stderr, "wirepost blast: %s:%zu: %s\n", r->path, at ? at->start_mark.line + 1 : 0,
            what);
    return false;
}

static const char *text_of(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool take_one(struct reading *r, const char *name, const yaml_node_t *value)
{
    const char *text = text_of(value);

    if (!text)
        return complain(r, value, "expected a word, or a list of words");
    return blast_words_take(r->words, r->who, name, text) || complain(r, value, "see above");
}

static bool take(struct reading *r, const yaml_node_t *key, const yaml_node_t *value)
{
    const char *name = text_of(key);
    bool ok = true;

    if (!name)
        return complain(r, key, "expected the name of an option");
    if (value->type != YAML_SEQUENCE_NODE)
        return take_one(r, name, value);
    for (const yaml_node_item_t *i = value->data.sequence.items.start;
         ok && i < value->data.sequence.items.top; i++)
        ok = take_one(r, name, yaml_document_get_node(&r->document, *i));
    return ok;
}

static bool take_all(struct reading *r)
{
    const yaml_node_t *root = yaml_document_get_root_node(&r->document);
    bool ok = true;

    if (!root || root->type != YAML_MAPPING_NODE)
        return complain(r, root, "expected a mapping of options");
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start;
         ok && p < root->data.mapping.pairs.top; p++)
        ok = take(r, yaml_document_get_node(&r->document, p->key),
                  yaml_document_get_node(&r->document, p->value));
    return ok;
}

bool blast_words_file(struct blast_words *words, enum blast_words_who who, const char *path)
{
    struct reading r = {.words = words, .who = who, .path = path};
    FILE *file = fopen(path, "re");
    yaml_parser_t parser;
    bool ok;

    if (!file)
        return blast_words_complain(strerror(errno), path);
    if (!yaml_parser_initialize(&parser)) {
        fclose(file);
        return blast_words_complain("out of memory", path);
    }
    yaml_parser_set_input_file(&parser, file);
    ok = yaml_parser_load(&parser, &r.document);
    if (ok) {
        ok = take_all(&r);
        yaml_document_delete(&r.document);
    } else {
        fprintf(stderr, "wirepost blast: %s:%zu: %s\n", path, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "is no YAML");
    }
    yaml_parser_delete(&parser);
    fclose(file);
    return ok;
}
