/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_mix.h"

#include <string.h>

enum { COMMANDS = 20, FETCH = 50, READ = 20, WEIGHT = 1000000 };

static const struct {
    const char *name;
    uint32_t weight;
} actions[BLAST_IMAP_ACTIONS] = {
#define BLAST_IMAP_STEP(name, latency)
#define BLAST_IMAP_ACTION(name, latency, weight, text) {#name, weight},
#include "dataplane/handoff/blast_imap_step.def"
#undef BLAST_IMAP_STEP
#undef BLAST_IMAP_ACTION
};

/* command "=" weight; moves *text behind it */
static bool read_weight(const char **text, uint32_t *weights)
{
    size_t len = strcspn(*text, "=");
    double weight;

    for (int i = 0; i < BLAST_IMAP_ACTIONS; i++) {
        if (strlen(actions[i].name) != len || memcmp(*text, actions[i].name, len) != 0)
            continue;
        *text += len;
        if (*(*text)++ != '=' || !blast_words_decimal(text, WEIGHT, &weight) ||
            weight != (double)(uint32_t)weight)
            return false;
        weights[i] = (uint32_t)weight;
        return true;
    }
    return false;
}

/* mix = command "=" weight *( "," command "=" weight ); what is not named is not said */
static bool read_mix(const char *text, uint32_t *weights)
{
    uint64_t all = 0;

    while (read_weight(&text, weights)) {
        if (!*text)
            break;
        if (*text++ != ',' || !*text)
            return false;
    }
    for (int i = 0; i < BLAST_IMAP_ACTIONS; i++)
        all += weights[i];
    return !*text && all;
}

static uint32_t number_of(uint64_t said, uint32_t otherwise)
{
    if (!said)
        return otherwise;
    return said < UINT32_MAX ? (uint32_t)said : UINT32_MAX;
}

static bool is_quiet(const struct blast_words *w)
{
    return (!w->mix && !w->commands && !w->fetch && !w->watchers) ||
           blast_words_complain("they belong to --work imap", "mix, commands, fetch, watchers");
}

bool blast_mix_plan(const struct blast_words *w, struct blast_order *o)
{
    if (o->work != BLAST_WORK_IMAP)
        return is_quiet(w);
    for (int i = 0; i < BLAST_IMAP_ACTIONS; i++)
        o->weights[i] = w->mix ? 0 : actions[i].weight;
    if (w->mix && !read_mix(w->mix, o->weights))
        return blast_words_complain("expected COMMAND=WEIGHT,... of envelope, headers, read, "
                                    "store, append, search, idle",
                                    w->mix);
    o->commands = w->commands ? w->commands : COMMANDS;
    o->fetch = number_of(w->fetch, FETCH);
    o->retrieve = w->retrieve == UINT64_MAX ? READ : number_of(w->retrieve, READ);
    o->watchers = (uint32_t)w->watchers;
    if (o->recipients != 1)
        return blast_words_complain("of an APPEND there is one", "recipients");
    if (o->watchers >= o->sessions && o->watchers)
        return blast_words_complain("fewer than there are --sessions", "watchers");
    if (o->watchers && o->hold_us)
        return blast_words_complain("goes with no --hold", "watchers");
    return o->user_count % o->workers == 0 ||
           blast_words_complain("as many mailboxes for each worker", "rcpt");
}
