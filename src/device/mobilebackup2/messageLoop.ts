import { throwIfAborted } from '../../base/abort';
import { AppError, cancelled, isAppError } from '../../base/errors';
import { isDict, numberOf, type PlistDict, type PlistValue } from '../../plist';
import type { DeviceLink, DeviceLinkMessage } from './deviceLink';
import { getFreeDiskSpace, purgeDiskSpace } from './handlers/diskSpace';
import { downloadFiles } from './handlers/downloadFiles';
import { contentsOfDirectory, copyItem, createDirectory, moveItems, removeItems } from './handlers/fileOperations';
import { uploadFiles } from './handlers/uploadFiles';
import type { LoopContext } from './loopContext';
import { settledWithin } from './settledWithin';
import { NOT_SUPPORTED } from './statusCodes';

/** Serves one message, and answers it exactly once. */
type Handler = (message: DeviceLinkMessage, context: LoopContext) => Promise<void>;

const HANDLERS: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['DLMessageDownloadFiles', downloadFiles],
  ['DLMessageUploadFiles', uploadFiles],
  ['DLContentsOfDirectory', contentsOfDirectory],
  ['DLMessageCreateDirectory', createDirectory],
  ['DLMessageMoveFiles', moveItems],
  ['DLMessageMoveItems', moveItems],
  ['DLMessageRemoveFiles', removeItems],
  ['DLMessageRemoveItems', removeItems],
  ['DLMessageCopyItem', copyItem],
  ['DLMessageGetFreeDiskSpace', getFreeDiskSpace],
  ['DLMessagePurgeDiskSpace', purgeDiskSpace],
]);

/** The device's final word on a request. */
export interface FinalResponse {
  /** 0: it is satisfied. */
  readonly errorCode: number;
  readonly description: string;
  readonly content: PlistValue | undefined;
}

/** A message in flight gets this long to end after a cancellation; a longer one is cut. */
const GRACE_MS = 2_000;
/** After a cut: how long a disk that does not answer may hold us. */
const SETTLE_MS = 5_000;

export type LoopOptions = Omit<LoopContext, 'cut'> & {
  readonly signal: AbortSignal;
  /** Only tests ask for less. */
  readonly graceMs?: number;
  readonly settleMs?: number;
  /** Called before the wait for each message, which can be long. */
  readonly onWaiting?: () => void;
  /** Called with each message before it is served. */
  readonly onMessage?: (name: string) => void;
};

/**
 * Serves the device's messages until its final Response, however long it is silent in between.
 *
 * On abort the message in flight is served to its end, so that disconnect() finds the connection in step; one that takes
 * longer than 2 s is cut, and the connection closed: to the device that is an interrupted run.
 * @throws AppError `cancelled`, `deviceGone`, `deviceStopped` (it hung up), `timedOut`, `unexpectedReply`.
 */
export async function runMessageLoop({
  signal,
  onWaiting,
  onMessage,
  graceMs = GRACE_MS,
  settleMs = SETTLE_MS,
  ...options
}: LoopOptions): Promise<FinalResponse> {
  const cutter = new AbortController();
  const context: LoopContext = { ...options, cut: cutter.signal };
  const { link, log } = context;
  for (;;) {
    throwIfAborted(signal);
    onWaiting?.();
    const message = await link.receive(signal);
    onMessage?.(message.name);
    switch (message.name) {
      case 'DLMessageProcessMessage':
        return finalResponse(message.elements[1]);
      case 'DLMessageDisconnect':
        throw new AppError('deviceStopped', 'the device hung up without a result');
      case 'DLMessagePing':
        continue; // Asks for no answer.
    }
    const handler = HANDLERS.get(message.name) ?? refuseUnknown;
    log.trace(message.name);
    await withGrace(handler(message, context), { link, cutter, signal, graceMs, settleMs });
  }
}

/** A device that gets no answer waits for ever; one that gets a refusal can go on. */
async function refuseUnknown({ name }: DeviceLinkMessage, { link, log }: LoopContext): Promise<void> {
  log.warn(`unknown message ${name}; refused`);
  return link.sendStatus(NOT_SUPPORTED.code, NOT_SUPPORTED.text);
}

interface Grace {
  readonly link: DeviceLink;
  readonly cutter: AbortController;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  readonly settleMs: number;
}

function withGrace(serving: Promise<void>, { link, cutter, signal, graceMs, settleMs }: Grace): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => {
        cutter.abort();
        void link.close();
        // What was being written must come to rest before anybody else looks at the folder.
        void settledWithin(settleMs, serving).then(() => reject(cancelled('cut in the middle of a message')));
      }, graceMs);
    };
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    serving.then(
      () => {
        settle();
        resolve();
      },
      (error: unknown) => {
        settle();
        reject(
          cutter.signal.aborted && !isAppError(error, 'cancelled')
            ? cancelled('cut in the middle of a message')
            : (error as Error),
        );
      },
    );
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}

function finalResponse(value: PlistValue | undefined): FinalResponse {
  const response: PlistDict = isDict(value) ? value : new Map();
  const errorCode = numberOf(response.get('ErrorCode'));
  if (errorCode === undefined) throw new AppError('unexpectedReply', 'the final response has no ErrorCode');
  const description = response.get('ErrorDescription');
  return {
    errorCode,
    description: typeof description === 'string' ? description : '',
    content: response.get('Content'),
  };
}
