/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_MAIL_MAIL_NODES_H
#define CONTROL_MAIL_MAIL_NODES_H

#include "control/store/store_mailbox.h"

/*
 * The tree of names of an account: its mailboxes, the names it is subscribed to, and the levels
 * above them, each once, sorted so that what is below a name follows it. As of one moment. Memory:
 * the names, and 40 bytes for each node, of which a name has one a level at most.
 */
enum mail_node_mark {
    MAIL_NODE_EXISTS = 1,     /* there is a mailbox of that name */
    MAIL_NODE_SUBSCRIBED = 2, /* and a subscription; of neither: a level above one */
    MAIL_NODE_CHILDREN = 4,   /* there is a mailbox below it */
    MAIL_NODE_MATCHES = 8,    /* the rest is for the one who lists: its name is asked for, */
    MAIL_NODE_SELECTED = 16,  /* it is of the kind that is asked for, */
    MAIL_NODE_BELOW = 32,     /* one below it is, */
    MAIL_NODE_HIDDEN = 64,    /* and that one's name is not asked for */
};

struct mail_node {
    struct span name;
    uint64_t mailbox; /* its id, where there is one */
    uint32_t parent;  /* of the level above, plus 1; 0: none */
    uint16_t uses;    /* enum store_use */
    uint8_t marks;    /* enum mail_node_mark */
};

struct mail_nodes {
    struct mail_node *nodes;
    size_t count, cap;
    uint8_t *text; /* where the names lie */
    size_t text_len, text_cap;
    bool failed; /* no memory */
};

/* Reads them. Of `mailboxes` and `subscriptions` one may be left out. What is quarantined is never
 * there. */
enum store_status mail_nodes_read(struct mail_nodes *n, struct store *store, uint64_t account,
                                  bool mailboxes, bool subscriptions);
void mail_nodes_free(struct mail_nodes *n);
/* For each node that has one of `marks`, those above it get `mark`. */
void mail_nodes_raise(struct mail_nodes *n, uint8_t marks, uint8_t mark);

#endif
