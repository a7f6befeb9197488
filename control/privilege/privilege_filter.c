/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/privilege/privilege.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <ucontext.h>

#include "control/log/log.h"

enum { CALLS = 512 };

/* Calls that were refused, by number; the last is for all beyond. */
static _Atomic uint32_t refused[CALLS + 1];
static uint32_t logged[CALLS + 1]; /* the main thread's */

/* The call's result, where this machine returns it. */
static void return_error(ucontext_t *context, int error)
{
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RAX] = -error;
#elif defined(__aarch64__)
    context->uc_mcontext.regs[0] = (uint64_t)(int64_t)-error;
#else
#error "no system call convention known for this architecture"
#endif
}

static void on_refused(int signal, siginfo_t *info, void *context)
{
    unsigned call = (unsigned)info->si_syscall;

    (void)signal;
    atomic_fetch_add_explicit(&refused[call < CALLS ? call : CALLS], 1, memory_order_relaxed);
    return_error(context, EPERM);
}

uint64_t privilege_refused(void)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i <= CALLS; i++)
        sum += atomic_load_explicit(&refused[i], memory_order_relaxed);
    return sum;
}

void privilege_report(void)
{
    for (uint32_t i = 0; i <= CALLS; i++) {
        uint32_t n = atomic_load_explicit(&refused[i], memory_order_relaxed);
        char *name;

        if (n == logged[i])
            continue;
        logged[i] = n;
        name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)i);
        LOG(ERROR, "system call %u (%s) was refused by engine.system_calls", i,
            name ? name : "unknown");
        free(name);
    }
}

static bool allow(scmp_filter_ctx filter, int call)
{
    /* A call that this architecture does not have is none to allow. */
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);

    return rc == 0 || rc == -EDOM;
}

/* Where an argument decides: no memory becomes code, no process is made, sockets are local ones. */
static bool allow_conditions(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp a_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
    const struct scmp_arg_cmp local = SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0);
    static const int names[] = {PR_SET_NAME, PR_SET_VMA, PR_SET_TIMERSLACK};
    bool ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_code) == 0 &&
              seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_code) == 0 &&
              seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, a_thread) == 0 &&
              seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, local) == 0;

    for (size_t i = 0; ok && i < sizeof(names) / sizeof(names[0]); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                              SCMP_A0(SCMP_CMP_EQ, names[i], 0)) == 0;
    /* Its flags lie in memory, out of a filter's sight; libc takes clone() where there is none. */
    return ok && seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0;
}

/*
 * The end of AF_XDP takes its program off the interface over netlink. Before that libxdp asks bpf()
 * to count its users, which fails as it would without a filter: that is for a fuller root than is
 * kept.
 */
static bool allow_xdp_end(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_EQ, AF_NETLINK, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 0) == 0;
}

/* Names are looked up by libc, which asks over netlink what addresses the machine has. */
static bool allow_network(scmp_filter_ctx filter)
{
    static const int families[] = {AF_INET, AF_INET6, AF_NETLINK};
    bool ok = allow(filter, SCMP_SYS(socketpair)) && allow(filter, SCMP_SYS(pipe));

    for (size_t i = 0; ok && i < sizeof(families) / sizeof(families[0]); i++)
        ok = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                              SCMP_A0(SCMP_CMP_EQ, families[i], 0)) == 0;
    return ok;
}

static bool fill(scmp_filter_ctx filter)
{
    static const int calls[] = {
#define SYSTEM_CALL(name) SCMP_SYS(name),
#include "control/privilege/system_call.def"
#undef SYSTEM_CALL
    };
    bool ok = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0 &&
              seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0;

    for (size_t i = 0; ok && i < sizeof(calls) / sizeof(calls[0]); i++)
        ok = allow(filter, calls[i]);
    return ok && allow_conditions(filter);
}

bool privilege_filter(bool kill, uint32_t needs, struct writer *why)
{
    struct sigaction action = {.sa_sigaction = on_refused, .sa_flags = SA_SIGINFO | SA_NODEFER};
    scmp_filter_ctx filter = seccomp_init(kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_TRAP);
    int rc = -ENOMEM;

    if (filter && fill(filter) && (!(needs & PRIVILEGE_XDP) || allow_xdp_end(filter)) &&
        (!(needs & PRIVILEGE_NETWORK) || allow_network(filter)) &&
        (kill || sigaction(SIGSYS, &action, NULL) == 0))
        rc = seccomp_load(filter);
    seccomp_release(filter);
    if (rc != 0)
        writer_printf(why, "engine.system_calls: the filter cannot be loaded: %s", strerror(-rc));
    return rc == 0;
}
