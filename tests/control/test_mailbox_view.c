/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "control/service/mailbox_view.h"
#include "control/store/store_row.h"
#include "tests/control/store_scene.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

/* Inboxes as POP3 clients of each kind get them, over the real store. */

static struct {
    struct store_scene scene;
    struct mailbox_views *views;
    uint64_t account;
    uint64_t messages;
} world;

static void begin(void)
{
    memset(&world, 0, sizeof(world));
    store_scene_begin(&world.scene, "view");
    world.account = store_fixture_account(world.scene.store, "a@example.org", 0);
    world.views = mailbox_views_new(world.scene.store);
}

static void end(void)
{
    mailbox_views_free(world.views);
    store_scene_end(&world.scene);
}

static void put(struct span body, const char *prefix, uint8_t kind)
{
    struct store_fixture *f = store_fixture_new(++world.messages, body.len, 0, CHUNK_LARGE_DATA);
    size_t at = 0;

    for (struct chunk *c = f->chunks; c; c = c->next) {
        memcpy(c->data, body.data + at, c->len);
        at += c->len;
    }
    f->message.envelope.body = kind;
    f->message.tree = mime_tree_of(body);
    store_fixture_to(f, world.account, MESSAGE_INBOX);
    f->message.delivery[0].prefix = span_text(prefix);
    CHECK(store_fixture_commit(world.scene.store, f) == STORE_OK);
    store_fixture_free(f);
}

static const struct pop3_mailbox *open_for(uint8_t converted, uint8_t refused)
{
    struct mailbox_view_options options = {
        .account = world.account, .converted = converted, .refused = refused};
    const struct pop3_mailbox *view = NULL;

    CHECK(mailbox_view_open(world.views, &options, &view) == STORE_OK);
    return view;
}

static enum store_status ask(const struct pop3_mailbox *view, uint32_t index, uint64_t offset,
                             uint32_t most, struct job_mailbox_read *job)
{
    *job = (struct job_mailbox_read){.view = view, .index = index, .offset = offset, .most = most};
    return mailbox_view_read(world.views, job);
}

static void unpin(const struct job_mailbox_read *job)
{
    mailbox_view_unpin(world.views, &job->pin_out, 1);
}

/* The whole message as a session reads it; its length must be what the entry says. */
static struct writer read_all(const struct pop3_mailbox *view, uint32_t index)
{
    uint64_t size = view->entries[index].size;
    struct writer w = writer_of(malloc(size + 1), size + 1);

    while (w.len < size) {
        struct job_mailbox_read job;

        if (!CHECK(ask(view, index, w.len, 0, &job) == STORE_OK) || !CHECK(job.bytes_out.len > 0))
            break;
        writer_span_put(&w, job.bytes_out);
        unpin(&job);
    }
    CHECK(w.len == size && !w.full);
    return w;
}

static void check_text(const struct pop3_mailbox *view, uint32_t index, const char *expected)
{
    struct writer w = read_all(view, index);

    CHECK_TEXT(writer_span(&w), expected);
    free(w.data);
}

#define PLAIN "Subject: a\r\n\r\nbody\r\n"
#define UTF8 "From: \xc3\xa9@b\r\nSubject: \xc3\xa9\r\n\r\n\xc3\xa9\r\n"
#define BINARY "Content-Transfer-Encoding: binary\r\n\r\n\0\1\2"
#define PREFIX "Return-Path: <a@b>\r\n"

static void put_three(void)
{
    put(span_text(PLAIN), PREFIX, MESSAGE_BODY_7BIT);
    put(span_text(UTF8), "Return-Path: <\xc3\xa9@b>\r\n", MESSAGE_BODY_8BITMIME);
    put(span_of(BINARY, sizeof(BINARY) - 1), PREFIX, MESSAGE_BODY_BINARYMIME);
}

static void each_client_gets_what_it_can_take(void)
{
    const struct pop3_mailbox *view;

    begin();
    put_three();
    view = open_for(POP3_FORM_UTF8 | POP3_FORM_BINARY, 0);
    CHECK(view->count == 3);
    CHECK(view->octets == view->entries[0].size + view->entries[1].size + view->entries[2].size);
    check_text(view, 0, PREFIX PLAIN);
    check_text(view, 1,
               "Return-Path: <invalid@internationalized-address.invalid>\r\n"
               "From: =?UTF-8?B?w6lAYg==?=\r\n <invalid@internationalized-address.invalid>\r\n"
               "Subject: =?UTF-8?B?w6k=?=\r\n\r\n\xc3\xa9\r\n");
    check_text(view, 2, PREFIX "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n");
    mailbox_view_close(world.views, view);
    view = open_for(POP3_FORM_BINARY, 0);
    check_text(view, 1, "Return-Path: <\xc3\xa9@b>\r\n" UTF8);
    check_text(view, 2, PREFIX "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n");
    mailbox_view_close(world.views, view);
    view = open_for(POP3_FORM_BINARY, POP3_FORM_UTF8);
    CHECK(view->entries[1].form & POP3_FORM_REFUSED);
    CHECK(!(view->entries[0].form & POP3_FORM_REFUSED));
    CHECK(view->entries[1].size == strlen("Return-Path: <\xc3\xa9@b>\r\n" UTF8));
    mailbox_view_close(world.views, view);
    end();
}

static void large_leaves_stream(void)
{
    enum { SIZE = 300000 };
    static char text[SIZE + 200];
    int n = snprintf(text, sizeof(text), "Content-Transfer-Encoding: binary\r\n\r\n");
    const struct pop3_mailbox *view;
    struct writer w;
    struct span out;

    begin();
    store_fixture_bytes(7, (uint8_t *)text + n, SIZE);
    put(span_of(text, (size_t)n + SIZE), PREFIX, MESSAGE_BODY_BINARYMIME);
    put(span_text(PLAIN), PREFIX, MESSAGE_BODY_7BIT);
    for (int round = 0; round < 2; round++) {
        view = open_for(POP3_FORM_BINARY, 0);
        w = read_all(view, 0);
        out = writer_span(&w);
        for (size_t at = 0; at < out.len;) {
            ptrdiff_t lf = span_find(span_skip(out, at), '\n');

            if (!CHECK(lf > 0 && lf < 78 && out.data[at + (size_t)lf - 1] == '\r'))
                break;
            at += (size_t)lf + 1;
        }
        free(w.data);
        check_text(view, 1, PREFIX PLAIN);
        mailbox_view_close(world.views, view);
    }
    end();
}

/* What TOP leaves unread, and what is asked out of turn. */
static void a_reading_may_stop_and_begin_anew(void)
{
    const struct pop3_mailbox *view;
    struct job_mailbox_read job;

    begin();
    put_three();
    view = open_for(POP3_FORM_UTF8 | POP3_FORM_BINARY, 0);
    CHECK(ask(view, 1, 5, 0, &job) != STORE_OK);
    CHECK(ask(view, 1, 0, 0, &job) == STORE_OK);
    unpin(&job);
    CHECK(ask(view, 2, 0, 0, &job) == STORE_OK);
    unpin(&job);
    CHECK(ask(view, 1, 0, 0, &job) == STORE_OK);
    unpin(&job);
    CHECK(ask(view, 1, view->entries[1].size, 0, &job) == STORE_OK);
    CHECK(job.bytes_out.len == 0 && job.pin_out == NULL);
    CHECK(ask(view, 0, view->entries[0].size, 1000, &job) == STORE_OK);
    CHECK(job.bytes_out.len == 0 && job.pin_out == NULL);
    CHECK(ask(view, 3, 0, 1000, &job) == STORE_NONE && job.pin_out == NULL);
    mailbox_view_close(world.views, view);
    end();
}

static void check_bytes(const struct job_mailbox_read *job, const char *expected)
{
    CHECK_TEXT(job->bytes_out, expected);
    unpin(job);
}

/* What fits, whole, and nothing that has to be converted or is not for this client. */
static void messages_are_gathered(void)
{
    const uint32_t one = sizeof(PREFIX PLAIN) - 1;
    const struct pop3_mailbox *view;
    struct job_mailbox_read job;

    begin();
    for (int i = 0; i < 4; i++)
        put(span_text(PLAIN), PREFIX, MESSAGE_BODY_7BIT);
    put(span_text(UTF8), PREFIX, MESSAGE_BODY_8BITMIME);
    put(span_text(PLAIN), PREFIX, MESSAGE_BODY_7BIT);
    view = open_for(POP3_FORM_BINARY, POP3_FORM_UTF8);
    CHECK(ask(view, 0, 0, one - 1, &job) == STORE_OK);
    check_bytes(&job, PREFIX);
    CHECK(ask(view, 0, 0, 2 * one - 1, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN);
    CHECK(ask(view, 0, 0, 2 * one, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN PREFIX PLAIN);
    CHECK(ask(view, 1, one - 3, 2 * one, &job) == STORE_OK);
    check_bytes(&job, "y\r\n");
    CHECK(ask(view, 2, 0, 100000, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN PREFIX PLAIN);
    CHECK(ask(view, 5, 0, 100000, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN);
    mailbox_view_close(world.views, view);
    view = open_for(POP3_FORM_BINARY | POP3_FORM_UTF8, 0);
    CHECK(ask(view, 2, 0, 100000, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN PREFIX PLAIN);
    mailbox_view_close(world.views, view);
    end();
}

/* One that is larger than a row, and larger than what is ever gathered; the latter comes in the
 * store's pieces. */
static void large_messages_are_gathered_or_not(void)
{
    enum { SIZE = 300000, MEDIUM = 100000 };
    static char text[SIZE];
    const struct pop3_mailbox *view;
    struct job_mailbox_read job;

    begin();
    store_fixture_bytes(9, (uint8_t *)text, SIZE);
    put(span_of(text, MEDIUM), PREFIX, MESSAGE_BODY_8BITMIME);
    put(span_of(text, SIZE), PREFIX, MESSAGE_BODY_8BITMIME);
    view = open_for(POP3_FORM_BINARY, 0);
    CHECK(ask(view, 0, 0, 200000, &job) == STORE_OK);
    CHECK(job.bytes_out.len == MEDIUM + sizeof(PREFIX) - 1);
    CHECK(memcmp(job.bytes_out.data + sizeof(PREFIX) - 1, text, MEDIUM) == 0);
    unpin(&job);
    CHECK(ask(view, 1, 0, UINT32_MAX, &job) == STORE_OK);
    check_bytes(&job, PREFIX);
    mailbox_view_close(world.views, view);
    end();
}

/* Deleted behind the view's back, and gone from the store when the view ends: until then they can
 * be gathered. */
static void what_was_deleted_since_is_gathered(void)
{
    const struct pop3_mailbox *view;
    struct job_mailbox_read job;
    struct store_change change = {.kind = STORE_DELETE};

    begin();
    for (int i = 0; i < 3; i++)
        put(span_text(PLAIN), PREFIX, MESSAGE_BODY_7BIT);
    view = open_for(POP3_FORM_BINARY, 0);
    view->marks[0] = 2;
    change.view = mailbox_view_stored(view);
    change.marked = view->marks;
    store_apply(world.scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    CHECK(ask(view, 0, 0, 100000, &job) == STORE_OK);
    check_bytes(&job, PREFIX PLAIN PREFIX PLAIN PREFIX PLAIN);
    mailbox_view_close(world.views, view);
    end();
}

static void marks_delete_through_the_store(void)
{
    const struct pop3_mailbox *view;
    struct store_change change = {.kind = STORE_DELETE};

    begin();
    put_three();
    view = open_for(POP3_FORM_UTF8 | POP3_FORM_BINARY, 0);
    CHECK(view->marks[0] == 0);
    view->marks[0] = 2;
    change.view = mailbox_view_stored(view);
    change.marked = view->marks;
    store_apply(world.scene.store, &change, 1);
    CHECK(change.status_out == STORE_OK);
    mailbox_view_close(world.views, view);
    view = open_for(POP3_FORM_UTF8 | POP3_FORM_BINARY, 0);
    CHECK(view->count == 2 && view->marks[0] == 0);
    check_text(view, 1, PREFIX "Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n");
    mailbox_view_close(world.views, view);
    end();
}

static void one_at_a_time(void)
{
    struct mailbox_view_options options;
    const struct pop3_mailbox *view, *other;

    begin();
    options = (struct mailbox_view_options){.account = world.account};
    view = open_for(0, 0);
    CHECK(mailbox_view_open(world.views, &options, &other) == STORE_BUSY);
    mailbox_view_close(world.views, view);
    mailbox_view_close(world.views, open_for(0, 0));
    options.account += 1000;
    CHECK(mailbox_view_open(world.views, &options, &other) != STORE_OK);
    end();
}

/* Rows that were written before an entry had a form. */
static void entries_of_the_first_version_are_read(void)
{
    struct store_entry entry = {.size = 7, .form = POP3_FORM_UTF8 | POP3_FORM_BINARY}, read;
    uint8_t bytes[STORE_ROW_ENTRY];
    struct writer w = writer_of(bytes, sizeof(bytes));

    store_row_put_entry(&w, &entry);
    CHECK(store_row_read_entry(writer_span(&w), &read) && read.form == entry.form);
    CHECK(!store_row_read_entry(span_head(writer_span(&w), w.len - 1), &read));
    bytes[w.len - 1] = 0x80;
    CHECK(!store_row_read_entry(writer_span(&w), &read));
    bytes[0] = 1;
    CHECK(!store_row_read_entry(writer_span(&w), &read));
    CHECK(store_row_read_entry(span_head(writer_span(&w), w.len - 1), &read));
    CHECK(read.form == 0 && read.size == 7);
    bytes[0] = 3;
    CHECK(!store_row_read_entry(writer_span(&w), &read));
}

int main(int argc, char **argv)
{
    store_fixture_choose(argc, argv);
    check_begin();
    CHECK_CASE(each_client_gets_what_it_can_take);
    CHECK_CASE(large_leaves_stream);
    CHECK_CASE(a_reading_may_stop_and_begin_anew);
    CHECK_CASE(messages_are_gathered);
    CHECK_CASE(large_messages_are_gathered_or_not);
    CHECK_CASE(what_was_deleted_since_is_gathered);
    CHECK_CASE(marks_delete_through_the_store);
    CHECK_CASE(one_at_a_time);
    CHECK_CASE(entries_of_the_first_version_are_read);
    return check_end();
}
