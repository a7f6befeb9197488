/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/directory/directory_chain.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { NONE = UINT32_MAX };

struct directory_chain {
    _Atomic uint32_t holders;
    uint32_t count;
    struct directory_backend *backend[DIRECTORY_BACKENDS];
};

struct directory_chain *directory_chain_new(struct directory_backend *const *backends,
                                            uint32_t count)
{
    struct directory_chain *c =
        count <= DIRECTORY_BACKENDS ? calloc(1, sizeof(struct directory_chain)) : NULL;

    if (!c)
        return NULL;
    c->count = count;
    for (uint32_t i = 0; i < count; i++)
        c->backend[i] = backends[i];
    return c;
}

void directory_chain_hold(struct directory_chain *chain)
{
    atomic_fetch_add(&chain->holders, 1);
}

void directory_chain_drop(struct directory_chain *chain)
{
    atomic_fetch_sub(&chain->holders, 1);
}

bool directory_chain_free(struct directory_chain *chain)
{
    if (!chain)
        return true;
    if (atomic_load(&chain->holders))
        return false;
    for (uint32_t i = 0; i < chain->count; i++)
        chain->backend[i]->ops->free(chain->backend[i]);
    free(chain);
    return true;
}

bool directory_chain_dynamic(const struct directory_chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->backend[i]->ops->dynamic)
            return true;
    return false;
}

int directory_chain_find(const struct directory_chain *chain, const char *name)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (strcmp(chain->backend[i]->ops->name, name) == 0)
            return (int)i;
    return -1;
}

struct directory_backend *directory_chain_at(const struct directory_chain *chain, uint32_t place)
{
    return chain->backend[place];
}

/* What a back end said that had nobody is not told. */
static void clear(struct directory_answer *a)
{
    a->policy = (struct directory_policy){.known = false};
    a->count = 0;
    a->verifies = a->stale = false;
    a->hash = span_of(NULL, 0);
    for (int i = 0; i < SCRAM_HASHES; i++)
        a->scram[i] = span_of(NULL, 0);
    a->text.len = 0;
    a->text.full = false;
}

static void put(struct directory_question *q)
{
    struct directory_backend *b = q->chain->backend[q->at];

    clear(&q->answer);
    b->ops->ask(b, q);
}

void directory_chain_ask(struct directory_chain *chain, struct directory_question *question)
{
    question->chain = chain;
    question->at = 0;
    question->verifier = NONE;
    question->one = false;
    if (chain->count) {
        put(question);
        return;
    }
    clear(&question->answer);
    question->done(question, DIRECTORY_NOBODY);
}

void directory_chain_ask_one(struct directory_chain *chain, uint32_t place,
                             struct directory_question *question)
{
    question->chain = chain;
    question->at = place;
    question->verifier = NONE;
    question->one = true;
    put(question);
}

/* All have nobody: the first of those who want to be asked for a password all the same. */
static void nobody(struct directory_question *q)
{
    clear(&q->answer);
    q->answer.verifies = q->verifier != NONE;
    q->from = q->verifier;
    q->done(q, DIRECTORY_NOBODY);
}

void directory_answer(struct directory_question *question, enum directory_result result)
{
    if (result != DIRECTORY_NOBODY || question->one) {
        question->from = question->at;
        question->done(question, result);
        return;
    }
    if (question->answer.verifies && question->verifier == NONE)
        question->verifier = question->at;
    if (++question->at < question->chain->count)
        put(question);
    else
        nobody(question);
}

struct span directory_text(struct directory_question *question, struct span octets)
{
    struct writer *w = &question->answer.text;
    size_t start = w->len;

    writer_span_put(w, octets);
    return w->full ? span_of(NULL, 0) : span_of(w->data + start, octets.len);
}

struct directory_member *directory_member(struct directory_question *question)
{
    struct directory_answer *a = &question->answer;

    if (a->count == a->room)
        return NULL;
    a->members[a->count] = (struct directory_member){.id = 0};
    return &a->members[a->count++];
}
