/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "control/blast/blast_guard.h"
#include "control/blast/blast_language.h"
#include "control/blast/blast_load.h"
#include "control/blast/blast_manners.h"
#include "control/blast/blast_mix.h"
#include "control/blast/blast_secure.h"
#include "control/blast/blast_users.h"
#include "control/config/config.h"

enum { WHY = 1024 };
#define SECOND UINT64_C(1000000)

/* ---- the port ---- */

/* range = address [ "-" address ] "/" bits */
static bool read_range(const char *text, struct blast_order *o)
{
    const char *slash = strrchr(text, '/'), *dash = strchr(text, '-');
    struct ip_address address, last;
    char *end;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : 0;
    const char *first_end = dash && dash < slash ? dash : slash;

    if (!slash || end == slash + 1 || *end || bits > 128 ||
        !ip_address_parse(span_of(text, (size_t)(first_end - text)), &address))
        return false;
    last = address;
    if (first_end == dash &&
        !ip_address_parse(span_of(dash + 1, (size_t)(slash - dash - 1)), &last))
        return false;
    if (bits > (ip_address_is_v4(&address) ? 32u : 128u))
        return false;
    for (;; address.bytes[15]++) {
        if (o->address_count == BLAST_ADDRESSES)
            return false;
        o->addresses[o->address_count++] =
            (struct blast_address){.address = address, .prefix = (uint8_t)bits};
        if (ip_address_equal(&address, &last))
            return true;
        if (address.bytes[15] == 255)
            return false;
    }
}

static bool read_gateway(const char *text, struct blast_order *o)
{
    struct ip_address gateway;
    bool taken = false;

    if (!ip_address_parse(span_text(text), &gateway))
        return false;
    for (uint32_t i = 0; i < o->address_count; i++) {
        struct blast_address *a = &o->addresses[i];

        if (!ip_address_inside(&gateway, &a->address, a->prefix))
            continue;
        a->gateway = gateway;
        a->has_gateway = taken = true;
    }
    return taken;
}

static bool plan_port(struct blast_plan *p)
{
    const struct blast_words *w = &p->words;
    struct blast_order *o = &p->order;

    if (!w->dev == !w->device)
        return blast_words_complain("expected one of --dev and --device", NULL);
    if (strcmp(w->pmd, "af_packet") != 0 && strcmp(w->pmd, "af_xdp") != 0 &&
        strcmp(w->pmd, "tap") != 0)
        return blast_words_complain("expected af_packet, af_xdp or tap", "pmd");
    if (!w->address.count)
        return blast_words_complain("expected --address ADDRESS/BITS", NULL);
    for (uint32_t i = 0; i < w->address.count; i++)
        if (!read_range(w->address.word[i], o))
            return blast_words_complain(
                "expected ADDRESS/BITS or FIRST-LAST/BITS, 64 addresses at most, a range "
                "in the last byte",
                w->address.word[i]);
    for (uint32_t i = 0; i < w->gateway.count; i++)
        if (!read_gateway(w->gateway.word[i], o))
            return blast_words_complain("expected an address in the network of one of ours",
                                        w->gateway.word[i]);
    if (w->cpu && !config_cpus(w->cpu, o->cpus))
        return blast_words_complain("expected CPUs, as 1 or 2-5,8", "cpu");
    o->pmd = w->pmd;
    o->interface = w->dev;
    o->device = w->device;
    o->eal = w->eal.word;
    o->eal_count = w->eal.count;
    o->vlan = (uint16_t)w->vlan;
    o->workers = (uint32_t)w->workers;
    o->busy = w->busy;
    o->offloads = true;
    o->hostname = span_text(w->helo);
    o->timeout_us = w->timeout * SECOND;
    return true;
}

/* ---- the target ---- */

static bool is_allowed(const struct blast_words *w, const struct ip_address *target,
                       const char *text)
{
    return w->mine || blast_guard(target) ||
           blast_words_complain(
               "is no loopback, private, benchmark or documentation address; if the server "
               "there is yours, say --yes-this-is-mine",
               text);
}

static bool has_source(const struct blast_order *o, const struct ip_address *target,
                       const char *text)
{
    for (uint32_t i = 0; i < o->address_count; i++)
        if (ip_address_is_v4(&o->addresses[i].address) == ip_address_is_v4(target))
            return true;
    return blast_words_complain("no --address is of its family", text);
}

static bool plan_target(struct blast_plan *p)
{
    const struct blast_words *w = &p->words;
    struct blast_order *o = &p->order;
    const char *pop3 = w->pop3_to ? w->pop3_to : w->to;

    if (!w->to || !config_endpoint(w->to, &o->target, &o->port))
        return blast_words_complain("expected --to ADDRESS:PORT, or [ADDRESS]:PORT", w->to);
    if (!config_endpoint(pop3, &o->pop3_target, &o->pop3_port))
        return blast_words_complain("expected ADDRESS:PORT, or [ADDRESS]:PORT", pop3);
    if (!w->pop3_to && o->work == BLAST_WORK_SMTP)
        o->pop3_port = 110;
    return is_allowed(w, &o->target, w->to) && is_allowed(w, &o->pop3_target, pop3) &&
           has_source(o, &o->target, w->to) && has_source(o, &o->pop3_target, pop3);
}

/* ---- what is done ---- */

static bool read_password(struct blast_plan *p)
{
    const char *path = p->words.password_file;
    FILE *file = path ? fopen(path, "re") : NULL;
    bool ok;

    if (!path)
        return blast_words_complain("expected --password-file FILE", NULL);
    if (!file)
        return blast_words_complain(strerror(errno), path);
    ok = fgets(p->password, sizeof(p->password), file) != NULL;
    fclose(file);
    p->password[strcspn(p->password, "\r\n")] = 0;
    p->order.password = span_text(p->password);
    return (ok && p->password[0]) || blast_words_complain("no password in its first line", path);
}

static bool plan_mailboxes(struct blast_plan *p)
{
    const struct blast_words *w = &p->words;
    struct blast_order *o = &p->order;

    o->verify = w->verify && o->work != BLAST_WORK_POP3;
    o->compare = w->verify && o->work != BLAST_WORK_SMTP;
    o->retrieve = w->retrieve < UINT32_MAX ? (uint32_t)w->retrieve : UINT32_MAX;
    if (!blast_mix_plan(w, o))
        return false;
    o->delete = w->delete;
    o->listing = w->list;
    if (w->verify && o->recipients > BLAST_VERIFY_RECIPIENTS)
        return blast_words_complain("at most 8 with --verify", "recipients");
    if (o->work != BLAST_WORK_SMTP)
        return (o->hold_us && !w->password_file) || read_password(p);
    return !w->verify || read_password(p);
}

static bool plan_messages(struct blast_plan *p)
{
    const struct blast_words *w = &p->words;
    struct blast_order *o = &p->order;
    struct blast_messages_options options = {.attachments = (uint32_t)w->attachments,
                                             .spam = (uint32_t)w->spam,
                                             .count = (uint32_t)w->texts,
                                             .seed = w->seed,
                                             .from = w->from,
                                             .to = w->rcpt.word[0]};
    char text[WHY];
    struct writer why = writer_of(text, sizeof(text) - 1);

    options.shapes = strcmp(w->shapes, "mix") == 0;
    options.languages = strcmp(w->languages, "mix") == 0;
    if (!options.shapes && strcmp(w->shapes, "plain") != 0)
        return blast_words_complain("expected plain or mix", "shapes");
    if (!options.languages && !blast_language_find(w->languages, &options.language))
        return blast_words_complain("expected mix, or a language of --help", "languages");
    if (!blast_messages_size(w->size, &options))
        return blast_words_complain("expected bytes (256 to 64M), lognormal:MEDIAN:SIGMA, or mix",
                                    "size");
    p->messages = w->read.count ? blast_messages_read(w->read.word, w->read.count, &why)
                                : blast_messages_make(&options, &why);
    if (!p->messages) {
        text[why.len] = 0;
        return blast_words_complain(text, NULL);
    }
    o->texts = p->messages->texts;
    o->text_count = p->messages->count;
    o->sender = span_text(w->from);
    o->pipelining = !w->no_pipelining;
    o->chunking = w->bdat;
    return getrandom(&o->run, sizeof(o->run), 0) == sizeof(o->run);
}

static bool plan_users(struct blast_plan *p)
{
    struct blast_words *w = &p->words;
    struct blast_order *o = &p->order;

    if (!w->rcpt.count)
        w->rcpt.word[w->rcpt.count++] = "sink@example.test";
    o->recipients = (uint32_t)w->recipients;
    p->users = blast_users_make(w->rcpt.word, w->rcpt.count, o->recipients, &o->user_count);
    if (!p->users)
        return blast_words_complain("expected addresses of up to 320 bytes, a million at most",
                                    "rcpt");
    if (!blast_users_rejected(w->rcpt.word, w->rcpt.count, o->recipients, &p->rejected))
        return blast_words_complain("out of memory", NULL);
    o->users = p->users;
    o->rejected = p->rejected;
    o->reject_code = (uint32_t)w->expect_reject;
    return o->recipients <= o->user_count ||
           blast_words_complain("more than there are with --rcpt", "recipients");
}

/* ---- all of it ---- */

static bool read_work(const char *text, enum blast_work *work_out)
{
    static const char *const works[] = {
        [BLAST_WORK_SMTP] = "smtp", [BLAST_WORK_POP3] = "pop3", [BLAST_WORK_IMAP] = "imap"};

    for (int i = 0; i <= BLAST_WORK_IMAP; i++) {
        *work_out = (enum blast_work)i;
        if (strcmp(text, works[i]) == 0)
            return true;
    }
    return false;
}

bool blast_plan_blast(struct blast_plan *p, int count, char **words)
{
    struct blast_words *w = &p->words;

    *p = (struct blast_plan){.words = {.pmd = "af_packet",
                                       .work = "smtp",
                                       .from = "blast@example.test",
                                       .size = "4k",
                                       .helo = "blast.example.test",
                                       .workers = 1,
                                       .reuse = 1,
                                       .timeout = 30,
                                       .drain = 5,
                                       .limit_rate = 100000,
                                       .limit_seconds = 3600,
                                       .recipients = 1,
                                       .texts = 64,
                                       .seed = 1,
                                       .shapes = "plain",
                                       .languages = "english",
                                       .slow_bytes = 1000,
                                       .retrieve = UINT64_MAX}};
    if (!blast_words_read(w, BLAST_WORDS_B, count, words) || w->help)
        return w->help;
    if (!read_work(w->work, &p->order.work))
        return blast_words_complain("expected smtp, pop3 or imap", "work");
    if (!blast_users_is_word(w->helo, 64) || !blast_users_is_word(w->from, 320))
        return blast_words_complain("expected printable ASCII without blanks and angle brackets",
                                    "helo, from");
    if (w->write)
        return plan_users(p) && plan_messages(p);
    return plan_port(p) && plan_target(p) && blast_secure_plan(w, &p->order, &p->secure) &&
           blast_load_plan(w, &p->order) && blast_manners_plan(w, &p->order) && plan_users(p) &&
           plan_messages(p) && plan_mailboxes(p);
}

bool blast_plan_sink(struct blast_plan *p, int count, char **words)
{
    struct blast_words *w = &p->words;

    *p = (struct blast_plan){.words = {.pmd = "af_packet",
                                       .helo = "sink.example.test",
                                       .workers = 1,
                                       .timeout = 300,
                                       .sessions = 10000,
                                       .port = 25}};
    if (!blast_words_read(w, BLAST_WORDS_S, count, words) || w->help)
        return w->help;
    if (!blast_users_is_word(w->helo, 64))
        return blast_words_complain("expected printable ASCII without blanks and angle brackets",
                                    "helo");
    p->order.work = BLAST_WORK_SINK;
    p->order.port = (uint16_t)w->port;
    p->order.sessions = (uint32_t)w->sessions;
    p->order.duration_us = w->seconds * SECOND;
    return plan_port(p);
}

void blast_plan_fini(struct blast_plan *p)
{
    blast_words_fini(&p->words);
    blast_secure_free(p->secure);
    blast_messages_free(p->messages);
    blast_users_free(p->users, p->order.user_count);
    free(p->rejected);
}
