/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_API_API_CALL_H
#define CONTROL_API_API_CALL_H

#include <jansson.h>
#include <semaphore.h>

#include "control/api/api_route.h"
#include "control/ctl/ctl_directory.h"

/*
 * One request as the operations see it, and its answer: no sockets, no HTTP library. The server
 * fills the one and sends the other.
 */
enum api_problem {
    API_FINE,
#define API_PROBLEM(SYMBOL, status, code, text) API_PROBLEM_##SYMBOL,
#include "control/api/api_problem.def"
#undef API_PROBLEM
    API_PROBLEMS
};

enum { API_PAGE = 100, API_PAGE_MAX = 1000, API_DETAIL = 1024, API_ADDRESS = 64 };

/* What operations work on; all borrowed. */
struct api_context {
    struct ctl_mail *mail;
    struct ctl_subject engine; /* who answers "status" */
    bool (*healthy)(void *context);
    void *healthy_context;
    sem_t *hashing; /* so many hash passwords at a time */
};

struct api_call {
    const struct api_context *context;
    struct api_match match;
    char name[TOKEN_NAME + 1]; /* of the token */
    struct token_row token;
    char client[API_ADDRESS];
    /* Query: */
    struct span domain, cursor; /* decoded; empty: left out */
    uint32_t limit;
    /* Header fields, as sent; empty: left out. */
    struct span if_match, if_none_match;
    struct span body;
};

struct api_answer {
    unsigned status;
    enum api_problem problem;
    json_t *body; /* a reference of the answer's; NULL: none */
    char tag[DIRECTORY_ADMIN_TAG + 1];
    uint32_t methods; /* NO_METHOD: those there are */
    uint32_t wait_s;  /* THROTTLED: for Retry-After */
    char *lines;      /* from malloc: in place of `body`, JSON lines */
    size_t lines_len;
};

/* Sets the answer to a problem with its details (RFC 9457); empty: the row's own words. What of it
 * came from a peer is made harmless. */
void api_refuse(struct api_answer *answer, enum api_problem problem, struct span detail);
/* The problem that a reason of ctl's means, and the refusal for it. */
void api_refuse_for(struct api_answer *answer, const struct api_call *call,
                    const struct ctl_terms *terms, struct span why);
unsigned api_problem_status(enum api_problem problem);
void api_answer_fini(struct api_answer *answer);

/* Whether the token may name this key of an address, or "@" and a domain; of a domain
 * api_may_domain(). */
bool api_may(const struct api_call *call, struct span key);
bool api_may_domain(const struct api_call *call, struct span key);
/* The terms of a change by this call; `why` gets the reason for the audit log, in the caller's
 * memory. */
struct ctl_terms api_terms(const struct api_call *call, struct span why);

/* Does what was asked for, with a token whose role may (api_route_allows()). Imports are
 * api_import.h. */
void api_call(const struct api_call *call, struct api_answer *answer);

/* ---- the parts of it ---- */

/* api_directory.c: entries one by one. */
void api_directory_get(const struct api_call *call, struct api_answer *answer);
void api_directory_put(const struct api_call *call, struct api_answer *answer);
void api_directory_patch(const struct api_call *call, struct api_answer *answer);
void api_directory_delete(const struct api_call *call, struct api_answer *answer);
/* api_list.c: pages of them. */
void api_list(const struct api_call *call, struct api_answer *answer);
/* api_engine.c: status, health and bans. */
void api_engine(const struct api_call *call, struct api_answer *answer);

#endif
