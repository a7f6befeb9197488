/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/ctl/ctl_remote.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "control/ctl/ctl_client.h"
#include "control/ctl/ctl_request.h"

enum { PIECE = 45000, PIECE_TEXT = PIECE / 3 * 4 + 4 };
_Static_assert(PIECE_TEXT + 256 < CTL_REQUEST_MAX, "a piece fits in a request");

struct ctl_remote {
    FILE *stream;
    const char *account;
    char number[24]; /* of the import; empty: none */
    char *line;      /* of the last answer */
    size_t line_size;
    char *list;
    size_t held; /* bytes that are not sent yet */
    uint8_t piece[PIECE];
    char text[PIECE_TEXT];
};

/* ---- asking ---- */

/* Takes the arguments. The whole answer, NULL with the reason. */
static json_t *ask(struct ctl_remote *r, const char *command, json_t *arguments, struct writer *why)
{
    json_t *request = json_pack("{s:s, s:o}", "command", command, "arguments", arguments);
    char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
    const char *error = "the engine hung up";
    json_t *answer = NULL;

    json_decref(request);
    if (text && ctl_client_send(r->stream, span_text(text)) &&
        getline(&r->line, &r->line_size, r->stream) > 0)
        answer = json_loads(r->line, 0, NULL);
    free(text);
    if (json_is_true(json_object_get(answer, "ok")))
        return answer;
    if (json_is_string(json_object_get(answer, "error")))
        error = json_string_value(json_object_get(answer, "error"));
    writer_span_put(why, span_head(span_text(error), writer_room(why)));
    json_decref(answer);
    return NULL;
}

struct ctl_remote *ctl_remote_open(const char *socket, const char *account, struct writer *why)
{
    struct ctl_remote *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->account = account;
    r->stream = ctl_client_connect(socket);
    if (r->stream)
        return r;
    writer_printf(why, "no engine answers at %s: %s", socket, strerror(errno));
    free(r);
    return NULL;
}

void ctl_remote_close(struct ctl_remote *r)
{
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));

    if (r->number[0])
        json_decref(ask(r, "import close", json_pack("[s]", r->number), &why));
    fclose(r->stream);
    free(r->line);
    free(r->list);
    free(r);
}

/* ---- import ---- */

/* Takes the answer. */
static enum import_result result_of(json_t *answer, struct writer *why)
{
    static const char *const names[] = {
        [IMPORT_DONE] = "done", [IMPORT_THERE] = "there", [IMPORT_REFUSED] = "refused"};
    const json_t *result = json_object_get(answer, "result");
    const char *outcome = json_string_value(json_object_get(result, "outcome")),
               *reason = json_string_value(json_object_get(result, "why"));
    enum import_result found = IMPORT_FAILED;

    for (int i = IMPORT_DONE; outcome && i <= IMPORT_REFUSED; i++)
        if (strcmp(outcome, names[i]) == 0)
            found = (enum import_result)i;
    if (reason)
        writer_span_put(why, span_head(span_text(reason), writer_room(why)));
    json_decref(answer);
    return found;
}

static enum import_result send_piece(struct ctl_remote *r, struct writer *why)
{
    if (r->held == 0)
        return IMPORT_DONE;
    EVP_EncodeBlock((unsigned char *)r->text, r->piece, (int)r->held);
    r->held = 0;
    return result_of(ask(r, "import data", json_pack("[s, s]", r->number, r->text), why), why);
}

static enum import_result take_bytes(void *context, struct span in, struct writer *why)
{
    struct ctl_remote *r = context;
    enum import_result result = IMPORT_DONE;

    while (in.len && result == IMPORT_DONE) {
        size_t room = PIECE - r->held, n = in.len < room ? in.len : room;

        memcpy(r->piece + r->held, in.data, n);
        r->held += n;
        in = span_skip(in, n);
        if (r->held == PIECE)
            result = send_piece(r, why);
    }
    if (result != IMPORT_DONE)
        r->held = 0;
    return result;
}

static enum import_result end(void *context, const struct import_meta *meta, struct writer *why)
{
    struct ctl_remote *r = context;
    enum import_result result = send_piece(r, why);
    char date[24], flags[16];
    json_t *sender;

    if (result != IMPORT_DONE)
        return result;
    snprintf(date, sizeof(date), "%llu", (unsigned long long)meta->date_ms);
    snprintf(flags, sizeof(flags), "%u", meta->flags);
    sender = json_stringn((const char *)meta->sender.data, meta->sender.len);
    if (!sender)
        sender = json_string("");
    return result_of(ask(r, "import end",
                         json_pack("[s, s, s, s, o]", r->number, date, flags,
                                   meta->forwarded ? "1" : "0", sender),
                         why),
                     why);
}

static void cancel(void *context)
{
    struct ctl_remote *r = context;
    char reason[CTL_ERROR_MAX];
    struct writer why = writer_of(reason, sizeof(reason));

    r->held = 0;
    json_decref(ask(r, "import cancel", json_pack("[s]", r->number), &why));
}

bool ctl_remote_import(struct ctl_remote *r, struct import_sink *sink_out, struct writer *why)
{
    json_t *answer = ask(r, "import open", json_pack("[s]", r->account), why);
    const json_t *number = json_object_get(json_object_get(answer, "result"), "number");

    *sink_out =
        (struct import_sink){.context = r, .bytes = take_bytes, .end = end, .cancel = cancel};
    if (answer)
        snprintf(r->number, sizeof(r->number), "%lld", (long long)json_integer_value(number));
    json_decref(answer);
    return answer != NULL;
}

/* ---- export ---- */

/* The bytes behind an answer, in pieces. */
static bool receive(struct ctl_remote *r, uint64_t left, store_bytes_visit *visit, void *context)
{
    bool wanted = true;

    while (left > 0) {
        size_t n = fread(r->piece, 1, left < PIECE ? (size_t)left : (size_t)PIECE, r->stream);

        if (n == 0)
            return false;
        left -= n;
        wanted = wanted && visit(context, span_of(r->piece, n));
    }
    return wanted;
}

static enum store_status fetch(void *context, uint32_t uid, store_bytes_visit *visit,
                               void *visit_context)
{
    struct ctl_remote *r = context;
    char reason[CTL_ERROR_MAX], text[16];
    struct writer why = writer_of(reason, sizeof(reason));
    json_t *answer;
    uint64_t length;

    snprintf(text, sizeof(text), "%u", uid);
    answer = ask(r, "export message", json_pack("[s, s]", r->account, text), &why);
    if (!answer)
        return span_equal(writer_span(&why), span_text("no such message")) ? STORE_NONE
                                                                           : STORE_FAILED;
    length = (uint64_t)json_integer_value(json_object_get(answer, "length"));
    json_decref(answer);
    return receive(r, length, visit, visit_context) ? STORE_OK : STORE_FAILED;
}

struct filling {
    char *text;
    size_t len;
};

static bool fill(void *context, struct span bytes)
{
    struct filling *f = context;

    memcpy(f->text + f->len, bytes.data, bytes.len);
    f->len += bytes.len;
    return true;
}

/* UIDVALIDITY of the inbox. */
static uint64_t validity(struct ctl_remote *r, struct writer *why)
{
    json_t *answer = ask(r, "mailbox status", json_pack("[s]", r->account), why), *row;
    uint64_t found = 0;
    size_t i;

    json_array_foreach(json_object_get(answer, "result"), i, row)
    {
        const char *place = json_string_value(json_object_get(row, "place"));

        if (place && strcmp(place, "inbox") == 0)
            found = (uint64_t)json_integer_value(json_object_get(row, "uid_validity"));
    }
    json_decref(answer);
    return found;
}

bool ctl_remote_export(struct ctl_remote *r, struct export_run *run, struct writer *why)
{
    uint64_t unique = validity(r, why);
    json_t *answer = unique ? ask(r, "export list", json_pack("[s]", r->account), why) : NULL;
    uint64_t length = (uint64_t)json_integer_value(json_object_get(answer, "length"));
    struct filling f = {.text = answer ? malloc(length + 1) : NULL};

    json_decref(answer);
    r->list = f.text;
    if (!f.text || !receive(r, length, fill, &f)) {
        if (!why->len)
            writer_text(why, "the list of messages did not come whole");
        return false;
    }
    run->list = span_of(r->list, f.len);
    run->unique = unique;
    run->fetch = fetch;
    run->context = r;
    return true;
}
