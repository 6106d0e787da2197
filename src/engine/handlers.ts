import type { RetentionPolicy } from '../backups';
import type { EncryptionChange, EngineCalls, EngineMethod, RestoreOptions } from './protocol';
import type { Params } from './params';
import { backUp } from './useCases/backUp';
import {
  applyRetention,
  archiveBackup,
  deleteBackup,
  labelBackup,
  moveBackup,
  repairBackup,
  previewRetention,
  verify,
} from './useCases/backupUseCases';
import { checkRestore } from './useCases/checkRestore';
import {
  changeEncryption,
  estimate,
  pair,
  setCloudBackup,
  setWifiConnections,
  unpair,
} from './useCases/deviceUseCases';
import { diagnose } from './useCases/diagnose';
import type { Caller, EngineServices } from './useCases/engineServices';
import { restore } from './useCases/restore';

/** `hello`, `subscribe`, `watchFolders` and `shutdown` are about the connection itself: see server.ts. */
export type ServedMethod = Exclude<EngineMethod, 'hello' | 'subscribe' | 'watchFolders' | 'shutdown'>;

type Handlers = {
  readonly [M in ServedMethod]: (
    services: EngineServices,
    params: Params,
    caller: Caller,
  ) => Promise<EngineCalls[M]['result']>;
};

/** What each request does. */
export const handlers: Handlers = {
  pair: (services, params, caller) => pair(services, params.udid(), caller).then(nothing),
  unpair: (services, params, caller) => unpair(services, params.udid(), caller).then(nothing),
  refreshDevice: ({ devices }, params) => devices.refresh(params.udid()),
  setWifiConnections: (services, params, caller) =>
    setWifiConnections(services, { udid: params.udid(), on: params.flag('on') }, caller).then(nothing),
  setCloudBackup: (services, params, caller) =>
    setCloudBackup(services, { udid: params.udid(), on: params.flag('on') }, caller).then(nothing),
  backUp: (services, params, caller) =>
    backUp(
      services,
      {
        udid: params.udid(),
        folder: params.path('folder'),
        full: params.optionalFlag('full'),
        ...readPassword(params),
        ...(params.has('keep') && { keep: readPolicy(params.inner('keep')) }),
      },
      caller,
    ),
  changeEncryption: (services, params, caller) =>
    changeEncryption(services, { udid: params.udid(), change: readChange(params.inner('change')) }, caller).then(
      nothing,
    ),
  checkRestore: (services, params, caller) =>
    checkRestore(services, { udid: params.udid(), path: params.path('path'), ...readPassword(params) }, caller),
  restore: (services, params, caller) =>
    restore(
      services,
      {
        udid: params.udid(),
        path: params.path('path'),
        ...(params.has('date') && { date: params.text('date') }),
        ...readPassword(params),
        options: readOptions(params.inner('options')),
      },
      caller,
    ),
  rescan: ({ catalogue }) => catalogue.rescan(),
  verify: (services, params, caller) =>
    verify(
      services,
      { path: params.path('path'), level: params.oneOf('level', ['quick', 'full']), ...readPassword(params) },
      caller,
    ),
  deleteBackup: (services, params, caller) =>
    deleteBackup(services, { path: params.path('path'), evenIfOnly: params.optionalFlag('evenIfOnly') }, caller).then(
      nothing,
    ),
  archiveBackup: (services, params, caller) => archiveBackup(services, params.path('path'), caller),
  labelBackup: (services, params) =>
    labelBackup(services, { path: params.path('path'), label: params.text('label') }).then(nothing),
  moveBackup: (services, params, caller) =>
    moveBackup(services, { path: params.path('path'), toFolder: params.path('toFolder') }, caller),
  repairBackup: (services, params, caller) => repairBackup(services, params.path('path'), caller),
  previewRetention: (services, params, caller) => previewRetention(services, readRetention(params), caller),
  applyRetention: (services, params, caller) => {
    const only = params.has('only') && { only: params.paths('only') };
    return applyRetention(services, { ...readRetention(params), ...only }, caller);
  },
  history: ({ history }, params) => history.list(params.udid()),
  diagnose: (services) => diagnose(services),
  estimate: (services, params) => estimate(services, { udid: params.udid(), folder: params.path('folder') }),
  cancelJob: ({ jobs }, params) => Promise.resolve(jobs.cancel(params.text('jobId'))).then(nothing),
  dismissJob: ({ jobs }, params) => Promise.resolve(jobs.dismiss(params.text('jobId'))).then(nothing),
};

function nothing(): null {
  return null;
}

function readPassword(params: Params): { readonly password?: string } {
  const password = params.optionalText('password');
  return password === undefined ? {} : { password };
}

function readChange(params: Params): EncryptionChange {
  const kind = params.oneOf('kind', ['on', 'change', 'off']);
  switch (kind) {
    case 'on':
      return { kind, newPassword: params.text('newPassword') };
    case 'change':
      return { kind, oldPassword: params.text('oldPassword'), newPassword: params.text('newPassword') };
    case 'off':
      return { kind, oldPassword: params.text('oldPassword') };
  }
}

function readRetention(params: Params) {
  return { folder: params.path('folder'), udid: params.udid(), policy: readPolicy(params.inner('policy')) };
}

function readPolicy(params: Params): RetentionPolicy {
  const rules = (['last', 'daily', 'weekly', 'monthly'] as const).filter((rule) => params.has(rule));
  return Object.fromEntries(rules.map((rule) => [rule, params.count(rule)]));
}

function readOptions(params: Params): RestoreOptions {
  return {
    systemFiles: params.flag('systemFiles'),
    keepSettings: params.flag('keepSettings'),
    removeOthers: params.flag('removeOthers'),
    restart: params.flag('restart'),
  };
}
