/* SPDX-License-Identifier: BSD-3-Clause */
/* What imapflow does in a mailbox of three messages; what it was told goes to standard output as JSON. */
'use strict';
const fs = require('fs');
const {ImapFlow} = require('imapflow');

const [host, port, trust, user, pass, compress] = process.argv.slice(2);

async function read(stream) {
    const pieces = [];
    for await (const piece of stream)
        pieces.push(piece);
    return Buffer.concat(pieces).toString('latin1');
}

async function main() {
    const client = new ImapFlow({
        host, port: Number(port), secure: port === '993', auth: {user, pass}, tls: {ca: fs.readFileSync(trust)},
        logger: false, qresync: true, disableCompression: compress !== 'compress', maxIdleTime: 600000,
    });
    const told = {};

    await client.connect();
    told.secure = client.secureConnection;
    told.enabled = [...client.enabled].sort();
    told.folders = Object.fromEntries((await client.list()).map(box => [box.path, box.specialUse || '']));
    await client.mailboxOpen('INBOX');
    told.messages = [];
    for await (const one of client.fetch('1:*', {uid: true, flags: true, envelope: true, bodyStructure: true, size: true, source: true}))
        told.messages.push({subject: one.envelope.subject, from: one.envelope.from[0].address, type: one.bodyStructure.type, size: one.size,
                            source: one.source.toString('latin1'), emailId: one.emailId});
    const part = await client.download('2', '1');
    told.part = await read(part.content);
    told.charset = part.meta.charset;
    told.found = await client.search({body: 'birch'}, {uid: true});
    await client.messageFlagsAdd(told.found, ['\\Flagged', 'work'], {uid: true});
    told.flags = [...(await client.fetchOne(String(told.found[0]), {flags: true}, {uid: true})).flags].sort();
    told.created = await client.mailboxCreate(['Work', 'Größe & mehr']);
    told.copied = (await client.messageCopy('1', told.created.path)).uidMap.size;
    told.moved = (await client.messageMove('1', 'Archive')).uidMap.size;
    told.appended = (await client.append('INBOX', 'Subject: appended\r\n\r\nwords\r\n', ['\\Draft'], new Date(1e12))).seq;
    told.date = (await client.fetchOne('*', {internalDate: true})).internalDate;
    told.status = await client.status(told.created.path, {messages: true, unseen: true});
    told.quota = (await client.getQuota('INBOX')).storage.limit;
    // It idles while it has nothing else to do: who started it delivers a message upon this line.
    const exists = new Promise(resolve => client.once('exists', resolve));
    const idle = client.idle();
    console.log('idle');
    const heard = await exists;
    told.heard = heard.count - heard.prevCount;
    await client.noop();
    await idle;
    await client.messageDelete('1:*');
    told.left = (await client.search({all: true})).length;
    await client.mailboxClose();
    await client.mailboxRename(told.created.path, 'Renamed');
    await client.mailboxDelete('Renamed');
    told.after = (await client.list()).map(box => box.path).sort();
    await client.logout();
    console.log(JSON.stringify(told));
}

main().catch(error => {
    console.error(error, error.response?.attributes?.map(one => one.value), error.executedCommand);
    process.exit(1);
});
