import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { diagnosticsText } from '../../../src/texts/diagnostics';
import { backup, details, device, engine, FOLDER, job, UDID } from '../views/generalTab/facts';

describe('diagnosticsText()', () => {
  const run = {
    kind: 'backup',
    startedAt: '2026-03-04T10:00:00Z',
    endedAt: '2026-03-04T10:01:30Z',
    outcome: 'failed',
    code: 'deviceReportedError',
    number: 49,
    bytes: 5e6,
    files: 12,
    full: true,
  } as const;
  const error = {
    code: 'hostDiskFull',
    message: `in ${FOLDER}/secret`,
    details: { number: 105, description: 'Ann', folder: FOLDER },
  } as const;
  const state = engine({
    mux: { kind: 'ready', address: 'UNIX:/home/ann/usbmuxd' },
    devices: [{ ...device, details: { ...details, phoneNumber: '+1 555 0100' } }],
    jobs: [job('backup', { stage: 'receiving' }, { kind: 'failed', endedAt: '', error })],
    catalogue: { ...engine().catalogue, backups: [{ ...backup, label: 'Before Ann left' }] },
  });
  const diagnosis = { system: 'linux 6.1.0 x64', runtime: 'Node.js 22.14.0', muxVersion: '1.1.1', runs: [run] };
  const text = diagnosticsText({ program: '0.1.0 in VS Code 1.101.0', diagnosis, state });

  it('has the versions, models, states, codes and numbers that help', () => {
    for (const fact of [
      /^program +0\.1\.0 in VS Code 1\.101\.0$/m,
      /^system +linux 6\.1\.0 x64$/m,
      /^service +ready, usbmuxd 1\.1\.1$/m,
      /^device +iPhone16,1, 18\.2\.1 \(22C161\), usb, trusted, 74 GB of 256 GB free$/m,
      /^folder +own, ready, 214 GB free$/m,
      /^backups +1 finished$/m,
      /^job .*backup, failed, stage receiving, hostDiskFull, device error 105/m,
      /^run .*full backup, failed, deviceReportedError, device error 49, 12 files, 5 MB, 90 s$/m,
    ]) {
      assert.match(text, fact);
    }
  });

  it('names no person, device, file or folder', () => {
    const secrets = [UDID, 'Ann', 'My iPhone', '/home', FOLDER, 'secret', details.serialNumber ?? '', '555', 'label'];
    for (const secret of secrets) assert.ok(!text.includes(secret), secret);
  });
});
