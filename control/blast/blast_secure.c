/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_secure.h"

#include <stdlib.h>
#include <string.h>

#include "control/tls/tls_caller.h"

enum { WHY = 512, POP3S = 995 };

struct blast_secure {
    uint32_t count;
    struct tls_caller *clients[]; /* one a worker */
};

/* ---- the workers' calls ---- */

static void *begin(void *context, uint32_t worker, bool resume)
{
    return tls_caller_begin(((struct blast_secure *)context)->clients[worker], resume);
}

static enum blast_tls_step feed(void *handshake, struct span in, struct span *out,
                                uint32_t *taken_out)
{
    switch (tls_attempt_feed(handshake, in, out, taken_out)) {
    case TLS_STEP_MORE:
        return BLAST_TLS_MORE;
    case TLS_STEP_DONE:
        return BLAST_TLS_DONE;
    case TLS_STEP_FAILED:
        break;
    }
    return BLAST_TLS_FAILED;
}

static const struct tls_outcome *outcome(const void *handshake)
{
    return tls_attempt_outcome(handshake);
}

static const char *why_failed(const void *handshake)
{
    return tls_attempt_why(handshake);
}

static bool listens(const void *handshake)
{
    return tls_attempt_listens(handshake);
}

static bool listen(void *handshake, struct span record)
{
    return tls_attempt_listen(handshake, record);
}

static void end(void *handshake)
{
    tls_attempt_free(handshake);
}

/* ---- the plan ---- */

static bool read_version(const char *text, uint16_t *version_out)
{
    if (!text)
        *version_out = 0;
    else if (strcmp(text, "1.2") == 0)
        *version_out = TLS_VERSION_1_2;
    else if (strcmp(text, "1.3") == 0)
        *version_out = TLS_VERSION_1_3;
    else
        return blast_words_complain("expected 1.2 or 1.3", "tls-version");
    return true;
}

static struct blast_secure *secure_new(const struct tls_caller_options *options, uint32_t workers)
{
    struct blast_secure *secure =
        calloc(1, sizeof(*secure) + workers * sizeof(struct tls_caller *));
    char text[WHY];
    struct writer why = writer_of(text, sizeof(text) - 1);

    while (secure && secure->count < workers) {
        secure->clients[secure->count] = tls_caller_new(options, &why);
        if (secure->clients[secure->count++])
            continue;
        text[why.len] = 0;
        blast_words_complain(why.len ? text : "out of memory", "tls");
        blast_secure_free(secure);
        return NULL;
    }
    return secure;
}

static bool nothing_said(const struct blast_words *w)
{
    return (!w->tls_name && !w->tls_ca && !w->tls_suites && !w->tls_version && !w->tls_resume) ||
           blast_words_complain("they want --tls", "tls-...");
}

static bool read_mode(const struct blast_words *w, struct blast_order *o)
{
    if (strcmp(w->tls, "implicit") == 0)
        o->tls = BLAST_TLS_IMPLICIT;
    else if (strcmp(w->tls, "starttls") == 0)
        o->tls = BLAST_TLS_STARTTLS;
    else
        return blast_words_complain("expected implicit or starttls", "tls");
    if (w->slow_readers)
        return blast_words_complain("a record is read whole: not with --tls", "slow-readers");
    /* Mailboxes are read back in the same way. */
    if (!w->pop3_to && o->work == BLAST_WORK_SMTP && o->tls == BLAST_TLS_IMPLICIT)
        o->pop3_port = POP3S;
    return true;
}

bool blast_secure_plan(const struct blast_words *w, struct blast_order *o,
                       struct blast_secure **secure_out)
{
    struct tls_caller_options options = {.name = w->tls_name,
                                         .ca = w->tls_ca,
                                         .suites = w->tls_suites,
                                         .resumes = w->tls_resume > 0};

    *secure_out = NULL;
    if (!w->tls)
        return nothing_said(w);
    if (!read_mode(w, o) || !read_version(w->tls_version, &options.version))
        return false;
    *secure_out = secure_new(&options, o->workers);
    o->tls_resume = (uint32_t)w->tls_resume;
    o->tls_calls = (struct blast_tls_calls){.context = *secure_out,
                                            .begin = begin,
                                            .feed = feed,
                                            .outcome = outcome,
                                            .why = why_failed,
                                            .listens = listens,
                                            .listen = listen,
                                            .end = end};
    return *secure_out;
}

void blast_secure_free(struct blast_secure *secure)
{
    for (uint32_t i = 0; secure && i < secure->count; i++)
        tls_caller_free(secure->clients[i]);
    free(secure);
}
