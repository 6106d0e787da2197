import type { DeviceInfo, TrustState } from '../../device';
import { modelName } from '../../texts/deviceModels';
import { problem } from '../../texts/problems';
import type { Command } from '../command';
import { knownDevices } from '../findDevice';

export const devices: Command = {
  summary: 'list connected devices',
  async run({ engine, output, signal }) {
    const list = await knownDevices(await engine(), signal);
    for (const device of list) output.event('device', device, deviceText(device));
    const { text, next } = problem('noDevice');
    output.done({ devices: list.length }, list.length === 0 ? `${text} ${next}` : undefined);
  },
};

/** `Ann’s iPhone  iPhone 15 Pro  iOS 18.2  trusted  87 %  USB  00008130-…` */
function deviceText({ udid, identity, details, trust, connections }: DeviceInfo): string {
  const system = identity?.deviceClass === 'iPad' ? 'iPadOS' : 'iOS';
  const battery = details?.battery;
  const parts = [
    identity?.name ?? udid,
    identity && modelName(identity.productType),
    identity && `${system} ${identity.productVersion}`,
    TRUST[trust.kind],
    details?.backup.willEncrypt ? 'backups encrypted' : undefined,
    battery && `${battery.percent} %${battery.charging ? ' charging' : ''}`,
    connections.map((connection) => (connection === 'usb' ? 'USB' : 'Wi-Fi')).join(' + '),
    udid,
  ];
  return parts.filter((part) => part !== undefined).join('  ');
}

const TRUST: Record<TrustState['kind'], string> = {
  unknown: 'not asked yet',
  untrusted: 'not trusted',
  waitingForTrust: 'waiting for Trust',
  locked: 'locked',
  denied: 'trust denied',
  forbidden: 'trust forbidden',
  stale: 'trust lost',
  wrongKey: 'wrong key',
  trusted: 'trusted',
  failed: 'not reachable',
};
