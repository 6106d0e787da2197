import { numberOf } from '../../../plist';
import type { DeviceLinkMessage } from '../deviceLink';
import { EMPTY_PARAMETER } from '../deviceLink';
import type { LoopContext } from '../loopContext';
import { fileFailure, NOT_SUPPORTED } from '../statusCodes';

/** `["DLMessageGetFreeDiskSpace", path?]`: the truth, as a plain integer. The device decides by it whether to begin. */
export async function getFreeDiskSpace(_message: DeviceLinkMessage, context: LoopContext): Promise<void> {
  let bytes: number;
  try {
    bytes = await context.store.freeSpace();
  } catch (error) {
    const { code, text } = fileFailure(error);
    context.facts.addLocalError(error);
    context.log.warn(`free space is unknown: ${error instanceof Error ? error.message : String(error)}`);
    return context.link.sendStatus(code, text);
  }
  context.facts.freeBytes = bytes;
  context.log.debug(`free space: ${bytes} bytes`);
  return context.link.sendStatus(0, EMPTY_PARAMETER, bytes);
}

/**
 * `["DLMessagePurgeDiskSpace", bytes, urgency]`: this computer's files are not ours to delete. The device ends with 105
 * then, and the number tells how much is missing.
 */
export async function purgeDiskSpace({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const bytes = numberOf(elements[1]);
  if (bytes !== undefined) context.facts.purgeBytes = Math.max(bytes, context.facts.purgeBytes ?? 0);
  context.log.info(`the device asks to free ${bytes ?? 'an unknown number of'} bytes; refused`);
  return context.link.sendStatus(NOT_SUPPORTED.code, NOT_SUPPORTED.text);
}
