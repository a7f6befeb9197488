/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/config/config_option.h"

#include <stdarg.h>
#include <stdlib.h>

#include "dataplane/handoff/message.h"
#include "dataplane/handoff/settings.h"

#define AT(holder, field) (uint32_t)offsetof(struct holder, field)
#define ITEM(holder, field) (uint32_t)sizeof(*((struct holder *)NULL)->field)

const struct config_option config_options[] = {
#define GROUP(path_, text_) {.path = path_, .row = CONFIG_ROW_GROUP, .words = "", .text = text_},
#define LIST(path_, holder, field, item, min_, max_, text_)                                       \
    {.path = path_, .row = CONFIG_ROW_LIST, .offset = AT(holder, field),                           \
     .count_offset = AT(holder, field##_count), .item_size = (uint32_t)sizeof(struct item),        \
     .min = min_, .max = max_, .words = "", .text = text_},
#define OPTION(path_, type_, holder, field, words_, min_, max_, fallback_, text_)                  \
    {.path = path_, .row = CONFIG_ROW_OPTION, .type = CONFIG_##type_, .offset = AT(holder, field), \
     .min = min_, .max = max_, .words = words_, .fallback = fallback_, .text = text_},
#define OPTIONS(path_, type_, holder, field, min_, max_, text_)                                    \
    {.path = path_, .row = CONFIG_ROW_OPTIONS, .type = CONFIG_##type_, .offset = AT(holder, field),\
     .count_offset = AT(holder, field##_count), .item_size = ITEM(holder, field), .min = min_,     \
     .max = max_, .words = "", .text = text_},
#include "control/config/config_option.def"
};

const uint32_t config_option_count = sizeof(config_options) / sizeof(config_options[0]);
_Static_assert(sizeof(config_options) / sizeof(config_options[0]) <= CONFIG_ROWS_MAX, "the reader has room for all");

/* Length of the path in front of the row's own key, without the dot. */
static size_t parent_length(const struct config_option *option)
{
    const char *dot = strrchr(option->path, '.');

    return dot ? (size_t)(dot - option->path) : 0;
}

const char *config_option_key(const struct config_option *option)
{
    size_t n = parent_length(option);

    return option->path + (n ? n + 1 : 0);
}

bool config_option_under(const struct config_option *option, const struct config_option *parent)
{
    struct span above = span_of(option->path, parent_length(option));

    if (!parent)
        return above.len == 0;
    if (parent->row == CONFIG_ROW_LIST && above.len > 2)
        above.len -= 2; /* "listeners[]" */
    return span_equal(above, span_text(parent->path));
}

struct config_block {
    struct config_block *next;
    uint64_t bytes[]; /* aligned for anything */
};

struct config_memory {
    struct config_block *blocks;
};

struct config_memory *config_memory_new(void)
{
    return calloc(1, sizeof(struct config_memory));
}

void config_memory_free(struct config_memory *memory)
{
    while (memory && memory->blocks) {
        struct config_block *block = memory->blocks;

        memory->blocks = block->next;
        free(block);
    }
    free(memory);
}

void *config_memory_take(struct config_memory *memory, size_t size)
{
    struct config_block *block = calloc(1, sizeof(*block) + size);

    if (!block)
        return NULL;
    block->next = memory->blocks;
    memory->blocks = block;
    return block->bytes;
}

void config_error(struct config_errors *errors, const char *path, size_t line, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    errors->count++;
    if (line)
        writer_printf(&errors->text, "%s:%zu: %s\n", path, line, text);
    else
        writer_printf(&errors->text, "%s: %s\n", path, text);
}
