/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "proto/imap/imap_envelope.h"
#include "proto/imap/imap_reader.h"
#include "proto/imap/imap_search.h"
#include "proto/imap/imap_set.h"
#include "proto/imap/imap_structure.h"
#include "tests/harness/check.h"

/* What is read of a command, and written of a message, is the same wherever its octets were cut on
 * their way. */

enum { BUFFER = 4096, RANGES = 64, NODES = 64 };

static const struct imap_reader_limits limits = {
    .line = 1024, .literal = 1024, .command = BUFFER, .append = 1024, .nonsync = UINT64_MAX};

/* ---- commands: read in two pieces, then parsed ---- */

static char log_text[8192];

static void put_set(struct writer *w, const struct imap_set *set)
{
    if (set->saved)
        writer_text(w, "$");
    for (uint32_t i = 0; i < set->count; i++)
        writer_printf(w, "%s%u:%u", i ? "," : "", set->ranges[i].low, set->ranges[i].high);
}

/* What the kind of a node has; the rest of it is another kind's. */
static void put_operand(struct writer *w, const struct imap_search_node *n)
{
    if (n->kind == IMAP_SEARCH_SEQUENCE || n->kind == IMAP_SEARCH_UID) {
        put_set(w, &n->set);
    } else if (n->kind >= IMAP_SEARCH_BEFORE && n->kind <= IMAP_SEARCH_SAVEDSINCE) {
        writer_printf(w, "%d", n->days);
    } else if (n->kind >= IMAP_SEARCH_LARGER && n->kind <= IMAP_SEARCH_MODSEQ) {
        writer_number(w, n->number);
    } else if (n->kind == IMAP_SEARCH_KEYWORD || n->kind >= IMAP_SEARCH_HEADER) {
        if (n->kind == IMAP_SEARCH_HEADER)
            writer_span_put(w, n->name);
        writer_byte(w, '=');
        writer_span_put(w, n->text);
    }
}

static void put_program(struct writer *w, const struct imap_search *search)
{
    writer_printf(w, " wanted=%u charset=", search->wanted);
    writer_span_put(w, search->charset);
    for (uint32_t i = 0; i < search->count; i++) {
        const struct imap_search_node *n = &search->nodes[i];

        writer_printf(w, " [%u>%u f%u ", n->kind, n->end,
                      n->kind == IMAP_SEARCH_FLAG ? n->flag : 0);
        put_operand(w, n);
        writer_byte(w, ']');
    }
}

static void put_command(struct writer *w, const struct imap_command *command)
{
    static uint8_t scratch[BUFFER];
    struct imap_range ranges[RANGES];
    struct imap_search_node nodes[NODES];
    struct imap_search search = imap_search_of(nodes, NODES, ranges, RANGES);
    struct imap_set set = imap_set_of(ranges, RANGES);
    struct imap_cursor c = imap_cursor_of(command->args, true, scratch, sizeof(scratch));

    writer_printf(w, "verb %u%s", command->verb, command->uid ? " uid" : "");
    if (command->verb == IMAP_VERB_SEARCH) {
        if (imap_search_parse(&c, &search))
            put_program(w, &search);
    } else if (imap_set_parse(&c, &set)) {
        imap_set_resolve(&set, 1000);
        writer_byte(w, ' ');
        put_set(w, &set);
    }
    writer_text(w, c.bad ? " bad\n" : "\n");
}

struct reading {
    struct imap_reader reader;
    uint8_t buffer[BUFFER];
    struct writer log;
};

static void feed(struct reading *r, struct span in)
{
    struct imap_reader_event event;

    for (;;) {
        imap_reader_next(&r->reader, &in, &event);
        switch (event.kind) {
        case IMAP_READER_MORE:
            return;
        case IMAP_READER_BUFFER:
            imap_reader_attach(&r->reader, r->buffer, sizeof(r->buffer));
            break;
        case IMAP_READER_CONTINUE:
            break;
        case IMAP_READER_COMMAND:
            put_command(&r->log, &event.command);
            break;
        default:
            writer_text(&r->log, "refused\n");
        }
    }
}

static const char *read_cut(struct span in, size_t cut)
{
    static struct reading r;
    struct span first = guard_copy(span_head(in, cut), true), second;

    imap_reader_init(&r.reader, &limits);
    r.log = writer_of(log_text, sizeof(log_text) - 1);
    feed(&r, first);
    guard_free(first);
    second = guard_copy(span_skip(in, cut), true);
    feed(&r, second);
    guard_free(second);
    log_text[r.log.len] = 0;
    return log_text;
}

static void commands_are_read_wherever_they_are_cut(void)
{
    static const char *const commands[] = {
        "a FETCH 1:3,7,*:12 FLAGS\r\n",
        "a UID STORE 4294967295,$ FLAGS ()\r\n",
        "a UID COPY $ x\r\n",
        "a SEARCH RETURN (MIN) CHARSET UTF-8 OR (SEEN UID 3:*) TO {2}\r\n\xc3\xb8 LARGER 3\r\n",
        "a SEARCH CHARSET UTF-8 OR (NOT SEEN UID 3:*) TO {2}\r\n\xc3\xb8 ON 1-Feb-2020\r\n",
        "a UID SEARCH HEADER {4+}\r\nX-{1 {9+}\r\n} \r\n{3}\r\n) 2,4:6 LARGER 10 KEYWORD a\r\n",
        "a SEARCH TEXT \"quo\\\"ted \xc3\xb8\" (OLDER 5 (MODSEQ 17 ALL))\r\n",
        "a SEARCH NOT\r\nb SEARCH 1:\r\nc FETCH 0 X\r\nd SEARCH BODY {0+}\r\n\r\n",
    };
    char whole[8192];

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        struct span in = span_text(commands[i]);

        snprintf(whole, sizeof(whole), "%s", read_cut(in, in.len));
        CHECK(strlen(whole) > 8);
        for (size_t cut = 0; cut < in.len; cut++)
            if (!CHECK_TEXT(span_text(read_cut(in, cut)), whole))
                printf("# %s cut at %zu\n", commands[i], cut);
    }
}

/* ---- messages: read in two pieces, then told of ---- */

static const char message[] =
    "From: \"J\xc3\xb6rg \\\"x\\\"\" <j\xc3\xb6rg@example.com>,\r\n g: a@b, c;\r\n"
    "Subject: =?utf-8?q?one?=\r\n two\r\n"
    "To: <@r,@s:d@e> (comment)\r\n"
    "Message-ID: <1@x>\r\n"
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n"
    "\r\n"
    "--b\r\n"
    "Content-Type: text/plain; charset=utf-8;\r\n name*0=long; name*1=er\r\n"
    "Content-Disposition: attachment; filename=\"a\\\"b\"\r\n"
    "Content-Language: de, en\r\n"
    "\r\n"
    "body\r\n"
    "--b\r\n"
    "Content-Type: message/rfc822\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "\r\n"
    "text\r\n"
    "--b\r\n"
    "Content-Type: multipart/alternative; boundary=c\r\n"
    "\r\n"
    "--c\r\n"
    "\r\n"
    "one\r\n"
    "--c--\r\n"
    "--b--\r\n";

static void take(struct mime_reader *reader, struct mime_tree *tree, struct span in)
{
    struct mime_event event;

    while (mime_reader_next(reader, &in, &event) == MIME_EVENT)
        mime_tree_feed(tree, &event);
}

/* ENVELOPE and BODYSTRUCTURE of it. */
static const char *told_cut(struct span in, size_t cut)
{
    static uint8_t field[16384], scratch[4096], memory[16384];
    static const struct mime_limits mime_limits = MIME_LIMITS_DEFAULT;
    struct mime_memory lent = {.field = field, .scratch = scratch, .scratch_size = sizeof(scratch)};
    struct span first = guard_copy(span_head(in, cut), true), second, encoded;
    struct writer w = writer_of(log_text, sizeof(log_text) - 1);
    struct imap_envelope envelope;
    struct mime_tree_read read;
    struct mime_tree_part root;
    struct mime_reader reader;
    struct mime_tree tree;

    CHECK(mime_reader_init(&reader, &lent, &mime_limits));
    mime_tree_init(&tree, memory, sizeof(memory));
    take(&reader, &tree, first);
    guard_free(first);
    second = guard_copy(span_skip(in, cut), true);
    take(&reader, &tree, second);
    mime_reader_finish(&reader);
    take(&reader, &tree, span_of(NULL, 0));
    guard_free(second);
    encoded = mime_tree_finish(&tree);
    CHECK(mime_tree_read_init(&read, encoded) &&
          mime_tree_read_next(&read, &root) == MIME_TREE_NEXT);
    imap_envelope_read(&root, span_of(NULL, 0), NULL, &envelope);
    imap_envelope_put(&w, &envelope, true);
    CHECK(imap_structure_put(&w, encoded, true, true));
    log_text[w.len] = 0;
    return log_text;
}

static void messages_are_told_of_wherever_they_were_cut(void)
{
    struct span in = span_text(message);
    char whole[8192];

    snprintf(whole, sizeof(whole), "%s", told_cut(in, in.len));
    CHECK(strlen(whole) > 700);
    for (size_t cut = 0; cut < in.len; cut++)
        if (!CHECK_TEXT(span_text(told_cut(in, cut)), whole))
            printf("# cut at %zu\n", cut);
}

int main(void)
{
    check_begin();
    CHECK_CASE(commands_are_read_wherever_they_are_cut);
    CHECK_CASE(messages_are_told_of_wherever_they_were_cut);
    return check_end();
}
