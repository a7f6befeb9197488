/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_DRILL_DRILL_SCRIPT_H
#define TESTS_DRILL_DRILL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdnoreturn.h>

/*
 * A script in packetdrill's language, read into memory. Memory is never given back: a process reads
 * one script. Whatever is wrong with a script ends the process with a message that names its line.
 */
enum drill_exit {
    DRILL_PASSED = 0,
    DRILL_FAILED = 1,  /* the endpoint did something else */
    DRILL_SYNTAX = 2,  /* not the language */
    DRILL_REFUSED = 3, /* the language, but a part of it that is not TCP's or not offered */
    DRILL_EXITS,
};
noreturn void drill_stop(enum drill_exit why, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void *drill_memory(size_t len);

enum drill_limit { DRILL_OPTIONS = 24, DRILL_SACKS = 4, DRILL_NAME = 32 };

/* When, in microseconds: `+` counts from the event before. */
struct drill_time {
    enum { DRILL_ABSOLUTE, DRILL_RELATIVE, DRILL_ANY } kind;
    int64_t from, to; /* alike unless a range was given with ~ */
    bool lasts;       /* from...to: a call that blocks that long */
};

enum drill_option_kind {
    DRILL_EOL,
    DRILL_NOP,
    DRILL_MSS,
    DRILL_WSCALE,
    DRILL_SACKOK,
    DRILL_SACK,
    DRILL_TS,
    DRILL_OTHER,
};

struct drill_option {
    enum drill_option_kind kind;
    uint32_t value;     /* MSS, window scale, TS val, kind of another one */
    uint32_t echo;      /* TS ecr */
    bool any, any_echo; /* `.` stood in the place of the value */
    uint8_t len;        /* of another one's bytes */
    uint8_t bytes[18];
    uint32_t count; /* of blocks */
    struct {
        uint32_t start, end;
    } blocks[DRILL_SACKS];
};

enum drill_ecn { DRILL_NOECN, DRILL_ECT1, DRILL_ECT0, DRILL_CE, DRILL_ECT01, DRILL_ECN_ANY };

struct drill_tcp {
    uint8_t flags; /* as in the header */
    uint32_t seq, len, ack;
    uint16_t window, urgent;
    bool has_ack, has_window, has_urgent, any_options;
    enum drill_ecn ecn;
    uint32_t option_count;
    struct drill_option options[DRILL_OPTIONS];
};

struct drill_icmp {
    uint8_t type, code;
    uint32_t mtu;
    bool v4, has_seq;
    uint32_t seq, len; /* of the segment that is quoted */
};

/* An argument or a result of a call. */
struct drill_value {
    enum { DRILL_NUMBER, DRILL_WORD, DRILL_STRING, DRILL_ELLIPSIS, DRILL_LIST, DRILL_STRUCT } kind;
    int64_t number;
    const char *text; /* a word, words joined by |, or a string's contents */
    const char *name; /* of a member of a structure; else NULL */
    uint32_t count;
    struct drill_value *items;
};

struct drill_call {
    const char *name;
    uint32_t count;
    struct drill_value *arguments;
    struct drill_value result;
    const char *error; /* "EAGAIN", or NULL */
};

enum drill_event_kind { DRILL_IN, DRILL_OUT, DRILL_ICMP, DRILL_CALL, DRILL_COMMAND, DRILL_CODE };

struct drill_event {
    struct drill_event *next;
    int line;
    struct drill_time time;
    enum drill_event_kind kind;
    union {
        struct drill_tcp tcp;
        struct drill_icmp icmp;
        struct drill_call call;
        const char *command; /* or what stands in %{ }% */
    };
};

struct drill_setting {
    struct drill_setting *next;
    const char *name, *value;
};

struct drill_script {
    struct drill_setting *settings; /* the lines --name=value */
    struct drill_event *events;
};

/* `text` ends with a NUL. */
struct drill_script *drill_script_read(const char *text);
const char *drill_script_setting(const struct drill_script *script, const char *name);

/* The reader's place in the text; shared by the files of the reader. */
struct drill_reader {
    const char *at;
    int line;
    bool v6; /* what --ip_version says */
};
void drill_space(struct drill_reader *r);
/* Steps over `text` if it stands here, with the space before it. */
bool drill_skip(struct drill_reader *r, const char *text);
/* The same for a word: no letter, digit or _ may follow it. */
bool drill_skip_word(struct drill_reader *r, const char *word);
void drill_need(struct drill_reader *r, const char *text);
/* A word that begins with a letter or _; NULL: there is none. */
const char *drill_word(struct drill_reader *r);
bool drill_at_number(struct drill_reader *r);
/* Decimal or 0x; a sign is allowed. */
int64_t drill_number(struct drill_reader *r);
char *drill_copy(const char *from, size_t len);

void drill_read_packet(struct drill_reader *r, struct drill_event *event);
void drill_read_call(struct drill_reader *r, struct drill_event *event);

#endif
