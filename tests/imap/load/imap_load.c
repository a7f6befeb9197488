/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Load for an IMAP server, for comparisons: sessions over the kernel's TCP, one thread, one epoll.
 * Each session sends a command, reads up to its answer, and sends the next. Prints one JSON object.
 * Trusts the server it measures: literals are skipped by their announced length, answers are found
 * by their tag, and anything but OK is counted.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 1 << 17, LINE_KEPT = 256, SESSIONS_MAX = 4096, SAMPLES_MAX = 1 << 22, TAG = 4 };

struct imap_load_work {
    const char *name;
    bool reconnects;         /* a round is a connection */
    const char *commands[5]; /* %u: a message's number, %a: an APPEND, %s: + or - */
};

/* What a session does again and again once it has logged in and selected its mailbox. */
static const struct imap_load_work works[] = {
    {"noop", false, {"NOOP"}},
    {"open",
     true,
     {"FETCH 1:50 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO "
      "SUBJECT)])",
      "LOGOUT"}},
    {"headers",
     false,
     {"FETCH 1:50 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS (DATE FROM TO "
      "SUBJECT)])"}},
    {"envelope", false, {"FETCH 1:50 (UID FLAGS ENVELOPE BODYSTRUCTURE)"}},
    {"body", false, {"FETCH 1:20 (UID BODY.PEEK[])"}},
    {"store", false, {"STORE %u %sFLAGS (\\Flagged)"}},
    {"append", false, {"APPEND load-sink (\\Seen) %a"}},
    {"search",
     false,
     {"SEARCH UNSEEN SINCE 1-Jan-2020", "UID SEARCH FLAGGED", "SEARCH SUBJECT \"number 7\""}},
    {"idle", false, {"IDLE"}},
};

enum stage { GREETING, LOGIN, SELECT, WORK, IDLING, STOPPED };

struct imap_load_session {
    int fd;
    uint32_t number, command, round;
    enum stage stage;
    uint64_t began; /* when the command went out, ns */
    uint64_t skip;  /* bytes of a literal that are still to come */
    size_t line;    /* bytes of the line so far */
    char head[LINE_KEPT], tail[32];
    bool done; /* a command's answer is in */
};

struct imap_load {
    const char *host, *user, *password;
    const struct imap_load_work *work;
    uint32_t port, users, sessions, size;
    double seconds;
    int poll;
    bool measuring;
    char *append;
    uint64_t commands, refused, bytes, rounds, woken, appended_at;
    uint32_t *samples; /* us */
    size_t sample_count;
    struct imap_load_session all[SESSIONS_MAX];
};

static struct imap_load load;
static char input[ROOM];

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "imap_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void sample(uint64_t since)
{
    if (load.measuring && load.sample_count < SAMPLES_MAX)
        load.samples[load.sample_count++] = (uint32_t)((now() - since) / 1000);
}

static void put(struct imap_load_session *s, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(s->fd, text, length, MSG_NOSIGNAL);

        if (sent < 0)
            die("send");
        text += sent;
        length -= (size_t)sent;
    }
}

static void say(struct imap_load_session *s, const char *text)
{
    s->began = now();
    put(s, text, strlen(text));
}

static void dial(struct imap_load_session *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)load.port)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = s};
    int one = 1;

    if (inet_pton(AF_INET, load.host, &to.sin_addr) != 1)
        die(load.host);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("connect");
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (epoll_ctl(load.poll, EPOLL_CTL_ADD, s->fd, &event) != 0)
        die("epoll_ctl");
    s->stage = GREETING;
    s->line = s->skip = 0;
    s->command = 0;
    s->began = now();
}

/* The command of the table with its message number, sign or literal in place. */
static void command(struct imap_load_session *s)
{
    const char *from = load.work->commands[s->command];
    char text[512] = "WORK ";
    size_t at = 5;

    for (; *from && at < sizeof(text) - 64; from++) {
        if (*from != '%') {
            text[at++] = *from;
            continue;
        }
        from++;
        if (*from == 'u')
            at += (size_t)snprintf(text + at, 16, "%u", s->round % 50 + 1);
        else if (*from == 's')
            text[at++] = (s->round / 50) % 2 ? '-' : '+';
        else
            at += (size_t)snprintf(text + at, 32, "{%u+}", load.size);
    }
    memcpy(text + at, "\r\n", 3);
    say(s, text);
    if (strstr(load.work->commands[s->command], "%a"))
        put(s, load.append, load.size + 2);
}

static void begin_work(struct imap_load_session *s)
{
    s->stage = WORK;
    s->command = 0;
    command(s);
}

/* A round of commands is over; the next begins, over a new connection where the work says so. */
static void next_round(struct imap_load_session *s)
{
    s->round++;
    load.rounds += load.measuring;
    if (!load.work->reconnects) {
        begin_work(s);
        return;
    }
    close(s->fd);
    dial(s);
}

static void answered(struct imap_load_session *s)
{
    char text[512];

    switch (s->stage) {
    case STOPPED:
        return;
    case GREETING:
        snprintf(text, sizeof(text), "WORK LOGIN ");
        snprintf(text + 11, sizeof(text) - 11, load.user, s->number % load.users + 1);
        snprintf(text + strlen(text), 128, " \"%s\"\r\n", load.password);
        s->stage = LOGIN;
        say(s, text);
        return;
    case LOGIN:
        s->stage = SELECT;
        say(s, "WORK SELECT load\r\n");
        return;
    case SELECT:
        begin_work(s);
        return;
    default:
        if (++s->command < 5 && load.work->commands[s->command])
            command(s);
        else
            next_round(s);
    }
}

/* A whole line that is no part of a literal. */
static void line_read(struct imap_load_session *s)
{
    if (s->stage == GREETING) {
        s->done = true;
    } else if (strncmp(s->head, "WORK", TAG) == 0) {
        load.commands += load.measuring;
        if (strncmp(s->head + TAG, " OK", 3) != 0 && load.refused++ == 0)
            fprintf(stderr, "imap_load: the first that is refused: %s", s->head);
        sample(s->began);
        s->done = true;
    } else if (s->head[0] == '+') {
        s->stage = IDLING;
    } else if (s->stage == IDLING && strstr(s->head, " EXISTS")) {
        load.woken++;
        sample(load.appended_at);
    }
}

/* What the line's end says of a literal that follows: {n}. */
static uint64_t announced(const struct imap_load_session *s)
{
    size_t kept = s->line < sizeof(s->tail) - 1 ? s->line : sizeof(s->tail) - 1;
    const char *open;

    if (kept < 4 || s->tail[kept - 3] != '}')
        return 0;
    open = memrchr(s->tail, '{', kept);
    return open ? strtoull(open + 1, NULL, 10) : 0;
}

static void keep(struct imap_load_session *s, const char *bytes, size_t length)
{
    size_t room = sizeof(s->tail) - 1, had = s->line < room ? s->line : room;

    if (s->line < LINE_KEPT - 1) {
        size_t part = length < LINE_KEPT - 1 - s->line ? length : LINE_KEPT - 1 - s->line;

        memcpy(s->head + s->line, bytes, part);
        s->head[s->line + part] = 0;
    }
    if (length >= room) {
        memcpy(s->tail, bytes + length - room, room);
    } else {
        size_t old = had + length > room ? room - length : had;

        memmove(s->tail, s->tail + had - old, old);
        memcpy(s->tail + old, bytes, length);
    }
    s->line += length;
}

static void consume(struct imap_load_session *s, const char *bytes, size_t length)
{
    load.bytes += load.measuring ? length : 0;
    while (length > 0) {
        size_t part = length;
        const char *end = NULL;

        if (s->skip > 0) {
            part = s->skip < length ? (size_t)s->skip : length;
            s->skip -= part;
        } else {
            end = memchr(bytes, '\n', length);
            part = end ? (size_t)(end + 1 - bytes) : length;
            keep(s, bytes, part);
        }
        if (end) {
            s->skip = announced(s);
            if (s->skip == 0)
                line_read(s);
            s->line = 0;
        }
        bytes += part;
        length -= part;
    }
}

static void readable(struct imap_load_session *s)
{
    ssize_t got = recv(s->fd, input, sizeof(input), 0);

    if (got <= 0)
        die("the server has closed a connection");
    s->done = false;
    consume(s, input, (size_t)got);
    if (s->done)
        answered(s);
}

static void turn(int patience)
{
    struct epoll_event events[64];
    int count = epoll_wait(load.poll, events, 64, patience);

    for (int i = 0; i < count; i++)
        readable(events[i].data.ptr);
}

static double cpu(void)
{
    struct rusage used;

    getrusage(RUSAGE_SELF, &used);
    return (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
           ((double)used.ru_utime.tv_usec + (double)used.ru_stime.tv_usec) / 1e6;
}

static int ascending(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

    return (a > b) - (a < b);
}

static uint32_t percentile(double share)
{
    return load.sample_count ? load.samples[(size_t)((double)(load.sample_count - 1) * share)] : 0;
}

static void tell(double seconds, double used)
{
    qsort(load.samples, load.sample_count, sizeof(*load.samples), ascending);
    printf("{\"work\": \"%s\", \"sessions\": %u, \"seconds\": %.3f, \"commands\": %lu, \"rounds\": "
           "%lu, \"woken\": %lu, "
           "\"refused\": %lu, \"bytes\": %lu, \"commands_per_second\": %.1f, \"p50_us\": %u, "
           "\"p90_us\": %u, \"p99_us\": %u, "
           "\"p999_us\": %u, \"max_us\": %u, \"client_cpu_seconds\": %.3f}\n",
           load.work->name, load.sessions, seconds, load.commands, load.rounds, load.woken,
           load.refused, load.bytes, (double)load.commands / seconds, percentile(0.5),
           percentile(0.9), percentile(0.99), percentile(0.999), percentile(1), used);
}

static bool all_at(enum stage stage)
{
    for (uint32_t i = 0; i < load.sessions; i++)
        if (load.all[i].stage < stage)
            return false;
    return true;
}

/* One more session appends to the mailbox in which the others idle; each wait is from the APPEND's
 * first byte. */
static void wake(double seconds, uint64_t *begin_out, double *cpu_out)
{
    static struct imap_load_session writer = {.number = 0};
    static const struct imap_load_work appending = {"idle", false, {"APPEND load %a"}};
    uint64_t end;

    writer.number = load.sessions;
    while (!all_at(IDLING))
        turn(1000);
    load.work = &appending;
    dial(&writer);
    while (writer.stage < WORK)
        turn(1000);
    /* Its first message is on its way: the one that is not measured. */
    writer.stage = STOPPED;
    for (uint64_t settled = now() + 1500000000; now() < settled;)
        turn(100);
    load.woken = 0;
    load.measuring = true;
    *begin_out = now();
    *cpu_out = cpu();
    end = *begin_out + (uint64_t)(seconds * 1e9);
    while (now() < end) {
        uint64_t expected = load.woken + load.sessions, limit = now() + 2000000000;

        writer.stage = WORK;
        load.appended_at = now();
        command(&writer);
        writer.stage = STOPPED;
        while (load.woken < expected && now() < limit)
            turn(10);
        usleep(5000);
    }
}

static void options(int count, char **words)
{
    if (count != 10) {
        fprintf(stderr,
                "imap_load HOST PORT USER-%%u PASSWORD USERS SESSIONS WORK SECONDS APPEND-BYTES\n"
                "Sessions of users 1 to USERS select the mailbox `load`, which has 50 messages and "
                "more; APPEND goes to `load-sink`.\n");
        exit(2);
    }
    load.host = words[1];
    load.port = (uint32_t)strtoul(words[2], NULL, 10);
    load.user = words[3];
    load.password = words[4];
    load.users = (uint32_t)strtoul(words[5], NULL, 10);
    load.sessions = (uint32_t)strtoul(words[6], NULL, 10);
    load.seconds = strtod(words[8], NULL);
    load.size = (uint32_t)strtoul(words[9], NULL, 10);
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        if (strcmp(works[i].name, words[7]) == 0)
            load.work = &works[i];
    if (!load.work || !load.users || !load.sessions || load.sessions >= SESSIONS_MAX ||
        load.size < 64) {
        fprintf(stderr, "imap_load: no such work, or a number out of bounds\n");
        exit(2);
    }
}

/* A message of so many bytes, and the end of the command behind it. */
static void compose(void)
{
    static const char header[] = "From: load@example.test\r\nSubject: appended\r\n\r\n";

    load.append = malloc(load.size + 3);
    if (!load.append)
        die("malloc");
    memset(load.append, 'x', load.size);
    memcpy(load.append, header, sizeof(header) - 1);
    for (size_t i = sizeof(header) + 70; i + 2 < load.size; i += 72)
        memcpy(load.append + i, "\r\n", 2);
    memcpy(load.append + load.size, "\r\n", 3);
}

int main(int count, char **words)
{
    uint64_t begin, end;
    double used;

    options(count, words);
    compose();
    load.samples = malloc(SAMPLES_MAX * sizeof(*load.samples));
    load.poll = epoll_create1(EPOLL_CLOEXEC);
    if (!load.samples || load.poll < 0)
        die("set-up");
    for (uint32_t i = 0; i < load.sessions; i++) {
        load.all[i].number = i;
        dial(&load.all[i]);
        /* One after the other: servers limit logins at once. */
        while (!load.work->reconnects && load.all[i].stage < WORK)
            turn(1000);
    }
    if (strcmp(load.work->name, "idle") == 0) {
        wake(load.seconds, &begin, &used);
    } else {
        load.measuring = true;
        begin = now();
        used = cpu();
        end = begin + (uint64_t)(load.seconds * 1e9);
        while (now() < end)
            turn(100);
    }
    tell((double)(now() - begin) / 1e9, cpu() - used);
    return 0;
}
