/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unbound.h>
#include <unistd.h>

#include "control/auth/spf_run.h"
#include "control/base/clock.h"
#include "control/dns/dns_context.h"
#include "control/dns/dns_result.h"
#include "control/dns/dns_zone.h"
#include "tests/harness/check.h"

/* Who answers questions: a zone file, and the network as far as this machine's own sockets. */

static char problem[256];

static struct dns_zone *zone_of(const char *text)
{
    struct writer why = writer_of(problem, sizeof(problem) - 1);
    char path[] = "/tmp/wirepost-zone-XXXXXX";
    FILE *file = fdopen(mkstemp(path), "w");
    struct dns_zone *z;

    fputs(text, file);
    fclose(file);
    z = dns_zone_read(path, &why);
    problem[why.len] = 0;
    unlink(path);
    return z;
}

/* What came back, copied. */
struct got {
    _Atomic int answers;
    enum dns_outcome outcome;
    uint32_t count, ttl;
    uint8_t first[64];
    size_t first_len;
};

static void take(void *asker, const struct dns_answer *a)
{
    struct got *got = asker;

    got->outcome = a->outcome;
    got->count = a->count;
    got->ttl = a->ttl;
    if (a->count && a->records[0].len <= sizeof(got->first)) {
        got->first_len = a->records[0].len;
        memcpy(got->first, a->records[0].data, got->first_len);
    }
    atomic_fetch_add(&got->answers, 1);
}

static struct dns_question question_of(uint16_t type, const char *name)
{
    struct dns_question q = {.type = type};

    CHECK(dns_name_of_text(span_text(name), &q.name));
    return q;
}

static struct got ask_zone(struct dns_zone *z, uint16_t type, const char *name)
{
    struct dns_source source = dns_zone_source(z);
    struct dns_question q = question_of(type, name);
    struct got got = {0};

    source.ask(source.context, &q, UINT64_MAX, take, &got);
    CHECK(got.answers == 1);
    return got;
}

static void a_zone_file_answers(void)
{
    struct dns_zone *z = zone_of("$ORIGIN test.\n$TTL 77\n"
                                 "@ IN SOA ns h 1 2 3 4 5\n"
                                 "a IN TXT \"one\" ( \"two\"\n \"three\" ) ; said\n"
                                 "a 5 IN A 192.0.2.1\n"
                                 "  5 IN A 192.0.2.2\n"
                                 "alias IN CNAME A\n"
                                 "far IN CNAME alias\n"
                                 "out IN CNAME nowhere.example.\n"
                                 "loop IN CNAME pool\npool IN CNAME loop\n"
                                 "*.wild IN MX 10 a\n"
                                 "b.c IN A 192.0.2.3\n"
                                 "od\\032d\\.x IN A 192.0.2.4\n");
    struct got got;

    if (!CHECK(z != NULL))
        return;
    got = ask_zone(z, DNS_TXT, "A.TEST");
    CHECK(got.outcome == DNS_ANSWER && got.count == 1 && got.ttl == 77);
    CHECK_TEXT(span_of(got.first, got.first_len), "\3one\3two\5three");
    got = ask_zone(z, DNS_A, "far.test");
    CHECK(got.outcome == DNS_ANSWER && got.count == 2 && got.ttl == 5);
    CHECK(memcmp(got.first, "\300\0\2\1", 4) == 0);
    CHECK(ask_zone(z, DNS_CNAME, "far.test").outcome == DNS_ANSWER);
    CHECK(ask_zone(z, DNS_AAAA, "far.test").outcome == DNS_NO_DATA);
    CHECK(ask_zone(z, DNS_A, "out.test").outcome == DNS_NXDOMAIN);
    CHECK(ask_zone(z, DNS_A, "loop.test").outcome == DNS_LOOP);
    CHECK(ask_zone(z, DNS_A, "c.test").outcome == DNS_NO_DATA);
    CHECK(ask_zone(z, DNS_A, "x.c.test").outcome == DNS_NXDOMAIN);
    got = ask_zone(z, DNS_MX, "x.y.wild.test");
    CHECK(got.outcome == DNS_ANSWER && got.count == 1);
    CHECK_TEXT(span_of(got.first + 2, got.first_len - 2 - 6), "\1a");
    CHECK(ask_zone(z, DNS_A, "x.wild.test").outcome == DNS_NO_DATA);
    CHECK(ask_zone(z, DNS_MX, "wild.test").outcome == DNS_NO_DATA);
    CHECK(ask_zone(z, DNS_A, "nobody.example").outcome == DNS_NXDOMAIN);
    dns_zone_free(z);
}

static void faults_of_a_zone_file_have_lines(void)
{
    struct writer why = writer_of(problem, sizeof(problem) - 1);

    CHECK(zone_of("$TTL 1\na.test. IN A 192.0.2.1\nb.test. IN A 192.0.2\n") == NULL);
    CHECK(strncmp(problem, "line 3: ", 8) == 0);
    CHECK(zone_of("$INCLUDE /etc/hosts\n") == NULL);
    CHECK(dns_zone_read("/nonexistent/zone", &why) == NULL && why.len > 0);
    CHECK(dns_zone_read("/", &why) == NULL);
}

static struct dns_answer result(int rcode, int havedata, int nxdomain, int bogus, uint32_t most)
{
    static char a[] = "\300\0\2\1", b[] = "\300\0\2\2";
    static char *data[] = {a, b, NULL}, *nothing[] = {NULL};
    static int len[] = {4, 4};
    static struct span records[DNS_RECORDS_MAX];
    struct ub_result r = {.rcode = rcode,
                          .havedata = havedata,
                          .nxdomain = nxdomain,
                          .bogus = bogus,
                          .secure = 1,
                          .ttl = 9,
                          .len = len,
                          .data = havedata ? data : nothing};

    return dns_result_read(&r, most, records);
}

static void results_of_libunbound(void)
{
    struct dns_answer a = result(0, 1, 0, 0, 8);

    CHECK(a.outcome == DNS_ANSWER && a.count == 2 && a.secure && a.ttl == 9);
    CHECK(a.records[1].len == 4 && a.records[1].data[3] == 2);
    CHECK(result(0, 1, 0, 0, 7).outcome == DNS_TOO_LARGE);
    CHECK(result(0, 1, 0, 1, 8).outcome == DNS_BOGUS && !result(2, 0, 0, 1, 8).secure);
    CHECK(result(0, 0, 0, 0, 8).outcome == DNS_NO_DATA);
    CHECK(result(3, 0, 1, 0, 8).outcome == DNS_NXDOMAIN);
    CHECK(result(2, 0, 0, 0, 8).outcome == DNS_SERVFAIL);
    CHECK(result(5, 0, 0, 0, 8).outcome == DNS_REFUSED);
    CHECK(result(4, 0, 0, 0, 8).outcome == DNS_FAILED);
    CHECK(result(4, 0, 0, 0, 8).count == 0);
}

static void too_many_records(void)
{
    static char *data[DNS_RECORDS_MAX + 2];
    static int len[DNS_RECORDS_MAX + 1];
    static char octet[1];
    struct span records[DNS_RECORDS_MAX];
    struct ub_result r = {.havedata = 1, .data = data, .len = len};

    for (size_t i = 0; i < DNS_RECORDS_MAX; i++) {
        data[i] = octet;
        len[i] = 1;
    }
    CHECK(dns_result_read(&r, 1000, records).count == DNS_RECORDS_MAX);
    data[DNS_RECORDS_MAX] = octet;
    len[DNS_RECORDS_MAX] = 1;
    CHECK(dns_result_read(&r, 1000, records).outcome == DNS_TOO_LARGE);
}

static void addresses_of_servers(void)
{
    static const struct {
        const char *text, *address;
        uint16_t port;
    } rows[] = {{"192.0.2.1", "192.0.2.1", 53},
                {"192.0.2.1:5353", "192.0.2.1", 5353},
                {"2001:db8::1", "2001:db8::1", 53},
                {"[2001:db8::1]:65535", "2001:db8::1", 65535},
                {"[2001:db8::1]", "2001:db8::1", 53}};
    static const char *const bad[] = {"",
                                      "192.0.2",
                                      "192.0.2.1:",
                                      "192.0.2.1:0",
                                      "[::1",
                                      "192.0.2.1:5x",
                                      "192.0.2.1:65536",
                                      "[::1]x",
                                      "[::1]5353",
                                      "host.test:53",
                                      "192.0.2.1:000053",
                                      "[::1]:",
                                      "[",
                                      "[]"};
    struct dns_server server;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t text[IP_ADDRESS_TEXT];
        struct writer w = writer_of(text, sizeof(text));

        CHECK(dns_context_server(rows[i].text, &server) && server.port == rows[i].port);
        ip_address_put(&w, &server.address);
        CHECK_TEXT(writer_span(&w), rows[i].address);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!dns_context_server(bad[i], &server));
}

/* A socket that takes questions and says nothing. */
static int silent_server(struct dns_server *server_out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(a);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&a, &size) == 0);
    CHECK(dns_context_server("127.0.0.1", server_out));
    server_out->port = ntohs(a.sin_port);
    return fd;
}

static struct dns_resolver *resolver_of(const struct dns_server *server, uint64_t timeout_ns,
                                        uint32_t most)
{
    struct writer why = writer_of(problem, sizeof(problem) - 1);
    struct dns_settings settings = {.forwarders = server,
                                    .forwarder_count = 1,
                                    .timeout_ns = timeout_ns,
                                    .questions_max = most,
                                    .answer_max = DNS_ANSWER_MAX_DEFAULT};
    struct dns_resolver *r = dns_resolver_new(&settings, &why);

    problem[why.len] = 0;
    return r;
}

static void wait_for(struct got *got, int answers)
{
    while (atomic_load(&got->answers) < answers)
        poll(NULL, 0, 1);
}

static void a_silent_server_times_out(void)
{
    struct got got = {0}, more = {0};
    struct dns_server server;
    int fd = silent_server(&server);
    struct dns_resolver *r = resolver_of(&server, 50000000, 1);
    struct dns_question q = question_of(DNS_TXT, "a.test");
    struct dns_source source;

    if (!CHECK(r != NULL))
        return;
    source = dns_resolver_source(r);
    source.ask(source.context, &q, UINT64_MAX, take, &got);
    /* One is under way, and no more are allowed: told at once. */
    source.ask(source.context, &q, UINT64_MAX, take, &more);
    CHECK(more.answers == 1 && more.outcome == DNS_BUSY);
    wait_for(&got, 1);
    CHECK(got.outcome == DNS_TIMEOUT);
    CHECK(dns_resolver_count(r, DNS_TIMEOUT) == 1 && dns_resolver_count(r, DNS_BUSY) == 1);
    /* The asker's own deadline may come first. */
    source.ask(source.context, &q, clock_monotonic_ns(), take, &got);
    wait_for(&got, 2);
    CHECK(got.outcome == DNS_TIMEOUT);
    dns_resolver_free(r);
    close(fd);
}

static void what_is_under_way_at_the_end_is_answered(void)
{
    struct got got = {0};
    struct dns_server server;
    int fd = silent_server(&server);
    struct dns_resolver *r = resolver_of(&server, 60000000000, 100);
    struct dns_source source;

    if (!CHECK(r != NULL))
        return;
    source = dns_resolver_source(r);
    for (int i = 0; i < 20; i++) {
        struct dns_question q = question_of(i % 2 ? DNS_A : DNS_TXT, "a.test");

        source.ask(source.context, &q, UINT64_MAX, take, &got);
    }
    dns_resolver_free(r);
    CHECK(got.answers == 20 && got.outcome == DNS_TIMEOUT);
    close(fd);
}

static void what_is_wrong_with_settings_is_told(void)
{
    struct writer why = writer_of(problem, sizeof(problem) - 1);
    struct dns_settings settings = {.trust_anchors = "/nonexistent/anchors", .questions_max = 1};

    CHECK(dns_resolver_new(&settings, &why) == NULL && why.len > 0);
    settings = (struct dns_settings){.hosts = "/nonexistent/hosts", .questions_max = 1};
    why.len = 0;
    CHECK(dns_resolver_new(&settings, &why) == NULL && why.len > 0);
}

static void count_run(void *context, struct spf_run *run)
{
    ++*(int *)context;
}

/* Answers that come at once do not pile up on the stack, and the limit is for the whole check. */
static void a_check_runs_on_a_source(void)
{
    struct dns_zone *z = zone_of("a.test. 1 IN TXT \"v=spf1 mx a:b.test -all\"\n"
                                 "a.test. 1 IN MX 1 b.test.\nb.test. 1 IN A 192.0.2.1\n");
    struct spf_run *run = calloc(1, sizeof(*run));
    struct spf_query query = {.domain = span_text("a.test"), .helo = span_text("h")};
    struct dns_source source;
    int done = 0;

    if (!CHECK(z != NULL && run != NULL))
        return;
    source = dns_zone_source(z);
    CHECK(ip_address_parse(span_text("192.0.2.2"), &query.ip));
    spf_run_start(run, &query, &source, 1000000000000, NULL, count_run, &done);
    CHECK(done == 1 && run->check.result == SPF_RESULT_FAIL && run->check.questions == 4);
    spf_run_start(run, &query, &source, 0, NULL, count_run, &done);
    CHECK(done == 2 && run->check.result == SPF_RESULT_TEMPERROR && run->check.reason == SPF_TIME);
    free(run);
    dns_zone_free(z);
}

int main(void)
{
    check_begin();
    CHECK_CASE(a_zone_file_answers);
    CHECK_CASE(faults_of_a_zone_file_have_lines);
    CHECK_CASE(results_of_libunbound);
    CHECK_CASE(too_many_records);
    CHECK_CASE(addresses_of_servers);
    CHECK_CASE(a_silent_server_times_out);
    CHECK_CASE(what_is_under_way_at_the_end_is_answered);
    CHECK_CASE(what_is_wrong_with_settings_is_told);
    CHECK_CASE(a_check_runs_on_a_source);
    return check_end();
}
