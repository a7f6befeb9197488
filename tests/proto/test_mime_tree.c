/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/harness/check.h"
#include "tests/proto/mime_trace.h"

enum { TREE_MAX = 1 << 16 };

static const char message[] =
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "Subject: a\r\n folded  \r\n"
    "From: A <a@example.net>\r\n"
    "To: b@example.net\r\n"
    "Cc:\r\n"
    "Message-ID: <1@example.net>\r\n"
    "Content-Type: multipart/mixed; boundary=\"=x\"; x-note=\"say \\\"it\\\"\"\r\n"
    "\r\n"
    "--=x\r\n"
    "\r\n"
    "one\r\ntwo\r\n"
    "\r\n--=x\r\n"
    "Content-Type: Application/PDF; name*0=\"a\"; name*1=\"b.pdf\"\r\n"
    "Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf; size=3\r\n"
    "Content-Transfer-Encoding: base64\r\n"
    "Content-ID: <p@x>\r\n"
    "Content-Description: the file\r\n"
    "\r\n"
    "QUJD\r\n"
    "--=x\r\n"
    "Content-Type: message/rfc822\r\n"
    "Subject: not an envelope\r\n"
    "\r\n"
    "Subject: inner\r\n"
    "Reply-To: c@example.net\r\n"
    "In-Reply-To: <0@example.net>\r\n"
    "\r\n"
    "text\r\n"
    "--=x--\r\n";

static struct span build(struct span text, void *memory, size_t size, size_t step, bool *incomplete_out)
{
    static uint8_t trace[1 << 16];
    struct writer w = writer_of(trace, sizeof(trace));
    struct mime_tree tree;
    struct mime_trace t = {
        .limits = MIME_LIMITS_DEFAULT, .tree = &tree, .first = step, .step = step, .out = &w, .lend = true};

    mime_tree_init(&tree, memory, size);
    mime_trace_run(&t, text);
    *incomplete_out = tree.incomplete;
    return mime_tree_finish(&tree);
}

static void check_parameters(struct span attribute, const char *expected)
{
    uint8_t text[256];
    struct writer w = writer_of(text, sizeof(text));
    struct mime_tree_type type;
    struct span name, value;

    CHECK(mime_tree_type_read(attribute, &type));
    writer_span_put(&w, type.type);
    writer_byte(&w, '/');
    writer_span_put(&w, type.subtype);
    while (mime_tree_type_next(&type, &name, &value)) {
        writer_byte(&w, ' ');
        writer_span_put(&w, name);
        writer_byte(&w, '=');
        writer_span_put(&w, value);
    }
    CHECK_TEXT(writer_span(&w), expected);
}

/* The bytes that a part's offsets name. */
static struct span body_of(const struct mime_tree_part *p)
{
    return span_head(span_skip(span_text(message), p->body_offset), p->body_len);
}

static void check_root(const struct mime_tree_part *p)
{
    CHECK(p->index == 0 && p->parent == MIME_PART_NONE && p->kind == MIME_MULTIPART && p->message);
    CHECK_TEXT(p->attributes[MIME_TREE_DATE], "Mon, 1 Jan 2024 00:00:00 +0000");
    CHECK_TEXT(p->attributes[MIME_TREE_SUBJECT], "a folded");
    CHECK_TEXT(p->attributes[MIME_TREE_FROM], "A <a@example.net>");
    CHECK_TEXT(p->attributes[MIME_TREE_TO], "b@example.net");
    CHECK_TEXT(p->attributes[MIME_TREE_MESSAGE_ID], "<1@example.net>");
    CHECK((p->present & 1u << MIME_TREE_CC) && !(p->present & 1u << MIME_TREE_BCC) && p->cut == 0);
    check_parameters(p->attributes[MIME_TREE_TYPE], "multipart/mixed boundary==x x-note=say \"it\"");
    CHECK(p->header_offset == 0 && p->body_offset + p->body_len == sizeof(message) - 1);
    CHECK(p->header_len == p->body_offset);
}

static void check_leaves(const struct mime_tree_part *text, const struct mime_tree_part *file)
{
    CHECK(text->parent == 0 && text->kind == MIME_LEAF && !text->message && text->lines == 2);
    check_parameters(text->attributes[MIME_TREE_TYPE], "text/plain");
    CHECK_TEXT(body_of(text), "one\r\ntwo\r\n");
    CHECK(text->decoded == 10);
    CHECK(file->parent == 0 && file->encoding == MIME_ENCODING_BASE64 && file->decoded == 3);
    check_parameters(file->attributes[MIME_TREE_TYPE], "Application/PDF name*0=a name*1=b.pdf");
    check_parameters(file->attributes[MIME_TREE_DISPOSITION], "attachment/ filename*=utf-8''%C3%A4.pdf size=3");
    CHECK_TEXT(file->attributes[MIME_TREE_FILENAME], "\xc3\xa4.pdf");
    CHECK_TEXT(file->attributes[MIME_TREE_CONTENT_ID], "<p@x>");
    CHECK_TEXT(file->attributes[MIME_TREE_CONTENT_DESCRIPTION], "the file");
    CHECK_TEXT(file->attributes[MIME_TREE_CONTENT_TRANSFER_ENCODING], "base64");
    CHECK_TEXT(body_of(file), "QUJD");
}

static void check_message(const struct mime_tree_part *outer, const struct mime_tree_part *inner)
{
    CHECK(outer->kind == MIME_MESSAGE && !outer->message && outer->parent == 0 && outer->lines == 4);
    CHECK(!(outer->present & 1u << MIME_TREE_SUBJECT));
    CHECK(inner->parent == outer->index && inner->message && inner->header_offset == outer->body_offset);
    CHECK_TEXT(inner->attributes[MIME_TREE_SUBJECT], "inner");
    CHECK_TEXT(inner->attributes[MIME_TREE_REPLY_TO], "c@example.net");
    CHECK_TEXT(inner->attributes[MIME_TREE_IN_REPLY_TO], "<0@example.net>");
    CHECK_TEXT(body_of(inner), "text");
}

static void tree_holds_what_imap_asks(void)
{
    static uint8_t memory[TREE_MAX];
    struct mime_tree_part parts[5];
    struct mime_tree_read read;
    bool incomplete;

    CHECK(mime_tree_read_init(&read, build(span_text(message), memory, sizeof(memory), 1000, &incomplete)));
    CHECK(!incomplete && !read.incomplete && read.parts == 5);
    for (int i = 0; i < 5; i++)
        CHECK(mime_tree_read_next(&read, &parts[i]) == MIME_TREE_NEXT);
    CHECK(mime_tree_read_next(&read, &parts[4]) == MIME_TREE_DONE);
    check_root(&parts[0]);
    check_leaves(&parts[1], &parts[2]);
    check_message(&parts[3], &parts[4]);
}

static void tree_does_not_depend_on_cuts(void)
{
    static uint8_t memory[TREE_MAX], again[TREE_MAX];
    bool incomplete;
    struct span whole = build(span_text(message), memory, sizeof(memory), 10000, &incomplete);

    for (size_t step = 1; step < sizeof(message); step++)
        CHECK(span_equal(build(span_text(message), again, sizeof(again), step, &incomplete), whole));
}

/* Reads all that there is; returns how many parts, or -1 for a bad tree. Touches every span. */
static int read_all(struct span tree)
{
    struct mime_tree_read read;
    struct mime_tree_part part;
    enum mime_tree_status status;
    unsigned sum = 0;
    int n = 0;

    if (!mime_tree_read_init(&read, tree))
        return -1;
    while ((status = mime_tree_read_next(&read, &part)) == MIME_TREE_NEXT) {
        n++;
        for (int i = 0; i < MIME_TREE_TAGS; i++)
            for (size_t k = 0; k < part.attributes[i].len; k++)
                sum += part.attributes[i].data[k];
    }
    CHECK(sum < 1u << 31);
    return status == MIME_TREE_DONE ? n : -1;
}

/* In too little memory the tree lacks its end, says so, and is read without fault. */
static void tree_is_bounded(void)
{
    static uint8_t memory[TREE_MAX];
    bool incomplete;
    size_t need = build(span_text(message), memory, sizeof(memory), 10000, &incomplete).len;

    for (size_t size = 0; size < need; size++) {
        struct mime_tree_read read;
        struct span tree;

        memset(memory + size, 0xa5, 16);
        tree = build(span_text(message), memory, size, 10000, &incomplete);
        CHECK(incomplete && tree.len <= size && memory[size] == 0xa5);
        if (size < 4)
            continue;
        CHECK(mime_tree_read_init(&read, tree) && read.incomplete);
        CHECK(read_all(tree) == read.parts && read.parts <= 5);
    }
}

static void long_values_are_cut(void)
{
    static uint8_t memory[TREE_MAX];
    static char text[MIME_TREE_VALUE_MAX + 200];
    struct mime_tree_read read;
    struct mime_tree_part part;
    bool incomplete;

    memset(text, 'x', sizeof(text));
    memcpy(text, "Subject: ", 9);
    memcpy(text + sizeof(text) - 5, "\r\n\r\n", 5);
    CHECK(mime_tree_read_init(&read, build(span_text(text), memory, sizeof(memory), 5000, &incomplete)));
    CHECK(mime_tree_read_next(&read, &part) == MIME_TREE_NEXT && !incomplete);
    CHECK(part.attributes[MIME_TREE_SUBJECT].len == MIME_TREE_VALUE_MAX);
    CHECK(part.cut == 1u << MIME_TREE_SUBJECT);
}

/* Cut off anywhere, or with any byte changed, a stored tree is read without a fault. */
static void broken_trees_are_read_safely(void)
{
    static uint8_t memory[TREE_MAX];
    bool incomplete;
    struct span tree = build(span_text(message), memory, sizeof(memory), 10000, &incomplete);

    for (size_t len = 0; len < tree.len; len++) {
        struct span copy = guard_copy(span_head(tree, len), true);

        CHECK(read_all(copy) == -1);
        guard_free(copy);
    }
    for (size_t at = 0; at < tree.len; at++)
        for (int k = 0; k < 3; k++) {
            struct span copy = guard_copy(tree, true);

            ((uint8_t *)(uintptr_t)copy.data)[at] = (uint8_t)(k == 0 ? 0xff : k == 1 ? 0 : copy.data[at] ^ 0x40);
            read_all(copy);
            guard_free(copy);
        }
}

int main(void)
{
    check_begin();
    CHECK_CASE(tree_holds_what_imap_asks);
    CHECK_CASE(tree_does_not_depend_on_cuts);
    CHECK_CASE(tree_is_bounded);
    CHECK_CASE(long_values_are_cut);
    CHECK_CASE(broken_trees_are_read_safely);
    return check_end();
}
