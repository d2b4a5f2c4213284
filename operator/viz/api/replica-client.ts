import { request } from 'node:https';
import type { PeerCertificate } from 'node:tls';
import { parseJsonBytes } from '../../../lib/json.ts';
import { REPLICA_SERVER_NAME } from './caller.ts';
import type { Credentials } from './server.ts';

/** Another replica of the control plane, as the endpoints of its Service have it. */
export interface OtherReplica {
  /** Of its pod. */
  name: string;
  address: string;
  /** `null`: it has no such port, because it is of an older release. */
  port: number | null;
  ready: boolean;
}

export interface ReplicaAnswers {
  /** Names of those that were to answer. */
  asked: string[];
  /** What came, in whatever order; unchecked. */
  answers: unknown[];
  /** Names of those of which nothing came. */
  missing: string[];
}

/** Asks all other replicas the same, in parallel. Never rejects: one that does not answer in time has not. */
export type AskReplicas = (
  path: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<ReplicaAnswers>;

export interface ReplicaClientOptions {
  others(): readonly OtherReplica[];
  /** `null`: there is no certificate yet. */
  mesh(): (Credentials & { anchorsPem: string }) | null;
  ownIdentity(): string;
  deadlineMs?: number;
  /** Why one has not answered. */
  failed(replica: string, error: unknown): void;
}

/** Replicas are in one cluster; whoever looks at a table does not wait longer for the slowest. */
const DEADLINE_MS = 1_000;
/** A part with as many groups as one may have. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function replicaClient(options: ReplicaClientOptions): AskReplicas {
  return async (path, parameters, signal) => {
    const others = options.others();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(options.deadlineMs ?? DEADLINE_MS)]);
    const target = `${path}?${new URLSearchParams(parameters)}`;
    const settled = await Promise.allSettled(others.map((other) => ask(options, other, target, limit)));
    const result: ReplicaAnswers = { asked: [], answers: [], missing: [] };
    for (const [at, outcome] of settled.entries()) {
      const { name, ready } = others[at]!;
      if (outcome.status === 'fulfilled') result.answers.push(outcome.value);
      else if (!ready && isRefused(outcome.reason)) continue;
      else {
        options.failed(name, outcome.reason);
        result.missing.push(name);
      }
      result.asked.push(name);
    }
    return result;
  };
}

/** One that has not begun to listen has no proxies either. */
function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
}

async function ask(
  { mesh, ownIdentity }: ReplicaClientOptions,
  { name, address, port }: OtherReplica,
  path: string,
  signal: AbortSignal,
): Promise<unknown> {
  const credentials = mesh();
  if (port === null) throw new Error(`${name} does not know of live numbers`);
  if (credentials === null) throw new Error('there is no certificate to ask with yet');
  const identity = ownIdentity();
  return new Promise((resolve, reject) => {
    const sent = request({
      host: address,
      port,
      path,
      agent: false,
      servername: REPLICA_SERVER_NAME,
      key: credentials.keyPem,
      cert: credentials.certPem,
      ca: credentials.anchorsPem,
      minVersion: 'TLSv1.3',
      checkServerIdentity: (_, certificate) => proves(certificate, identity),
      signal,
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        chunks.push(chunk);
        if (sizeBytes > MAX_ANSWER_BYTES) sent.destroy(new Error('the answer is too long'));
      });
      response.on('end', () => {
        if (response.statusCode !== 200) reject(new Error(`${name} has answered with ${response.statusCode}`));
        else resolve(parsed(Buffer.concat(chunks, sizeBytes)));
      });
    });
    sent.end();
  });
}

/** Exactly the name of the control plane: one of a proxy is none, nor is a wildcard. */
function proves({ subjectaltname }: PeerCertificate, identity: string): Error | undefined {
  return subjectaltname === `DNS:${identity}` ? undefined : new Error('it did not prove to be the control plane');
}

/** What is no JSON is no answer that anybody understands, which says so by itself. */
function parsed(bytes: Buffer): unknown {
  try {
    return parseJsonBytes(bytes);
  } catch {
    return null;
  }
}
