import * as vscode from 'vscode';
import type { App } from '../app/app';
import type { TreeNode } from '../views/tree/nodes';
import { allowAccess } from './allowAccess';
import { archiveBackup } from './archiveBackup';
import { deleteBackup } from './deleteBackup';
import { moveBackup } from './moveBackup';
import { renameBackup } from './renameBackup';
import { repairBackup } from './repairBackup';
import { showBackupContents } from './showBackupContents';
import { thinOutVersions } from './thinOutVersions';
import { verifyBackup } from './verifyBackup';
import { backUpNow } from './backUpNow';
import { cancelBackup } from './cancelBackup';
import { changeBackupPassword } from './changeBackupPassword';
import { chooseFolder } from './chooseFolder';
import { compareBackups } from './compareBackups';
import { copyAppContainer, extractFromBackup } from './extractFromBackup';
import { findInBackup } from './findInBackup';
import { lockBackup, unlockOpenBackup } from './lockBackup';
import { openBackup } from './openBackup';
import { openSearchHit, searchBackup } from './searchBackup';
import { forgetDevice } from './forgetDevice';
import { forgetPassword } from './forgetPassword';
import { forgotPassword } from './forgotPassword';
import { fullBackup } from './fullBackup';
import { manageBackups } from './manageBackups';
import { openDevice } from './openDevice';
import { refresh } from './refresh';
import { restoreBackup } from './restoreBackup';
import { runCommand } from './runCommand';
import { showBackupInFileManager } from './showBackupInFileManager';
import { showJob } from './showJob';
import { showDiagnostics } from './showDiagnostics';
import { showLog } from './showLog';
import { showMuxHelp } from './showMuxHelp';
import { trustDevice } from './trustDevice';
import { turnEncryptionOff } from './turnEncryptionOff';
import { turnEncryptionOn } from './turnEncryptionOn';

/**
 * `node` is the clicked tree node or explorer entry, or what another part names; undefined from the palette or a key
 * binding. `also` are all selected ones, where several can be.
 */
export type Command = (app: App, node?: TreeNode, also?: unknown) => Promise<void>;

/** Everything this extension can be asked to do. */
export const commands = {
  'iosBackup.openDevice': openDevice,
  'iosBackup.trustDevice': trustDevice,
  'iosBackup.forgetDevice': forgetDevice,
  'iosBackup.backUpNow': backUpNow,
  'iosBackup.fullBackup': fullBackup,
  'iosBackup.cancelBackup': cancelBackup,
  'iosBackup.showJob': showJob,
  'iosBackup.showBackupInFileManager': showBackupInFileManager,
  'iosBackup.manageBackups': manageBackups,
  'iosBackup.restore': restoreBackup,
  'iosBackup.chooseFolder': chooseFolder,
  'iosBackup.turnEncryptionOn': turnEncryptionOn,
  'iosBackup.changeBackupPassword': changeBackupPassword,
  'iosBackup.turnEncryptionOff': turnEncryptionOff,
  'iosBackup.forgotPassword': forgotPassword,
  'iosBackup.forgetPassword': forgetPassword,
  'iosBackup.openBackup': openBackup,
  'iosBackup.unlockBackup': unlockOpenBackup,
  'iosBackup.lockBackup': lockBackup,
  'iosBackup.findInBackup': findInBackup,
  'iosBackup.searchBackup': searchBackup,
  'iosBackup.openSearchHit': openSearchHit,
  'iosBackup.extractFromBackup': extractFromBackup,
  'iosBackup.copyAppContainer': copyAppContainer,
  'iosBackup.compareBackups': compareBackups,
  'iosBackup.verifyBackup': verifyBackup,
  'iosBackup.repairBackup': repairBackup,
  'iosBackup.showBackupContents': showBackupContents,
  'iosBackup.renameBackup': renameBackup,
  'iosBackup.archiveBackup': archiveBackup,
  'iosBackup.moveBackup': moveBackup,
  'iosBackup.thinOutVersions': thinOutVersions,
  'iosBackup.deleteBackup': deleteBackup,
  'iosBackup.refresh': refresh,
  'iosBackup.showMuxHelp': showMuxHelp,
  'iosBackup.showLog': showLog,
  'iosBackup.allowAccess': allowAccess,
  'iosBackup.showDiagnostics': showDiagnostics,
} satisfies Record<string, Command>;

export type CommandId = keyof typeof commands;

export function registerCommands(app: App): vscode.Disposable[] {
  return Object.entries<Command>(commands).map(([id, command]) =>
    vscode.commands.registerCommand(id, (node?: TreeNode, also?: unknown) =>
      runCommand(app, id, () => command(app, node, also)),
    ),
  );
}
