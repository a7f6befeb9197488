/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "control/config/config_option.h"
#include "proto/base/peer_text.h"

/*
 * The file is read with libyaml's documents rather than through libcyaml's schemas: each message
 * has to name the line, all faults are to be found in one run, and one table has to serve parser,
 * messages and documentation alike.
 */
struct walk {
    yaml_document_t *document;
    const char *path;
    struct config_errors *errors;
    struct config_reading reading;
    const struct config *config; /* under way */
    uint32_t *lines;             /* of each row's value */
};

enum { SHOWN_MAX = 60, EXPECTED_MAX = 256 };

static struct span scalar_span(const yaml_node_t *node)
{
    return span_of(node->data.scalar.value, node->data.scalar.length);
}

/* "key:" with nothing behind it. */
static bool node_empty(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0 &&
           node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static uint32_t node_line(const yaml_node_t *node)
{
    return (uint32_t)node->start_mark.line + 1;
}

/* Bytes of the file, fit for a message. */
static const char *shown(struct span s, char text_out[SHOWN_MAX + 1])
{
    struct writer w = writer_of(text_out, SHOWN_MAX);

    peer_text(&w, s, SHOWN_MAX, PEER_TEXT_UTF8);
    text_out[w.len] = 0;
    return text_out;
}

static void expected(const struct config_option *option, char text_out[EXPECTED_MAX + 1])
{
    struct writer w = writer_of(text_out, EXPECTED_MAX);

    if (option->row == CONFIG_ROW_OPTIONS || option->row == CONFIG_ROW_LIST) {
        writer_printf(&w, "a sequence of %lld to %lld items", (long long)option->min,
                      (long long)option->max);
        if (option->type != CONFIG_NONE) {
            writer_text(&w, ", each ");
            config_value_expected(&w, option);
        }
    } else {
        config_value_expected(&w, option);
    }
    text_out[w.len] = 0;
}

static void refuse(struct walk *walk, const struct config_option *option, size_t line,
                   const char *found)
{
    char text[EXPECTED_MAX + 1];

    expected(option, text);
    config_error(walk->errors, walk->path, line, "%s: expected %s; %s", option->path, text, found);
}

static void walk_scalar(struct walk *walk, const struct config_option *option,
                        const yaml_node_t *node, void *field)
{
    char text[SHOWN_MAX + 1], found[SHOWN_MAX + 16];

    if (node->type != YAML_SCALAR_NODE) {
        refuse(walk, option, node_line(node),
               node->type == YAML_MAPPING_NODE ? "found a mapping" : "found a sequence");
        return;
    }
    if (config_value(option, scalar_span(node), &walk->reading, field))
        return;
    /* What was meant as a hash may be a password. */
    snprintf(found, sizeof(found), "found \"%s\"",
             option->type == CONFIG_HASH || option->type == CONFIG_SCRAM
                 ? "..."
                 : shown(scalar_span(node), text));
    refuse(walk, option, node_line(node), found);
}

/* What only the other role has to have may be left out. The role is read before all of it. */
static bool may_lack(const struct walk *walk, const struct config_option *option)
{
    static const char *const of_serve[] = {"network.addresses", "listeners", "store.path"};

    if (walk->config->role == CONFIG_ROLE_SERVE)
        return strcmp(option->path, "tap.ports") == 0;
    for (size_t i = 0; i < sizeof(of_serve) / sizeof(of_serve[0]); i++)
        if (strcmp(of_serve[i], option->path) == 0)
            return true;
    return false;
}

/* Texts are never NULL. */
static void leave_empty(struct walk *walk, uint8_t *field)
{
    char *empty = config_memory_take(walk->reading.memory, 1);

    if (!empty)
        config_error(walk->errors, walk->path, 0, "out of memory");
    memcpy(field, &empty, sizeof(empty));
}

static void walk_option(struct walk *walk, const struct config_option *option,
                        const yaml_node_t *node, uint8_t *base, size_t line)
{
    if (node)
        walk_scalar(walk, option, node, base + option->offset);
    else if (!option->fallback && may_lack(walk, option))
        leave_empty(walk, base + option->offset);
    else if (!option->fallback)
        refuse(walk, option, line, "it is missing");
    else if (!config_value(option, span_text(option->fallback), &walk->reading,
                           base + option->offset))
        config_error(walk->errors, walk->path, 0, "%s: out of memory", option->path);
}

/* Makes room for the items of a sequence. NULL: none, or it was refused. */
static uint8_t *walk_items(struct walk *walk, const struct config_option *option,
                           const yaml_node_t *node, uint8_t *base, size_t line)
{
    int64_t count = 0;
    uint8_t *items;

    if (node && !node_empty(node)) {
        if (node->type != YAML_SEQUENCE_NODE) {
            refuse(walk, option, node_line(node), "found something else");
            return NULL;
        }
        count = node->data.sequence.items.top - node->data.sequence.items.start;
    }
    if (!node && may_lack(walk, option))
        return NULL;
    if (count < option->min || count > option->max) {
        char found[32];

        snprintf(found, sizeof(found), "found %lld", (long long)count);
        refuse(walk, option, node ? node_line(node) : line, node ? found : "it is missing");
        return NULL;
    }
    items = config_memory_take(walk->reading.memory, (size_t)count * option->item_size);
    if (!items) {
        config_error(walk->errors, walk->path, 0, "%s: out of memory", option->path);
        return NULL;
    }
    memcpy(base + option->offset, &items, sizeof(items));
    memcpy(base + option->count_offset, &(uint32_t){(uint32_t)count}, sizeof(uint32_t));
    return count ? items : NULL;
}

static void walk_group(struct walk *walk, const struct config_option *group, yaml_node_t *node,
                       uint8_t *base, size_t line);

static void walk_sequence(struct walk *walk, const struct config_option *option, yaml_node_t *node,
                          uint8_t *base, size_t line)
{
    uint8_t *item = walk_items(walk, option, node, base, line);

    if (!item)
        return;
    for (yaml_node_item_t *at = node->data.sequence.items.start; at < node->data.sequence.items.top;
         at++, item += option->item_size) {
        yaml_node_t *value = yaml_document_get_node(walk->document, *at);

        if (option->row == CONFIG_ROW_OPTIONS) {
            walk_scalar(walk, option, value, item);
            continue;
        }
        /* Each item struct begins with its line. */
        memcpy(item, &(uint32_t){node_line(value)}, sizeof(uint32_t));
        walk_group(walk, option, value, item, node_line(value));
    }
}

static void unknown_key(struct walk *walk, const struct config_option *group,
                        const yaml_node_t *key)
{
    char found[SHOWN_MAX + 1], known[EXPECTED_MAX * 2];
    struct writer w = writer_of(known, sizeof(known) - 1);
    bool list = group && group->row == CONFIG_ROW_LIST;

    for (uint32_t i = 0; i < config_option_count; i++)
        if (config_option_under(&config_options[i], group))
            writer_printf(&w, "%s%s", w.len ? ", " : "", config_option_key(&config_options[i]));
    known[w.len] = 0;
    config_error(walk->errors, walk->path, node_line(key),
                 "%s%s%s: unknown option; expected one of %s", group ? group->path : "",
                 list    ? "[]."
                 : group ? "."
                         : "",
                 key->type == YAML_SCALAR_NODE ? shown(scalar_span(key), found) : "(no text)",
                 known);
}

static int32_t find_row(const struct config_option *group, const yaml_node_t *key)
{
    for (uint32_t i = 0; i < config_option_count; i++)
        if (key->type == YAML_SCALAR_NODE && config_option_under(&config_options[i], group) &&
            span_equal(scalar_span(key), span_text(config_option_key(&config_options[i]))))
            return (int32_t)i;
    return -1;
}

/* Finds each row's value among the pairs of a mapping; refuses what is unknown or stands twice. */
static void match_pairs(struct walk *walk, const struct config_option *group, yaml_node_t *node,
                        yaml_node_t *values_out[CONFIG_ROWS_MAX])
{
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        yaml_node_t *key = yaml_document_get_node(walk->document, pair->key);
        int32_t row = find_row(group, key);

        if (row < 0) {
            unknown_key(walk, group, key);
        } else if (values_out[row]) {
            config_error(walk->errors, walk->path, node_line(key),
                         "%s: stands twice; expected once", config_options[row].path);
        } else {
            values_out[row] = yaml_document_get_node(walk->document, pair->value);
            walk->lines[row] = node_line(key);
        }
    }
}

/* Values or defaults of all that stands directly under `group` (NULL: the file). `node` is NULL
 * where it was left out. */
static void walk_group(struct walk *walk, const struct config_option *group, yaml_node_t *node,
                       uint8_t *base, size_t line)
{
    yaml_node_t *values[CONFIG_ROWS_MAX] = {0};

    if (node && node->type == YAML_MAPPING_NODE) {
        match_pairs(walk, group, node, values);
    } else if (node && !node_empty(node)) {
        config_error(walk->errors, walk->path, node_line(node), "%s: expected a mapping of options",
                     group ? group->path : "the file");
        return;
    }
    for (uint32_t i = 0; i < config_option_count; i++) {
        const struct config_option *option = &config_options[i];
        size_t at = values[i] ? walk->lines[i] : line;

        if (!config_option_under(option, group))
            continue;
        if (option->row == CONFIG_ROW_GROUP)
            walk_group(walk, option, values[i], base, at);
        else if (option->row == CONFIG_ROW_OPTION)
            walk_option(walk, option, values[i], base, at);
        else
            walk_sequence(walk, option, values[i], base, at);
    }
}

static void syntax_error(const yaml_parser_t *parser, const char *path,
                         struct config_errors *errors)
{
    bool reader = parser->error == YAML_READER_ERROR;

    config_error(errors, path, reader ? 0 : parser->problem_mark.line + 1, "expected YAML: %s%s",
                 parser->problem ? parser->problem : "out of memory",
                 reader ? " (the file is not UTF-8)" : "");
}

/* Reads the one document there is. False: it was refused, and there is nothing to delete. */
static bool load_document(struct span text, const char *path, yaml_document_t *document_out,
                          struct config_errors *errors)
{
    yaml_parser_t parser;
    yaml_document_t next;
    bool ok, more = false;

    if (!yaml_parser_initialize(&parser)) {
        config_error(errors, path, 0, "out of memory");
        return false;
    }
    yaml_parser_set_input_string(&parser, text.data ? text.data : (const uint8_t *)"", text.len);
    ok = yaml_parser_load(&parser, document_out);
    if (!ok) {
        syntax_error(&parser, path, errors);
    } else if (!yaml_parser_load(&parser, &next)) {
        syntax_error(&parser, path, errors);
        more = true;
    } else {
        yaml_node_t *root = yaml_document_get_root_node(&next);

        if (root) {
            config_error(errors, path, node_line(root),
                         "expected one YAML document; found a second");
            more = true;
        }
        yaml_document_delete(&next);
    }
    yaml_parser_delete(&parser);
    if (ok && more)
        yaml_document_delete(document_out);
    return ok && !more;
}

static struct span directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? span_of(path, (size_t)(slash - path) + 1) : span_of(NULL, 0);
}

static struct config *config_new(void)
{
    struct config_memory *memory = config_memory_new();
    struct config *config = memory ? config_memory_take(memory, sizeof(*config)) : NULL;

    if (config)
        config->memory = memory;
    else
        config_memory_free(memory);
    return config;
}

void config_free(struct config *config)
{
    if (config)
        config_memory_free(config->memory);
}

struct config *config_read(struct span text, const char *path, struct config_errors *errors_out)
{
    struct config *config = config_new();
    uint32_t lines[CONFIG_ROWS_MAX] = {0};
    yaml_document_t document;
    struct walk walk = {.document = &document, .path = path, .errors = errors_out, .lines = lines};

    errors_out->count = 0;
    errors_out->text = writer_of(errors_out->bytes, sizeof(errors_out->bytes));
    if (!config) {
        config_error(errors_out, path, 0, "out of memory");
        return NULL;
    }
    walk.config = config;
    walk.reading =
        (struct config_reading){.memory = config->memory, .directory = directory_of(path)};
    if (load_document(text, path, &document, errors_out)) {
        walk_group(&walk, NULL, yaml_document_get_root_node(&document), (uint8_t *)config, 1);
        yaml_document_delete(&document);
        /* Only sound values are compared with each other. */
        if (errors_out->count == 0)
            config_check(config, path, lines, errors_out);
    }
    if (errors_out->count == 0)
        return config;
    config_free(config);
    return NULL;
}

/* The whole file. NULL with errno. */
static uint8_t *read_file(const char *path, size_t *len_out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *bytes = NULL;
    size_t len = 0;
    ssize_t n = -1;

    if (fd < 0)
        return NULL;
    bytes = malloc(CONFIG_FILE_MAX + 1);
    while (bytes && len <= CONFIG_FILE_MAX &&
           (n = read(fd, bytes + len, CONFIG_FILE_MAX + 1 - len)) > 0)
        len += (size_t)n;
    if (len > CONFIG_FILE_MAX) {
        errno = EFBIG;
        n = -1;
    }
    if (n < 0) {
        int why = errno;

        free(bytes);
        bytes = NULL;
        errno = why;
    }
    close(fd);
    *len_out = len;
    return bytes;
}

struct config *config_load(const char *path, struct config_errors *errors_out)
{
    struct config *config;
    size_t len;
    uint8_t *bytes = read_file(path, &len);

    if (!bytes) {
        errors_out->count = 0;
        errors_out->text = writer_of(errors_out->bytes, sizeof(errors_out->bytes));
        config_error(errors_out, path, 0, "cannot be read: %s", strerror(errno));
        return NULL;
    }
    config = config_read(span_of(bytes, len), path, errors_out);
    free(bytes);
    return config;
}

char config_detail_separator(const struct config *config, struct span key)
{
    char separator = 0;

    for (uint32_t i = 0; i < config->domains_count; i++) {
        const struct config_domain *domain = &config->domains[i];

        if (key.len > domain->key.len && key.data[key.len - domain->key.len - 1] == '@' &&
            span_equal(span_skip(key, key.len - domain->key.len), domain->key))
            separator = domain->detail_separator[0];
    }
    return separator;
}
