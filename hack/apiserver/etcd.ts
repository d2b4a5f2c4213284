import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from './process.ts';

/** What may happen to the store behind an API server. */
export interface EtcdControl {
  /** SIGSTOP: the API server gets no answer. Resolves when not one of its threads runs any more. */
  pause(): Promise<void>;
  resume(): void;
  /** Forgets every revision before the present one: what still reads from an older one is told that it has expired. */
  compact(): Promise<void>;
  /** As when its quota is used up (alarm NOSPACE): every write is refused, reads and deletions work. */
  fill(): Promise<void>;
  /** Defragments and takes the alarm back, as an administrator would. */
  relieve(): Promise<void>;
}

interface Header {
  header: { member_id: string; revision: string };
}

/** Control of the etcd whose process and client socket these are, by signals and by its JSON gateway. */
export function etcdControl(process: ServerProcess, socketPath: string): EtcdControl {
  const call = (path: string, body: object) => post(socketPath, path, body);
  const alarm = async (action: 'ACTIVATE' | 'DEACTIVATE') => {
    const { header } = await call('/v3/maintenance/status', {});
    await call('/v3/maintenance/alarm', { action, memberID: header.member_id, alarm: 'NOSPACE' });
  };
  return {
    async pause() {
      process.signal('SIGSTOP');
      while (!process.isStopped) await sleep(5);
    },
    resume: () => process.signal('SIGCONT'),
    async compact() {
      const { header } = await call('/v3/maintenance/status', {});
      await call('/v3/kv/compaction', { revision: header.revision, physical: true });
    },
    fill: () => alarm('ACTIVATE'),
    async relieve() {
      await call('/v3/maintenance/defragment', {});
      await alarm('DEACTIVATE');
    },
  };
}

function post(socketPath: string, path: string, body: object): Promise<Header> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const asked = request({ socketPath, path, method: 'POST', headers, timeout: 10_000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text) as Header);
        else reject(new Error(`etcd answered ${answer.statusCode} to ${path}: ${text}`));
      });
    });
    asked.once('timeout', () => asked.destroy(new Error(`etcd does not answer ${path}`))).once('error', reject);
    asked.end(JSON.stringify(body));
  });
}
