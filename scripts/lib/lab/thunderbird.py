# SPDX-License-Identifier: BSD-3-Clause
"""Thunderbird on a screen of its own (Xvfb) in the client's namespace, with a profile of its own, driven by Marionette."""

import base64
import shutil
import socket
import ssl
import tempfile
import threading
from contextlib import suppress
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab.certificates import Authority
from lab.commands import Owner, end, start, wait_until
from lab.engine import DOMAIN
from lab.marionette import Marionette
from lab.namespaces import inside

AUTOCONFIG = f"autoconfig.{DOMAIN}"
PORT = 2828
PATIENCE = 120
# No first steps, no questions, nothing asked of the network but mail and its set-up.
PREFERENCES = """
user_pref("app.donation.eoy.version.viewed", 999);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("extensions.update.enabled", false);
user_pref("mail.accounthub.firstrun.enabled", false);
user_pref("mail.inappnotifications.enabled", false);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.rights.version", 1);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mailnews.auto_config_url", "");
user_pref("mailnews.start_page.enabled", false);
user_pref("network.dns.disableIPv6", true);
"""
# The dialogue that adds an account: which step it shows, its fields, the button that goes on.
_HUB = """
const hub = window.document.querySelector('account-hub-container')?.modal;
const step = [...hub?.querySelectorAll('.account-hub-step') ?? []].find(one => !one.hidden);
const forward = hub?.querySelector('#emailFooter #forward');
const enter = (field, text) => {
    field = step.querySelector(field);
    field.value = text;
    field.dispatchEvent(new window.Event('input', {bubbles: true}));
};
"""
# The first account, its folders by what they are for, the pane of three parts, and the message that is shown.
_MAIL = """
const root = MailServices.accounts.accounts[0]?.incomingServer.rootFolder;
const special = use => root.getFolderWithFlags(Ci.nsMsgFolderFlags[use]);
const pane = window.document.getElementById('tabmail').currentAbout3Pane;
const reader = window.document.getElementById('tabmail').currentAboutMessage;
"""


class SetUp(Owner):
    """A web server by HTTPS for autoconfig.DOMAIN, whose root is `folder`; what it was asked for is in `asked`."""

    process = None

    def __init__(self, namespaces, folder):
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-web-", dir="/var/tmp"))
        authority = Authority(self.directory, "web-ca")
        certificate = authority.sign("web", AUTOCONFIG)
        self.trust = authority.file
        self.asked = []
        namespaces.name(AUTOCONFIG, "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate["certificate"], certificate["key"])
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            """Says which paths were asked for to `asked` alone."""

            def __init__(self, *words, **more):
                super().__init__(*words, directory=folder, **more)

            def translate_path(self, path):
                # As docs/client-setup.md says that a web server has it.
                path = path.partition("?")[0]
                return super().translate_path("/.well-known/autoconfig" + path if path.startswith("/mail/") else path)

            def log_message(self, *_words):
                asked.append(self.path)
        with inside(namespaces.client):
            self.server = ThreadingHTTPServer(("127.0.0.1", 443), Handler)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        super().close()


class Thunderbird(Owner):
    """The program, once its window is there. `trust` are files of authorities."""

    def __init__(self, namespaces, trust):
        self.directory = Path(tempfile.mkdtemp(prefix="wirepost-thunderbird-", dir="/var/tmp"))
        self.namespaces, self.process, self.marionette = namespaces, None, None
        self.display = None
        try:
            self._show()
            self._start()
            for file in trust:
                self.trust(file)
        except BaseException:
            self.close()
            raise

    def _show(self):
        """Xvfb takes a number that is free and says which."""
        said = self.directory / "xvfb"
        with open(said, "wb") as log:
            self.display = start(*self.namespaces.command("Xvfb", "-displayfd", "2", "-screen", "0", "1280x800x24", "-nolisten", "tcp"), log=log)
        wait_until(lambda: said.read_bytes().splitlines()[-1:] and said.read_bytes().splitlines()[-1].isdigit(), PATIENCE, "Xvfb")
        self.number = said.read_text().splitlines()[-1]

    def _start(self):
        profile = self.directory / "profile"
        profile.mkdir()
        (profile / "user.js").write_text(PREFERENCES)
        names = {"HOME": self.directory, "DISPLAY": f":{self.number}", "LC_ALL": "C.UTF-8", "TZ": "UTC", "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        with open(self.directory / "log", "wb") as log:
            self.process = start(*self.namespaces.command("env", *(f"{name}={value}" for name, value in names.items()), "thunderbird",
                                                          "--marionette", "--remote-allow-system-access", "--profile", profile), log=log)
        connection = wait_until(self._connected, PATIENCE, "Thunderbird's remote control")
        self.marionette = Marionette(connection, PATIENCE)
        wait_until(self._window, PATIENCE, "Thunderbird's window")

    def _connected(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Thunderbird has ended:\n{self.log()}")
        with inside(self.namespaces.client), suppress(OSError):
            return socket.create_connection(("127.0.0.1", PORT), timeout=5)
        return None

    def _window(self):
        return self.marionette.call("""const window = Services.wm.getMostRecentWindow('mail:3pane');
            return !!window?.document.getElementById('tabmail')?.currentAbout3Pane?.threadPane;""")

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def call(self, body, *args):
        """JavaScript in its main window; `root`, `special('Inbox')`, `pane` and `reader` are what it works on."""
        return self.marionette.call(f"const window = Services.wm.getMostRecentWindow('mail:3pane'); {_MAIL} {body}", *args)

    def until(self, expression, what, *args):
        """Waits until an expression is true."""
        wait_until(lambda: self.call(f"return !!({expression});", *args), PATIENCE, what)

    # ---- the account ----

    def _go_on(self, step, fields=None):
        """Fills in the fields of a step of the dialogue, and presses its button once that can be pressed."""
        ready = " && ".join([f"step?.id == '{step}'", *(f"step.querySelector('{field}')" for field in fields or ())])
        wait_until(lambda: self.call(f"{_HUB} return !!({ready});"), PATIENCE, step)
        for field, text in (fields or {}).items():
            self.call(f"{_HUB} enter(args[0], args[1]);", field, text)
        wait_until(lambda: self.call(f"{_HUB} if (forward.disabled) return false; forward.click(); return true;"), PATIENCE, f"{step} to be filled in")

    def add_account(self, login):
        """As people do, with their name, address and password: the rest it finds by itself."""
        self.call("await window.openAccountHub();")
        self._go_on("emailAutoConfigSubview", {"#realName": login.user.split("@")[0].title(), "#email": login.user})
        self._go_on("emailConfigFoundSubview")
        self._go_on("emailPasswordSubview", {"#password": login.password})
        self._go_on("emailAddedSuccessSubview")
        self.until("root && special('Inbox') && special('Trash')", "the account's folders")

    # ---- mail ----

    def folders(self):
        """{name below the account: what it is for}"""
        uses = ("Inbox", "Drafts", "SentMail", "Trash", "Junk", "Archive")
        return dict(self.call("""return root.descendants.map(folder => [
            decodeURIComponent(folder.URI.slice(root.URI.length + 1)),
            args[0].filter(use => folder.getFlag(Ci.nsMsgFolderFlags[use])).join(' ')]);""", uses))

    def open(self, use):
        self.call("pane.displayFolder(special(args[0]).URI);", use)
        self.until("pane.gFolder?.URI == special(args[0]).URI && pane.gDBView", f"the folder for {use}", use)

    def subjects(self):
        """Of the list of messages, in its order."""
        return self.call("""const rows = [];
            for (let row = 0; row < pane.gDBView.rowCount; row++) rows.push(pane.gDBView.getMsgHdrAt(row).mime2DecodedSubject);
            return rows;""")

    def select(self, subject):
        """The message with this subject, as by a click; it is shown."""
        wait_until(lambda: subject in self.subjects(), PATIENCE, f"{subject!r} in the list")
        self.call("pane.threadTree.selectedIndex = args[0];", self.subjects().index(subject))

    def shown(self):
        """The text of the message that is shown."""
        return self.call("return reader?.getMessagePaneBrowser()?.contentDocument?.body?.textContent ?? '';")

    def command(self, name):
        """What a menu or a key does with what is selected."""
        self.call("pane.commandController.doCommand(args[0]);", name)

    def move(self, use):
        """What is selected goes to the folder for this use, as by dragging it there."""
        self.call("pane.commandController.doCommand('cmd_moveMessage', special(args[0]));", use)

    def find(self, term):
        """The subjects of the messages that the server finds in the folder that is open, by a word of their text."""
        return self.call("""
            const session = Cc['@mozilla.org/messenger/searchSession;1'].createInstance(Ci.nsIMsgSearchSession);
            session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, pane.gFolder);
            const term = session.createTerm(), value = term.value;
            value.attrib = term.attrib = Ci.nsMsgSearchAttrib.Body;
            value.str = args[0];
            term.value = value;
            term.op = Ci.nsMsgSearchOp.Contains;
            session.appendTerm(term);
            const found = [];
            await new Promise(over => {
                session.registerListener({
                    onNewSearch() {},
                    onSearchHit(header) { found.push(header.mime2DecodedSubject); },
                    onSearchDone: over,
                });
                session.search(window.msgWindow);
            });
            return found.sort();""", term)

    def send(self, recipient, subject, text):
        """Writes a message in its window, and presses Send there; returns when that window is gone."""
        self.call("""
            const fields = Cc['@mozilla.org/messengercompose/composefields;1'].createInstance(Ci.nsIMsgCompFields);
            const parameters = Cc['@mozilla.org/messengercompose/composeparams;1'].createInstance(Ci.nsIMsgComposeParams);
            [fields.to, fields.subject, fields.body] = args;
            parameters.composeFields = fields;
            parameters.format = Ci.nsIMsgCompFormat.PlainText;
            parameters.identity = MailServices.accounts.accounts[0].defaultIdentity;
            MailServices.compose.OpenComposeWindowWithParams(null, parameters);""", recipient, subject, text)
        self.until("Services.wm.getMostRecentWindow('msgcompose')?.composeEditorReady", "the window that messages are written in")
        self.call("Services.wm.getMostRecentWindow('msgcompose').goDoCommand('cmd_sendNow');")
        self.until("!Services.wm.getMostRecentWindow('msgcompose')", "the message to be sent")

    def trust(self, file):
        text = "".join(line for line in Path(file).read_text().splitlines() if "-----" not in line)
        self.call("Cc['@mozilla.org/security/x509certdb;1'].getService(Ci.nsIX509CertDB).addCertFromBase64(args[0], 'CT,C,C');", text)

    def close(self):
        if self.marionette:
            self.marionette.close()
        for process in filter(None, (self.process, self.display)):
            end(process)
        shutil.rmtree(self.directory, ignore_errors=True)
