import { applyFile, get, kubectl, NAMESPACE, url, waitProgrammed } from '../kubectl.ts';
import { sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';
import { LoadControl, openStream, streams } from '../traffic.ts';

const STOCK = url('stock', '/item');

/** Who may call, by ServiceAccount. */
export async function callers(): Promise<Check[]> {
  const [catalog, web] = await Promise.all([get('deploy/catalog-v1', STOCK), get('deploy/web', STOCK)]);
  return [
    check('ServiceAccount catalog', '200', catalog[0]!.status, catalog[0]!.status === 200),
    check('ServiceAccount web', '403', web[0]!.status, web[0]!.status === 403),
  ];
}

async function unmeshed(): Promise<Check> {
  const [outsider] = await get('pod/outsider', STOCK, 1, 'outside');
  const refused = outsider!.status === 403 || outsider!.status === 0;
  return check('a pod without a proxy', 'refused', outsider!.status, refused);
}

/** Deletes the authorization while one kept-alive connection asks 50 times a second and a TCP stream is open. */
async function revoke(): Promise<Check[]> {
  const load = new LoadControl('revoked');
  await load.start({ url: STOCK, rps: 50, phase: 'revoked', connections: 1 });
  await openStream('revoked', `stock.${NAMESPACE}.svc.cluster.local`, 9090);
  await sleep(1500);
  const streamBefore = (await streams())['revoked'];
  await kubectl(['-n', NAMESPACE, 'delete', 'serverauthorization', 'stock-traffic']);
  const deletedMs = Date.now();
  await sleep(2500);
  const report = (await load.stop())['revoked']!;
  const stream = (await streams())['revoked']!;
  const lastOk = (report.lastSeenMs['200'] ?? 0) - deletedMs;
  const denied = report.statuses['403'] ?? 0;
  const works = streamBefore?.open === true && streamBefore.echoedBytes > 0;
  return [
    check(
      'after the delete, on the same connection',
      '403 within 1 s',
      `last 200 at ${lastOk} ms, then ${denied} times 403`,
      lastOk < 1000 && denied > 50,
    ),
    check(
      'the open TCP stream',
      'closed within 1 s',
      stream.open ? 'open' : `closed at ${stream.closedAtMs - deletedMs} ms`,
      works && !stream.open && stream.closedAtMs - deletedMs < 1000,
    ),
  ];
}

export const authorization: Step = {
  id: 'g',
  title: 'ServerAuthorization',
  commands: [
    'kubectl apply -f samples/authorization/policy.yaml',
    `kubectl -n ${NAMESPACE} delete serverauthorization stock-traffic`,
  ],
  async run() {
    await applyFile('samples/authorization/policy.yaml');
    await waitProgrammed('server', 'stock-http', 30_000);
    const checks = [...(await callers()), await unmeshed(), ...(await revoke())];
    await kubectl(['-n', NAMESPACE, 'delete', 'servers,serverauthorizations', '--all']);
    return checks;
  },
};
