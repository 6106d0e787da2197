#!/usr/bin/python3
"""Reads a backup folder as an independent reader: shares no code with the product or the virtual device.

    readBackup.py FOLDER < password

The password is the first line of standard input; an empty one for an unencrypted backup. Prints JSON:
{"encrypted", "classes": [numbers that opened], "rows": [[fileID, domain, path, flags, size, sha1 of the content or null,
digest found, digest right]], "problems": [texts]}.
"""
import hashlib
import json
import os
import plistlib
import sqlite3
import struct
import sys
import tempfile

from Cryptodome.Cipher import AES


def unwrap(key, wrapped):
    """RFC 3394; None when the check fails."""
    a = wrapped[:8]
    r = [wrapped[i:i + 8] for i in range(8, len(wrapped), 8)]
    cipher = AES.new(key, AES.MODE_ECB)
    for j in range(5, -1, -1):
        for i in range(len(r) - 1, -1, -1):
            t = len(r) * j + i + 1
            b = cipher.decrypt(struct.pack('>Q', struct.unpack('>Q', a)[0] ^ t) + r[i])
            a, r[i] = b[:8], b[8:]
    return b''.join(r) if a == b'\xa6' * 8 else None


def read_keybag(data):
    blocks, at = [{}], 0
    while at < len(data):
        tag, length = data[at:at + 4].decode(), struct.unpack('>I', data[at + 4:at + 8])[0]
        value = data[at + 8:at + 8 + length]
        assert len(value) == length, 'the keybag is cut off'
        at += 8 + length
        if tag == 'UUID' and 'UUID' in blocks[-1]:
            blocks.append({})
        blocks[-1][tag] = value
    return blocks[0], blocks[1:]


def number(value):
    return struct.unpack('>I', value)[0]


def open_keybag(data, password):
    header, classes = read_keybag(data)
    key = password.encode()
    if 'DPIC' in header:
        key = hashlib.pbkdf2_hmac('sha256', key, header['DPSL'], number(header['DPIC']), 32)
    key = hashlib.pbkdf2_hmac('sha1', key, header['SALT'], number(header['ITER']), 32)
    keys = {}
    for block in classes:
        if number(block['WRAP']) & 2:
            opened = unwrap(key, block['WPKY'])
            if opened is None:
                sys.exit('wrong password')
            if number(block['WRAP']) == 2:
                keys[number(block['CLAS'])] = opened
    return keys


def file_key(keys, data):
    assert len(data) == 44, 'a key of %d bytes' % len(data)
    key = unwrap(keys[struct.unpack('<I', data[:4])[0]], data[4:])
    assert key is not None, 'a key does not open'
    return key


def decrypt(key, data):
    if not data:
        return data
    plain = AES.new(key, AES.MODE_CBC, bytes(16)).decrypt(data)
    pad = plain[-1]
    assert 1 <= pad <= 16 and plain[-pad:] == bytes([pad]) * pad, 'wrong padding'
    return plain[:-pad]


def read_record(blob):
    archive = plistlib.loads(blob)
    objects = archive['$objects']
    file = objects[archive['$top']['root'].data]

    def value(key):
        found = file.get(key)
        if isinstance(found, plistlib.UID):
            found = objects[found.data] if found.data else None
        return found.get('NS.data') if isinstance(found, dict) and 'NS.data' in found else found

    return value


def main():
    folder = sys.argv[1]
    password = sys.stdin.readline().rstrip('\n')
    with open(os.path.join(folder, 'Manifest.plist'), 'rb') as f:
        manifest = plistlib.load(f)
    with open(os.path.join(folder, 'Status.plist'), 'rb') as f:
        status = plistlib.load(f)
    assert status['SnapshotState'] == 'finished', status
    encrypted = manifest['IsEncrypted']
    keys = open_keybag(manifest['BackupKeyBag'], password)
    with open(os.path.join(folder, 'Manifest.db'), 'rb') as f:
        database = f.read()
    if encrypted:
        assert len(database) % 4096 == 16
        database = decrypt(file_key(keys, manifest['ManifestKey']), database)
    assert database[:16] == b'SQLite format 3\0'
    rows, problems = [], []
    with tempfile.TemporaryDirectory() as private:
        copy = os.path.join(private, 'Manifest.db')
        with open(copy, 'wb') as f:
            f.write(database)
        db = sqlite3.connect('file:%s?immutable=1' % copy, uri=True)
        problems += [row[0] for row in db.execute('PRAGMA integrity_check') if row[0] != 'ok']
        for file_id, domain, path, flags, blob in db.execute('SELECT fileID, domain, relativePath, flags, file FROM Files'):
            value = read_record(blob)
            content = digest = None
            try:
                assert file_id == hashlib.sha1((domain + '-' + path).encode()).hexdigest(), 'a wrong fileID'
                assert value('RelativePath') == path, 'another path in its record'
                if flags & 1:
                    with open(os.path.join(folder, file_id[:2], file_id), 'rb') as f:
                        stored = f.read()
                    digest = value('Digest')
                    if digest is not None:
                        assert digest == hashlib.sha1(stored).digest(), 'a wrong digest'
                    plain = decrypt(file_key(keys, value('EncryptionKey')), stored) if encrypted else stored
                    assert len(plain) == value('Size'), '%d bytes instead of %d' % (len(plain), value('Size'))
                    content = hashlib.sha1(plain).hexdigest()
            except (AssertionError, OSError) as error:
                problems.append('%s-%s: %s' % (domain, path, error))
            rows.append([file_id, domain, path, flags, value('Size'), content, digest is not None])
    print(json.dumps({'encrypted': encrypted, 'classes': sorted(keys), 'rows': rows, 'problems': problems}))


if __name__ == '__main__':
    main()
