import { expect } from 'chai';
import { expectTranscript } from '../../../golden/transcript.ts';
import { LiveCluster } from '../../../support/live-cluster.ts';
import { fillShop, INBOUND, object, pod, proxyOf } from './shop.ts';

describe('weft stat', () => {
  const cluster = new LiveCluster();

  before(() => cluster.start());
  after(() => cluster.stop());
  beforeEach(() => {
    cluster.clear();
    fillShop(cluster);
  });

  it('prints what it has printed before, for every kind, side and form', async () => {
    await expectTranscript('live-numbers/stat.txt', (argv) => cluster.run(...argv));
  });

  it('asks for live numbers once for all rows of a kind, and for no more of pods than their metadata', async () => {
    await cluster.run('stat', 'deploy', '-t', '30s');
    const traffic = cluster.asked.filter((path) => path.includes('/traffic?'));
    expect(traffic.map((path) => decodeURIComponent(path))).to.deep.equal([
      '/apis/viz.weft.dev/v1alpha1/namespaces/shop/traffic?by=namespace,kind,name,counted&seconds=30&owner=reporter&where.direction=inbound',
    ]);
    for (const path of ['/apis/apps/v1/namespaces/shop/deployments', '/api/v1/namespaces/shop/pods']) {
      expect(cluster.accepted.get(path), path).to.match(/as=PartialObjectMetadataList/);
    }
    cluster.asked.length = 0;
    await cluster.run('stat', 'deploy,sts,ds,job', '-A');
    expect(cluster.asked.filter((path) => path.includes('/traffic?'))).to.have.length(1);
    expect(cluster.asked.filter((path) => path.startsWith('/api/v1/pods'))).to.have.length(1);
  });

  it('sums the proxies of a workload, and its rate is that of all of them', async () => {
    cluster.counted(proxyOf('shop', 'api', 'x3'), [[INBOUND, { success: 600 }]]);
    const { stdout } = await cluster.run('stat', 'deploy/api', '-o', 'json');
    expect(JSON.parse(stdout)[0]).to.include({ rps: 20, success: 0.92 });
  });

  it('says that all have succeeded only if none has failed', async () => {
    cluster.clear();
    cluster.objects = [object('apps/v1', 'Deployment', 'shop', 'api'), pod('shop', 'api', 'x1')];
    cluster.counted(proxyOf('shop', 'api'), [[INBOUND, { success: 59_999, failure: 1 }]]);
    expect((await cluster.run('stat', 'deploy')).stdout).to.match(/ 99\.99% /);
  });

  it('shows what was refused though nothing has come to an end', async () => {
    cluster.clear();
    cluster.objects = [object('policy.linkerd.io/v1beta3', 'Server', 'shop', 'api-http')];
    cluster.counted(proxyOf('shop', 'api'), [[INBOUND, { denied: 60 }]]);
    const [, line = ''] = (await cluster.run('stat', 'srv')).stdout.split('\n');
    expect(line.split(/ +/)).to.deep.equal(['api-http', '1.0rps', '-', '-', '-', '-', '-', '-']);
  });

  it('says on stderr whose part of the numbers is missing', async () => {
    cluster.missing = ['weft-operator-2', 'weft-operator-1'];
    const { status, stderr, stdout } = await cluster.run('stat', 'deploy');
    expect(status).to.equal(0);
    expect(stdout).to.match(/^NAME /);
    expect(stderr).to.equal(
      'warning: numbers of proxies that are connected to weft-operator-1, weft-operator-2 are missing\n',
    );
  });

  it('says what to look at where nobody serves live numbers, and who may not see them', async () => {
    const refusals: [number, string, RegExp][] = [
      [
        404,
        'not found',
        /^WEFT_CLI_LIVE_NUMBERS: .*viz\.weft\.dev\/v1alpha1 is not there\nnext: kubectl get apiservice/,
      ],
      [503, 'no endpoints', /^WEFT_CLI_LIVE_NUMBERS: .*no endpoints\nnext: kubectl get apiservice/],
      [403, 'User "eve" cannot get', /^WEFT_CLI_FORBIDDEN: .*User "eve" cannot get/],
    ];
    for (const [status, message, words] of refusals) {
      cluster.refusal = { status, message };
      const result = await cluster.run('stat', 'deploy');
      expect(result.status).to.equal(1);
      expect(result.stderr).to.match(words);
      expect(result.stdout).to.equal('');
    }
  });

  it('says of a TrafficSplit that it calls nobody, and shows what came to it from somebody', async () => {
    fillShop(cluster);
    const refused: [option: string, other: string, words: string][] = [
      ['--to', 'svc/api', 'trafficsplits --to services: nothing is counted by such a pair'],
      ['--to', 'deploy/api', 'trafficsplits --to deployments: nothing is counted by such a pair'],
      ['--from', 'svc/api', 'trafficsplits --from services: nothing is counted by such a pair'],
    ];
    for (const [option, other, words] of refused) {
      const { status, stderr } = await cluster.run('stat', 'ts', option, other);
      expect(stderr.split('\n')[0], option).to.equal(`WEFT_CLI_USAGE: the command line is not understood: ${words}`);
      expect(status).to.equal(2);
    }
    const { stdout } = await cluster.run('stat', 'ts', '--from', 'deploy/web');
    expect(stdout).to.match(/^canary +api +api-next /m);
  });

  it('shows nothing that a terminal obeys, whoever has made it up', async () => {
    const hostile = 'x\u001b]0;owned\u0007\u009b2J\u202e';
    cluster.objects = [object('apps/v1', 'Deployment', 'shop', hostile), pod('shop', hostile, 'x1')];
    cluster.missing = [hostile];
    for (const format of ['table', 'wide', 'json', 'yaml', 'name', 'jsonpath={[*].name}']) {
      const { stdout, stderr } = await cluster.run('stat', 'deploy', '-o', format);
      expect(stdout, format).to.include('owned');
      expect((stdout + stderr).replaceAll('\n', ''), format).not.to.match(/[\p{Cc}\p{Cf}]/u);
    }
  });

  it('says how a pod is, as kubectl does', async () => {
    const waiting = { state: { waiting: { reason: 'CrashLoopBackOff' } } };
    const failed = { state: { terminated: { exitCode: 1, reason: 'Error' } } };
    const statuses: [string, object][] = [
      ['Running', { phase: 'Running', containerStatuses: [{ state: { running: {} } }] }],
      ['Pending', { phase: 'Pending', initContainerStatuses: [{ state: { waiting: { reason: 'PodInitializing' } } }] }],
      ['CrashLoopBackOff', { phase: 'Running', containerStatuses: [{ state: { running: {} } }, waiting] }],
      ['Error', { phase: 'Running', containerStatuses: [failed] }],
      ['NodeLost', { phase: 'Running', reason: 'NodeLost' }],
    ];
    cluster.objects = statuses.map(([, status], at) => ({ ...pod('shop', 'api', `x${at}`), status: { ...status } }));
    const rows = JSON.parse((await cluster.run('stat', 'po', '-o', 'json')).stdout) as { status: string }[];
    expect(rows.map(({ status }) => status)).to.deep.equal(statuses.map(([word]) => word));
  });
});
