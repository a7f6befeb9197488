/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/service/mailbox_view.h"

#include <stdlib.h>

#include "control/service/read_buffers.h"
#include "proto/pop3/pop3_convert.h"

enum {
    PIECE = 65536,     /* bytes of a converted message that are handed out at once */
    SIZES = 16384,     /* sizes that are remembered */
    OURS = 1,          /* in a pin: it is memory of ours. The store's pins are even */
    SCRATCH = 1 << 16, /* for headers whose length alone is wanted */
};

/* The size of a converted message, by where it lies; mailboxes and UIDs never come again. */
struct known_size {
    uint64_t mailbox, size;
    uint32_t uid;
    uint8_t forms;
};

struct mailbox_views {
    struct store *store;
    struct read_buffers buffers; /* what is handed out and not the store's */
    uint8_t memory[POP3_CONVERT_MEMORY + SCRATCH];
    struct known_size sizes[SIZES];
};

/* The conversion of one message. */
struct course {
    struct pop3_convert convert;
    uint32_t index;
    enum pop3_convert_status what; /* the converter's last word */
};

/* A converted message that is being read. */
struct conversion {
    struct course course;
    uint64_t given; /* bytes of the result handed out */
    uint8_t *tree;
    uint8_t memory[POP3_CONVERT_MEMORY];
};

struct mailbox_view {
    struct pop3_mailbox view; /* first: what the session sees */
    const struct pop3_mailbox *stored;
    uint64_t mailbox;
    struct pop3_entry *entries; /* ours, when sizes or forms differ from the stored ones */
    struct conversion *conversion;
    struct mailbox_view_options options;
};

static struct mailbox_view *view_of(const struct pop3_mailbox *view)
{
    return (struct mailbox_view *)(uintptr_t)view;
}

const struct pop3_mailbox *mailbox_view_stored(const struct pop3_mailbox *view)
{
    return view_of(view)->stored;
}

struct mailbox_views *mailbox_views_new(struct store *store)
{
    struct mailbox_views *vs = calloc(1, sizeof(*vs));

    if (vs)
        vs->store = store;
    return vs;
}

void mailbox_views_free(struct mailbox_views *views)
{
    if (views)
        read_buffers_fini(&views->buffers);
    free(views);
}

/* ---- what the store knows of a message ---- */

struct source {
    struct id128 message;
    uint32_t prefix;
    uint8_t *tree; /* owned */
    size_t tree_len;
    bool found;
};

static bool take_entry(void *context, const struct store_entry *entry)
{
    struct source *s = context;

    s->message = entry->message;
    s->prefix = entry->prefix_len;
    s->found = true;
    return false;
}

static bool take_tree(void *context, const struct store_message *message)
{
    struct source *s = context;

    s->tree = malloc(message->tree.len + 1);
    s->tree_len = message->tree.len;
    if (s->tree && s->tree_len)
        memcpy(s->tree, message->tree.data, s->tree_len);
    return false;
}

static enum store_status find_source(struct mailbox_views *vs, const struct mailbox_view *v,
                                     uint32_t index, struct source *s)
{
    enum store_status status;

    memset(s, 0, sizeof(*s));
    status = store_entry_find(vs->store, v->mailbox, v->stored->entries[index].uid, take_entry, s);
    if (status == STORE_OK && s->found)
        status = store_message_show(vs->store, &s->message, take_tree, s);
    if (status == STORE_OK && !s->tree)
        status = s->found ? STORE_FAILED : STORE_NONE;
    return status;
}

static void begin(struct course *c, const struct mailbox_view *v, uint32_t index,
                  const struct source *s, uint8_t *memory)
{
    const struct pop3_entry *entry = &v->stored->entries[index];

    c->index = index;
    c->what = POP3_CONVERT_MORE;
    pop3_convert_init(&c->convert, span_of(s->tree, s->tree_len), s->prefix, entry->size,
                      entry->form & v->options.converted, memory);
}

/* Feeds what lies at the converter's offset, at most `most` bytes. */
static enum store_status feed(struct mailbox_views *vs, const struct mailbox_view *v,
                              struct course *c, uint64_t most, struct writer *out)
{
    struct span bytes;
    void *pin;
    enum store_status status =
        store_view_read(vs->store, v->stored, c->index, c->convert.offset, &bytes, &pin);

    if (status != STORE_OK)
        return status;
    bytes = span_head(bytes, most);
    c->what = pop3_convert_feed(&c->convert, &bytes, out);
    if (c->what == POP3_CONVERT_MORE && c->convert.offset >= v->stored->entries[c->index].size)
        status = STORE_CORRUPT;
    store_unpin(vs->store, &pin, 1);
    return status;
}

/* ---- sizes ---- */

static struct known_size *known(struct mailbox_views *vs, uint64_t mailbox, uint32_t uid,
                                uint8_t forms)
{
    uint64_t h = (mailbox * 31 + uid) * UINT64_C(0x9e3779b97f4a7c15) + forms;

    return &vs->sizes[(h >> 32) % SIZES];
}

static enum store_status measure(struct mailbox_views *vs, const struct mailbox_view *v,
                                 uint32_t index, uint64_t *size_out)
{
    struct source source;
    struct course c;
    enum store_status status = find_source(vs, v, index, &source);
    uint64_t wanted;

    *size_out = 0;
    begin(&c, v, index, &source, vs->memory);
    while (status == STORE_OK && c.what != POP3_CONVERT_DONE) {
        struct writer out = writer_of(vs->memory + POP3_CONVERT_MEMORY, SCRATCH);

        if (pop3_convert_skip(&c.convert, size_out, &wanted))
            continue;
        status = feed(vs, v, &c, wanted, &out);
        *size_out += out.len;
    }
    free(source.tree);
    return status;
}

static enum store_status size_of(struct mailbox_views *vs, const struct mailbox_view *v,
                                 uint32_t index, uint64_t *size_out)
{
    uint32_t uid = v->stored->entries[index].uid;
    uint8_t forms = v->stored->entries[index].form & v->options.converted;
    struct known_size *k = known(vs, v->mailbox, uid, forms);
    enum store_status status;

    if (k->mailbox == v->mailbox && k->uid == uid && k->forms == forms) {
        *size_out = k->size;
        return STORE_OK;
    }
    status = measure(vs, v, index, size_out);
    if (status == STORE_OK)
        *k = (struct known_size){
            .mailbox = v->mailbox, .size = *size_out, .uid = uid, .forms = forms};
    return status;
}

/* ---- opening ---- */

static bool take_inbox(void *context, const struct store_mailbox *mailbox)
{
    uint64_t *id = context;

    if (mailbox->place == MESSAGE_INBOX)
        *id = mailbox->id;
    return *id == 0;
}

/* From the first message on that is not passed as it is, the view has entries of its own. */
static enum store_status own_entries(struct mailbox_views *vs, struct mailbox_view *v)
{
    size_t bytes = v->stored->count * sizeof(*v->entries);

    if (v->entries)
        return STORE_OK;
    v->entries = malloc(bytes);
    if (!v->entries)
        return STORE_FAILED;
    memcpy(v->entries, v->stored->entries, bytes);
    v->view.entries = v->entries;
    return store_mailboxes(vs->store, v->options.account, take_inbox, &v->mailbox);
}

static enum store_status adapt_entry(struct mailbox_views *vs, struct mailbox_view *v,
                                     uint32_t index)
{
    uint8_t form = v->stored->entries[index].form;
    enum store_status status;
    uint64_t size;

    if (!(form & (v->options.converted | v->options.refused)))
        return STORE_OK;
    status = own_entries(vs, v);
    if (status != STORE_OK)
        return status;
    if (form & v->options.refused) {
        v->entries[index].form |= POP3_FORM_REFUSED;
        return STORE_OK;
    }
    status = size_of(vs, v, index, &size);
    if (status == STORE_NONE) /* deleted behind our back since */
        return STORE_OK;
    if (status != STORE_OK)
        return status;
    v->view.octets += size - v->entries[index].size;
    v->entries[index].size = size;
    return STORE_OK;
}

static enum store_status adapt(struct mailbox_views *vs, struct mailbox_view *v)
{
    enum store_status status = STORE_OK;

    v->view = *v->stored;
    if (v->view.count > POP3_MESSAGES_MAX)
        return STORE_FULL;
    v->view.marks = calloc(1, (size_t)v->view.count / 8 + 1);
    if (!v->view.marks)
        return STORE_FAILED;
    for (uint32_t i = 0; status == STORE_OK && i < v->view.count; i++)
        status = adapt_entry(vs, v, i);
    return status;
}

enum store_status mailbox_view_open(struct mailbox_views *views,
                                    const struct mailbox_view_options *options,
                                    const struct pop3_mailbox **view_out)
{
    struct mailbox_view *v = calloc(1, sizeof(*v));
    enum store_status status;

    if (!v)
        return STORE_FAILED;
    v->options = *options;
    status = store_view_open(views->store, options->account, &v->stored);
    if (status != STORE_OK) {
        free(v);
        return status;
    }
    status = adapt(views, v);
    if (status == STORE_OK)
        *view_out = &v->view;
    else
        mailbox_view_close(views, &v->view);
    return status;
}

/* ---- reading ---- */

static void end_conversion(struct mailbox_view *v)
{
    if (v->conversion)
        free(v->conversion->tree);
    free(v->conversion);
    v->conversion = NULL;
}

/* The bytes, in a buffer of ours, are the answer. */
static void hand_out(struct job_mailbox_read *job, const struct writer *out)
{
    job->bytes_out = writer_span(out);
    job->pin_out = (void *)((uintptr_t)out->data | OURS);
}

static enum store_status begin_conversion(struct mailbox_views *vs, struct mailbox_view *v,
                                          uint32_t index)
{
    struct source source;
    enum store_status status = find_source(vs, v, index, &source);

    end_conversion(v);
    if (status == STORE_OK)
        v->conversion = malloc(sizeof(*v->conversion));
    if (!v->conversion) {
        free(source.tree);
        return status == STORE_OK ? STORE_FAILED : status;
    }
    v->conversion->given = 0;
    v->conversion->tree = source.tree;
    begin(&v->conversion->course, v, index, &source, v->conversion->memory);
    return STORE_OK;
}

/* Fills a piece, or what is left of the message. */
static enum store_status fill(struct mailbox_views *vs, struct mailbox_view *v, struct writer *out)
{
    struct conversion *c = v->conversion;
    enum store_status status = STORE_OK;

    c->course.what = POP3_CONVERT_MORE;
    while (status == STORE_OK && c->course.what == POP3_CONVERT_MORE)
        status = feed(vs, v, &c->course, UINT64_MAX, out);
    c->given += out->len;
    if (c->course.what == POP3_CONVERT_DONE)
        end_conversion(v);
    return status;
}

static enum store_status read_converted(struct mailbox_views *vs, struct mailbox_view *v,
                                        struct job_mailbox_read *job)
{
    enum store_status status = STORE_OK;
    struct writer out;

    if (job->offset >= job->view->entries[job->index].size)
        return STORE_OK;
    if (!v->conversion || v->conversion->course.index != job->index ||
        v->conversion->given != job->offset)
        status = job->offset == 0 ? begin_conversion(vs, v, job->index) : STORE_FAILED;
    if (status != STORE_OK)
        return status;
    out = writer_of(read_buffers_take(&vs->buffers, PIECE), PIECE);
    if (!out.data)
        return STORE_FAILED;
    status = fill(vs, v, &out);
    if (status == STORE_OK)
        hand_out(job, &out);
    else
        read_buffers_give(&vs->buffers, out.data);
    return status;
}

static bool is_converted(const struct mailbox_view *v, uint32_t index)
{
    return v->view.entries[index].form & v->options.converted;
}

/* How many messages from the job's on are gathered, and their bytes: none where the first is too
 * large, or has begun. */
static uint32_t gathered(const struct mailbox_view *v, const struct job_mailbox_read *job,
                         size_t *bytes_out)
{
    size_t most = job->most < READ_BUFFERS_MOST ? job->most : READ_BUFFERS_MOST;
    uint32_t i = job->index;

    *bytes_out = 0;
    for (; job->offset == 0 && i < v->view.count; i++) {
        const struct pop3_entry *next = &v->view.entries[i];

        if (!next->size || next->size > most - *bytes_out ||
            (i > job->index && next->form & POP3_FORM_REFUSED) || is_converted(v, i))
            break;
        *bytes_out += next->size;
    }
    return i - job->index;
}

/* What cannot be read behind the first message comes when it is asked for itself. */
static enum store_status read_stored(struct mailbox_views *vs, const struct mailbox_view *v,
                                     struct job_mailbox_read *job)
{
    size_t bytes;
    uint32_t count = gathered(v, job, &bytes);
    struct writer out = writer_of(count ? read_buffers_take(&vs->buffers, bytes) : NULL, bytes);
    enum store_status status;

    if (!out.data)
        return store_view_read(vs->store, v->stored, job->index, job->offset, &job->bytes_out,
                               &job->pin_out);
    status = store_view_gather(vs->store, v->stored, job->index, count, &out);
    if (out.len) {
        hand_out(job, &out);
        return STORE_OK;
    }
    read_buffers_give(&vs->buffers, out.data);
    return status == STORE_OK ? STORE_CORRUPT : status;
}

enum store_status mailbox_view_read(struct mailbox_views *views, struct job_mailbox_read *job)
{
    struct mailbox_view *v = view_of(job->view);

    job->pin_out = NULL;
    job->bytes_out = span_of(NULL, 0);
    if (job->index >= job->view->count)
        return STORE_NONE;
    return is_converted(v, job->index) ? read_converted(views, v, job) : read_stored(views, v, job);
}

bool mailbox_view_read_near(struct mailbox_views *views, struct job_mailbox_read *job,
                            enum store_status *status_out)
{
    const struct mailbox_view *v = view_of(job->view);

    if (job->index >= job->view->count || is_converted(v, job->index))
        return false;
    *status_out = store_view_read(views->store, v->stored, job->index, job->offset, &job->bytes_out,
                                  &job->pin_out);
    return true;
}

bool mailbox_view_unpin_near(struct mailbox_views *views, void *const *pins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if ((uintptr_t)pins[i] & OURS)
            return false;
    mailbox_view_unpin(views, pins, count);
    return true;
}

void mailbox_view_unpin(struct mailbox_views *views, void *const *pins, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        void *pin = pins[i];

        if ((uintptr_t)pin & OURS)
            read_buffers_give(&views->buffers, (uint8_t *)((uintptr_t)pin & ~(uintptr_t)OURS));
        else
            store_unpin(views->store, &pin, 1);
    }
}

void mailbox_view_close(struct mailbox_views *views, const struct pop3_mailbox *view)
{
    struct mailbox_view *v = view_of(view);

    end_conversion(v);
    store_view_close(views->store, v->stored);
    free(v->view.marks);
    free(v->entries);
    free(v);
}
