import type {
  AppDescription,
  ContentDescription,
  DeviceDescription,
  FileDescription,
  StateSwitches,
} from './description';
import { DEFAULT_SWITCHES } from './switches';

const MB = 1_000_000;
const GB = 1_000_000_000;

/** Names that break careless programs, and every kind of item. */
const oddFiles: readonly FileDescription[] = [
  { domain: 'HomeDomain', relativePath: 'Library', kind: 'directory' },
  { domain: 'HomeDomain', relativePath: 'Library/Preferences/com.apple.springboard.plist', kind: 'file', size: 4_321 },
  { domain: 'HomeDomain', relativePath: 'Library/Empty', kind: 'file', size: 0 },
  { domain: 'HomeDomain', relativePath: 'Library/Hello.txt', kind: 'file', content: 'SGVsbG8sIHdvcmxkIQo=' },
  { domain: 'HomeDomain', relativePath: 'Library/Link', kind: 'link', target: 'Hello.txt' },
  { domain: 'HomeDomain', relativePath: 'Library/Dangling', kind: 'link', target: '/nowhere/at all' },
  { domain: 'MediaDomain', relativePath: 'Media/Recordings/Überraschung für Jörg.m4a', kind: 'file', size: 77_777 },
  {
    domain: 'MediaDomain',
    relativePath: 'Media/Recordings/Überraschung für Jörg.m4a'.normalize('NFD'),
    kind: 'file',
    size: 77_776,
  },
  { domain: 'MediaDomain', relativePath: 'Media/Purchases/👩‍👩‍👧‍👦 🎉.mp4', kind: 'file', size: 123_456 },
  { domain: 'MediaDomain', relativePath: `Media/${'very long name '.repeat(16).trim()}.txt`, kind: 'file', size: 15 },
  { domain: 'MediaDomain', relativePath: 'Media/CON.txt', kind: 'file', size: 3 },
  { domain: 'MediaDomain', relativePath: 'Media/quotes "and" back\\slash: <a|b>?*.txt', kind: 'file', size: 33 },
  { domain: 'MediaDomain', relativePath: `Media/${'deep/'.repeat(40)}bottom`, kind: 'file', size: 40 },
  { domain: 'KeychainDomain', relativePath: 'keychain-backup.plist', kind: 'file', size: 60_000, protectionClass: 1 },
];

const apps: readonly AppDescription[] = [
  { bundleId: 'org.example.notes', name: 'Field Notes', version: '4.2.1', store: true },
  { bundleId: 'org.example.weather', name: 'Wetter & Wind', version: '12.0', store: true },
  { bundleId: 'com.example.game', name: 'Löwenzahn 🌼', version: '1.9.33', store: true },
  { bundleId: 'net.example.messenger', name: 'Brieftaube', version: '24.11', store: true },
  { bundleId: 'com.example.inhouse', name: 'In-house Tool', version: '0.3', store: false },
];

function appFiles(count: number, size: number): ContentDescription['groups'] {
  return apps.map(({ bundleId }) => ({ domain: `AppDomain-${bundleId}`, relativePath: 'Documents', count, size }));
}

function device(parts: Partial<DeviceDescription> & { readonly state?: StateSwitches }): DeviceDescription {
  return {
    udid: '00008101-000A1B2C3D4E001E',
    name: "Ann's iPhone",
    deviceClass: 'iPhone',
    productType: 'iPhone13,2',
    productVersion: '16.5',
    buildVersion: '20F66',
    serialNumber: 'F2LXN0PTDV1A',
    locale: 'en_US',
    capacity: 128 * GB,
    free: 61 * GB,
    connections: ['usb'],
    apps,
    content: { files: oddFiles, groups: [] },
    state: DEFAULT_SWITCHES,
    derivationRounds: { first: 1_000, second: 100 },
    seed: 1,
    ...parts,
  };
}

/** Devices by name: each call gives a new description. */
export const presets = {
  /** A phone with two dozen small files of every kind, no passcode, trusting at once: for tests. */
  small: () => device({}),
  /** The phone of `npm start`: asks for trust and passcode, some 400 MB at the speed of a cable. */
  iphone: () =>
    device({
      udid: '00008130-001C35D20E92001C',
      name: 'iPhone von Jörg 📱',
      productType: 'iPhone16,1',
      productVersion: '17.6.1',
      buildVersion: '21G93',
      serialNumber: 'L7Q2WX9Y4M',
      locale: 'de_DE',
      capacity: 256 * GB,
      free: 97 * GB,
      passcode: '123456',
      connections: ['usb'],
      content: {
        files: oddFiles,
        groups: [
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 160, size: 1_900_000 },
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/101APPLE', count: 3, size: 24 * MB },
          { domain: 'HomeDomain', relativePath: 'Library/SMS/Attachments', count: 240, size: 60_000 },
          { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 1_500, size: 3_000 },
          ...appFiles(200, 12_000),
        ],
      },
      state: { ...DEFAULT_SWITCHES, trust: 'ask', passcodePrompt: 'wait', prepareMs: 1_500, rate: 40 * MB },
      seed: 15,
    }),
  /** By cable and over Wi-Fi, with a name from the other end of Unicode. */
  ipad: () =>
    device({
      udid: '00008103-0004682E1A9B802E',
      name: 'リビングの iPad',
      deviceClass: 'iPad',
      productType: 'iPad13,4',
      productVersion: '18.1',
      buildVersion: '22B83',
      serialNumber: 'DMPXK1C3Q1GC',
      locale: 'ja_JP',
      connections: ['usb', 'network'],
      content: {
        files: oddFiles,
        groups: [{ domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 40, size: MB }],
      },
      state: { ...DEFAULT_SWITCHES, wifiConnections: true },
      seed: 13,
    }),
  /** An old one: UDID of 40 hex digits, no Face ID, no passcode sheet for backups. */
  ipod: () =>
    device({
      udid: 'a3f5c1d20b9e84766512fedc0a1b2c3d4e5f6071',
      name: 'iPod touch',
      deviceClass: 'iPod',
      productType: 'iPod9,1',
      productVersion: '15.7',
      buildVersion: '19H12',
      serialNumber: 'CCQTN2EZM93C',
      capacity: 32 * GB,
      free: 9 * GB,
      seed: 9,
    }),
  /** Some 30,000 files, 3 GB. */
  large: () =>
    device({
      udid: '00008110-0012345678901234',
      productType: 'iPhone14,5',
      productVersion: '17.4',
      buildVersion: '21E219',
      content: {
        files: oddFiles,
        groups: [
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 1_000, size: 2 * MB },
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/101APPLE', count: 4, size: 200 * MB },
          { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 20_000, size: 5_000 },
          ...appFiles(2_000, 8_000),
        ],
      },
      seed: 14,
    }),
  /** A file above 4 GiB. */
  huge: () =>
    device({
      udid: '00008110-000000000000401E',
      content: {
        files: [
          {
            domain: 'CameraRollDomain',
            relativePath: 'Media/DCIM/100APPLE/IMG_0001.MOV',
            kind: 'file',
            size: 2 ** 32 + 12_345,
          },
        ],
        groups: [],
      },
      seed: 4,
    }),
  /** 20 big files, 4 GB. */
  benchBig: () =>
    device({
      udid: '00008110-00000000000B161E',
      content: {
        files: [],
        groups: [{ domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 20, size: 200 * MB }],
      },
      seed: 20,
    }),
  /** 20,000 files of 4 KiB. */
  benchSmall: () =>
    device({
      udid: '00008110-0000000000054A11',
      content: {
        files: [],
        groups: [{ domain: 'HomeDomain', relativePath: 'Library/Caches', count: 20_000, size: 4_096 }],
      },
      seed: 21,
    }),
  /** 1.5 GB: photos, a few films, many small files. */
  benchMixed: () =>
    device({
      udid: '00008110-000000000003113D',
      content: {
        files: oddFiles,
        groups: [
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/100APPLE', count: 300, size: 2 * MB },
          { domain: 'CameraRollDomain', relativePath: 'Media/DCIM/101APPLE', count: 3, size: 250 * MB },
          { domain: 'HomeDomain', relativePath: 'Library/Caches', count: 8_000, size: 6_000 },
          ...appFiles(400, 40_000),
        ],
      },
      seed: 22,
    }),
} satisfies Readonly<Record<string, () => DeviceDescription>>;

export type PresetName = keyof typeof presets;

/** @param changes laid over the preset; `state` switch by switch. @throws Error when there is no preset of that name. */
export function presetNamed(
  name: string,
  changes: Partial<Omit<DeviceDescription, 'state'>> & { readonly state?: Partial<StateSwitches> } = {},
): DeviceDescription {
  if (!Object.hasOwn(presets, name)) {
    throw new Error(`there is no preset ${name}; there are ${Object.keys(presets).join(', ')}`);
  }
  const description = presets[name as PresetName]();
  return { ...description, ...changes, state: { ...description.state, ...changes.state } };
}
