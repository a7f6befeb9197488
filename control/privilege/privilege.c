/* SPDX-License-Identifier: BSD-3-Clause */
#include "control/privilege/privilege.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "control/config/config_settings.h"
#include "control/log/log.h"

/* The user that is taken where none is named, if there is one. */
#define USUAL_USER "wirepost"

struct identity {
    const char *name;
    uid_t user;
    gid_t group;
};

static bool fail(struct writer *why, const char *what)
{
    writer_printf(why, "%s: %s", what, strerror(errno));
    return false;
}

/* Who to become. `user` 0: to stay, as was asked for. */
static bool find(const struct config *config, struct identity *identity_out, struct writer *why)
{
    const char *name = config->engine.user[0] ? config->engine.user : USUAL_USER;
    const struct passwd *user = getpwnam(name);
    const struct group *group;

    *identity_out = (struct identity){.name = name};
    if (!user && config->engine.user[0]) {
        writer_printf(why, "engine.user: there is no user \"%s\"", name);
        return false;
    }
    if (!user) {
        writer_text(why,
                    "engine.user: started as root, and there is no user \"" USUAL_USER
                    "\" to become: make it, name another, or say `user: root` to serve as root");
        return false;
    }
    identity_out->user = user->pw_uid;
    identity_out->group = user->pw_gid;
    if (!config->engine.group[0])
        return true;
    group = getgrnam(config->engine.group);
    if (!group) {
        writer_printf(why, "engine.group: there is no group \"%s\"", config->engine.group);
        return false;
    }
    identity_out->group = group->gr_gid;
    return true;
}

static bool give_files(const struct config *config, const struct identity *identity,
                       struct writer *why)
{
    const char *const paths[] = {config->store.path,   config->rules.cache, config->records.path,
                                 config->records.keys, config->log.path,    config->ctl_socket,
                                 config->tap.extract};
    bool ok = true;

    for (size_t i = 0; ok && i < sizeof(paths) / sizeof(paths[0]); i++)
        if (paths[i][0] == '/')
            ok = privilege_give(paths[i], identity->user, identity->group, why);
    return ok;
}

/* ---- capabilities ---- */

static bool set_capabilities(uint32_t permitted, uint32_t effective)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.permitted = permitted, .effective = effective}};

    return syscall(SYS_capset, &header, data) == 0;
}

/* What the main thread keeps, asleep, for the end of the driver. */
static uint32_t kept;

static bool uses_xdp(const struct config *config)
{
    bool xdp = config->role == CONFIG_ROLE_SERVE && config->engine.pmd == CONFIG_PMD_AF_XDP;

    for (uint32_t i = 0; i < config->tap.ports_count; i++)
        xdp |= config->tap.ports[i].pmd == CONFIG_PMD_AF_XDP;
    return xdp;
}

/* AF_XDP takes its program off the interface when it ends, and only then asks for this. */
static uint32_t capabilities_of(const struct config *config)
{
    return uses_xdp(config) ? 1u << CAP_NET_ADMIN : 0;
}

void privilege_raise(void)
{
    if (kept && !set_capabilities(kept, kept))
        LOG(WARNING, "capabilities for the driver's end: %s", strerror(errno));
}

/* libc's calls change all threads. */
static bool become(const struct config *config, const struct identity *identity, struct writer *why)
{
    kept = capabilities_of(config);
    if (kept && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
        return fail(why, "PR_SET_KEEPCAPS");
    if (initgroups(identity->name, identity->group) != 0)
        return fail(why, "initgroups");
    if (setresgid(identity->group, identity->group, identity->group) != 0)
        return fail(why, "setresgid");
    if (setresuid(identity->user, identity->user, identity->user) != 0)
        return fail(why, "setresuid");
    if (kept && !set_capabilities(kept, 0))
        return fail(why, "capset");
    if (setresuid(0, 0, 0) == 0) {
        writer_text(why, "engine.user: root can be had again");
        return false;
    }
    return true;
}

/* As the new user: a store whose folder lies where it may not go would fail at its next file. */
static bool reaches(const struct config *config, const struct identity *identity,
                    struct writer *why)
{
    const char *path = config->store.path;

    if (config->role == CONFIG_ROLE_TAP || config->store.kind != CONFIG_STORE_ROCKSDB ||
        access(path, R_OK | W_OK | X_OK) == 0)
        return true;
    writer_printf(why, "engine.user: %s cannot use store.path %s: %s", identity->name, path,
                  strerror(errno));
    return false;
}

static bool change_user(const struct config *config, struct writer *why)
{
    struct identity identity;

    if (geteuid() != 0) {
        LOG(INFO, "started as user %u, which it stays", (unsigned)geteuid());
        return true;
    }
    if (!find(config, &identity, why))
        return false;
    if (identity.user == 0) {
        LOG(WARNING, "the engine stays root, as engine.user says");
        return true;
    }
    if (!give_files(config, &identity, why) || !become(config, &identity, why) ||
        !reaches(config, &identity, why))
        return false;
    LOG(INFO, "user %s (%u) from here on", identity.name, (unsigned)identity.user);
    return true;
}

/*
 * The flag holds whatever is done to the limit from outside, for programs that core files are piped
 * to as well, and closes /proc/self/mem to the engine's own user.
 */
static bool set_core_files(const struct config *config, struct writer *why)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) != 0)
        return fail(why, "RLIMIT_CORE");
    if (!config->engine.core_files)
        limit.rlim_cur = 0;
    if (setrlimit(RLIMIT_CORE, &limit) != 0)
        return fail(why, "RLIMIT_CORE");
    if (prctl(PR_SET_DUMPABLE, config->engine.core_files ? 1 : 0, 0, 0, 0) != 0)
        return fail(why, "PR_SET_DUMPABLE");
    return true;
}

static bool check(const struct config *config, struct writer *why)
{
    struct identity identity;

    return set_core_files(config, why) && (geteuid() != 0 || find(config, &identity, why));
}

static bool drop(const struct config *config, struct writer *why)
{
    /* A change of user changes the flag as well. */
    if (!change_user(config, why) || !set_core_files(config, why))
        return false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(why, "PR_SET_NO_NEW_PRIVS");
    if (config->engine.system_calls == CONFIG_SYSTEM_CALLS_ALL)
        return true;
    return privilege_filter(config->engine.system_calls == CONFIG_SYSTEM_CALLS_KILL,
                            (uses_xdp(config) ? PRIVILEGE_XDP : 0u) |
                                (config_needs_network(config) ? PRIVILEGE_NETWORK : 0u),
                            why);
}

static bool or_log(bool (*part)(const struct config *config, struct writer *why),
                   const struct config *config)
{
    char text[256];
    struct writer why = writer_of(text, sizeof(text));
    bool ok = part(config, &why);

    if (!ok)
        LOG(ERROR, "%.*s", (int)why.len, text);
    return ok;
}

bool privilege_check(const struct config *config)
{
    return or_log(check, config);
}

bool privilege_drop(const struct config *config)
{
    return or_log(drop, config);
}
