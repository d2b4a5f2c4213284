import { expect } from 'chai';
import { REVISION } from '../../../proxy-image/contract/messages.ts';
import { ControlPlane } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { ScriptedOperator } from './fixtures/scripted-operator.ts';
import { type ClientOptions, StreamClient } from './fixtures/stream-client.ts';

const ENDPOINTS = 'endpoints/app/web:80/ipv4';

const UNKNOWN = (ip: string, version = 'v1') => ({
  op: 'set',
  key: `service/${ip}:80`,
  version,
  body: { sources: '1', type: 'unknown' },
});

function endpoint(address: string) {
  return {
    address,
    port: 8080,
    identity: null,
    proxyPort: 0,
    protocol: 'detect',
    node: '',
    zone: '',
    hintZones: [],
    weight: 1,
    labels: {},
  };
}

describe('configuration stream facing an operator that errs', () => {
  let plane: ControlPlane;
  let operator: ScriptedOperator;
  const clients: StreamClient[] = [];

  beforeEach(async () => {
    plane = await ControlPlane.start();
    operator = await ScriptedOperator.start(plane);
  });

  afterEach(async () => {
    for (const client of clients.splice(0)) client.stop();
    operator.stop();
    await plane.stop();
  });

  async function connected(options: ClientOptions = {}): Promise<StreamClient> {
    const client = new StreamClient(plane, { port: operator.port, ...options }).start();
    clients.push(client);
    await operator.hello();
    return client;
  }

  it('says first who it is and what it holds, and asks for many keys in one message', async () => {
    const client = await connected();
    expect(await operator.hello()).to.deep.equal({
      type: 'hello',
      revision: REVISION,
      namespace: 'app',
      pod: 'web-1',
      node: 'node-1',
      proxyVersion: 'test',
      held: [],
    });
    for (let i = 1; i <= 50; i++) client.state.destination(`192.0.2.${i}`, 80);
    const [subscribe] = await operator.messages('subscribe', 1);
    expect(subscribe!['keys']).to.have.length(50);
  });

  it('E7: refuses the bad resource of a batch by name, applies the others, and acknowledges', async () => {
    const { state } = await connected();
    operator.send({
      type: 'batch',
      seq: 7,
      changes: [
        UNKNOWN('192.0.2.1'),
        { op: 'set', key: 'service/192.0.2.2:80', version: 'v', body: { sources: '1', type: 'service', routes: 3 } },
        { op: 'set', key: 'service/192.0.2.3:80', version: 'v', body: null },
        { op: 'replace', key: 'service/192.0.2.4:80', version: 'v' },
        { op: 'set', key: '../../etc/passwd', version: 'v', body: { sources: '1' } },
        'nonsense',
        UNKNOWN('192.0.2.5'),
      ],
    });
    const [ack] = await operator.messages('ack', 1);
    expect(ack).to.deep.equal({ type: 'ack', seq: 7 });
    expect(state.destination('192.0.2.1', 80).entry?.kind).to.equal('unknown');
    expect(state.destination('192.0.2.5', 80).entry?.kind).to.equal('unknown');
    const nacks = await operator.messages('nack', 5);
    expect(nacks.map(({ seq, key }) => [seq, key])).to.have.deep.members([
      [7, 'service/192.0.2.2:80'],
      [7, 'service/192.0.2.3:80'],
      [7, 'service/192.0.2.4:80'],
      [7, '../../etc/passwd'],
      [7, ''],
    ]);
    for (const { problems } of nacks) expect(problems).to.be.an('array').with.length.greaterThan(0);
  });

  it('E7: keeps the last good value of a key that a bad one should replace', async () => {
    const { state } = await connected();
    operator.send({ type: 'batch', seq: 1, changes: [UNKNOWN('192.0.2.1')] });
    await operator.messages('ack', 1);
    operator.send({
      type: 'batch',
      seq: 2,
      changes: [{ ...UNKNOWN('192.0.2.1', 'v2'), body: { sources: '2', type: 'martian' } }],
    });
    await operator.messages('ack', 2);
    expect(state.destination('192.0.2.1', 80).entry?.kind).to.equal('unknown');
    expect(state.held()).to.deep.include({ key: 'service/192.0.2.1:80', version: 'v1', sources: '1' });
  });

  it('connects anew, saying what it holds, when a patch does not fit', async () => {
    await connected();
    const patch = { op: 'patch', key: ENDPOINTS, sources: '2', changed: [], removed: [] };
    operator.send({
      type: 'batch',
      seq: 1,
      changes: [{ op: 'set', key: ENDPOINTS, version: 'a', body: { sources: '1', endpoints: [endpoint('10.1.0.1')] } }],
    });
    await operator.messages('ack', 1);
    operator.send({
      type: 'batch',
      seq: 2,
      changes: [{ ...patch, baseVersion: 'other', version: 'c', added: [endpoint('10.1.0.2')] }],
    });
    const [nack] = await operator.messages('nack', 1);
    expect(nack).to.include({ seq: 2, key: ENDPOINTS });
    await operator.messages('ack', 2);
    const again = await operator.hello(1);
    expect(again['held']).to.deep.equal([{ key: ENDPOINTS, version: 'a', sources: '1' }]);
  });

  const endings: [string, (operator: ScriptedOperator) => void, string][] = [
    ['a message without type', (to) => to.send({ launch: true }), 'WEFT_CONTROL_PROTOCOL'],
    ['a batch without number', (to) => to.send({ type: 'batch', changes: [] }), 'WEFT_CONTROL_PROTOCOL'],
    ['no JSON', (to) => to.sendBytes(Buffer.from([0, 0, 0, 3, 0x61, 0x62, 0x63])), 'WEFT_FRAMING'],
    ['a message of 4 GiB', (to) => to.sendBytes(Buffer.from([255, 255, 255, 255])), 'WEFT_FRAMING'],
    ['a refusal', (to) => to.send({ type: 'error', code: 'WEFT_X', message: 'no' }), 'WEFT_STREAM_REFUSED'],
  ];
  for (const [what, act, code] of endings)
    it(`ends the connection on ${what}, keeps what it has, and comes again`, async () => {
      const { state, log } = await connected();
      operator.send({ type: 'batch', seq: 1, changes: [UNKNOWN('192.0.2.1')] });
      await operator.messages('ack', 1);
      act(operator);
      await operator.hello(1);
      expect(log.codes).to.include(code);
      expect(state.destination('192.0.2.1', 80).entry?.kind).to.equal('unknown');
    });

  it('E14: ignores a message of a newer contract', async () => {
    const { state } = await connected();
    operator.send({ type: 'launch' });
    operator.send({ type: 'batch', seq: 1, changes: [UNKNOWN('192.0.2.1')] });
    await operator.messages('ack', 1);
    expect(state.destination('192.0.2.1', 80).entry?.kind).to.equal('unknown');
    expect(operator.sessions).to.have.length(1);
  });

  it('pings, and gives up a peer that has gone silent', async () => {
    const { log, connections } = await connected({ pingMs: 50, silenceMs: 200 });
    operator.send({ type: 'pong' });
    await operator.messages('ping', 2);
    await operator.hello(1);
    expect(log.codes).to.deep.equal(['WEFT_CONTROL_SILENT']);
    expect(connections.slice(0, 2)).to.deep.equal([true, false]);
  });

  it('stays with a peer that answers its pings', async () => {
    const { connections } = await connected({ pingMs: 50, silenceMs: 200 });
    for (let count = 1; count <= 8; count++) {
      await operator.messages('ping', count);
      operator.send({ type: 'pong' });
    }
    expect(operator.sessions).to.have.length(1);
    expect(connections).to.deep.equal([true]);
  });

  it('does not knock faster than its pauses allow on an operator that ends every connection', async () => {
    const begunMs = performance.now();
    await connected();
    for (let index = 0; index < 5; index++) {
      await operator.hello(index);
      operator.sessions[index]!.socket.destroy();
    }
    await operator.hello(5);
    // 75 + 150 + 300 + 600 + 1200 ms with the test's randomness of one half.
    expect(performance.now() - begunMs).to.be.greaterThan(2200);
    await eventually('warnings', () => clients[0]!.log.lines.length >= 5);
  });
});
