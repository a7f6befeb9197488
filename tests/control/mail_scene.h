/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_CONTROL_MAIL_SCENE_H
#define TESTS_CONTROL_MAIL_SCENE_H

#include "control/mail/mail_index.h"
#include "control/mail/mail_team.h"
#include "control/store/store_mailbox.h"
#include "tests/control/store_scene.h"

/* The mail service over a store with one account; the test plays the worker, whose jobs these are.
 */
enum { MAIL_SCENE_ANSWER = 4 << 20 };

struct mail_scene {
    struct store_scene scene;
    struct handoff *handoff;
    struct handoff_port *port;
    struct mail_team *team;
    struct mail_index *index; /* NULL: without one; the service's */
    char *index_folder;
    uint64_t account, messages;
    uint32_t room; /* octets of the chunk that an answer is written to */
    char *answer;  /* the last command's, NUL-terminated */
    size_t answer_len;
    struct job_imap last; /* what else the last job said */
};

void mail_scene_begin(struct mail_scene *m);
/* And with mailboxes that every account is to have. */
void mail_scene_begin_with(struct mail_scene *m, const struct mail_special *specials,
                           uint32_t count);
/* With a search index. */
void mail_scene_begin_indexed(struct mail_scene *m);
/* Nothing is left selected, and the store is healthy. */
void mail_scene_end(struct mail_scene *m);
struct imap_session *mail_scene_open(struct mail_scene *m);
void mail_scene_close(struct mail_scene *m, struct imap_session *s);
/* A command and all of its answer. */
void mail_scene_run(struct mail_scene *m, struct imap_session *s, const char *command);
/* Its first job alone: the rest of the answer stays there. */
void mail_scene_begin_run(struct mail_scene *m, struct imap_session *s, const char *command);
/* The next piece of it, or all; false: too much. */
bool mail_scene_more(struct mail_scene *m, struct imap_session *s);
void mail_scene_pull(struct mail_scene *m, struct imap_session *s);
/* The line that ends an IDLE; what an idling session is to be told. */
void mail_scene_done(struct mail_scene *m, struct imap_session *s, const char *line);
void mail_scene_news(struct mail_scene *m, struct imap_session *s);
/* Places of sessions that a notice has come for, a bit each. */
uint32_t mail_scene_notices(struct mail_scene *m);
/* APPEND with a message; `fault`: what is wrong with it, or NULL. */
void mail_scene_append(struct mail_scene *m, struct imap_session *s, const char *command,
                       const char *message, const char *fault);
/* The same, of any octets; with NUL among them. */
void mail_scene_append_bytes(struct mail_scene *m, struct imap_session *s, const char *command,
                             struct span message);
void mail_scene_nul(struct mail_scene *m, struct imap_session *s, const char *command,
                    struct span message);
/* A message of the APPEND that waits for it, and what stands behind it; `again`: another follows. */
void mail_scene_message(struct mail_scene *m, struct imap_session *s, const char *message,
                        const char *behind, bool again);
/* Runs it; compares the answer, where '*' at the end of `expected` stands for anything. */
bool mail_scene_says(struct mail_scene *m, struct imap_session *s, const char *command,
                     const char *expected);

#endif
