/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void play(const char *name, const bool relaxed[DRILL_RULES], bool parse)
{
    struct drill_script *script = drill_script_read(read_file(name));

    if (!parse)
        drill_run(script, relaxed);
    printf("passed\n");
    exit(DRILL_PASSED);
}

/* Plays a script in a process of its own: one that fails ends. Its last line comes back. */
static int play_apart(const char *name, const bool relaxed[DRILL_RULES], bool parse, char line[512])
{
    int ends[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t child;

    fflush(stdout);
    if (pipe(ends) || (child = fork()) < 0)
        drill_stop(DRILL_REFUSED, 0, "no process");
    if (!child) {
        dup2(ends[1], STDOUT_FILENO);
        play(name, relaxed, parse);
    }
    close(ends[1]);
    while ((n = read(ends[0], line + len, 511 - len)) > 0)
        len += (size_t)n;
    close(ends[0]);
    line[len] = 0;
    line[strcspn(line, "\n")] = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : DRILL_EXITS;
}

static int is_script(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return len > 4 && !strcmp(entry->d_name + len - 4, ".pkt");
}

/* The scripts of a folder in the order of their names. */
static char **list_folder(const char *folder, int *count_out)
{
    struct dirent **entries;
    char **names;

    *count_out = scandir(folder, &entries, is_script, alphasort);
    if (*count_out <= 0 || chdir(folder))
        drill_stop(DRILL_SYNTAX, 0, "no scripts in %s", folder);
    names = drill_memory((size_t)*count_out * sizeof(*names));
    for (int i = 0; i < *count_out; i++) {
        names[i] = drill_copy(entries[i]->d_name, strlen(entries[i]->d_name));
        free(entries[i]);
    }
    free(entries);
    return names;
}

/* TAP: a line a script. */
static int play_all(char **names, int count, const bool relaxed[DRILL_RULES], bool parse)
{
    int failed = 0;

    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char line[512];
        int status = play_apart(names[i], relaxed, parse, line);

        if (status)
            printf("# %s\n", status == DRILL_EXITS ? "it crashed" : line);
        printf("%s %d %s\n", status ? "not ok" : "ok", i + 1, names[i]);
        failed += !!status;
    }
    return failed ? DRILL_FAILED : DRILL_PASSED;
}

int main(int argc, char **argv)
{
    bool relaxed[DRILL_RULES] = {false}, parse = false, tap = false;
    const char *folder = NULL;
    char **names;
    int count;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strncmp(argv[i], "--relax=", 8)) {
            relax(relaxed, argv[i] + 8);
        } else if (!strcmp(argv[i], "--parse")) {
            parse = true;
        } else if (!strncmp(argv[i], "--folder=", 9)) {
            folder = argv[i] + 9;
        } else if (!strcmp(argv[i], "--tap")) {
            tap = true;
        } else if (!strcmp(argv[i], "--rules")) {
            for (size_t r = 0; r < DRILL_RULES; r++)
                printf("%-8s %s\n", rules[r].name, rules[r].text);
            return 0;
        }
    }
    if (folder) {
        names = list_folder(folder, &count);
        return play_all(names, count, relaxed, parse);
    }
    if (tap && i < argc)
        return play_all(argv + i, argc - i, relaxed, parse);
    if (i != argc - 1) {
        fprintf(stderr, "usage: drill [--relax=RULE]... [--parse] SCRIPT\n"
                        "       drill [--relax=RULE]... [--parse] --tap SCRIPT...\n"
                        "       drill [--relax=RULE]... --folder=FOLDER\n"
                        "       drill --rules\n");
        return DRILL_SYNTAX;
    }
    play(argv[i], relaxed, parse);
    return DRILL_PASSED;
}
