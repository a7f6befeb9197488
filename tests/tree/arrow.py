# SPDX-License-Identifier: BSD-3-Clause
"""The rules of the tree: which folder may include which, what a file must have. Each check yields its faults."""

import re
from pathlib import Path

SOURCE_FOLDERS = ("proto", "rules", "dataplane", "control", "tests")
LINES_MAX = 600
SPDX = "SPDX-License-Identifier: BSD-3-Clause"

PACKET_SIDE = ("dataplane/port", "dataplane/net", "dataplane/worker")
INNER = ("dataplane/tcp", "dataplane/session", "dataplane/tls")

# The arrow: a folder, and the folders of this tree that its files may include from (its own always).
# The longest matching row counts.
ARROW = {
    "proto": ("proto",),
    "rules": ("proto",),
    "dataplane/handoff": ("proto",),
    "dataplane/capture": ("dataplane/packet", "dataplane/tcp", "proto"),
    "dataplane/packet": ("proto",),
    "dataplane/blast": ("dataplane/tcp", "dataplane/tls", "dataplane/handoff", "proto"),
    "dataplane/tap": ("dataplane/capture", "dataplane/tcp", "dataplane/session", "dataplane/tls", "dataplane/handoff", "rules", "proto"),
    **{folder: (*INNER, "dataplane/handoff", "rules", "proto") for folder in INNER},
    **{folder: ("dataplane", "rules", "proto") for folder in PACKET_SIDE},
    "dataplane/embed": ("dataplane/embed", "dataplane/packet", "dataplane/tcp", "dataplane/handoff", "proto"),
    "control": ("control", "dataplane/handoff", "rules", "proto"),
    "control/main.c": ("control", "dataplane", "rules", "proto"),
    "tests": ("tests", "control", "dataplane", "rules", "proto"),
}

# Libraries: what an include from outside the tree begins with, and who may say it.
LIBRARIES = {
    "rte_": PACKET_SIDE + ("control/main.c", "tests/net", "tests/sim", "tests/port", "tests/worker"),
    "idn2.h": ("proto/address", "tests"),
    "stringprep.h": ("control/directory", "tests"),
    "unicase.h": ("proto/address", "control/mail", "tests"),
    "uninorm.h": ("proto/address", "proto/imap", "control/directory", "control/mail", "tests"),
    "ldap.h": ("control/ldap", "tests"),
    "lber.h": ("control/ldap", "tests"),
    "hs/": ("rules", "tests"),
    "hs.h": ("rules", "tests"),
    "pcre2.h": ("rules", "tests"),
    "urcu": ("dataplane", "control", "tests"),
    "rocksdb/": ("control/store", "tests"),
    "yaml.h": ("control", "tests"),
    "cyaml/": ("control", "tests"),
    "jansson.h": ("control", "tests"),
    "curl/": ("control/oauth", "tests"),
    "crypt.h": ("control", "tests"),
    "mxml.h": ("control/clientconfig", "tests"),
    "microhttpd.h": ("control/metrics", "control/api", "tests"),
    "openssl/ssl.h": ("dataplane/tls", "control", "tests"),
    "openssl/": ("proto/dkim", "proto/sasl", "dataplane/tls", "control", "tests"),
    "unbound.h": ("control/dns", "tests"),
    "ldns/": ("control/dns", "tests"),
    "pcap/": ("control/capture", "tests"),
    "xxhash.h": ("dataplane/session", "control/mail", "tests"),
    "sqlite3.h": ("control/mail", "tests"),
    "zstd.h": ("control/capture", "control/mail", "tests"),
    "zlib.h": ("proto/imap", "control", "tests"),
}

# proto and rules have bytes and `now` only: nothing of threads, sockets, files or clocks.
NOT_IN_PROTO = ("pthread.h", "threads.h", "sys/socket.h", "netinet/", "netdb.h", "fcntl.h", "unistd.h",
                "sys/stat.h", "sys/mman.h", "time.h", "sys/time.h", "syslog.h", "signal.h", "poll.h", "sys/epoll.h")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.MULTILINE)


def sources(root, suffixes=(".c", ".h", ".def")):
    """All source files below the folders of the tree, as paths relative to its root."""
    for folder in SOURCE_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path.relative_to(root)


def includes(root, path):
    """What the file includes: ('"' or '<', name)."""
    return INCLUDE.findall((root / path).read_text(errors="replace"))


def below(path, folder):
    """True when the path is the folder (or file) or lies in it."""
    return str(path) == folder or str(path).startswith(folder + "/")


def row_of(path):
    rows = [folder for folder in ARROW if below(path, folder)]
    return max(rows, key=len) if rows else None


def arrow_faults(root):
    """Includes that point against the arrow."""
    for path in sources(root):
        row = row_of(path)
        if row is None:
            yield f"{path}: the arrow has no row for this folder"
            continue
        allowed = (*ARROW[row], str(path.parent))
        for quote, name in includes(root, path):
            if quote == '"' and not any(below(name, folder) for folder in allowed):
                yield f"{path}: includes {name}; {row} may include from {', '.join(ARROW[row])}"


def library_faults(root):
    """Libraries included where they don't belong."""
    for path in sources(root):
        for quote, name in includes(root, path):
            if quote == '"':
                continue
            rows = [prefix for prefix in LIBRARIES if name.startswith(prefix)]
            if rows and not any(below(path, folder) for folder in LIBRARIES[max(rows, key=len)]):
                yield f"{path}: includes <{name}>"
            if row_of(path) in ("proto", "rules") and name.startswith(NOT_IN_PROTO):
                yield f"{path}: includes <{name}>, and {row_of(path)} has no threads, sockets, files or clocks"


def version_faults(root):
    """Checks of DPDK's version stand in one header."""
    for path in sources(root):
        if "RTE_VERSION" in (root / path).read_text(errors="replace") and path.name != "dpdk_compat.h":
            yield f"{path}: RTE_VERSION belongs in dpdk_compat.h"


def include_path_faults(root):
    """Quoted includes are paths from the root of files that exist."""
    for path in sources(root):
        for quote, name in includes(root, path):
            if quote == '"' and not (root / name).is_file():
                yield f"{path}: {name} is no file of the tree, seen from its root"


def name_faults(root):
    """A base name stands for one thing: its .c, .h and .def lie in one folder."""
    homes = {}
    for path in sources(root):
        home = homes.setdefault(path.stem, path.parent)
        if home != path.parent:
            yield f"{path}: {home} has a {path.stem} too"


def spdx_faults(root):
    paths = [*sources(root), *(path.relative_to(root) for path in other_sources(root))]
    for path in paths:
        head = (root / path).read_text(errors="replace").splitlines()[:3]
        if not any(SPDX in line for line in head):
            yield f"{path}: no SPDX line at its top"


def other_sources(root):
    """Build files, scripts, Python."""
    yield from (path for path in sorted(root.glob("*/**/meson.build")) if not path.parts[len(root.parts)].startswith("build"))
    yield from (path for folder in ("tests", "scripts") for path in sorted((root / folder).rglob("*.py")))
    yield from (path for path in sorted((root / "scripts").glob("*")) if path.is_file())
    yield from (path for path in (root / "meson.build",) if path.exists())


def length_faults(root):
    for path in [*sources(root), *(path.relative_to(root) for path in other_sources(root))]:
        lines = len((root / path).read_text(errors="replace").splitlines())
        if lines > LINES_MAX:
            yield f"{path}: {lines} lines, more than {LINES_MAX}"


CHECKS = {
    "arrow": arrow_faults,
    "libraries": library_faults,
    "dpdk version": version_faults,
    "include paths": include_path_faults,
    "base names": name_faults,
    "licence": spdx_faults,
    "length": length_faults,
}


def write(root, path, text, licence=True):
    """A file of a tree made for a test."""
    target = Path(root) / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text((f"/* {SPDX} */\n" if licence else "") + text)
