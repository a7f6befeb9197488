/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef CONTROL_CONFIG_CONFIG_OPTION_H
#define CONTROL_CONFIG_CONFIG_OPTION_H

#include "control/config/config.h"

/* One row of config_option.def. Used inside this folder only. */
enum config_row { CONFIG_ROW_GROUP, CONFIG_ROW_LIST, CONFIG_ROW_OPTION, CONFIG_ROW_OPTIONS };

enum config_type {
    CONFIG_NONE,     /* groups and lists */
    CONFIG_BOOL,     /* bool */
    CONFIG_INTEGER,  /* int64_t */
    CONFIG_SIZE,     /* int64_t, bytes */
    CONFIG_DURATION, /* int64_t, microseconds */
    CONFIG_SCORE,    /* int64_t, thousandths */
    CONFIG_PORT,     /* uint16_t */
    CONFIG_CHOICE,   /* int, the place among the words */
    CONFIG_ADDRESS,  /* struct ip_address */
    CONFIG_NETWORK,  /* struct config_network */
    CONFIG_TEXT,     /* char *, as all that follow: printable */
    CONFIG_NAME,     /* letters, digits, "-", "_", "." */
    CONFIG_CPUS,     /* see config_cpus() */
    CONFIG_PATH,     /* made absolute */
    CONFIG_OUTPUT,   /* a path, "-" or nothing */
    CONFIG_DOMAIN,   /* a domain name, no literal */
    CONFIG_MAILBOX,  /* local part at a domain name */
    CONFIG_HASH,     /* of a password, crypt(5) */
    CONFIG_SCRAM,    /* stored keys of SCRAM, RFC 5803 */
};

struct config_option {
    const char *path;
    uint8_t row;     /* enum config_row */
    uint8_t type;    /* enum config_type */
    uint32_t offset; /* of the field: in struct config, or in the item of the list */
    uint32_t
        count_offset;   /* LIST and OPTIONS: of the uint32_t that counts; the field is a pointer */
    uint32_t item_size; /* LIST and OPTIONS */
    int64_t min, max;   /* numbers: the value; texts: bytes; LIST and OPTIONS: items */
    const char *words;
    const char *fallback; /* the default as it would be written; NULL: must be given */
    const char *text;
};

enum { CONFIG_ROWS_MAX = 384 };

extern const struct config_option config_options[];
extern const uint32_t config_option_count;

/* The part of the path that this row's key is: "workers" of "engine.workers". */
const char *config_option_key(const struct config_option *option);
/* True when `option` stands directly below `parent` (NULL: the top). */
bool config_option_under(const struct config_option *option, const struct config_option *parent);

/* Where texts and lists of a configuration lie. */
struct config_memory;
struct config_memory *config_memory_new(void);
void config_memory_free(struct config_memory *memory);
/* Zeroed. NULL: no memory. */
void *config_memory_take(struct config_memory *memory, size_t size);

/* What a value is read with. */
struct config_reading {
    struct config_memory *memory;
    struct span directory; /* of the file, for relative paths */
};

/*
 * Reads one value into `field`, which has the type's C type. False when the text is no such value
 * or out of its bounds; the field is then untouched.
 */
bool config_value(const struct config_option *option, struct span text,
                  const struct config_reading *reading, void *field);
/* What is right, for the reference: "a size from 64KiB to 2GiB". */
void config_value_range(struct writer *w, const struct config_option *option);
/* What would have been right, for a message: "a size from 64KiB to 2GiB, such as 50MiB". */
void config_value_expected(struct writer *w, const struct config_option *option);
/* Size of the field's C type. */
size_t config_type_size(enum config_type type);

/* Adds "file:line: what" to the errors, without a line for 0. Bytes of the file's own are made
 * printable by the caller. */
__attribute__((format(printf, 4, 5))) void
config_error(struct config_errors *errors, const char *path, size_t line, const char *format, ...);

/*
 * What one option alone does not show. `lines` has the line of each row's value, by its place in
 * the table, 0 where it was left out; items of lists carry their own.
 */
void config_check(struct config *config, const char *path, const uint32_t *lines,
                  struct config_errors *errors);

/*
 * The part of config_check() that is about domains, accounts and aliases: what each address leads
 * to. Fills what the check finds in their structs. False: no memory.
 */
bool config_check_addresses(struct config *config, const char *path, struct config_errors *errors);
/* The same for the maps of submitted mail. False: no memory. */
bool config_check_maps(struct config *config, const char *path, struct config_errors *errors);

/* Wrong issuers and identities; mechanisms that are offered without what they need. */
void config_check_oauth(const struct config *config, const char *path,
                        struct config_errors *errors);
/* Listeners of the API that would not do. */
void config_check_api(const struct config *config, const char *path, struct config_errors *errors);
/* Names of mailboxes that are none. */
void config_check_imap(const struct config *config, const char *path, struct config_errors *errors);
/* The part that is about LDAP, which fills what was left out too. False: no memory. */
bool config_check_ldap(struct config *config, const char *path, struct config_errors *errors);
/* Lines about what is no error and may still surprise. */
void config_warn_ldap(const struct config *config, struct writer *out);

#endif
