/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/ctl/ctl_accounts.h"
#include "control/ctl/ctl_print.h"
#include "control/ctl/ctl_request.h"
#include "control/ctl/ctl_secret.h"
#include "proto/base/utf8.h"

enum { DONE = 0, FAILED = 1, USAGE = 2, REQUEST_MAX = CTL_REQUEST_MAX };

void ctl_client_help(FILE *out)
{
    for (int i = 0; i < CTL_COMMANDS; i++) {
        char name[64];

        snprintf(name, sizeof(name), "%s %s", ctl_commands[i].name, ctl_commands[i].arguments);
        fprintf(out, "  %-30s %s\n", name, ctl_commands[i].text);
    }
}

/* How many words the command's name has, when they are the first ones given; else 0. */
static int name_words(const char *name, const struct ctl_client_options *o)
{
    struct span rest = span_text(name);
    int words = 0;

    while (rest.len && words < o->argc) {
        size_t len = 0;

        while (len < rest.len && rest.data[len] != ' ')
            len++;
        if (!span_equal(span_head(rest, len), span_text(o->argv[words])))
            return 0;
        words++;
        rest = span_skip(rest, len < rest.len ? len + 1 : len);
    }
    return rest.len ? 0 : words;
}

/* An argument may hold blanks or be empty, so it goes as a text of its own. NULL: no such command.
 */
static json_t *object_of(const struct ctl_client_options *o, const char *secret)
{
    for (int i = 0; i < CTL_COMMANDS; i++) {
        int words = name_words(ctl_commands[i].name, o);
        json_t *arguments;

        if (!words)
            continue;
        arguments = json_array();
        for (int a = words; a < o->argc; a++)
            json_array_append_new(arguments, json_string(o->argv[a]));
        if (secret)
            json_array_append_new(arguments, json_sprintf("password=%s", secret));
        return json_pack("{s:s, s:o}", "command", ctl_commands[i].name, "arguments", arguments);
    }
    return NULL;
}

/* The words as one line. False: they do not fit. */
static bool join(const struct ctl_client_options *o, const char *secret, struct writer *line)
{
    json_t *object = object_of(o, secret);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

    if (text)
        writer_text(line, text);
    for (int i = 0; i < o->argc && !text; i++) {
        if (i)
            writer_byte(line, ' ');
        writer_text(line, o->argv[i]);
    }
    writer_byte(line, '\n');
    json_decref(object);
    free(text);
    return !line->full;
}

static int fail(const struct ctl_client_options *o, const char *what, const char *why)
{
    fprintf(o->errors, "wirepost ctl: %s%s%s\n", what, why ? ": " : "", why ? why : "");
    return FAILED;
}

FILE *ctl_client_connect(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    FILE *stream;
    int fd, why;

    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    memcpy(address.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
        (stream = fdopen(fd, "r")))
        return stream;
    why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return NULL;
}

static bool send_bytes(FILE *stream, struct span line)
{
    while (line.len) {
        ssize_t n = send(fileno(stream), line.data, line.len, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR)
            return false;
        line = span_skip(line, n > 0 ? (size_t)n : 0);
    }
    return true;
}

bool ctl_client_send(FILE *stream, struct span line)
{
    return send_bytes(stream, line) && send_bytes(stream, span_text("\n"));
}

/* The bytes behind the answer, as they are. */
static int copy_bytes(const struct ctl_client_options *o, FILE *stream, uint64_t left)
{
    char piece[16384];

    while (left) {
        size_t n = fread(piece, 1, left < sizeof(piece) ? (size_t)left : sizeof(piece), stream);

        if (n == 0)
            return fail(o, "the message ends before its length", NULL);
        if (fwrite(piece, 1, n, o->out) != n)
            return fail(o, "writing", strerror(errno));
        left -= n;
    }
    return fflush(o->out) == 0 ? DONE : fail(o, "writing", strerror(errno));
}

static int show(const struct ctl_client_options *o, FILE *stream, const char *line)
{
    json_t *answer = json_loads(line, 0, NULL);
    json_t *length = json_object_get(answer, "length");
    const char *error = json_string_value(json_object_get(answer, "error"));
    int status = DONE;

    if (!json_is_true(json_object_get(answer, "ok")))
        status = fail(o, error ? error : "the answer cannot be read", NULL);
    else if (json_is_integer(length))
        status = copy_bytes(o, stream, (uint64_t)json_integer_value(length));
    else if (o->json)
        fputs(line, o->out);
    else
        ctl_print(o->out, json_object_get(answer, "result"));
    json_decref(answer);
    return status;
}

static int ask(const struct ctl_client_options *o, struct span request)
{
    FILE *stream = ctl_client_connect(o->socket);
    char *line = NULL;
    size_t size = 0;
    int status;

    if (!stream) {
        fprintf(o->errors, "wirepost ctl: no engine answers at %s: %s\n", o->socket,
                strerror(errno));
        return FAILED;
    }
    if (!ctl_client_send(stream, request) || getline(&line, &size, stream) <= 0)
        status = fail(o, "the engine hung up", NULL);
    else
        status = show(o, stream, line);
    free(line);
    fclose(stream);
    return status;
}

/* Whether a password goes with the command. One among the words would be seen by all who list
 * processes. */
static bool wants_secret(const struct ctl_client_options *o)
{
    return o->argc >= 3 && strcmp(o->argv[0], "account") == 0 &&
           (strcmp(o->argv[1], "add") == 0 || strcmp(o->argv[1], "password") == 0);
}

static bool has_secret(const struct ctl_client_options *o)
{
    for (int i = 0; i < o->argc; i++)
        if (strncmp(o->argv[i], "password=", strlen("password=")) == 0)
            return true;
    return false;
}

static int run(const struct ctl_client_options *options, const char *secret)
{
    char text[REQUEST_MAX], reason[CTL_ERROR_MAX];
    struct writer line = writer_of(text, sizeof(text)), why = writer_of(reason, sizeof(reason) - 1);
    struct ctl_request request;

    if (!join(options, secret, &line)) {
        fail(options, "the command is too long", NULL);
        return USAGE;
    }
    /* Refused here as it would be there, but nothing was sent. */
    if (!ctl_request_parse(span_of(text, line.len - 1), &request, &why)) {
        reason[why.len] = 0;
        fail(options, reason, NULL);
        return USAGE;
    }
    ctl_request_fini(&request);
    return ask(options, span_of(text, line.len - 1));
}

int ctl_client_run(const struct ctl_client_options *options)
{
    char secret[CTL_SECRET_MAX + 1];
    int status;

    if (options->argc == 3 && strcmp(options->argv[0], "account") == 0 &&
        strcmp(options->argv[1], "import") == 0)
        return ctl_accounts_import(options, options->argv[2]);
    if (!wants_secret(options))
        return run(options, NULL);
    if (has_secret(options)) {
        fail(options, "the password is read from standard input", NULL);
        return USAGE;
    }
    if (!ctl_secret_read(secret, options->errors))
        return USAGE;
    if (!utf8_valid(span_text(secret))) {
        fail(options, "expected a password in UTF-8", NULL);
        return USAGE;
    }
    status = run(options, secret);
    explicit_bzero(secret, sizeof(secret));
    return status;
}
