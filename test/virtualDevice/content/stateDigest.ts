import { createHash } from 'node:crypto';
import type { ContentEntry } from './contentEntry';
import type { DeviceContent } from './deviceContent';

/**
 * One number for all that a device holds: items, their facts and every byte of their contents. Two devices with equal
 * digests are equal. Generated contents count by what they are made from, not by reading them.
 * @param include Leaves out items for which it says false.
 */
export function stateDigest(content: DeviceContent, include: (entry: ContentEntry) => boolean = () => true): string {
  const lines: string[] = [];
  for (const entry of content.entries()) {
    if (!entry.unreadable && include(entry)) lines.push(describeEntry(entry));
  }
  const hash = createHash('sha256');
  for (const line of lines.sort()) hash.update(line).update('\n');
  return hash.digest('hex');
}

/** An item in one line, for finding out what differs. */
export function describeEntry(entry: ContentEntry): string {
  return JSON.stringify([
    entry.domain,
    entry.path,
    entry.kind,
    entry.size,
    entry.mode,
    entry.userId,
    entry.groupId,
    entry.birth,
    entry.modified,
    entry.statusChange,
    String(entry.inode),
    entry.protectionClass,
    entry.target,
    entry.attributes?.toString('hex'),
    entry.kind === 'file' ? contentName(entry) : undefined,
  ]);
}

function contentName(entry: ContentEntry): string {
  if (!entry.literal) return `made ${entry.key}.${entry.revision}`;
  return createHash('sha256').update(entry.literal).digest('hex');
}
