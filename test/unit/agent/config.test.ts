import { expect } from 'chai';
import { readInitConfig, readRunConfig } from '../../../proxy-image/config/config.ts';
import { cidr, listenAddress } from '../../../proxy-image/config/fields.ts';
import { ENVIRONMENT } from '../../../proxy-image/contract/environment.ts';
import { CodedError } from '../../../proxy-image/contract/errors.ts';

const PEM = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n';

const REQUIRED: Record<string, string> = {
  WEFT_PROXY_POD_NAME: 'web-5d-x2',
  WEFT_PROXY_POD_NAMESPACE: 'emojivoto',
  WEFT_PROXY_POD_IPS: '10.1.2.3, fd00::3',
  WEFT_PROXY_CONTROL_IDENTITY: 'weft-operator.weft-system.serviceaccount.identity.linkerd.cluster.local',
  WEFT_PROXY_IDENTITY_NAME: 'web.emojivoto.serviceaccount.identity.linkerd.cluster.local',
  WEFT_PROXY_TRUST_ANCHORS: PEM,
};

function problemOf(run: () => unknown): CodedError {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('configuration of the proxy', () => {
  it('takes an injected environment and fills in the fallbacks', () => {
    const config = readRunConfig(REQUIRED);
    expect(config.pod).to.deep.equal({
      name: 'web-5d-x2',
      namespace: 'emojivoto',
      ips: ['10.1.2.3', 'fd00::3'],
      node: '',
    });
    expect(config.listen.outbound).to.deep.equal([
      { ip: '127.0.0.1', port: 4140 },
      { ip: '::1', port: 4140 },
    ]);
    expect(config.listen.inbound).to.deep.equal([{ ip: '::', port: 4143 }]);
    expect(config.control).to.include({ host: 'weft-operator.weft-system.svc.cluster.local', configPort: 8086 });
    expect(config.inbound.opaquePorts).to.deep.include([3306, 3306]);
    expect(config.shutdown.graceMs).to.equal(120_000);
    expect(config.shutdown).to.deep.include({ waitMs: 0, outlivesApplication: false, admin: false });
  });

  it('takes the name of the operator with or without its final dot', () => {
    const config = readRunConfig({ ...REQUIRED, WEFT_PROXY_CONTROL_HOST: 'Operator.Example.' });
    expect(config.control.host).to.equal('operator.example');
    const problem = problemOf(() => readRunConfig({ ...REQUIRED, WEFT_PROXY_CONTROL_HOST: 'operator.example..' }));
    expect(problem.message).to.contain('WEFT_PROXY_CONTROL_HOST');
  });

  it('in direct mode needs to be told where the API server is: no relative name is guessed', () => {
    const direct = { ...REQUIRED, WEFT_PROXY_CONFIG_SOURCE: 'kubernetes' };
    expect(problemOf(() => readRunConfig(direct)).message).to.contain('KUBERNETES_SERVICE_HOST');
    const host = readRunConfig({ ...direct, KUBERNETES_SERVICE_HOST: 'fd00::1' }).apiServer.host;
    expect(host).to.equal('fd00::1');
  });

  it('requires exactly the variables without a fallback', () => {
    const problem = problemOf(() => readRunConfig({}));
    const named = [...problem.message.matchAll(/WEFT_PROXY_[A-Z_]+(?= is missing)/g)].map((match) => match[0]);
    const required = Object.values(ENVIRONMENT).filter((variable) => !('fallback' in variable));
    expect(problem.code).to.equal('WEFT_CONFIG_ENVIRONMENT');
    expect(named.sort()).to.deep.equal(required.map((variable) => variable.name).sort());
  });

  it('reports every wrong value at once, by name', () => {
    const wrong = {
      WEFT_PROXY_POD_IPS: '10.1.2.300',
      WEFT_PROXY_OUTBOUND_LISTEN: 'localhost:4140',
      WEFT_PROXY_INBOUND_LISTEN: '[::]:70000',
      WEFT_PROXY_CONFIG_PORT: '0',
      WEFT_PROXY_CONTROL_IDENTITY: 'two words',
      WEFT_PROXY_TRUST_ANCHORS: 'not a certificate',
      WEFT_PROXY_CONFIG_SOURCE: 'etcd',
      WEFT_PROXY_DEFAULT_INBOUND_POLICY: 'allow',
      WEFT_PROXY_CLUSTER_NETWORKS: '10.0.0.0/33',
      WEFT_PROXY_DETECT_TIMEOUT_MS: '1s',
      WEFT_PROXY_MAX_HEAD_BYTES: '1000',
      WEFT_PROXY_OPAQUE_PORTS: '25,99999',
      WEFT_PROXY_SHUTDOWN_GRACE_MS: '-1',
      WEFT_PROXY_ADMIN_SHUTDOWN: 'yes',
      WEFT_PROXY_LOG_LEVEL: 'trace',
    };
    const problem = problemOf(() => readRunConfig({ ...REQUIRED, ...wrong }));
    for (const name of Object.keys(wrong)) expect(problem.message).to.contain(`${name}=`);
  });

  it('does not repeat a long hostile value whole', () => {
    const problem = problemOf(() => readRunConfig({ ...REQUIRED, WEFT_PROXY_LOG_LEVEL: `x${'\n'.repeat(5000)}` }));
    expect(problem.message.length).to.be.lessThan(400);
    expect(problem.message).to.not.contain('\n');
  });

  it('gives init its options and refuses user 0, which would exempt every process of root', () => {
    expect(
      readInitConfig({ WEFT_PROXY_SKIP_INBOUND_PORTS: '22, 8000-8010', WEFT_PROXY_SKIP_SUBNETS: '10.0.0.1' }),
    ).to.deep.equal({
      ports: { outbound: 4140, inboundMesh: 4143, inboundPlain: 4144, tap: 4190, admin: 4191 },
      uid: 2102,
      skipInboundPorts: [
        [22, 22],
        [8000, 8010],
      ],
      skipOutboundPorts: [
        [4567, 4567],
        [4568, 4568],
      ],
      skipSubnets: ['10.0.0.1'],
    });
    expect(problemOf(() => readInitConfig({ WEFT_PROXY_UID: '0' })).message).to.contain('WEFT_PROXY_UID=');
    const twoPorts = { WEFT_PROXY_OUTBOUND_LISTEN: '127.0.0.1:4140,[::1]:4141' };
    expect(problemOf(() => readInitConfig(twoPorts)).message).to.contain('WEFT_PROXY_OUTBOUND_LISTEN');
    expect(problemOf(() => readInitConfig({ WEFT_PROXY_SKIP_INBOUND_PORTS: '10-5' })).message).to.contain('10-5');
  });
});

describe('addresses in the environment', () => {
  for (const good of ['10.0.0.1', 'fd00::1', '10.0.0.0/8', 'fd00::/8', '::/0'])
    it(`take ${good} as a network`, () => expect(cidr.parse(good)).to.equal(good));
  for (const bad of ['', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0.0/x', 'fd00::/129', 'fe80::1%eth0', 'example.com'])
    it(`refuse ${JSON.stringify(bad)} as a network`, () => expect(cidr.parse(bad)).to.equal(null));

  for (const bad of ['127.0.0.1', '[::1]', '::1:4140', 'localhost:4140', '127.0.0.1:65536', '[fe80::1%eth0]:1'])
    it(`refuse ${bad} as an address to listen on`, () => expect(listenAddress.parse(bad)).to.equal(null));
});
