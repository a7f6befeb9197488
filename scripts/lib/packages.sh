# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034,SC2154
# The Debian packages that the scripts need, by purpose, and their installation. Sourced by the scripts.

packages_build=(gcc libc6-dev pkg-config meson ninja-build ccache python3
    libdpdk-dev liburcu-dev libssl-dev librocksdb-dev libcyaml-dev libyaml-dev libjansson-dev
    libcurl4-openssl-dev libidn2-dev libidn-dev libunistring-dev libpcre2-dev libcrypt-dev libmicrohttpd-dev libldap-dev libseccomp-dev
    libunbound-dev libldns-dev
    libpcap-dev zlib1g-dev libzstd-dev libxxhash-dev libmxml-dev libsqlite3-dev)
packages_run=(iproute2 ethtool openssl curl swaks msmtp libio-socket-inet6-perl gnuplot-nox)
packages_test=(mold nftables python3-dkim python3-nacl libmail-dkim-perl libopendkim-dev gnutls-bin python3-openssl python3-cryptography python3-pytest python3-pytest-xdist python3-yaml python3-jsonschema python3-fastjsonschema python3-prometheus-client clang libclang-rt-dev
    llvm dpdk-dev tcpdump iputils-ping bpftool faketime mpop fetchmail getmail6 isync s-nail mutt libnet-ssleay-perl gsasl zstd valgrind)
# Mail programs that the long tier alone runs, and the screens they want.
packages_clients=(alpine neomutt offlineimap3 thunderbird tmux xvfb)
packages_bench=(postfix dovecot-pop3d dovecot-imapd dpdk-dev)

# Mail servers whose clients the tests talk to. Debian lets one of them be installed, so each is unpacked into a folder of
# its own, with the libraries that the system lacks. Nothing of them is set up or started.
declare -A packages_peers=(
    [postfix]="postfix"
    [exim]="exim4-base exim4-daemon-light"
    [sendmail]="sendmail-bin sendmail-base sendmail-cf m4"
    [opensmtpd]="opensmtpd"
    [slapd]="slapd ldap-utils"
    [nodemailer]="node-nodemailer nodejs"
)
packages_peers_folder=${WIREPOST_PEERS:-/var/cache/wirepost-peers}

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
    packages_apt "${missing[@]}" >&2 || { apt-get -qq update >&2 && packages_apt "${missing[@]}" >&2; } || return 1
    # Debian starts it at once; ours are started by the scripts, with a configuration of their own.
    if [[ " ${missing[*]} " == *" dovecot-"* ]]; then
        systemctl disable --now dovecot >/dev/null 2>&1 || true
    fi
}

# packages_unpack NAME PACKAGE...: what is not installed of the packages and of the libraries they ask for, as a tree in the
# folder of the peers. Made whole or not at all; nothing is asked of apt when it is there.
packages_unpack() {
    local name=$1 wanted work file library
    local tree="$packages_peers_folder/$name"
    shift
    [ ! -d "$tree" ] || return 0
    echo "unpacking for tests: $*" >&2
    mkdir -p "$packages_peers_folder"
    work=$(mktemp -d "$packages_peers_folder/.$name-XXXXXX")
    mkdir "$work/tree"
    mapfile -t wanted < <(packages_missing "$@")
    while [ ${#wanted[@]} -gt 0 ]; do
        mkdir "$work/new" || break
        (cd "$work/new" && apt-get -qq -o APT::Sandbox::User=root download "${wanted[@]}" >&2) || break
        wanted=()
        for file in "$work"/new/*.deb; do
            dpkg-deb -x "$file" "$work/tree" || break 2
            for library in $(dpkg-deb -f "$file" Depends | tr ',' '\n' | awk '$1 ~ /^lib/ && !/\|/ { sub(/:.*/, "", $1); print $1 }'); do
                [ -e "$work/seen-$library" ] || wanted+=("$library")
                touch "$work/seen-$library"
            done
        done
        rm -r "$work/new"
        mapfile -t wanted < <(packages_missing "${wanted[@]}")
    done
    if [ ! -e "$work/new" ]; then
        find "$work/tree" -type f -perm /6000 -exec chmod ug-s {} +
        chmod 755 "$work/tree"
        mv -T "$work/tree" "$tree" || true
    fi
    rm -rf "$work"
    [ -d "$tree" ]
}

# Every peer that can be had; the tests of another are skipped by its name.
packages_unpack_peers() {
    local peer
    for peer in "${!packages_peers[@]}"; do
        # shellcheck disable=SC2086
        packages_unpack "$peer" ${packages_peers[$peer]} || echo "no $peer: its tests are skipped" >&2
    done
}

# imapflow, a library that Debian does not have, out of npm's registry, into the folder of the peers; node comes with npm.
packages_imapflow=1.0.150
packages_unpack_imapflow() {
    local tree="$packages_peers_folder/imapflow"
    [ ! -d "$tree" ] || return 0
    mkdir -p "$packages_peers_folder"
    local work
    work=$(mktemp -d "$packages_peers_folder/.imapflow-XXXXXX")
    if command -v npm >/dev/null && npm install --silent --no-audit --no-fund --prefix "$work" "imapflow@$packages_imapflow" >&2; then
        chmod 755 "$work"
        mv -T "$work" "$tree" || true
    else
        echo "no imapflow: its tests are skipped" >&2
    fi
    rm -rf "$work"
}
