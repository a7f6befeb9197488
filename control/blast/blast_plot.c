/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/blast/blast_plot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool failed(struct writer *why, int error)
{
    if (error == ENOENT)
        writer_text(why, "--plot: there is no gnuplot here (Debian has it in gnuplot-nox)");
    else
        writer_printf(why, "gnuplot: %s", strerror(error));
    return false;
}

/* Runs it with `in` as its standard input; what it says goes where ours does, or nowhere. */
static bool start(char *const argv[], int in, bool silent, pid_t *pid_out, struct writer *why)
{
    posix_spawn_file_actions_t actions;
    int error;

    posix_spawn_file_actions_init(&actions);
    if (in >= 0)
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (silent)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    error = posix_spawnp(pid_out, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return !error || failed(why, error);
}

static bool wait_for(pid_t pid, struct writer *why)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return failed(why, errno);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    writer_text(why, "gnuplot could not draw it");
    return false;
}

bool blast_plot_can(struct writer *why)
{
    char *argv[] = {(char[]){"gnuplot"}, (char[]){"--version"}, NULL};
    pid_t pid;

    return start(argv, -1, true, &pid, why) && wait_for(pid, why);
}

/* In single quotes, within which only the quote itself is special. */
static void put_quoted(FILE *out, const char *text)
{
    fputc('\'', out);
    for (; *text; text++)
        fprintf(out, *text == '\'' ? "''" : "%c", *text);
    fputc('\'', out);
}

static double field(const json_t *row, const char *name)
{
    return json_number_value(json_object_get(row, name));
}

void blast_plot_script(FILE *out, const char *path, const json_t *timeline)
{
    fputs("$run << END\n", out);
    for (size_t i = 0; i < json_array_size(timeline); i++) {
        const json_t *row = json_array_get(timeline, i);

        fprintf(out, "%.3f %.1f %.3f %.3f %.3f\n", field(row, "at"), field(row, "messages"),
                field(row, "mbit"), field(row, "p50_us") / 1e3, field(row, "p99_us") / 1e3);
    }
    fputs("END\nset terminal svg size 1000,700 background 'white'\nset output ", out);
    put_quoted(out, path);
    fputs("\nset multiplot layout 2,1\nset grid\nset xlabel 'seconds'\nset xrange [0:*]\n"
          "set yrange [0:*]\nset y2range [0:*]\nset ytics nomirror\nset y2tics\n"
          "set ylabel 'messages a second'\nset y2label 'Mbit/s'\n"
          "plot $run using 1:2 with linespoints pointsize 0.4 title 'messages a second', "
          "$run using 1:3 axes x1y2 with lines title 'Mbit/s'\n"
          "unset y2tics\nunset y2label\nset ytics mirror\n"
          "set ylabel 'ms, of the sessions that ended'\n"
          "plot $run using 1:4 with linespoints pointsize 0.4 title 'p50', "
          "$run using 1:5 with linespoints pointsize 0.4 title 'p99'\n"
          "unset multiplot\n",
          out);
}

bool blast_plot_draw(const char *path, const json_t *timeline, struct writer *why)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    char *argv[] = {(char[]){"gnuplot"}, NULL};
    int ends[2];
    pid_t pid;
    FILE *in;
    bool ok;

    if (pipe2(ends, O_CLOEXEC))
        return failed(why, errno);
    ok = start(argv, ends[0], false, &pid, why);
    close(ends[0]);
    in = fdopen(ends[1], "w");
    /* One that ends early is found by its status. */
    sigaction(SIGPIPE, &ignore, &before);
    if (ok && in)
        blast_plot_script(in, path, timeline);
    if (in)
        fclose(in);
    else
        close(ends[1]);
    sigaction(SIGPIPE, &before, NULL);
    return ok && wait_for(pid, why);
}
