import { Agent, request } from 'node:http';

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
  ms: number;
}

/** One request; rejects only when there is no complete answer. */
function send(
  url: string,
  options: { method?: string; body?: string; agent?: Agent; headers?: Record<string, string> },
): Promise<Answer> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { method: options.method ?? 'GET', agent: options.agent, headers: options.headers, timeout: 30_000 },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body,
            ms: performance.now() - startedMs,
          }),
        );
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('timed out')));
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** Prints what the local control port answers. */
export async function control(address: string, method: string, path: string, body?: string): Promise<void> {
  const answer = await send(`http://${address}${path}`, { method, body });
  console.log(answer.body);
  if (answer.status !== 200) process.exitCode = 1;
}

/** `count` requests on one kept-alive connection, one JSON line each. `fields`: header fields, as `name: value`. */
export async function getMany(url: string, count: number, fields: readonly string[]): Promise<void> {
  const headers = Object.fromEntries(fields.map((field) => field.split(/:\s*/, 2)));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < count; i++) {
    const answer = await send(url, { agent, headers }).catch((error: unknown) => ({
      status: 0,
      headers: {} as Record<string, unknown>,
      body: String(error),
      ms: 0,
    }));
    const proxyError = answer.headers['l5d-proxy-error'];
    console.log(JSON.stringify({ status: answer.status, ms: Math.round(answer.ms), proxyError, body: answer.body }));
  }
  agent.destroy();
}

export async function runJob(url: string): Promise<number> {
  const answer = await send(url, {});
  console.log(answer.status, answer.body);
  return answer.status === 200 ? 0 : 1;
}
