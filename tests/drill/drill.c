/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "tests/drill/drill_run.h"

/* Plays scripts in packetdrill's language against the endpoint; docs/packetdrill.md */

static const struct {
    const char *name, *text;
} rules[] = {
#define DRILL_RULE(name, text) {#name, text},
#include "tests/drill/drill_rule.def"
#undef DRILL_RULE
};

static char *read_file(const char *name)
{
    FILE *file = fopen(name, "r");
    size_t len = 0, room = 0;
    char *text = NULL;

    if (!file)
        drill_stop(DRILL_SYNTAX, 0, "cannot read %s", name);
    do {
        if (len == room) {
            room = room ? room * 2 : 65536;
            text = realloc(text, room + 1);
            if (!text)
                drill_stop(DRILL_REFUSED, 0, "no memory");
        }
        len += fread(text + len, 1, room - len, file);
    } while (len == room);
    fclose(file);
    text[len] = 0;
    return text;
}

static void relax(bool relaxed[DRILL_RULES], const char *name)
{
    bool all = !strcmp(name, "freebsd"), known = all;

    for (size_t i = 0; i < DRILL_RULES; i++) {
        bool this = !strcmp(name, rules[i].name);

        relaxed[i] |= all || this;
        known |= this;
    }
    if (!known)
        drill_stop(DRILL_SYNTAX, 0, "no rule is called %s", name);
}

int main(int argc, char **argv)
{
    bool relaxed[DRILL_RULES] = {false}, parse = false;
    struct drill_script *script;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strncmp(argv[i], "--relax=", 8)) {
            relax(relaxed, argv[i] + 8);
        } else if (!strcmp(argv[i], "--parse")) {
            parse = true;
        } else if (!strcmp(argv[i], "--rules")) {
            for (size_t r = 0; r < DRILL_RULES; r++)
                printf("%-8s %s\n", rules[r].name, rules[r].text);
            return 0;
        }
    }
    if (i != argc - 1) {
        fprintf(stderr, "usage: drill [--relax=RULE]... [--parse] SCRIPT\n       drill --rules\n");
        return DRILL_SYNTAX;
    }
    script = drill_script_read(read_file(argv[i]));
    if (!parse)
        drill_run(script, relaxed);
    printf("passed\n");
    return DRILL_PASSED;
}
