/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_SERVICE_POLICY_H
#define CONTROL_SERVICE_POLICY_H

#include "control/config/config.h"
#include "control/store/store.h"
#include "dataplane/handoff/directory.h"
#include "dataplane/handoff/handoff.h"
#include "dataplane/handoff/metric.h"

/*
 * What is in force: the rules, settings, addresses and accounts of one configuration, and their
 * replacement by those of the next without a moment in between. One thread at a time.
 */
struct policy;

struct policy_options {
    struct store *store; /* borrowed, like the next */
    struct handoff *handoff;
    uint32_t addresses_max;       /* domains and addresses that workers can look up */
    uint32_t connections;         /* of all workers together */
    uint32_t counters;            /* windowed ones, for limits */
    uint32_t known;               /* answers of greylisting that workers remember */
    uint32_t cache, cache_absent; /* names of other back ends that workers remember */
    bool profile;                 /* every message carries stamps of its own */
};

/* NULL: no memory. */
struct policy *policy_new(const struct policy_options *options);
/*
 * Puts a configuration into force; borrows it until the next success. The first success starts the
 * account service. False leaves everything as it was, with lines of reasons in `why`. Blocks for
 * compiling rules and for a grace period.
 */
bool policy_apply(struct policy *policy, const struct config *config, struct writer *why);
/* Counts configurations; of the one in force. */
uint64_t policy_version(const struct policy *policy);

/* What control threads need of the configuration in force. */
struct policy_values {
    uint64_t quarantine_ms, audit_ms, tombstone_ms; /* how long each is kept; 0: for ever */
    uint32_t tombstones;                            /* most in a mailbox; 0: all */
    uint64_t message_size;                          /* of the largest message */
    uint16_t node;
    const char *hash_prefix; /* of new passwords; static */
};
/* From any thread. */
struct policy_values policy_values(struct policy *policy);
/* Whether the workers' table has this for good: the configuration in force names it. Any thread. */
bool policy_keeps(struct policy *policy, enum directory_kind kind, struct span key);
/* Whether the back end of that name is asked. From any thread. */
bool policy_asks(struct policy *policy, const char *backend);
/* Whether the configuration in force has an account with this key. From any thread. */
bool policy_lists(struct policy *policy, struct span key);
/* Whether the configuration in force has all accounts that the message is for; a
 * store_service_serves of a struct policy. From any thread. */
bool policy_serves(void *policy, const struct message *message);
/* The same without a lock, from workers (RCU). */
bool policy_serves_near(void *policy, const struct message *message);

struct directory_service;
/* Whom to tell of what has changed in a back end; NULL before the first success. */
struct directory_service *policy_directory(struct policy *policy);
/* The account with this id is not served any more: what comes for it is not committed. From any
 * thread. False: no memory. */
bool policy_gone(struct policy *policy, uint64_t account);

struct rule_look;
/* As rule_loader_look(). From any thread. */
bool policy_look_at_rules(struct policy *policy,
                          void (*visit)(void *context, const struct rule_look *look),
                          void *context);

/* The directory and the counters of limits by name; metrics_named.def says what. Any thread. */
void policy_counters(const struct policy *policy, const struct counter_sink *sink);

/* What stands between user and detail in the domain of an address's key; 0: nothing. From any
 * thread. */
char policy_detail_separator(struct policy *policy, struct span key);

/* To be called now and then: frees rules that no message uses any more. */
void policy_sweep(struct policy *policy);
/* Who is banned. */
struct ban_list *policy_bans(struct policy *policy);
/* And what of it outlives the engine. */
struct defence_store *policy_defence(struct policy *policy);
/* The service of greylisting, from the first success to policy_stop(). */
struct greylist_service *policy_greylist(struct policy *policy);
/* Ends the account service and that of greylisting. Workers have stopped. */
void policy_stop(struct policy *policy);
/* After policy_stop() and when nothing reads the settings any more. */
void policy_free(struct policy *policy);

struct rule_loader_options;
/* What a configuration says of its rules, borrowed from it. */
void policy_rule_options(const struct config *config, struct rule_loader_options *options_out);
/* What is wrong with a configuration's rules, as lines in `why`. */
bool policy_check_rules(const struct config *config, struct writer *why);

#endif
