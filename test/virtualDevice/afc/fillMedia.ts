import { dict, encodeBinaryPlist, type PlistDict } from '../../../src/plist';
import type { DeviceDescription } from '../description';
import type { MediaTree } from './mediaTree';

/** What a host finds in the media folder of a phone that has been synchronised before. */
export function fillMedia(media: MediaTree, description: DeviceDescription): void {
  for (const folder of [
    'Books',
    'DCIM/100APPLE',
    'Downloads',
    'PhotoData',
    'Photos',
    'Recordings',
    'iTunes_Control/Music',
  ]) {
    media.makeFolder(folder);
  }
  const plist = (value: PlistDict) => encodeBinaryPlist(value);
  media.putFile(
    '/iTunes_Control/iTunes/iTunesPrefs',
    Buffer.concat([Buffer.from('frpd\x01\x01', 'latin1'), seededBytes(description.seed, 396)]),
  );
  media.putFile(
    '/iTunes_Control/iTunes/iTunesPrefs.plist',
    plist(dict({ iTunesPrefs: seededBytes(description.seed + 1, 402), seed: description.seed })),
  );
  media.putFile('/iTunes_Control/iTunes/VoiceMemos.plist', plist(dict({ Playlists: [] })));
  media.putFile('/iTunes_Control/iTunes/IC-Info.sidv', seededBytes(description.seed + 2, 368));
  media.putFile('/Books/iBooksData2.plist', plist(dict({ Books: [], Version: '2.0' })));
  media.syncLockFile();
}

/** Repeatable noise. */
export function seededBytes(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let index = 0; index < length; index++) {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    bytes[index] = state & 0xff;
  }
  return bytes;
}
