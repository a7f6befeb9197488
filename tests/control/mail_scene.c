/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/control/mail_scene.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "dataplane/handoff/chunk.h"
#include "tests/harness/check.h"
#include "tests/proto/mime_tree_of.h"

static void begin(struct mail_scene *m, bool indexed, const struct mail_special *specials,
                  uint32_t count)
{
    *m = (struct mail_scene){.room = 4000};
    store_scene_begin(&m->scene, "mail");
    m->handoff = handoff_new(&(struct handoff_options){.workers = 1, .jobs = 16, .records = 4});
    m->port = handoff_port_of(m->handoff, 0);
    m->account = store_fixture_account(m->scene.store, "alice@example.org", 0);
    if (indexed) {
        m->index_folder = store_fixture_folder("index");
        m->index = mail_index_start(&(struct mail_index_options){
            .store = m->scene.store, .path = m->index_folder, .text_max = 20000, .files = 2});
        CHECK(m->index != NULL);
        mail_index_begin(m->index);
    }
    m->team = mail_team_start(&(struct mail_team_options){.handoff = m->handoff,
                                                                   .store = m->scene.store,
                                                                   .index = m->index,
                                                                   .specials = specials,
                                                                   .special_count = count});
    m->answer = malloc(MAIL_SCENE_ANSWER);
    CHECK(m->team != NULL);
}

void mail_scene_begin(struct mail_scene *m)
{
    begin(m, false, NULL, 0);
}

void mail_scene_begin_indexed(struct mail_scene *m)
{
    begin(m, true, NULL, 0);
}

void mail_scene_begin_with(struct mail_scene *m, const struct mail_special *specials,
                           uint32_t count)
{
    begin(m, false, specials, count);
}

void mail_scene_end(struct mail_scene *m)
{
    mail_team_stop(m->team);
    handoff_free(m->handoff);
    free(m->answer);
    store_scene_end(&m->scene);
    if (m->index_folder)
        store_fixture_remove(m->index_folder);
}

static enum job_status ask(struct mail_scene *m, struct job *job)
{
    struct job *back = NULL;
    enum job_status status;

    job_submit(m->port, job);
    handoff_flush(m->port);
    while (job_answers(m->port, &back, 1) == 0)
        sched_yield();
    CHECK(back == job);
    status = (enum job_status)job->status;
    m->last = job->imap;
    job_give(m->port, job);
    return status;
}

static struct job *job_of(struct mail_scene *m, enum job_kind kind, struct imap_session *s)
{
    struct job *job = job_take(m->port);

    job->kind = (uint8_t)kind;
    job->imap = (struct job_imap){.session = s, .account = m->account};
    return job;
}

struct imap_session *mail_scene_open(struct mail_scene *m)
{
    struct job *job = job_of(m, JOB_IMAP_OPEN, NULL);

    job->session = 1;
    CHECK(ask(m, job) == JOB_OK);
    return m->last.session;
}

void mail_scene_close(struct mail_scene *m, struct imap_session *s)
{
    CHECK(ask(m, job_of(m, JOB_IMAP_CLOSE, s)) == JOB_OK);
}

static void keep(struct mail_scene *m, struct span bytes)
{
    if (bytes.len && CHECK(m->answer_len + bytes.len < MAIL_SCENE_ANSWER)) {
        memcpy(m->answer + m->answer_len, bytes.data, bytes.len);
        m->answer_len += bytes.len;
    }
    m->answer[m->answer_len] = 0;
}

/* One job with a chunk of exactly as much room. */
static bool piece(struct mail_scene *m, struct job *job)
{
    struct chunk *out = calloc(1, sizeof(*out) + m->room);
    enum job_status status;

    out->cap = m->room;
    job->imap.out = out;
    status = ask(m, job);
    keep(m, span_of(out->data, out->len));
    keep(m, m->last.bytes_out);
    free(out);
    if (m->last.pin_out) {
        struct job *unpin = job_take(m->port);
        struct job_imap last = m->last;

        unpin->kind = JOB_MAILBOX_UNPIN;
        unpin->mailbox_unpin.count = 1;
        unpin->mailbox_unpin.pins[0] = m->last.pin_out;
        CHECK(ask(m, unpin) == JOB_OK);
        m->last = last;
    }
    return CHECK(status == JOB_OK);
}

bool mail_scene_more(struct mail_scene *m, struct imap_session *s)
{
    return piece(m, job_of(m, JOB_IMAP_MORE, s)) && m->answer_len <= MAIL_SCENE_ANSWER / 2;
}

void mail_scene_pull(struct mail_scene *m, struct imap_session *s)
{
    for (uint32_t i = 0; m->last.more_out && i < MAIL_SCENE_ANSWER; i++)
        if (!mail_scene_more(m, s))
            break;
    CHECK(!m->last.more_out);
}

static struct job *command_of(struct mail_scene *m, struct imap_session *s, const char *command)
{
    struct job *job = job_of(m, JOB_IMAP_COMMAND, s);

    m->answer_len = 0;
    job->imap.command = span_text(command);
    job->imap.append_max = 1000000;
    return job;
}

void mail_scene_begin_run(struct mail_scene *m, struct imap_session *s, const char *command)
{
    piece(m, command_of(m, s, command));
}

void mail_scene_run(struct mail_scene *m, struct imap_session *s, const char *command)
{
    mail_scene_begin_run(m, s, command);
    mail_scene_pull(m, s);
}

void mail_scene_done(struct mail_scene *m, struct imap_session *s, const char *line)
{
    struct job *job = command_of(m, s, line);

    job->imap.done = true;
    piece(m, job);
    mail_scene_pull(m, s);
}

void mail_scene_news(struct mail_scene *m, struct imap_session *s)
{
    m->answer_len = 0;
    piece(m, job_of(m, JOB_IMAP_NEWS, s));
    mail_scene_pull(m, s);
}

uint32_t mail_scene_notices(struct mail_scene *m)
{
    struct notice n;
    uint32_t places = 0;

    while (notice_take(m->port, &n))
        places |= 1u << (n.argument & 31);
    return places;
}

/* Of a long one all rows but the last are written ahead. */
static struct span write_rows(struct mail_scene *m, struct message *from, struct span text)
{
    while (text.len > CHUNK_LARGE_DATA) {
        CHECK(store_write(m->scene.store, &from->id, from->rows_written++,
                          span_head(text, CHUNK_LARGE_DATA)) == STORE_OK);
        text = span_skip(text, CHUNK_LARGE_DATA);
    }
    return text;
}

static void give_message(struct mail_scene *m, struct imap_session *s, struct span text,
                         const struct job_imap *how)
{
    static struct message from;
    struct chunk *body = calloc(1, sizeof(*body) + CHUNK_LARGE_DATA);
    struct job *job = job_of(m, JOB_IMAP_APPEND, s);

    from = (struct message){.id = store_fixture_id(++m->messages),
                            .received_ms = 1700000000000,
                            .size = text.len,
                            .rest = body,
                            .tree = mime_tree_of(text)};
    text = write_rows(m, &from, text);
    body->cap = body->len = (uint32_t)text.len;
    memcpy(body->data, text.data, text.len);
    job->imap.message = how->fault ? NULL : &from;
    job->imap.fault = how->fault;
    job->imap.command = how->command;
    job->imap.again = how->again;
    job->imap.nul = how->nul;
    piece(m, job);
    mail_scene_pull(m, s);
    free(body);
}

void mail_scene_message(struct mail_scene *m, struct imap_session *s, const char *message,
                        const char *behind, bool again)
{
    m->answer_len = 0;
    give_message(m, s, span_text(message),
                 &(struct job_imap){.command = span_text(behind), .again = again});
}

void mail_scene_append(struct mail_scene *m, struct imap_session *s, const char *command,
                       const char *message, const char *fault)
{
    mail_scene_begin_run(m, s, command);
    if (m->last.append_out)
        give_message(m, s, span_text(message), &(struct job_imap){.fault = fault});
}

void mail_scene_append_bytes(struct mail_scene *m, struct imap_session *s, const char *command,
                             struct span message)
{
    mail_scene_begin_run(m, s, command);
    if (CHECK(m->last.append_out))
        give_message(m, s, message, &(struct job_imap){.nul = false});
}

void mail_scene_nul(struct mail_scene *m, struct imap_session *s, const char *command,
                    struct span message)
{
    mail_scene_begin_run(m, s, command);
    if (CHECK(m->last.append_out))
        give_message(m, s, message, &(struct job_imap){.nul = true});
}

static bool is_said(const char *answer, const char *expected)
{
    size_t n = strlen(expected);

    if (n && expected[n - 1] == '*')
        return strncmp(answer, expected, n - 1) == 0;
    return strcmp(answer, expected) == 0;
}

bool mail_scene_says(struct mail_scene *m, struct imap_session *s, const char *command,
                     const char *expected)
{
    mail_scene_run(m, s, command);
    if (is_said(m->answer, expected))
        return true;
    printf("# %s\n# said: %s\n# not:  %s\n", command, m->answer, expected);
    return false;
}
