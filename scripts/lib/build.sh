# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# Setting up and compiling a build directory. Sourced by the scripts, with $root set to the top of the tree.

# build_setup DIR [meson option...]: sets the directory up, again when the options have changed.
build_setup() {
    local dir="$root/$1" asked
    shift
    asked="$*"
    if [ ! -f "$dir/build.ninja" ]; then
        meson setup "$dir" "$root" "$@" || return 1
    elif [ "$(cat "$dir/asked-options" 2>/dev/null)" != "$asked" ]; then
        meson setup --reconfigure "$dir" "$root" "$@" || return 1
    fi
    printf '%s\n' "$asked" >"$dir/asked-options"
}

# build_compile DIR [target...]: all of it without a target.
build_compile() {
    local dir="$root/$1"
    shift
    ninja -C "$dir" -k 0 ${WIREPOST_JOBS:+-j "$WIREPOST_JOBS"} "$@"
}

# build DIR [meson option...]: sets up and compiles all there is.
build() {
    build_setup "$@" && build_compile "$1"
}

# build_some DIR RULE PATTERN [target...]: the targets of a rule of ninja's whose names match, and those.
build_some() {
    local dir=$1 some
    mapfile -t some < <(ninja -C "$root/$dir" -t targets rule "$2" | grep -E "$3")
    shift 3
    build_compile "$dir" "${some[@]}" "$@"
}

# build_libraries DIR [meson option...]: sets up and compiles what is not only for tests.
build_libraries() {
    build_setup "$@" && build_some "$1" STATIC_LINKER '^(control|dataplane|proto|rules)/' wirepost
}

# build_readers DIR [meson option...]: sets up and compiles the fuzzers and the unit tests of what reads foreign bytes.
build_readers() {
    build_setup "$@" && build_some "$1" c_LINKER '^tests/(fuzz/fuzz_|proto/)'
}

# build_quietly DIR [meson option...]: says something only when it fails.
build_quietly() {
    local log
    log=$(mktemp)
    if build "$@" >"$log" 2>&1; then
        rm -f "$log"
        return 0
    fi
    cat "$log" >&2
    rm -f "$log"
    return 1
}

# user_make NAME: a system user without a home or a shell, where there is none of that name.
user_make() {
    getent passwd "$1" >/dev/null || useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$1"
}

need_root() {
    [ "$(id -u)" = 0 ] || {
        echo "$0: needs root, for network namespaces and packages" >&2
        exit 1
    }
}
