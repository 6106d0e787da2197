import type { ListenOptions } from 'node:net';

/** `UNIX:/path`, an absolute path (also a Windows pipe), `host:port` or `[v6]:port`. @throws Error for anything else. */
export function parseSocketAddress(address: string): ListenOptions {
  const unix = /^unix:(.+)$/i.exec(address)?.[1];
  if (unix) return { path: unix };
  if (address.startsWith('/') || address.startsWith('\\\\')) return { path: address };
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) throw new Error(`not a socket address: ${address}`);
  return { host, port: Number(port) };
}
