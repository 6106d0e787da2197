import { randomBytes } from 'node:crypto';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';

export interface HostFront {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Stands before the VS Code server and answers two things that the server itself does not: its half of the key that
 * stored secrets are encrypted with (without it they are gone after a reload), and the page's service worker.
 * Everything else goes to the server and back as it is.
 */
export async function startHostFront(serverPort: number, port = 0): Promise<HostFront> {
  const key = randomBytes(32);
  const sockets = new Set<Socket>();
  const front = http.createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/mint-key') {
      response.setHeader('Content-Type', 'application/octet-stream').end(key);
    } else if (pathname.startsWith('/_static/')) {
      response.setHeader('Content-Type', 'text/javascript').setHeader('Service-Worker-Allowed', '/').end('');
    } else {
      pass(request, response, serverPort);
    }
  });
  front.on('connection', (socket: Socket) => keep(socket, sockets));
  front.on('upgrade', (request: http.IncomingMessage, socket: Socket, head: Buffer) => {
    const server = net.connect(serverPort, '127.0.0.1');
    keep(server, sockets);
    const { method, url, httpVersion, rawHeaders } = request;
    const lines = [`${method} ${url} HTTP/${httpVersion}`];
    for (let i = 0; i < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
    server.write(`${lines.join('\r\n')}\r\n\r\n`);
    server.write(head);
    server.pipe(socket).pipe(server);
    server.on('close', () => socket.destroy());
    socket.on('close', () => server.destroy());
  });
  await new Promise<void>((resolve, reject) => front.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    port: (front.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        front.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function pass(request: http.IncomingMessage, response: http.ServerResponse, port: number): void {
  const { method, url: path, headers } = request;
  const onward = http.request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}

function keep(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
  socket.on('error', () => socket.destroy()); // The other end went away; its own side says why.
}
