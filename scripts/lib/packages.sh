# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# The Debian packages that the scripts need, by purpose, and their installation. Sourced by the scripts.

packages_build=(gcc libc6-dev pkg-config meson ninja-build ccache python3
    libdpdk-dev liburcu-dev libssl-dev librocksdb-dev libcyaml-dev libyaml-dev libjansson-dev
    libidn2-dev libunistring-dev libpcre2-dev libcrypt-dev libmicrohttpd-dev libseccomp-dev)
packages_run=(iproute2 ethtool openssl curl swaks libio-socket-inet6-perl)
packages_test=(python3-pytest msmtp python3-jsonschema python3-fastjsonschema python3-prometheus-client clang libclang-rt-dev
    llvm dpdk-dev tcpdump iputils-ping bpftool faketime mpop fetchmail getmail6)
packages_bench=(postfix)

# Hyperscan exists for x86 only; Vectorscan is its drop-in elsewhere, and the two exclude each other.
packages_pattern_library() {
    case "$(dpkg --print-architecture)" in
    amd64 | i386) echo libhyperscan-dev ;;
    *) echo libvectorscan-dev ;;
    esac
}

packages_missing() {
    local name
    for name in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
    done
}

packages_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 install "$@"
}

# packages_install build run ...: what is missing of these lists; nothing is asked of apt when all is there.
packages_install() {
    local list wanted=() missing
    for list in "$@"; do
        declare -n names="packages_$list"
        wanted+=("${names[@]}")
        if [ "$list" = build ] && ! pkg-config --exists libhs 2>/dev/null; then
            wanted+=("$(packages_pattern_library)")
        fi
    done
    mapfile -t missing < <(packages_missing "${wanted[@]}")
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing: ${missing[*]}" >&2
    # Without this answer the package would set up and start a mail server of the system's own.
    if [[ " ${missing[*]} " == *" postfix "* ]]; then
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    fi
    packages_apt "${missing[@]}" >&2 && return 0
    apt-get -qq update >&2 && packages_apt "${missing[@]}" >&2
}
