import { execApp, get, NAMESPACE, url } from '../kubectl.ts';
import { podsOf, processesOf } from '../processes.ts';
import { type Finished, shell, sleep } from '../shell.ts';
import { type Check, check, type Step } from '../step.ts';

/** Written into the request, so that it would be seen in a capture of plaintext. */
const MARKER = 'seen-on-the-wire-marker';

const FILTER = 'tcp dst port 4143 and tcp[tcpflags] & tcp-push != 0';

/** Six seconds of what arrives at the pod's port 4143. The bytes looked for are ASCII, so that decoding as UTF-8 keeps them. */
function dump(pid: number): Promise<Finished> {
  const tcpdump = ['tcpdump', '-i', 'eth0', '-U', '-s', '0', '-c', '400', '-w', '-', FILTER];
  return shell('timeout', ['6', 'nsenter', '-t', String(pid), '-n', ...tcpdump], { anyStatus: true });
}

async function capture(): Promise<Check[]> {
  const pods = await podsOf('app=stock');
  const dumps = pods.map((pod) => dump(processesOf(pod)[0]!));
  await sendMarked();
  const captures = await Promise.all(dumps);
  const bytes = captures.map((finished) => finished.stdout).join('');
  return [
    check('bytes captured on port 4143 of the receivers', '> 1000', bytes.length, bytes.length > 1000),
    check(
      'TLS application data records (0x17 0x03 0x03) among them',
      'yes',
      bytes.includes('\u0017\u0003\u0003') ? 'yes' : 'no',
      bytes.includes('\u0017\u0003\u0003'),
    ),
    check(
      'the marker of the request in plaintext',
      'absent',
      bytes.includes(MARKER) ? 'present' : 'absent',
      !bytes.includes(MARKER),
    ),
  ];
}

async function sendMarked(): Promise<void> {
  await sleep(1500);
  await execApp('deploy/traffic', ['get', url('stock', `/item?${MARKER}`), '40']);
}

export const tls: Step = {
  id: 'c',
  title: 'mTLS between pods, and the identity of the caller',
  commands: [
    'tcpdump -i eth0 tcp dst port 4143   # in the network namespace of a stock pod',
    `kubectl -n ${NAMESPACE} exec deploy/traffic -c app -- node /app/main.mjs get ${url('stock', '/item')}`,
  ],
  async run() {
    const captured = await capture();
    const [meshed] = await get('deploy/traffic', url('stock', '/item'));
    const [plain] = await get('pod/outsider', url('stock', '/item'), 1, 'outside');
    const identity = `traffic.${NAMESPACE}.serviceaccount.identity.linkerd.cluster.local`;
    const callerOf = (body: string): string => String((JSON.parse(body || '{}') as { caller?: unknown }).caller ?? '');
    const caller = callerOf(meshed!.body);
    const outside = callerOf(plain!.body);
    return [
      ...captured,
      check('caller as the receiver sees it', identity, caller, caller === identity),
      check('a caller without a proxy', 'unauthenticated', outside, outside === 'unauthenticated'),
    ];
  },
};
