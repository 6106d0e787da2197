import { cancelled } from '../../../base/errors';
import { dict, isDict, numberOf, type PlistValue } from '../../../plist';
import type { StoreEntry } from '../backupStore';
import type { DeviceLinkMessage } from '../deviceLink';
import { EMPTY_PARAMETER } from '../deviceLink';
import type { LoopContext } from '../loopContext';
import { fileFailure, GENERIC_FAILURE } from '../statusCodes';

const FILE_TYPES: Readonly<Record<StoreEntry['type'], string>> = {
  file: 'DLFileTypeRegular',
  directory: 'DLFileTypeDirectory',
  other: 'DLFileTypeUnknown',
};

/** `["DLContentsOfDirectory", path]`: one level, as a dictionary; a missing folder is an empty one. */
export async function contentsOfDirectory({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const path = elements[1];
  if (typeof path !== 'string') return refuseMalformed(context);
  let entries: readonly StoreEntry[];
  try {
    entries = await context.store.list(path);
  } catch (error) {
    return fail(error, context);
  }
  const listing = new Map<string, PlistValue>();
  for (const { name, type, sizeBytes, modified } of entries) {
    listing.set(name, dict({ DLFileType: FILE_TYPES[type], DLFileSize: sizeBytes, DLFileModificationDate: modified }));
  }
  return context.link.sendStatus(0, EMPTY_PARAMETER, listing);
}

/** `["DLMessageCreateDirectory", path, …]` */
export async function createDirectory({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const path = elements[1];
  if (typeof path !== 'string') return refuseMalformed(context);
  try {
    await context.store.makeDirectory(path);
  } catch (error) {
    return fail(error, context);
  }
  return context.link.sendStatus(0);
}

/**
 * `["DLMessageMoveItems", {from: to, …}, {options}, percent]`: in the order of the dictionary, for one pair may make room
 * for the next. The first failure ends it.
 */
export async function moveItems({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const moves = elements[1];
  if (!isDict(moves)) return refuseMalformed(context);
  context.progress.enter('moving');
  context.progress.beginBatch(numberOf(elements[3]));
  try {
    for (const [from, to] of moves) {
      if (typeof from !== 'string' || typeof to !== 'string') return await refuseMalformed(context);
      await context.store.move(from, to);
      if (context.cut.aborted) throw cancelled();
    }
  } catch (error) {
    return await fail(error, context);
  }
  context.progress.endBatch();
  return context.link.sendStatus(0);
}

/**
 * `["DLMessageRemoveItems", [path, …], {options}, percent]`: a missing one is fine; after a failure the others are removed
 * all the same, and the last failure is told.
 */
export async function removeItems({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const paths = elements[1];
  if (!Array.isArray(paths)) return refuseMalformed(context);
  // A backup begins by removing what an interrupted one left; that is still preparation.
  if (context.progress.stage === 'moving') context.progress.enter('removing');
  context.progress.beginBatch(numberOf(elements[3]));
  let failure: { readonly error: unknown } | undefined;
  for (const path of paths as readonly PlistValue[]) {
    if (typeof path !== 'string') return refuseMalformed(context);
    if (path === '') continue; // Devices do send empty names here.
    try {
      await context.store.remove(path);
    } catch (error) {
      failure = { error };
    }
    if (context.cut.aborted) throw cancelled();
  }
  if (failure) return fail(failure.error, context);
  context.progress.endBatch();
  return context.link.sendStatus(0);
}

/** `["DLMessageCopyItem", from, to, …]` */
export async function copyItem({ elements }: DeviceLinkMessage, context: LoopContext): Promise<void> {
  const [, from, to] = elements;
  if (typeof from !== 'string' || typeof to !== 'string') return refuseMalformed(context);
  try {
    await context.store.copy(from, to);
  } catch (error) {
    return fail(error, context);
  }
  return context.link.sendStatus(0);
}

function refuseMalformed({ link }: LoopContext): Promise<void> {
  return link.sendStatus(GENERIC_FAILURE, 'Malformed message');
}

function fail(error: unknown, { link, facts, log, cut }: LoopContext): Promise<void> {
  if (cut.aborted) throw cancelled();
  const { code, text } = fileFailure(error);
  // Asking for what is not there is a question, not a failure of this computer.
  if (code !== -6) facts.addLocalError(error);
  log.warn(`answered ${code}: ${error instanceof Error ? error.message : String(error)}`);
  return link.sendStatus(code, text);
}
