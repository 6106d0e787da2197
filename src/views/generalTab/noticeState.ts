import { t } from '@vscode/l10n';
import type { ErrorCode } from '../../base/errors';
import type { DeviceInfo, MuxState, TrustState } from '../../device/types';
import { problem } from '../../texts/problems';
import type { PageFacts } from './pageFacts';
import type { NoticeState } from './protocol';

/** What stands between the person and this device, and the one thing to do; undefined when nothing does. */
export function noticeState(
  device: DeviceInfo | undefined,
  pairing: boolean,
  { engine, engineProblem, platform }: PageFacts,
): NoticeState | undefined {
  if (engineProblem) {
    const { text, next } = problem(engineProblem, {}, platform);
    return {
      tone: engineProblem === 'engineVersion' ? 'warning' : 'bad',
      title: text,
      text: next,
      busy: false,
      action: { label: t('Try Again'), intent: 'reconnect' },
    };
  }
  if (!engine) {
    return { tone: 'plain', title: t('Connecting'), text: t('iOS Backup is looking for the device.'), busy: true };
  }
  if (!device) return awayNotice(engine.mux, platform);
  if (device.trust.kind === 'trusted' && !device.details) {
    return { tone: 'plain', title: t('Connecting'), text: t('Reading what the device tells.'), busy: true };
  }
  return trustNotice(device.trust, pairing, { kind: device.identity?.deviceClass ?? t('device'), platform });
}

const muxProblems: Partial<Record<MuxState['kind'], ErrorCode>> = {
  absent: 'muxAbsent',
  refused: 'muxRefused',
  silent: 'muxSilent',
};

function awayNotice({ kind }: MuxState, platform: NodeJS.Platform | undefined): NoticeState {
  const code = muxProblems[kind];
  if (!code) {
    const text = t('Connect the device with a cable and unlock it. This page goes on by itself.');
    return { tone: 'plain', title: t('Not connected'), text, busy: false };
  }
  const { text, next } = problem(code, {}, platform);
  const action = { label: t('Help with Connecting'), intent: 'showMuxHelp' } as const;
  return { tone: 'warning', title: text, text: next, busy: false, action };
}

/** The trust flow. It goes on by itself when the person acts on the device. */
function trustNotice(
  trust: TrustState,
  pairing: boolean,
  { kind, platform }: { readonly kind: string; readonly platform: NodeJS.Platform | undefined },
): NoticeState | undefined {
  const ask = { label: t('Trust This Device'), intent: 'trust' } as const;
  const again = { label: t('Pair Again'), intent: 'trust' } as const;
  const stop = { label: t('Cancel'), intent: 'cancelTrust' } as const;
  const log = { label: t('Show Log'), intent: 'showLog' } as const;
  switch (trust.kind) {
    case 'trusted':
      return undefined;
    case 'unknown':
      return { tone: 'plain', title: t('Connecting'), text: t('Asking the {0} who it is.', kind), busy: true };
    case 'untrusted':
      return pairing
        ? {
            tone: 'plain',
            title: t('Connecting'),
            text: t('Asking the {0} for its trust.', kind),
            busy: true,
            action: stop,
          }
        : {
            tone: 'plain',
            title: t('This {0} does not trust this computer yet', kind),
            text: t('To back it up, it must trust this computer. You are asked for its passcode once.'),
            busy: false,
            action: ask,
          };
    case 'waitingForTrust':
      return {
        tone: 'plain',
        title: t('Unlock your {0}, tap Trust and enter its passcode', kind),
        text: t('The question is on its screen now. This page goes on by itself.'),
        busy: true,
        action: pairing ? stop : ask,
      };
    case 'locked':
      return {
        tone: 'warning',
        title: t('The {0} is locked', kind),
        text: pairing
          ? t('Unlock it; it then asks whether to trust this computer. This page goes on by itself.')
          : t('Unlock it with its passcode, then go on here.'),
        busy: pairing,
        action: pairing ? stop : ask,
      };
    case 'denied':
      return {
        tone: 'warning',
        title: t('“Don’t Trust” was tapped'),
        text: t(
          'It asks once per connection: unplug the {0}, plug it in again, then choose Trust and tap Trust.',
          kind,
        ),
        busy: false,
        action: ask,
      };
    case 'forbidden':
      return {
        tone: 'bad',
        title: t('Pairing is not allowed'),
        text: t('Its management or a profile forbids pairing with this computer. Ask whoever manages the device.'),
        busy: false,
      };
    case 'stale':
      return {
        tone: 'warning',
        title: t('The {0} has forgotten this computer', kind),
        text: t('That happens after Reset Location & Privacy, an erase or a restore. Pair them again to go on.'),
        busy: pairing,
        action: pairing ? stop : again,
      };
    case 'wrongKey':
      return {
        tone: 'bad',
        title: t('This is not the {0} that was trusted', kind),
        text: t('Whatever answers does not hold its key. Disconnect it, unless you have just erased or repaired it.'),
        busy: false,
        action: again,
      };
    case 'failed': {
      const known = trust.finding && problem('trustFailed', { finding: trust.finding }, platform);
      return {
        tone: 'bad',
        title: known?.text ?? t('Pairing did not work'),
        text: known?.next ?? t('Unplug the {0}, plug it in again and try once more. The log tells more.', kind),
        busy: false,
        action: pairing ? stop : again,
        second: log,
      };
    }
  }
}
