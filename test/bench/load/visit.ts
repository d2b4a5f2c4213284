/** Calls every URL in the JSON list on standard input once, one after the other. */
import { get } from 'node:http';
import { text } from 'node:stream/consumers';

const TIMEOUT_MS = 5_000;

function visit(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: TIMEOUT_MS }, (response) => {
      response.resume().once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
    });
    request.on('timeout', () => request.destroy(new Error(`${url} did not answer`)));
    request.on('error', reject);
  });
}

for (const url of JSON.parse(await text(process.stdin)) as string[]) await visit(url);
