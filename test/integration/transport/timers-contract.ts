import { expect } from 'chai';
import type { Connection, ConnectionHandler, Listener, Transport } from '../../../proxy-image/io/transport/types.ts';
import { Recorder, until } from './recorder.ts';

/** What the timers of every transport must do. */
export function timersContract(transportOf: () => Transport): void {
  describe('timers', () => {
    it('fire once, not before their time, in order', async () => {
      const fired: { name: string; atMs: number }[] = [];
      const timers = transportOf().timers;
      const owner = (name: string) => ({ onTimer: () => fired.push({ name, atMs: timers.nowMs() }) });
      const startMs = timers.nowMs();
      timers.set(timers.create(owner('late')), 90);
      timers.set(timers.create(owner('early')), 30);
      const cleared = timers.create(owner('cleared'));
      timers.set(cleared, 20);
      timers.clear(cleared);
      const moved = timers.create(owner('moved'));
      timers.set(moved, 20);
      timers.set(moved, 60);
      const nearer = timers.create(owner('nearer'));
      timers.set(nearer, 8000);
      timers.set(nearer, 45);
      await until(() => fired.length === 4, 'four timers');
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(fired.map(({ name }) => name)).to.deep.equal(['early', 'nearer', 'moved', 'late']);
      [30, 45, 60, 90].forEach((delayMs, i) => {
        expect(fired[i]!.atMs - startMs).to.be.at.least(delayMs);
      });
    });

    it('an owner may arm again from within', async () => {
      let count = 0;
      const timers = transportOf().timers;
      const timer = timers.create({
        onTimer: (self) => {
          if (++count < 3) timers.set(self, 10);
        },
      });
      timers.set(timer, 10);
      await until(() => count === 3, 'three times');
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(count).to.equal(3);
    });
  });
}

/** What a loop that is late must not do to those who were in time. */
export function lateLoopContract(transportOf: () => Transport): void {
  describe('timers of a late loop', () => {
    const listeners: Listener[] = [];
    const connections: Connection[] = [];

    afterEach(() => {
      for (const listener of listeners.splice(0)) listener.stop();
      for (const connection of connections.splice(0)) connection.reset();
    });

    async function listen(handler: ConnectionHandler): Promise<Listener> {
      const accept = (connection: Connection) => {
        connections.push(connection);
        return handler;
      };
      const listener = await transportOf().listen({ ip: '127.0.0.1', port: 0 }, { accept });
      listeners.push(listener);
      return listener;
    }

    for (const kind of ['own', 'peer'] as const) {
      it(`a connection that the kernel has made counts before a deadline of kind ${kind} that passed meanwhile`, async () => {
        const heard: string[] = [];
        const { timers } = transportOf();
        const { address } = await listen(new Recorder());
        const dialled = new Recorder();
        dialled.react = { onConnect: () => heard.push('connected') };
        timers.set(timers.create({ onTimer: () => heard.push('deadline') }, kind), 100);
        connections.push(transportOf().connect(address, dialled));
        spin(400);
        await until(() => heard.length === 2, 'both');
        expect(heard).to.deep.equal(['connected', 'deadline']);
      });

      it(`bytes that have arrived count before a deadline of kind ${kind} that passed meanwhile`, async () => {
        const heard: string[] = [];
        const { timers } = transportOf();
        const server = new Recorder();
        server.react = { onData: () => heard.push('bytes') };
        const { address } = await listen(server);
        const dialled = new Recorder();
        connections.push(transportOf().connect(address, dialled));
        await until(() => connections.length === 2 && dialled.events.includes('connect'), 'the connection');
        timers.set(timers.create({ onTimer: () => heard.push('deadline') }, kind), 100);
        await new Promise((resolve) => setTimeout(resolve, 20));
        connections[0]!.write(Buffer.from('in time'), 0, 7);
        spin(400);
        await until(() => heard.length === 2, 'both');
        expect(heard).to.deep.equal(['bytes', 'deadline']);
      });
    }

    it('a peer has its time in spite of turns that take longer, and what they took is measured', async () => {
      const { timers } = transportOf();
      let firedMs = 0;
      const lostBeforeSeconds = timers.lag.sumSeconds;
      const startedMs = timers.nowMs();
      timers.set(timers.create({ onTimer: () => (firedMs = timers.nowMs()) }, 'peer'), 500);
      for (let turn = 0; turn < 2; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        spin(600);
      }
      await until(() => firedMs > 0, 'the deadline');
      expect(firedMs - startedMs).to.be.at.least(1300);
      expect(timers.lag.sumSeconds - lostBeforeSeconds).to.be.at.least(0.8);
    });
  });
}

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}
