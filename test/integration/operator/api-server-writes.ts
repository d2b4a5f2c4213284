import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import type { TestApiServer } from '../../../hack/apiserver/server.ts';

const READS = new Set(['GET', 'LIST', 'WATCH', 'CONNECT', 'WATCHLIST']);

/**
 * Writes that the API server has answered so far, as it counts them itself (`apiserver_request_total`): by verb (`APPLY`: server-side), resource and subresource.
 * What it does by itself, and reviews, which write nothing, are left out.
 */
export async function countWrites(api: TestApiServer): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of (await metricsOf(api)).split('\n')) {
    const match = /^apiserver_request_total\{([^}]*)\} (\S+)$/.exec(line);
    if (match === null) continue;
    const labels = new Map([...match[1]!.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name!, value!]));
    const names = ['verb', 'resource', 'subresource', 'group'];
    const [verb = '', resource = '', subresource = '', group = ''] = names.map((name) => labels.get(name));
    if (group.startsWith('flowcontrol.')) continue;
    if (READS.has(verb) || resource.endsWith('reviews') || resource === '' || resource === 'endpoints') continue;
    const what = `${verb} ${[resource, subresource].filter((part) => part !== '').join('/')}`;
    counts[what] = (counts[what] ?? 0) + Number(match[2]);
  }
  return counts;
}

async function metricsOf({ url, caPem, adminCertificatePem, adminKeyPem }: TestApiServer): Promise<string> {
  const sent = request(`${url}/metrics`, { ca: caPem, cert: adminCertificatePem, key: adminKeyPem, agent: false });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
