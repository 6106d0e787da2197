import type { FileSystem } from './fileSystem';
import { writeFully } from './writeFully';

const PIECE_BYTES = 1024 * 1024;

/** A text file's lines in batches, for files of any size. @throws ENOENT … */
export async function* readLines(fileSystem: FileSystem, path: string): AsyncGenerator<readonly string[]> {
  const file = await fileSystem.open(path, 'read');
  try {
    const buffer = Buffer.allocUnsafe(PIECE_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (let count = await file.read(buffer); count > 0; count = await file.read(buffer)) {
      const bytes = Buffer.concat([rest, buffer.subarray(0, count)]);
      const end = bytes.lastIndexOf(0x0a);
      rest = bytes.subarray(end + 1);
      if (end >= 0) yield bytes.toString('utf8', 0, end).split('\n');
    }
    if (rest.length > 0) yield [rest.toString('utf8')];
  } finally {
    await file.close();
  }
}

export interface LineWriter {
  write(line: string): Promise<void>;
  close(): Promise<void>;
}

/** A new text file, written in pieces of a megabyte. */
export async function openLineWriter(fileSystem: FileSystem, path: string): Promise<LineWriter> {
  const file = await fileSystem.open(path, 'create');
  let lines: string[] = [];
  let length = 0;
  const flush = async () => {
    const bytes = Buffer.from(lines.join(''));
    lines = [];
    length = 0;
    await writeFully(fileSystem, file, bytes, path);
  };
  return {
    async write(line) {
      lines.push(line, '\n');
      length += line.length;
      if (length > PIECE_BYTES) await flush();
    },
    async close() {
      try {
        await flush();
      } finally {
        await file.close();
      }
    },
  };
}
