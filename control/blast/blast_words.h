/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_BLAST_BLAST_WORDS_H
#define CONTROL_BLAST_BLAST_WORDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The command lines of `wirepost blast` and `wirepost sink`, by the table blast_option.def. */
enum { BLAST_WORDS_LIST = 256, BLAST_WORDS_KEPT = 1024 };
enum blast_words_who { BLAST_WORDS_B = 1, BLAST_WORDS_S = 2, BLAST_WORDS_BS = 3 };

/* Points into the words, or into what is kept of a file. */
struct blast_words_list {
    const char *word[BLAST_WORDS_LIST];
    uint32_t count;
    bool of_file; /* the first one that the command line says takes the place of these */
};

/* Texts are NULL and numbers 0 where nothing was said, unless the caller has filled in a default.
 */
struct blast_words {
    const char *dev, *pmd, *device, *to, *work, *from, *size, *helo, *pop3_to, *password_file,
        *json, *steps, *burst, *syn_flood_from, *loss, *languages, *shapes, *write, *config, *plot,
        *delay, *cpu, *tls, *tls_version, *tls_suites, *tls_name, *tls_ca, *mix;
    struct blast_words_list eal, address, gateway, rcpt, read;
    uint64_t vlan, workers, sessions, rate, ramp, messages, logins, seconds, hold, slow_senders,
        slow_readers, slow_bytes, broken, syn_flood, reuse, timeout, drain;
    uint64_t limit_rate, limit_seconds, recipients, attachments, spam, texts, seed, retrieve, port,
        expect_reject, tls_resume, commands, fetch, watchers;
    bool busy, mine, no_pipelining, bdat, verify, delete, list, quiet, help;
    char *kept[BLAST_WORDS_KEPT];
    uint32_t kept_count;
};

/*
 * Reads the words behind the command's name into *words, which has the defaults. False: the reason
 * was told on standard error.
 */
bool blast_words_read(struct blast_words *words, enum blast_words_who who, int count, char **word);
/* The options of a YAML file (--config), before those of the command line are read. */
bool blast_words_file(struct blast_words *words, enum blast_words_who who, const char *path);
/* One option of a file: its name, and what stands behind it; it is copied. */
bool blast_words_take(struct blast_words *words, enum blast_words_who who, const char *name,
                      const char *value);
void blast_words_fini(struct blast_words *words);
/* Tells on standard error what is wrong; `which` is what was said, or NULL. False. */
bool blast_words_complain(const char *what, const char *which);
/* What there is to be said, as --help has it. */
void blast_words_help(enum blast_words_who who, FILE *out);

/* digits [ "." digits ], up to `most`; moves *text behind it. */
bool blast_words_decimal(const char **text, double most, double *number_out);
/* digits [k / M / G], of 1024; false when it is none or too large. */
bool blast_words_bytes(const char *text, uint64_t *bytes_out);

#endif
