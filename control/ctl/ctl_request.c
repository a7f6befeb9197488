/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_request.h"

#include "proto/base/ascii.h"

#include "proto/base/peer_text.h"

const struct ctl_command_row ctl_commands[CTL_COMMANDS] = {
#define CTL_COMMAND(SYMBOL, subject_, kind_, name_, least_, most_, arguments_, text_)              \
    [CTL_##SYMBOL] = {.subject = CTL_SUBJECT_##subject_,                                           \
                      .kind = CTL_KIND_##kind_,                                                    \
                      .name = name_,                                                               \
                      .least = least_,                                                             \
                      .most = most_,                                                               \
                      .arguments = arguments_,                                                     \
                      .text = text_},
#include "control/ctl/ctl_command.def"
#undef CTL_COMMAND
};

bool ctl_request_number(struct span text, uint64_t most, uint64_t *number_out)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        if ((uint8_t)(text.data[i] - '0') >= 10 || n > (most - 9) / 10)
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number_out = n;
    return text.len > 0;
}

static struct span take_word(struct span *line)
{
    size_t start = 0, end;

    while (start < line->len && ascii_blank(line->data[start]))
        start++;
    for (end = start; end < line->len && !ascii_blank(line->data[end]);)
        end++;
    *line = span_skip(*line, end);
    return span_of(line->data - (end - start), end - start);
}

/* True when the line begins with the words of the name; *rest_out is what follows. */
static bool begins_with(struct span line, const char *name, struct span *rest_out)
{
    struct span words = span_text(name), word;

    while ((word = take_word(&words)).len)
        if (!span_equal(take_word(&line), word))
            return false;
    *rest_out = line;
    return true;
}

static bool unknown_command(struct span found, struct writer *why)
{
    writer_text(why, "no such command: ");
    peer_text(why, found, 60, PEER_TEXT_UTF8);
    writer_text(why, "; expected one of ");
    for (int i = 0; i < CTL_COMMANDS; i++)
        writer_printf(why, "%s%s", i ? ", " : "", ctl_commands[i].name);
    return false;
}

/* words = command *(1*blank argument) */
static bool parse_words(struct span line, struct ctl_request *request, struct writer *why)
{
    struct span rest, word;

    for (int i = 0; i < CTL_COMMANDS; i++) {
        if (!begins_with(line, ctl_commands[i].name, &rest))
            continue;
        request->command = (enum ctl_command)i;
        while ((word = take_word(&rest)).len) {
            if (request->count == CTL_ARGUMENTS_MAX) {
                writer_text(why, "too many arguments");
                return false;
            }
            request->arguments[request->count++] = word;
        }
        return true;
    }
    return unknown_command(line, why);
}

static struct span json_span(const json_t *text)
{
    return span_of(json_string_value(text), json_string_length(text));
}

static bool take_arguments(const json_t *list, struct ctl_request *request)
{
    size_t n = json_array_size(list);

    if ((list && !json_is_array(list)) || n > CTL_ARGUMENTS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);

        if (!json_is_string(item))
            return false;
        request->arguments[request->count++] = json_span(item);
    }
    return true;
}

/* object = {"command": text, "arguments": [*text]} */
static bool parse_object(struct span line, struct ctl_request *request, struct writer *why)
{
    json_t *object = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    const json_t *command = json_object_get(object, "command"),
                 *arguments = json_object_get(object, "arguments");

    request->json = object;
    if (!json_is_string(command) || !take_arguments(arguments, request) ||
        json_object_size(object) != 1U + (arguments != NULL)) {
        writer_text(
            why, "expected {\"command\": \"...\", \"arguments\": [\"...\"]} with at most 16 texts");
        return false;
    }
    for (int i = 0; i < CTL_COMMANDS; i++)
        if (span_equal(json_span(command), span_text(ctl_commands[i].name))) {
            request->command = (enum ctl_command)i;
            return true;
        }
    return unknown_command(json_span(command), why);
}

static bool check_arguments(struct ctl_request *request, struct writer *why)
{
    const struct ctl_command_row *row = &ctl_commands[request->command];
    uint64_t seconds = CTL_DRAIN_DEFAULT;

    if (request->count < row->least || request->count > row->most) {
        writer_printf(why, "expected %s%s%s", row->name, row->arguments[0] ? " " : "",
                      row->arguments);
        return false;
    }
    if ((request->command == CTL_MESSAGE_SHOW || request->command == CTL_MESSAGE_EXPORT) &&
        !id128_parse(request->arguments[0], &request->id)) {
        writer_printf(why, "expected the id of a message, %d letters and digits", ID128_TEXT);
        return false;
    }
    if (request->command == CTL_DRAIN && request->count &&
        (!ctl_request_number(request->arguments[0], UINT32_MAX, &seconds) ||
         seconds > CTL_DRAIN_MAX)) {
        writer_printf(why, "expected seconds, 0 to %d", CTL_DRAIN_MAX);
        return false;
    }
    request->seconds = (uint32_t)seconds;
    return true;
}

bool ctl_request_parse(struct span line, struct ctl_request *request_out, struct writer *why)
{
    bool ok;

    *request_out = (struct ctl_request){0};
    if (line.len && line.data[line.len - 1] == '\r')
        line = span_head(line, line.len - 1);
    ok = line.len && line.data[0] == '{' ? parse_object(line, request_out, why)
                                         : parse_words(line, request_out, why);
    ok = ok && check_arguments(request_out, why);
    if (!ok)
        ctl_request_fini(request_out);
    return ok;
}

void ctl_request_fini(struct ctl_request *request)
{
    json_decref(request->json);
    request->json = NULL;
}
