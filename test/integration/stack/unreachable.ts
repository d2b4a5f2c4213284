import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import net from 'node:net';
import path from 'node:path';
import type { TestMesh } from './mesh.ts';
import { Pace } from './pace.ts';

const NODE = path.join(path.dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin/node');

/** Answers HTTP on each connection, whatever is asked, and says its port. */
const APPLICATION = `
const net = require('node:net');
const answer = 'HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\n\\r\\nfine';
const server = net.createServer((socket) => socket.on('error', () => {}).on('data', () => socket.write(answer)));
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => require('node:fs').writeSync(1, server.address().port + '\\n'));
`;

/** An application in a process of its own, which can be stopped: its kernel then takes a connection or two, and drops the SYN of all others. */
export class StoppableApplication {
  readonly port: number;
  readonly #signal: (signal: NodeJS.Signals) => void;
  #fillers: net.Socket[] = [];

  constructor(port: number, signal: (signal: NodeJS.Signals) => void) {
    this.port = port;
    this.#signal = signal;
  }

  async stop(): Promise<void> {
    this.#signal('SIGSTOP');
    for (let i = 0; i < 6; i++) this.#fillers.push(net.connect(this.port, '127.0.0.1').on('error', () => {}));
    await Pace.rest(50);
  }

  goOn(): void {
    for (const filler of this.#fillers.splice(0)) filler.destroy();
    this.#signal('SIGCONT');
  }
}

export async function serveStoppable(mesh: TestMesh): Promise<StoppableApplication> {
  const child = spawn(NODE, ['-e', APPLICATION], { stdio: ['ignore', 'pipe', 'inherit'] });
  mesh.onStop(() => child.kill('SIGKILL'));
  const port = await new Promise<number>((resolve) => child.stdout.once('data', (text) => resolve(Number(text))));
  const application = new StoppableApplication(port, (signal) => child.kill(signal));
  mesh.onStop(() => application.goOn());
  return application;
}

/** An application that is there and away by turns, at one port. */
export class ComingApplication {
  readonly port: number;
  readonly #onConnection: (socket: net.Socket) => void;
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | null = null;

  constructor(port: number, onConnection: (socket: net.Socket) => void) {
    this.port = port;
    this.#onConnection = onConnection;
  }

  async come(): Promise<void> {
    const server = net.createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
      this.#onConnection(socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve));
  }

  /** Idle connections are closed as a server does that ends in order. */
  leave(): void {
    this.#server?.close();
    this.#server = null;
    for (const socket of this.#sockets) socket.end();
  }
}

/** At a port that is free now. */
export async function comingApplication(
  mesh: TestMesh,
  onConnection: (socket: net.Socket) => void,
): Promise<ComingApplication> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  const application = new ComingApplication(port, onConnection);
  mesh.onStop(() => application.leave());
  return application;
}
