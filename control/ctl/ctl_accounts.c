/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "control/ctl/ctl_request.h"

/* As JSON text within JSON it grows: by a half at most, as quotation marks go. */
enum { PART = 40000, PART_LINES = 512 };

struct sending {
    const struct ctl_client_options *options;
    FILE *stream; /* to the engine */
    char *answer;
    size_t answer_size;
    size_t len;
    uint64_t sent, lines; /* lines that are durable; in `part` */
    char part[PART];
};

static int fail(const struct sending *s, const char *what, const char *why)
{
    fprintf(s->options->errors, "wirepost ctl: %s: %s; %llu lines are imported\n", what, why,
            (unsigned long long)s->sent);
    return 1;
}

static int send_part(struct sending *s)
{
    json_t *request, *answer = NULL;
    char *text;
    int status = 0;

    if (s->len == 0)
        return 0;
    request = json_pack("{s:s, s:[s#]}", "command", "account load", "arguments", s->part, s->len);
    text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    json_decref(request);
    if (!text || strlen(text) + 1 > CTL_REQUEST_MAX)
        status = fail(s, "account import", "not UTF-8, or too large");
    else if (!ctl_client_send(s->stream, span_text(text)) ||
             getline(&s->answer, &s->answer_size, s->stream) <= 0 ||
             !(answer = json_loads(s->answer, 0, NULL)))
        status = fail(s, "account import", "the engine hung up");
    else if (!json_is_true(json_object_get(answer, "ok")))
        status = fail(s, "account import",
                      json_string_value(json_object_get(answer, "error")) ?: "refused");
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
    json_decref(answer);
    if (status == 0)
        s->sent += s->lines;
    s->len = s->lines = 0;
    return status;
}

static int send_lines(struct sending *s, FILE *file)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t n;
    int status = 0;

    while (status == 0 && (n = getline(&line, &size, file)) > 0) {
        if ((size_t)n > sizeof(s->part)) {
            status = fail(s, "account import", "a line is too long");
            break;
        }
        if (s->len + (size_t)n > sizeof(s->part) || s->lines == PART_LINES)
            status = send_part(s);
        memcpy(s->part + s->len, line, (size_t)n);
        s->len += (size_t)n;
        s->lines++;
    }
    if (status == 0)
        status = ferror(file) ? fail(s, "account import", strerror(errno)) : send_part(s);
    free(line);
    return status;
}

int ctl_accounts_import(const struct ctl_client_options *options, const char *path)
{
    struct sending *s = calloc(1, sizeof(*s));
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
    int status = 1;

    if (s)
        s->options = options;
    if (s && !file)
        fail(s, path, strerror(errno));
    else if (s && !(s->stream = ctl_client_connect(options->socket)))
        fail(s, options->socket, strerror(errno));
    else if (s)
        status = send_lines(s, file);
    if (s && status == 0)
        fprintf(options->out, options->json ? "{\"accounts\":%llu}\n" : "accounts  %llu\n",
                (unsigned long long)s->sent);
    if (s && s->stream)
        fclose(s->stream);
    if (file && file != stdin)
        fclose(file);
    if (s)
        free(s->answer);
    free(s);
    return status;
}
