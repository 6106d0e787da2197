#!/usr/bin/python3
"""Reads an encrypted backup as scripts do: Manifest.db decrypted to a file, then one content after the other.

    sequentialReader.py index FOLDER TEXT < password
    sequentialReader.py extract FOLDER TARGET < password

Prints JSON: {"open", "search", "listing"} or {"extract", "bytes"}, seconds each.
"""
import json
import os
import plistlib
import sqlite3
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'support'))
from readBackup import decrypt, file_key, open_keybag, read_record  # noqa: E402


def main():
    mode, folder, third = sys.argv[1:4]
    password = sys.stdin.readline().rstrip('\n')
    with open(os.path.join(folder, 'Manifest.plist'), 'rb') as f:
        manifest = plistlib.load(f)
    keys = open_keybag(manifest['BackupKeyBag'], password)
    start = time.time()
    with tempfile.TemporaryDirectory() as private:
        copy = os.path.join(private, 'Manifest.db')
        with open(os.path.join(folder, 'Manifest.db'), 'rb') as f, open(copy, 'wb') as out:
            out.write(decrypt(file_key(keys, manifest['ManifestKey']), f.read()))
        db = sqlite3.connect('file:%s?immutable=1' % copy, uri=True)
        db.execute('SELECT DISTINCT domain FROM Files').fetchall()
        opened = time.time()
        if mode == 'index':
            db.execute('SELECT domain, relativePath FROM Files WHERE relativePath LIKE ?', ['%' + third + '%']).fetchall()
            searched = time.time()
            db.execute("SELECT relativePath, flags FROM Files WHERE domain = 'CameraRollDomain'").fetchall()
            print(json.dumps({'open': opened - start, 'search': searched - opened, 'listing': time.time() - searched}))
            return
        written = 0
        for file_id, domain, path, blob in db.execute('SELECT fileID, domain, relativePath, file FROM Files WHERE flags = 1'):
            value = read_record(blob)
            with open(os.path.join(folder, file_id[:2], file_id), 'rb') as f:
                plain = decrypt(file_key(keys, value('EncryptionKey')), f.read())
            place = os.path.join(third, domain, path)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, 'wb') as out:
                out.write(plain)
            os.utime(place, (value('LastModified'), value('LastModified')))
            written += len(plain)
        print(json.dumps({'extract': time.time() - opened, 'bytes': written}))


main()
