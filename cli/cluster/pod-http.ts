import { type ClientRequest, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { CliError } from '../errors.ts';
import { ApiError, type PodAccess, type PodName } from './cluster.ts';

/** What a proxy or an operator tells of itself stays far below. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/**
 * What a pod answers to a GET of one of its ports: asked of by the API server itself (`pods/proxy`), or, where it may not, or the pod's policies do not let it in,
 * from within the pod (`pods/portforward`).
 * @throws CliError what the first of both has said, where neither gets an answer
 */
export async function readPod(access: PodAccess, pod: PodName, port: number, path: string): Promise<string> {
  try {
    return await access.text({ path: `/api/v1/namespaces/${pod.namespace}/pods/${pod.name}:${port}/proxy${path}` });
  } catch (error) {
    // Nobody is let in by asking another way, and a pod that is gone is gone.
    if (error instanceof ApiError && (error.status === 401 || error.reason === 'NotFound')) throw error;
    const forwarded = await overForward(access, pod, port, path).catch(() => null);
    if (forwarded === null) throw error;
    return forwarded;
  }
}

async function overForward(access: PodAccess, pod: PodName, port: number, path: string): Promise<string> {
  const connection = await access.forward(pod, port);
  try {
    return await get(connection, path);
  } finally {
    connection.destroy();
  }
}

function get(connection: Duplex, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (connection.errored) throw connection.errored;
    connection.once('error', reject);
    const options = { path, headers: { host: 'localhost', connection: 'close' }, createConnection: () => connection };
    const asked: ClientRequest = request(options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_ANSWER_BYTES) asked.destroy(new Error(`the answer is longer than ${MAX_ANSWER_BYTES} bytes`));
        chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new CliError('WEFT_CLI_POD', `${response.statusCode} to GET ${path}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}
