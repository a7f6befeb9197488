/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_manners.h"

#include <stdlib.h>
#include <string.h>

#include "control/blast/blast_guard.h"

static const struct {
    const char *name, *text;
} manners[BLAST_MANNERS] = {
#define BLAST_MANNER(name, text) {#name, text},
#include "dataplane/handoff/blast_manner.def"
#undef BLAST_MANNER
};

/* ---- what was said ---- */

/* network = address "/" bits */
static bool read_network(const char *text, struct blast_address *a)
{
    const char *slash = strchr(text, '/');
    char *end;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : 0;

    if (!slash || slash[1] < '0' || slash[1] > '9' || *end ||
        !ip_address_parse(span_of(text, (size_t)(slash - text)), &a->address) ||
        bits > (ip_address_is_v4(&a->address) ? 32u : 128u))
        return false;
    a->prefix = (uint8_t)bits;
    return true;
}

/* Benchmark addresses (RFC 2544, RFC 5180) that lie in the network of one of ours, and are not ours
 * or the target's. */
static bool may_claim(const struct blast_order *o, const struct blast_address *claim)
{
    static const struct {
        const char *address;
        uint8_t bits;
    } benchmark[] = {{"198.18.0.0", 15}, {"2001:2::", 48}};
    bool covered = false, allowed = false;

    for (size_t i = 0; i < sizeof(benchmark) / sizeof(benchmark[0]); i++) {
        struct ip_address network;

        allowed |= ip_address_parse(span_text(benchmark[i].address), &network) &&
                   claim->prefix >= benchmark[i].bits &&
                   ip_address_inside(&claim->address, &network, benchmark[i].bits);
    }
    for (uint32_t i = 0; i < o->address_count; i++) {
        const struct blast_address *a = &o->addresses[i];

        if (ip_address_inside(&a->address, &claim->address, claim->prefix))
            return false;
        covered |= claim->prefix >= a->prefix &&
                   ip_address_inside(&claim->address, &a->address, a->prefix);
    }
    return allowed && covered && !ip_address_inside(&o->target, &claim->address, claim->prefix) &&
           ip_address_is_v4(&o->target) == ip_address_is_v4(&claim->address);
}

/* delay = milliseconds [ ":" milliseconds ] */
static bool read_delay(const char *text, struct blast_order *o)
{
    double ms, jitter = 0;

    if (!blast_words_decimal(&text, 10000, &ms))
        return false;
    if (*text == ':') {
        text++;
        if (!blast_words_decimal(&text, ms, &jitter))
            return false;
    }
    o->delay_us = (uint64_t)(ms * 1000);
    o->jitter_us = (uint64_t)(jitter * 1000);
    return !*text;
}

static bool plan_line(const struct blast_words *w, struct blast_order *o)
{
    const char *loss = w->loss;
    double percent = 0;

    if (loss && (!blast_words_decimal(&loss, 100, &percent) || *loss))
        return blast_words_complain("expected a percentage", "loss");
    if (w->delay && !read_delay(w->delay, o))
        return blast_words_complain("expected milliseconds up to 10000, and :JITTER up to as many",
                                    "delay");
    o->loss = percent / 100;
    return true;
}

static bool plan_flood(const struct blast_words *w, struct blast_order *o)
{
    if (!w->syn_flood != !w->syn_flood_from)
        return blast_words_complain("expected both --syn-flood and --syn-flood-from", NULL);
    if (!w->syn_flood)
        return true;
    if (w->syn_flood > w->limit_rate)
        return blast_words_complain("more than --limit-rate", "syn-flood");
    if (!read_network(w->syn_flood_from, &o->flood_from) || !may_claim(o, &o->flood_from))
        return blast_words_complain(
            "expected NETWORK/BITS of 198.18.0.0/15 or 2001:2::/48, within the network of an "
            "--address, without any --address and without the target",
            w->syn_flood_from);
    o->flood_rate = (double)w->syn_flood;
    return true;
}

bool blast_manners_plan(const struct blast_words *w, struct blast_order *o)
{
    if (w->slow_senders + w->slow_readers + w->broken > 100)
        return blast_words_complain("more than 100 percent together",
                                    "slow-senders, slow-readers, broken");
    if (w->slow_senders && o->work != BLAST_WORK_SMTP)
        return blast_words_complain("belongs to --work smtp", "slow-senders");
    if (o->hold_us && w->slow_senders + w->slow_readers + w->broken)
        return blast_words_complain("goes with no slow and no broken clients", "hold");
    o->slow_senders = (uint32_t)w->slow_senders;
    o->slow_readers = (uint32_t)w->slow_readers;
    o->broken = (uint32_t)w->broken;
    o->slow_bytes = (uint32_t)w->slow_bytes;
    o->seed = w->seed;
    return plan_line(w, o) && plan_flood(w, o);
}

/* ---- what became of them ---- */

static uint64_t refusals(const struct blast_manner_tally *t)
{
    uint64_t n = 0;

    for (int code = 0; code < BLAST_CODES; code++)
        n += t->refused[code];
    return n;
}

void blast_manners_table(FILE *out, const struct blast_tally *tally)
{
    bool head = false;

    for (int i = BLAST_MANNER_slow_sender; i < BLAST_MANNERS; i++) {
        const struct blast_manner_tally *t = &tally->manners[i];

        if (!t->begun)
            continue;
        if (!head)
            fprintf(out, "\n%-18s %9s %9s %9s %9s %9s %9s\n", "clients", "begun", "ended", "reset",
                    "failed", "answers", "refusals");
        head = true;
        fprintf(out, "%-18s %9llu %9llu %9llu %9llu %9llu %9llu  %s\n", manners[i].name,
                (unsigned long long)t->begun, (unsigned long long)t->ended,
                (unsigned long long)t->reset, (unsigned long long)t->failed,
                (unsigned long long)t->answers, (unsigned long long)refusals(t), manners[i].text);
    }
}

static json_t *manner_json(const struct blast_manner_tally *t)
{
    json_t *refused = json_object();
    char code[8];

    for (int i = 0; i < BLAST_CODES; i++) {
        snprintf(code, sizeof(code), "%d", i);
        if (t->refused[i])
            json_object_set_new(refused, code, json_integer((json_int_t)t->refused[i]));
    }
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "begun", (json_int_t)t->begun, "ended",
                     (json_int_t)t->ended, "reset", (json_int_t)t->reset, "failed",
                     (json_int_t)t->failed, "answers", (json_int_t)t->answers, "refused", refused);
}

json_t *blast_manners_json(const struct blast_tally *tally)
{
    json_t *all = json_object();

    for (int i = BLAST_MANNER_slow_sender; i < BLAST_MANNERS; i++)
        if (tally->manners[i].begun)
            json_object_set_new(all, manners[i].name, manner_json(&tally->manners[i]));
    if (json_object_size(all))
        return all;
    json_decref(all);
    return NULL;
}
