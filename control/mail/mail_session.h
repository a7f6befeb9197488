/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_SESSION_H
#define CONTROL_MAIL_MAIL_SESSION_H

#include "control/mail/mail_box.h"
#include "control/mail/mail_text.h"
#include "control/store/store_mailbox.h"
#include "dataplane/handoff/job.h"
#include "proto/imap/imap_set.h"

/*
 * Control's side of a session of IMAP: what it has selected, and the command under way. What the
 * files of this folder share; all of it belongs to the thread of the account.
 */
struct mail_index;
struct mail_service;
struct mail_run;

/* Small: an idling session has this and nothing else here. */
struct imap_session {
    struct mail_service *service;
    struct mail_run *run; /* NULL: no command is under way */
    struct job *held;     /* to be answered when the index has answered */
    struct imap_session *resumed; /* the next one of those that go on */
    uint8_t *idle_tag;    /* while it idles; its length first */
    uint64_t account;
    struct mail_view view; /* view.box NULL: nothing is selected */
    struct imap_set saved; /* "$": mail_saved.h */
    uint32_t place, generation;
    uint16_t worker;
    bool read_only : 1; /* EXAMINE */
    bool idling : 1;
    bool told : 1;       /* a notice is on its way to it */
    bool rev2 : 1;       /* IMAP4rev2 is enabled (RFC 9051 appendix A) */
    bool accept : 1;     /* UTF8=ACCEPT is (RFC 6855) */
    bool utf8 : 1;       /* one of them is: UTF-8 in quoted strings, names and headers */
    bool condstore : 1;  /* it is told modification sequences (RFC 7162 section 3.1) */
    bool qresync : 1;    /* and VANISHED instead of EXPUNGE (section 3.2.3) */
    uint64_t append_max; /* octets that a message may have, as of the command under way */
};

/* What a command says in the end. */
enum mail_outcome { MAIL_OK, MAIL_NO, MAIL_BAD };

enum mail_step {
    MAIL_STEP_AGAIN, /* it has composed something, or set `body`, and goes on */
    MAIL_STEP_YIELD, /* it has nothing to say yet, and others get their turn */
    MAIL_STEP_WAIT,  /* for the message of an APPEND */
    MAIL_STEP_OVER,  /* all is composed but for news and the tagged response */
};

struct mail_decode;

struct mail_source;

/* Octets of a message that follow the text composed so far; the source stays the verb's. */
struct mail_body {
    const struct mail_source *source; /* NULL: none */
    struct mail_decode *decode; /* the next `end` - `at` of its octets; NULL: as they lie */
    uint64_t at, end;
};

/* A command under way. */
struct mail_run {
    const struct mail_verb *verb;
    struct imap_cursor args; /* behind the name's blank */
    struct mail_text text;
    struct mail_body body;
    void *state;     /* of the verb's own */
    uint8_t *memory; /* the command, then the cursor's scratch */
    struct span tag;
    uint32_t progress; /* messages it is through with, of `goal`; where that takes long */
    uint32_t goal;
    int64_t told_at; /* seconds of a clock that only goes on: when it told of it last, or began */
    bool uid;        /* "UID" stood before the name */
    bool spaced;
    bool over;        /* all is composed but for news and the tagged response, */
    bool finished;    /* and those are, too */
    bool waits;       /* for the message of an APPEND */
    bool asked;       /* the index was, and the command goes on with mail_service_resume() */
    uint8_t outcome;  /* enum mail_outcome */
    bool highest;     /* messages were expunged, or told as vanished: HIGHESTMODSEQ is due */
    uint8_t executed; /* enum imap_executed, set when it is not plain */
    bool said;        /* `executed` is */
    uint64_t modseq;  /* the highest that it has told of a message */
    const char *code; /* response code with its brackets, or NULL */
    const char *words;
    char code_text[192]; /* where a code that is made lies */
};

/* What of the news a command may tell (RFC 9051 section 7.5.1: no EXPUNGE while sequence numbers
 * are about). */
enum mail_news { MAIL_NEWS_NONE, MAIL_NEWS_ALL, MAIL_NEWS_NO_EXPUNGE };

struct mail_verb {
    /* Composes the next piece; the first call reads the arguments. */
    enum mail_step (*step)(struct imap_session *s, struct mail_run *r);
    /* Gives back `state`; NULL: free() does. */
    void (*end)(struct mail_run *r);
    uint8_t news; /* enum mail_news */
    bool rev1;    /* of IMAP4rev1 alone: not taken where IMAP4rev2 is enabled */
};

/* By enum imap_verb; NULL `step`: not offered. */
extern const struct mail_verb mail_verbs[];

/* The end of a step. `code` and `words` last. */
enum mail_step mail_run_end(struct mail_run *r, enum mail_outcome outcome, const char *code,
                            const char *words);
static inline enum mail_step mail_run_ok(struct mail_run *r)
{
    return mail_run_end(r, MAIL_OK, NULL, "done");
}
static inline enum mail_step mail_run_bad(struct mail_run *r)
{
    return mail_run_end(r, MAIL_BAD, NULL, "bad arguments");
}
/* NO, with the response code of RFC 5530 for what the store said. */
enum mail_step mail_run_failed(struct mail_run *r, enum store_status status);

/* mail_service.c */
struct store *mail_service_store(const struct mail_service *service);
struct mail_digests *mail_service_digests(const struct mail_service *service);
/* The mailbox, shared with others that have it: it stays until mail_service_select() or
 * mail_service_leave(). */
enum store_status mail_service_open(struct mail_service *service, uint64_t mailbox,
                                    struct mail_box **box_out);
/* It is not wanted any more. */
void mail_service_leave(struct mail_service *service, struct mail_box *box);
/* Selects what is read to its end; it is left where that fails. */
enum store_status mail_service_select(struct imap_session *s, struct mail_box *box, bool read_only);
/* The mailbox as it is now, if somebody has it selected; else *box_out is NULL. */
enum store_status mail_service_box(struct mail_service *service, uint64_t mailbox,
                                   const struct mail_box **box_out);
struct mail_tallies *mail_service_tallies(struct mail_service *service);
/* The first UID that no session was told of yet (\\Recent). */
uint32_t mail_service_recent(struct mail_service *service, uint64_t mailbox);
/* NULL: there is none. */
struct mail_index *mail_service_index(const struct mail_service *service);
/* A command that is held goes on. On the index's thread, once for each time. */
void mail_service_resume(struct imap_session *s);
/* What others have changed is known to be so: to be called before news are told. */
void mail_service_look(struct mail_service *service);
/* Nothing is selected any more. */
void mail_service_unselect(struct imap_session *s);
/* Octets of the messages of all sessions, of other threads too, that wait for the last of their
 * APPEND. */
_Atomic size_t *mail_service_staged(struct mail_service *service);
/* Sessions that idle in the mailbox are to hear of what has changed. */
void mail_service_tell(struct mail_service *service, struct mail_box *box);

/* mail_news.c: untagged responses for what has changed since the session was told. */
void mail_news_put(struct imap_session *s, struct mail_text *t, enum mail_news which);
/* FETCH of one message with those of these items (the last as far as the session is told of it). */
enum mail_told { MAIL_TOLD_UID = 1, MAIL_TOLD_FLAGS = 2, MAIL_TOLD_MODSEQ = 4 };
void mail_news_message(struct imap_session *s, struct mail_text *t, uint32_t number, uint32_t slot,
                       unsigned told);

#endif
