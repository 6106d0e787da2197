import { dict, PlistReal, type PlistDict, type PlistValue } from '../../../src/plist';
import { seededBytes } from '../afc/fillMedia';
import type { DeviceState } from '../deviceState';

/** The domains that have values, as computed from the device's state. */
const domains: Readonly<Record<string, (device: DeviceState) => Record<string, PlistValue | undefined>>> = {
  'com.apple.Accessibility': () => ({
    AssistiveTouchEnabledByiTunes: 0,
    ClosedCaptioningEnabledByiTunes: 0,
    InvertDisplayEnabledByiTunes: 0,
    MonoAudioEnabledByiTunes: 0,
    SpeakAutoCorrectionsEnabledByiTunes: 0,
    VoiceOverTouchEnabledByiTunes: 0,
    ZoomTouchEnabledByiTunes: 0,
  }),
  'com.apple.disk_usage': diskUsage,
  'com.apple.disk_usage.factory': diskUsage,
  'com.apple.fairplay': (device) => ({
    FairPlayCertificate: seededBytes(device.description.seed + 30, 1024),
    FairPlayContextID: 0,
    FairPlayDeviceType: 160,
    FairPlayGUID: device.udid.replace('-', '').toLowerCase(),
    FairPlayID: seededBytes(device.description.seed + 31, 100),
    KeyTypeSupportVersion: 492,
    RentalClockBias: 0,
  }),
  'com.apple.fmip': (device) => ({ IsAssociated: device.switches.findMy }),
  'com.apple.iTunes': (device) => ({
    // A value of each kind, since hosts copy the whole domain into Info.plist.
    AutoSync: true,
    LastSyncDate: new Date(Date.UTC(2024, 4, 17, 8, 30)),
    LibraryApplications: ['com.apple.Music', 'com.apple.Books'],
    LibraryID: -7_205_759_403_792_794n,
    SoundCheckVolume: new PlistReal(0.75),
    SyncedHosts: dict({ Ännes: 1, '🎧': 2 }),
    Token: seededBytes(device.description.seed + 32, 16),
    Volume: new PlistReal(1),
  }),
  'com.apple.international': ({ description: { locale } }) => ({
    BootedLanguages: [],
    HostKeyboards: [],
    Keyboard: locale,
    Language: `${locale.split('_')[0] ?? 'en'}-${locale.split('_')[1] ?? 'US'}`,
    Locale: locale,
    SupportedKeyboards: ['de_DE', 'en_GB', 'en_US', 'emoji', 'fr_FR', 'ja_JP-Kana'],
    SupportedLanguages: ['en', 'de', 'fr', 'ja', 'zh-Hans', 'ar'],
    SupportedLocales: ['de_DE', 'en_GB', 'en_US', 'fr_FR', 'ja_JP'],
  }),
  'com.apple.iqagent': () => ({}),
  'com.apple.mobile.backup': ({ switches }) => ({
    CloudBackupEnabled: switches.cloudBackup,
    LastCloudBackupDate: switches.cloudBackup ? 738_600_000 : undefined,
    LastCloudBackupTZ: switches.cloudBackup ? 'CEST' : undefined,
    // Absent means off, as phones have it that never had a password.
    WillEncrypt: switches.backupPassword === undefined ? undefined : true,
    RequiresEncryption: switches.encryptionRequired ? true : undefined,
    RequiresEncrypt: switches.encryptionRequired ? true : undefined,
  }),
  'com.apple.mobile.battery': () => ({
    BatteryCurrentCapacity: 87,
    BatteryIsCharging: true,
    ExternalChargeCapable: true,
    ExternalConnected: true,
    FullyCharged: false,
    GasGaugeCapability: true,
    HasBattery: true,
  }),
  'com.apple.mobile.chaperone': ({ switches }) => ({ DeviceIsChaperoned: switches.supervised }),
  'com.apple.mobile.data_sync': () => ({
    Bookmarks: dict({ AccountNames: ['iCloud'], Sources: ['com.apple.mobile.bookmarks'] }),
    Calendars: dict({ AccountNames: ['iCloud'], Sources: ['com.apple.mobile.calendar'] }),
    Contacts: dict({ AccountNames: ['iCloud'], Sources: ['com.apple.mobile.contacts'] }),
    Notes: dict({ AccountNames: ['iCloud'], Sources: ['com.apple.mobile.notes'] }),
  }),
  'com.apple.mobile.iTunes': ({ description }) => ({
    // Some iPads lack it.
    MinITunesVersion: description.deviceClass === 'iPad' ? undefined : '12.12',
    AppleDRMVersion: dict({ Maximum: 4, Minimum: 0, Preferred: 4 }),
    ConnectedBundles: [],
    PreferredVideoFormats: ['H.264', 'HEVC'],
    SyncDataClasses: ['Contacts', 'Calendars', 'Bookmarks', 'Mail Accounts', 'Notes'],
    SupportsAirTraffic: true,
    SupportsAntiPhishing: true,
    iTunesStoreCapable: true,
  }),
  'com.apple.mobile.iTunes.store': () => ({
    AccountKind: 0,
    CreditDisplayString: '',
    DSPersonID: 1_234_567_890,
    KnownAccounts: [dict({ AccountKind: 0, AppleID: 'ann@example.org', DSPersonID: 1_234_567_890 })],
    PreferredStoreFront: '143443',
  }),
  'com.apple.mobile.iTunes.accessories': () => ({}),
  'com.apple.mobile.internal': () => ({
    DevToolsAvailable: 'Standard',
    HasInternalSettingsBundle: false,
    IsInternal: false,
  }),
  'com.apple.mobile.lockdown_cache': () => ({ ActivationState: 'Activated' }),
  'com.apple.mobile.restriction': ({ switches }) => ({
    ProhibitAppDelete: false,
    ProhibitAppInstall: switches.supervised,
  }),
  'com.apple.mobile.software_behavior': () => ({
    Valid: true,
    ChinaBrick: false,
    NoVOIP: false,
    NoWiFi: false,
    ShutterClick: false,
  }),
  'com.apple.mobile.sync_data_class': () => ({ Bookmarks: dict({}), Calendars: dict({}), Contacts: dict({}) }),
  'com.apple.mobile.tethered_sync': () => ({}),
  'com.apple.mobile.third_party_termination': () => ({}),
  'com.apple.mobile.user_preferences': () => ({ DiagnosticsAllowed: false }),
  'com.apple.mobile.wireless_lockdown': ({ switches, name }) => ({
    BonjourFullServiceName: switches.wifiConnections ? `${name}._apple-mobdev2._tcp.local.` : undefined,
    EnableWifiConnections: switches.wifiConnections,
    EnableWifiDebugging: false,
    EnableWifiPairing: false,
    HasWifi: true,
    SupportsWifi: true,
    SupportsWifiSyncing: true,
  }),
  'com.apple.purplebuddy': ({ switches }) => ({
    SetupDone: switches.setupDone,
    SetupFinishedAllSteps: switches.setupDone,
    SetupState: switches.setupDone ? 'SetupUsingAssistant' : undefined,
  }),
  'com.apple.security.mac.amfi': (device) => ({ DeveloperModeStatus: device.isAtLeast('16.0') ? false : undefined }),
  'com.apple.xcode.developerdomain': () => ({ DeveloperStatus: undefined }),
};

/** Case differs between tools; phones take both. */
const aliases: Readonly<Record<string, string>> = { 'com.apple.PurpleBuddy': 'com.apple.purplebuddy' };

/** An unknown domain is an empty one. */
export function domainValues(device: DeviceState, domain: string): PlistDict {
  const name = aliases[domain] ?? domain;
  return dict(Object.hasOwn(domains, name) ? (domains[name]?.(device) ?? {}) : {});
}

function diskUsage({ description: { capacity, free } }: DeviceState): Record<string, PlistValue> {
  const system = Math.min(14_000_000_000, Math.floor(capacity / 8));
  const data = capacity - system;
  return {
    AmountDataAvailable: free,
    AmountDataReserved: 209_715_200,
    AmountRestoreAvailable: free + 1_000_000_000,
    CalendarUsage: 1_413_120,
    CameraUsage: Math.floor((data - free) / 3),
    MediaCacheUsage: 0,
    MobileApplicationUsage: Math.floor((data - free) / 4),
    NANDInfo: Buffer.alloc(64),
    NotesUsage: 4_096_000,
    PhotoUsage: Math.floor((data - free) / 3),
    TotalDataAvailable: free,
    TotalDataCapacity: data,
    TotalDiskCapacity: capacity,
    TotalSystemAvailable: 0,
    TotalSystemCapacity: system,
    VoicemailUsage: 102_400,
    WebAppCacheUsage: 0,
  };
}
