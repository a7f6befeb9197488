/* SPDX-License-Identifier: BSD-3-Clause */
#include "proto/imap/imap_sort.h"
#include "proto/imap/imap_subject.h"
#include "proto/imap/imap_thread.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 24, NODES = 80, IDS = 16, IN_MAX = 2048 };

static const uint8_t key[16] = {7};

/* The next line of the input. */
static struct span line(struct span *in)
{
    struct span s = span_of(in->data, 0);

    while (s.len < in->len && s.data[s.len] != '\n')
        s.len++;
    *in = span_skip(*in, s.len + 1);
    return s;
}

/* Brackets are in pairs, and every number is told once. */
static void check(struct span text, uint32_t count)
{
    bool told[MESSAGES + 1] = {false};
    int depth = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint32_t n = 0;

        depth += (text.data[i] == '(') - (text.data[i] == ')');
        if (depth < 0)
            abort();
        while (i < text.len && (uint8_t)(text.data[i] - '0') < 10)
            n = 10 * n + (text.data[i++] - '0');
        if (n == 0)
            continue;
        i--;
        if (n > count || told[n] || depth == 0)
            abort();
        told[n] = true;
    }
    for (uint32_t n = 1; n <= count; n++)
        if (!told[n])
            abort();
    if (depth)
        abort();
}

static void thread(const struct imap_thread_message *messages, uint32_t count, uint8_t how)
{
    static struct imap_thread_node nodes[NODES];
    static uint8_t out[4096];
    struct writer w = writer_of(out, sizeof(out));
    static uint32_t order[2 * MESSAGES];
    struct imap_thread t;
    uint32_t cap = how & 4 ? count + 1 + how / 16 : NODES, steps = 0;

    if (how % 4 == 3 || !imap_thread_init(&t, how % 4, messages, count, nodes, cap, order))
        return;
    while (!imap_thread_step(&t, how & 8 ? 1 : 1000))
        if (++steps == 100000)
            abort();
    if (imap_thread_put(&t, &w))
        abort();
    check(writer_span(&w), count);
}

/* However ids refer to each other, every message is told once. A base subject is its own base. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t subjects[MESSAGES][IN_MAX];
    static uint64_t ids[MESSAGES][IDS];
    struct imap_thread_message messages[MESSAGES] = {0};
    struct span in = span_of(data, size);
    uint8_t how = size ? data[0] : 0;
    uint32_t count = 0;

    if (size > IN_MAX)
        return 0;
    while (in.len && count < MESSAGES) {
        struct imap_thread_message *m = &messages[count];
        struct writer w = writer_of(subjects[count], IN_MAX);
        struct span id, references, subject;

        m->number = ++count;
        id = line(&in);
        references = line(&in);
        m->ids = ids[count - 1];
        m->id_count = imap_thread_ids(id, references, id, key, ids[count - 1], IDS);
        imap_subject_decode(line(&in), NULL, &w);
        subject = imap_subject_base(writer_span(&w), &m->reply);
        if (!span_equal(subject, imap_subject_base(subject, NULL)))
            abort();
        m->subject = imap_thread_subject(subject, key);
        m->date = subject.len % 3;
    }
    thread(messages, count, how);
    return 0;
}
