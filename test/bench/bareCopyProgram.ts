import fs from 'node:fs';
import { silentLog } from '../../src/base/log';
import { openTrustedDevice, parseMuxAddress, UsbmuxClient } from '../../src/device';
import type { DeviceLink, DeviceLinkMessage } from '../../src/device/mobilebackup2/deviceLink';
import { getFreeDiskSpace } from '../../src/device/mobilebackup2/handlers/diskSpace';
import { downloadFiles } from '../../src/device/mobilebackup2/handlers/downloadFiles';
import {
  contentsOfDirectory,
  createDirectory,
  moveItems,
  removeItems,
} from '../../src/device/mobilebackup2/handlers/fileOperations';
import { uploadFiles } from '../../src/device/mobilebackup2/handlers/uploadFiles';
import type { LoopContext } from '../../src/device/mobilebackup2/loopContext';
import { LoopFacts } from '../../src/device/mobilebackup2/loopFacts';
import { openMobileBackup2 } from '../../src/device/mobilebackup2/openMobileBackup2';
import { ProgressTracker } from '../../src/device/mobilebackup2/progress';
import { dict, numberOf } from '../../src/plist';
import { MemoryStore } from '../support/memoryStore';

/*
 * `bareCopyProgram.js MUX UDID FILE BYTES`: asks a device for its backup and puts the files' bytes into one file, as they
 * come from TLS: no hash, no file of its own for each, no check, no flush. It stops after BYTES of content, in the middle
 * of the device's work, and prints how long they took.
 */

const PIECE_BYTES = 128 * 1024;
const FILE_DATA = 0x0c;
/** What is longer is content; the rest is property lists that the device wants to have stored. */
const CONTENT_FROM = 1e6;

const HANDLERS: Readonly<Record<string, (message: DeviceLinkMessage, context: LoopContext) => Promise<void>>> = {
  DLMessageDownloadFiles: downloadFiles,
  DLContentsOfDirectory: contentsOfDirectory,
  DLMessageCreateDirectory: createDirectory,
  DLMessageMoveItems: moveItems,
  DLMessageRemoveItems: removeItems,
  DLMessageGetFreeDiskSpace: getFreeDiskSpace,
  DLMessageUploadFiles: uploadFiles,
};

async function main(mux: string, udid: string, target: string, wanted: number): Promise<void> {
  const device = await openTrustedDevice(new UsbmuxClient(parseMuxAddress(mux), silentLog), udid, { log: silentLog });
  const { signal } = new AbortController();
  const link = await openMobileBackup2(device, signal);
  const context: LoopContext = {
    link,
    store: new MemoryStore(),
    progress: new ProgressTracker(() => {}),
    facts: new LoopFacts(),
    log: silentLog,
    cut: signal,
  };
  const Options = dict({ ForceFullBackup: true });
  await link.process(dict({ MessageName: 'Backup', TargetIdentifier: udid, SourceIdentifier: udid, Options }));
  const file = fs.openSync(target, 'wx', 0o600);
  const memory = Buffer.allocUnsafe(PIECE_BYTES);
  let [bytes, began] = [0, 0];
  while (bytes < wanted) {
    const message = await link.receive();
    if (message.name === 'DLMessageUploadFiles' && (numberOf(message.elements[3]) ?? 0) > CONTENT_FROM) {
      began ||= performance.now();
      bytes += await copyFiles(link, file, memory);
      await link.sendStatus(0);
      continue;
    }
    const serve = HANDLERS[message.name];
    if (!serve) throw new Error(`the device says ${message.name}`);
    await serve(message, context);
  }
  fs.closeSync(file);
  process.stdout.write(JSON.stringify({ ms: performance.now() - began, bytes }));
  await link.close();
  process.exit(0);
}

/** The files of one message, one behind the other. */
async function copyFiles({ input }: DeviceLink, file: number, memory: Buffer): Promise<number> {
  const readLength = async () => (await input.read(4)).readUInt32BE(0);
  let bytes = 0;
  for (let name = await readLength(); name > 0; name = await readLength()) {
    await input.skip(name);
    await input.skip(await readLength());
    for (;;) {
      const length = await readLength();
      if ((await input.read(1))[0] !== FILE_DATA) {
        await input.skip(length - 1);
        break;
      }
      for (let left = length - 1; left > 0;) {
        const piece = memory.subarray(0, Math.min(left, memory.length));
        await input.readInto(piece);
        for (let done = 0; done < piece.length;) done += fs.writeSync(file, piece, done);
        left -= piece.length;
        bytes += piece.length;
      }
    }
  }
  return bytes;
}

const [mux = '', udid = '', target = '', wanted] = process.argv.slice(2);
main(mux, udid, target, Number(wanted)).catch((error: unknown) => {
  process.stderr.write(String(error));
  process.exit(1);
});
