import { toErrorData } from '../../base/errors';
import { trustStateOf, type DeviceInfo, type TrustState } from '../../device';
import type { EncryptionChange, EngineCalls } from '../protocol';
import { requireTrust } from './requireTrust';
import type { Caller, EngineServices } from './engineServices';
import { errorOfJob } from './errorOfJob';

/** Goes on until trusted, refused or cancelled; the device's state follows what happens on its screen. */
export function pair(services: EngineServices, udid: string, { owner, signal }: Caller): Promise<void> {
  const { jobs, devices, ports } = services;
  const job = { kind: 'pair', owner, name: devices.nameOf(udid), udid } as const;
  const told = (trust: TrustState) => devices.setTrust(udid, trust);
  return jobs.run(
    job,
    async (context) => {
      devices.get(udid);
      context.report({ stage: 'working' });
      try {
        await ports.devices.pair(udid, told, context.signal);
      } catch (error) {
        // Later questions only find that there is no pair record.
        const trust = trustStateOf(error);
        if (trust) devices.setTrust(udid, trust);
        throw error;
      } finally {
        await settle(services, udid);
      }
    },
    { signal },
  );
}

export async function unpair(services: EngineServices, udid: string, { signal }: Caller): Promise<void> {
  try {
    await services.ports.devices.unpair(udid, signal);
  } finally {
    await settle(services, udid);
  }
}

/** @throws AppError `encryptionForced`, `alreadyEncrypted`, `notEncrypted`, `wrongPassword`, `passcodeNotEntered` … */
export function changeEncryption(
  services: EngineServices,
  { udid, change }: { readonly udid: string; readonly change: EncryptionChange },
  { owner, signal }: Caller,
): Promise<void> {
  const { jobs, devices, ports } = services;
  const job = { kind: 'encryption', owner, name: devices.nameOf(udid), udid } as const;
  return jobs.run(
    job,
    async ({ report, signal: cancelled }) => {
      await requireTrust(services, udid);
      try {
        await ports.devices.changeEncryption(udid, { change, report, signal: cancelled });
      } catch (error) {
        throw errorOfJob('encryption', error);
      } finally {
        // Whatever was said, what the device does now is the truth.
        await settle(services, udid);
      }
    },
    { signal, facts: () => ({ encryption: change.kind }) },
  );
}

export async function setWifiConnections(
  services: EngineServices,
  { udid, on }: EngineCalls['setWifiConnections']['params'],
  { signal }: Caller,
): Promise<void> {
  await requireTrust(services, udid);
  await services.ports.devices.setWifiConnections(udid, on, signal);
  await settle(services, udid);
}

export async function setCloudBackup(
  services: EngineServices,
  { udid, on }: EngineCalls['setCloudBackup']['params'],
  { owner, signal }: Caller,
): Promise<void> {
  const { jobs, devices, ports } = services;
  await requireTrust(services, udid);
  // It talks to the device's backup service, which serves one at a time.
  const job = { kind: 'cloud', owner, name: devices.nameOf(udid), udid } as const;
  await jobs.run(job, (context) => ports.devices.setCloudBackup(udid, on, context.signal), { signal });
  await settle(services, udid);
}

export async function estimate(
  { ports, devices }: EngineServices,
  { udid, folder }: EngineCalls['estimate']['params'],
): Promise<EngineCalls['estimate']['result']> {
  const info: DeviceInfo = devices.get(udid);
  const freeBytes = await ports.backups.freeSpace(folder).catch(() => undefined);
  const storage = info.details?.storage;
  return {
    // The protocol tells no size beforehand. What is in use on the device is the most that can come.
    ...(storage && { neededBytes: storage.total - storage.free, deviceFreeBytes: storage.free }),
    ...(freeBytes !== undefined && { freeBytes }),
  };
}

/** The device's state as it is now; that it cannot be asked does not change how the work ended. */
async function settle({ devices, log }: EngineServices, udid: string): Promise<void> {
  await devices.refresh(udid).catch((error: unknown) => log.debug(`device ${udid}: ${toErrorData(error).message}`));
}
