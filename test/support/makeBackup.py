#!/usr/bin/python3
"""Makes a backup folder to read, independently of the product: its own cipher, plists and databases.

    makeBackup.py FOLDER [--later] [--plain] [--mbdb] [--files N] [--bytes B] [--large N] [--rows N] < password

The same arguments make the same backup. --later: some days afterwards, with changes. --files N: so many more photos of
--bytes B each. --large N: so many films of some megabytes. --rows N: so many rows in the manifest whose contents are
missing, for the size of an index.
Prints JSON: {"files": {"domain/path": sha256}, "marker": text that is in every private file}.
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

MARKER = 'PLAINTEXT-MARKER-7d1f0c'
UDID = '00008120-001C2D3E4F506172'
BASE = 1_750_000_000
APPLE = 978_307_200


def seeded(label, length):
    out = b''
    while len(out) < length:
        out += hashlib.sha256(b'%d %s' % (len(out), label.encode())).digest()
    return out[:length]


def wrap(kek, key):
    a, r = b'\xa6' * 8, [key[i:i + 8] for i in range(0, len(key), 8)]
    cipher = AES.new(kek, AES.MODE_ECB)
    for j in range(6):
        for i in range(len(r)):
            b = cipher.encrypt(a + r[i])
            t = len(r) * j + i + 1
            a, r[i] = struct.pack('>Q', struct.unpack('>Q', b[:8])[0] ^ t), b[8:]
    return a + b''.join(r)


def encrypt(key, data):
    if not data:
        return data
    pad = 16 - len(data) % 16
    return AES.new(key, AES.MODE_CBC, bytes(16)).encrypt(data + bytes([pad]) * pad)


def tag(name, value):
    value = struct.pack('>I', value) if isinstance(value, int) else value
    return name.encode() + struct.pack('>I', len(value)) + value


def make_keybag(password):
    salt, dpsl, rounds = seeded('salt', 20), seeded('dpsl', 20), 20_000
    key = hashlib.pbkdf2_hmac('sha256', password.encode(), dpsl, rounds, 32)
    key = hashlib.pbkdf2_hmac('sha1', key, salt, 1000, 32)
    bag = tag('VERS', 5) + tag('TYPE', 1) + tag('UUID', seeded('bag', 16)) + tag('HMCK', seeded('hmck', 40))
    bag += tag('WRAP', 0) + tag('SALT', salt) + tag('ITER', 1000)
    bag += tag('DPWT', 1) + tag('DPIC', rounds) + tag('DPSL', dpsl)
    keys = {}
    for number in range(1, 12):
        keys[number] = seeded('class %d' % number, 32)
        bag += tag('UUID', seeded('uuid %d' % number, 16)) + tag('CLAS', number)
        bag += tag('WRAP', 2 if number <= 4 or 6 <= number <= 8 else 3) + tag('KTYP', 0)
        bag += tag('WPKY', wrap(key, keys[number]))
    return bag, keys


def archive(root):
    """A keyed archive of dictionaries, lists, strings, numbers and dates (as ('date', seconds since 2001))."""
    objects = ['$null']
    classes = {}

    def class_of(name):
        if name not in classes:
            objects.append({'$classname': name, '$classes': [name, 'NSObject']})
            classes[name] = plistlib.UID(len(objects) - 1)
        return classes[name]

    def add(value):
        position = len(objects)
        if isinstance(value, dict):
            objects.append(None)
            objects[position] = {
                'NS.keys': [add(key) for key in value],
                'NS.objects': [add(entry) for entry in value.values()],
                '$class': class_of('NSMutableDictionary'),
            }
        elif isinstance(value, list):
            objects.append(None)
            objects[position] = {'NS.objects': [add(entry) for entry in value], '$class': class_of('NSArray')}
        elif isinstance(value, tuple):
            objects.append(None)
            objects[position] = {'NS.time': value[1], '$class': class_of('NSDate')}
        else:
            objects.append(value)
        return plistlib.UID(position)

    top = {'root': add(root)}
    value = {'$version': 100000, '$archiver': 'NSKeyedArchiver', '$top': top, '$objects': objects}
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)


def database(statements, log=()):
    """A database and its write-ahead log with the statements of `log`, as a device leaves them behind."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, 'x.db')
        db = sqlite3.connect(file, isolation_level=None)
        db.execute('PRAGMA journal_mode=WAL')
        for statement in statements:
            db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
        db.execute('PRAGMA wal_checkpoint(TRUNCATE)')
        db.execute('PRAGMA wal_autocheckpoint=0')
        for statement in log:
            db.execute(*statement) if isinstance(statement, tuple) else db.execute(statement)
        with open(file, 'rb') as f:
            content = f.read()
        wal = b''
        if log:
            with open(file + '-wal', 'rb') as f:
                wal = f.read()
        db.close()
        return content, wal


PNG = bytes.fromhex(
    '89504e470d0a1a0a0000000d4948445200000002000000020802000000fdd49a730000001649444154789c63f8cfc0c0c0c0c0c4c0c0c0c0'
    'f01f000b0d0203b2b5f1d10000000049454e44ae426082')


def photo(number, length):
    head = b'\xff\xd8\xff\xe0' + struct.pack('>I', number)
    return head + seeded('photo %d' % number, 64) * (max(0, length - len(head)) // 64)


def contents(later, extra_files, extra_bytes, large):
    """(domain, path) → bytes, protection class."""
    messages = [('Hello from Anna ' + MARKER, 1), ('See you at the station', 0), ('Grüße aus Köln', 1)]
    if later:
        messages.append(('The train is late', 0))
    sms, _ = database(
        ['CREATE TABLE handle (ROWID INTEGER PRIMARY KEY, id TEXT)',
         "INSERT INTO handle VALUES (1, '+491700000000')",
         'CREATE TABLE message (ROWID INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, text TEXT, handle_id INTEGER, '
         'date INTEGER, is_from_me INTEGER, attributedBody BLOB)',
         'CREATE INDEX message_date ON message(date)',
         'CREATE TRIGGER gone AFTER INSERT ON message BEGIN DELETE FROM handle; END',
         'DROP TRIGGER gone',
         'CREATE VIEW recent AS SELECT text, date FROM message ORDER BY date DESC']
        + [('INSERT INTO message (guid, text, handle_id, date, is_from_me, attributedBody) VALUES (?,?,1,?,?,?)',
            ('G-%d' % i, text, (BASE - APPLE + i * 60) * 1_000_000_000, mine, archive({'NSString': text, 'lang': 'en'})))
           for i, (text, mine) in enumerate(messages)])
    notes, wal = database(
        ['CREATE TABLE ZNOTE (Z_PK INTEGER PRIMARY KEY, ZTITLE VARCHAR, ZBODY VARCHAR, ZMODIFICATIONDATE TIMESTAMP, ZDATA BLOB)']
        + [('INSERT INTO ZNOTE VALUES (?,?,?,?,?)', (i, 'Note %d' % i, 'Body %d' % i, BASE - APPLE + i * 3600.5, PNG))
           for i in range(1, 251)],
        [('INSERT INTO ZNOTE VALUES (251, ?, ?, ?, NULL)', ('Only in the log', MARKER + ' in the log', BASE - APPLE))])
    library, _ = database(
        ['CREATE TABLE ZASSET (Z_PK INTEGER PRIMARY KEY, ZDIRECTORY VARCHAR, ZFILENAME VARCHAR, ZDATECREATED TIMESTAMP)',
         "INSERT INTO ZASSET VALUES (1, 'DCIM/100APPLE', 'IMG_0001.JPG', %d)" % (BASE - APPLE - 86_400_000),
         # In iCloud, not in the backup; shared by somebody else.
         "INSERT INTO ZASSET VALUES (2, 'DCIM/100APPLE', 'IMG_0003.HEIC', NULL)",
         "INSERT INTO ZASSET VALUES (3, 'PhotoData/PhotoCloudSharingData/1', 'IMG_0004.JPG', NULL)"])
    settings = {
        'Name': 'Anna', 'Launches': 43 if later else 42, 'Ratio': 0.5, 'Since': __import__('datetime').datetime(2024, 5, 6, 7, 8, 9),
        'Token': seeded('token', 20), 'Secret': MARKER, 'Recent': ['a', 'b', {'deep': True}],
        'Archived': archive({'title': 'Inside ' + MARKER, 'when': ('date', 700_000_000.0), 'list': [1, 2, 'three']}),
    }
    files = {
        ('HomeDomain', 'Library/SMS/sms.db'): (sms, 3),
        ('HomeDomain', 'Library/Preferences/com.apple.springboard.plist'): (plistlib.dumps({'SBFormFactor': 3}), 4),
        ('MediaDomain', 'Library/SMS/Attachments/ab/11/picture.png'): (PNG, 3),
        ('CameraRollDomain', 'Media/DCIM/100APPLE/IMG_0001.JPG'): (photo(1, 4000), 4),
        ('CameraRollDomain', 'Media/DCIM/100APPLE/IMG_0002.PNG'): (PNG, 4),
        ('CameraRollDomain', 'Media/PhotoData/Photos.sqlite'): (library, 4),
        ('AppDomain-com.example.notes', 'Documents/Notes.sqlite'): (notes, 2),
        ('AppDomain-com.example.notes', 'Documents/Notes.sqlite-wal'): (wal, 2),
        ('AppDomain-com.example.notes', 'Documents/readme.txt'): (('Line one\nLine two %s\n' % MARKER).encode(), 1),
        ('AppDomain-com.example.notes', 'Library/Preferences/com.example.notes.plist'):
            (plistlib.dumps(settings, fmt=plistlib.FMT_BINARY), 4),
        ('AppDomain-com.example.notes', 'Documents/empty'): (b'', 4),
        ('AppDomain-com.example.notes', 'Documents/Ünïcødé 😀.txt'): ('naïve'.encode(), 3),
        ('AppDomainGroup-group.com.example.notes', 'shared.json'): (b'{"shared": true}\n', 4),
        ('WirelessDomain', 'Library/Preferences/com.apple.carrier.plist'): (plistlib.dumps({'Carrier': 'Test'}), 4),
    }
    if later:
        files[('AppDomain-com.example.notes', 'Documents/new.txt')] = (b'new in the later backup\n', 4)
        del files[('AppDomain-com.example.notes', 'Documents/empty')]
    for number in range(extra_files):
        path = 'Media/DCIM/%dAPPLE/IMG_%06d.JPG' % (200 + number // 1000, number)
        files[('CameraRollDomain', path)] = (photo(number + 10, extra_bytes), 4)
    for number in range(large):
        files[('CameraRollDomain', 'Media/DCIM/999APPLE/IMG_%d.MOV' % number)] = (photo(number, 2_500_000 + number), 4)
    return files


def record(path, mode, size, modified, klass, key, target=None, number=1):
    objects = ['$null', {}, path, {'$classname': 'MBFile', '$classes': ['MBFile', 'NSObject']}]
    file = {'$class': plistlib.UID(3), 'RelativePath': plistlib.UID(2), 'Mode': mode, 'Size': size, 'InodeNumber': number,
            'LastModified': modified, 'LastStatusChange': modified, 'Birth': modified, 'UserID': 501, 'GroupID': 501,
            'ProtectionClass': klass, 'Flags': 0}
    if key is not None:
        objects += [{'NS.data': key, '$class': plistlib.UID(5)}, {'$classname': 'NSMutableData', '$classes': ['NSMutableData', 'NSObject']}]
        file['EncryptionKey'] = plistlib.UID(4)
    if target is not None:
        file['Target'] = plistlib.UID(len(objects))
        objects.append(target)
    objects[1] = file
    value = {'$version': 100000, '$archiver': 'NSKeyedArchiver', '$top': {'root': plistlib.UID(1)}, '$objects': objects}
    return plistlib.dumps(value, fmt=plistlib.FMT_BINARY)


def file_id(domain, path):
    return hashlib.sha1(('%s-%s' % (domain, path)).encode()).hexdigest()


def bulk_rows(count, keys):
    """Rows as a phone has them: a third photos, the rest spread over many apps; one record serves for all."""
    key = struct.pack('<I', 4) + wrap(keys[4], seeded('bulk', 32)) if keys else None
    blob = record('Library/Caches/some/folder/with/a/usual/length/file-0000000.data', 0o100644, 1000, BASE, 4, key)
    for i in range(count):
        if i % 3 == 0:
            domain, path = 'CameraRollDomain', 'Media/PhotoData/Thumbnails/V2/DCIM/%dAPPLE/IMG_%07d.JPG/5005.JPG' % (100 + i // 3000, i)
        else:
            app = (i * 7919) % 300
            domain, path = 'AppDomain-com.vendor%03d.app' % app, 'Library/Application Support/Store/%02x/%02x/item-%07d.data' % (i % 256, i // 256 % 256, i)
        yield file_id(domain, path), domain, path, 1, blob


def mbdb(rows):
    def text(value):
        return b'\xff\xff' if value is None else struct.pack('>H', len(value)) + value

    out = b'mbdb\x05\x00'
    for domain, path, mode, size, modified, klass, key, target in rows:
        out += text(domain.encode()) + text(path.encode()) + text(target and target.encode()) + text(None) + text(key)
        out += struct.pack('>HQIIIIIQBB', mode, 1, 501, 501, modified, modified, modified, size, klass, 0)
    return out


def main():
    folder, options = sys.argv[1], sys.argv[2:]

    def number(name, default):
        return int(options[options.index(name) + 1]) if name in options else default

    later, plain, old = '--later' in options, '--plain' in options, '--mbdb' in options
    password = sys.stdin.readline().rstrip('\n')
    bag, keys = (b'', {}) if plain else make_keybag(password)
    files = contents(later, number('--files', 0), number('--bytes', 1000), number('--large', 0))
    modified = BASE + (500_000 if later else 0)
    os.makedirs(folder)
    rows, sums, folders = [], {}, set()
    for (domain, path), (data, klass) in files.items():
        parts = path.split('/')
        folders |= {(domain, '/'.join(parts[:depth])) for depth in range(len(parts))}
        name = file_id(domain, path)
        key = seeded('file ' + name, 32)
        persistent = None if plain else struct.pack('<I', klass) + wrap(keys[klass], key)
        stored = data if plain else encrypt(key, data)
        place = os.path.join(folder, name) if old else os.path.join(folder, name[:2], name)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, 'wb') as f:
            f.write(stored)
        changed = modified if later and path.endswith(('sms.db', 'notes.plist', 'new.txt')) else BASE
        rows.append((domain, path, 0o100644, len(data), changed, klass, persistent, None))
        sums['%s/%s' % (domain, path)] = hashlib.sha256(data).hexdigest()
    rows += [(domain, path, 0o40755, 0, BASE, 0, None, None) for domain, path in sorted(folders)]
    rows += [('AppDomainPlugin-com.example.notes.widget', '', 0o40755, 0, BASE, 0, None, None),
             ('AppDomain-com.example.notes', 'Library/link', 0o120755, 0, BASE, 0, None, '/var/mobile/Documents')]
    manifest = {'Version': '9.1' if old else '10.0', 'Date': __import__('datetime').datetime.utcfromtimestamp(modified),
                'IsEncrypted': not plain, 'WasPasscodeSet': True, 'Applications': {},
                'Lockdown': {'DeviceName': "Anna's iPhone", 'UniqueDeviceID': UDID, 'ProductType': 'iPhone15,4',
                             'ProductVersion': '9.3' if old else '17.5', 'SerialNumber': 'F2LXXXXXXX'}}
    if not plain:
        manifest['BackupKeyBag'] = bag
    if old:
        with open(os.path.join(folder, 'Manifest.mbdb'), 'wb') as f:
            f.write(mbdb(rows))
    else:
        file = os.path.join(folder, 'Manifest.db')
        work = file + '.work'
        db = sqlite3.connect(work)
        db.executescript('PRAGMA page_size=4096; PRAGMA auto_vacuum=1; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;'
                         'CREATE TABLE Files (fileID TEXT PRIMARY KEY, domain TEXT, relativePath TEXT, flags INTEGER, file BLOB);'
                         'CREATE TABLE Properties (key TEXT PRIMARY KEY, value BLOB); PRAGMA user_version=2;')
        flags = {0o100644: 1, 0o40755: 2, 0o120755: 4}
        insert = 'INSERT INTO Files VALUES (?,?,?,?,?)'
        db.executemany(insert, ((file_id(d, p), d, p, flags[mode], record(p, mode, size, date, klass, key, target, i))
                                for i, (d, p, mode, size, date, klass, key, target) in enumerate(rows)))
        db.executemany(insert, bulk_rows(number('--rows', 0), keys))
        db.executescript('CREATE INDEX FilesDomainIdx ON Files(domain); CREATE INDEX FilesRelativePathIdx ON Files(relativePath);'
                         'CREATE INDEX FilesFlagsIdx ON Files(flags);')
        db.commit()
        db.close()
        if plain:
            os.rename(work, file)
        else:
            key = seeded('manifest', 32)
            manifest['ManifestKey'] = struct.pack('<I', 4) + wrap(keys[4], key)
            cipher = AES.new(key, AES.MODE_CBC, bytes(16))
            with open(work, 'rb') as source, open(file, 'wb') as target:
                while data := source.read(1 << 20):
                    target.write(cipher.encrypt(data))
                target.write(cipher.encrypt(b'\x10' * 16))
            os.remove(work)
    metadata = plistlib.dumps({'itemName': 'Example Notes', 'softwareVersionBundleId': 'com.example.notes'})
    plists = {
        'Manifest': (manifest, plistlib.FMT_BINARY),
        'Status': ({'SnapshotState': 'finished', 'BackupState': 'new', 'IsFullBackup': not later, 'Version': '3.3',
                    'Date': manifest['Date'], 'UUID': 'AAAA'}, plistlib.FMT_BINARY),
        'Info': ({'Device Name': "Anna's iPhone", 'Display Name': "Anna's iPhone", 'Product Type': 'iPhone15,4',
                  'Product Version': '17.5', 'Serial Number': 'F2LXXXXXXX', 'Target Identifier': UDID,
                  'Unique Identifier': UDID, 'Last Backup Date': manifest['Date'],
                  'Applications': {'com.example.notes': {'iTunesMetadata': metadata}}}, plistlib.FMT_XML),
    }
    for name, (value, form) in plists.items():
        with open(os.path.join(folder, name + '.plist'), 'wb') as f:
            plistlib.dump(value, f, fmt=form)
    print(json.dumps({'files': sums, 'marker': MARKER}))


main()
