import { crc32 } from './crc32';
import { deflateSync } from 'node:zlib';

const SIDE = 120;

/** A PNG of 120 × 120 pixels: a rounded tile in a colour of its own with a lighter disc in it. */
export function appIcon(seed: number): Buffer {
  const [red, green, blue] = [seed & 0xff, (seed >>> 8) & 0xff, (seed >>> 16) & 0xff];
  const rows = Buffer.alloc(SIDE * (1 + SIDE * 4));
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * (1 + SIDE * 4) + 1 + x * 4;
      const disc = Math.hypot(x - SIDE / 2, y - SIDE / 2) < SIDE / (3 + (seed >>> 30));
      const lift = disc ? 96 : Math.floor((y * 48) / SIDE);
      rows[at] = Math.min(255, red + lift);
      rows[at + 1] = Math.min(255, green + lift);
      rows[at + 2] = Math.min(255, blue + lift);
      rows[at + 3] = insideRounded(x, y) ? 255 : 0;
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.set([8, 6, 0, 0, 0], 8); // 8 bits, RGBA
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function insideRounded(x: number, y: number): boolean {
  const radius = 26;
  const dx = Math.max(radius - x, x - (SIDE - 1 - radius), 0);
  const dy = Math.max(radius - y, y - (SIDE - 1 - radius), 0);
  return Math.hypot(dx, dy) <= radius;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
