# SPDX-License-Identifier: BSD-3-Clause
"""What every Postfix of ours has: a folder of its own, its configuration in it, the services behind any queue."""

import tempfile
from pathlib import Path

SERVICES = """\
# service type  private unpriv  chroot  wakeup  maxproc command
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
postlog   unix-dgram n  -       n       -       1       postlogd
"""


# What is below the queue's folder: name, group, mode; all of the user postfix.
QUEUE = (*((name, "postfix", 0o700) for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming",
                                                 "private", "saved", "trace")),
         ("maildrop", "postdrop", 0o730), ("public", "postdrop", 0o710))


def own_folder(prefix):
    """A new one that every user of the system may look into: a server's processes are of several."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/var/tmp"))
    folder.chmod(0o755)
    return folder


def unpack(etc, main, master):
    """Puts both files into a new folder."""
    etc.mkdir()
    (etc / "main.cf").write_text(main)
    (etc / "master.cf").write_text(master)
