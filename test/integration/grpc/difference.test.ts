import { Metadata } from '@grpc/grpc-js';
import { expect } from 'chai';
import { identityName } from '../stack/mesh.ts';
import { Application } from './application.ts';
import { Caller } from './calls.ts';
import { PairProcess } from './pair-process.ts';
import { play, type Scenario, type Site, type Transcript } from './scenario.ts';
import { ENDINGS } from './scenarios/endings.ts';
import { MESSAGES } from './scenarios/messages.ts';
import { METADATA } from './scenarios/metadata.ts';
import { STATUSES } from './scenarios/statuses.ts';
import { STREAMS_AT_ONCE } from './scenarios/streams.ts';
import { WIRE } from './scenarios/wire.ts';
import { WireServer } from './wire.ts';

const SCENARIOS: Scenario[] = [...MESSAGES, ...METADATA, ...STATUSES, ...ENDINGS, ...WIRE, STREAMS_AT_ONCE];
const LIMIT_MS = 120_000;

/** gRPC's own JavaScript client and server, once with nothing between them and once with two proxies: there must be no difference. */
describe('gRPC through a pair of proxies, compared with gRPC without', function () {
  this.timeout(LIMIT_MS);
  const transcripts = new Map<string, Transcript>();
  let application: Application;
  let wire: WireServer;
  let direct: Site;

  before(async () => {
    application = await new Application().start();
    wire = await new WireServer().start();
    direct = siteAt(application.port, wire.port);
  });
  after(() => {
    direct.caller.close();
    application.stop();
    wire.stop();
  });

  const siteAt = (port: number, wirePort: number): Site => {
    return { application, port, caller: new Caller(port), wire, wirePort };
  };

  /** Played once without proxies, for whoever asks first. */
  const directly = async (scenario: Scenario): Promise<Transcript> => {
    const known = transcripts.get(scenario.name);
    if (known !== undefined) return known;
    const transcript = await play(scenario, direct);
    transcripts.set(scenario.name, transcript);
    return transcript;
  };

  describe('without proxies', () => {
    for (const scenario of SCENARIOS) {
      it(scenario.name, async () => {
        const transcript = await directly(scenario);
        const text = JSON.stringify(transcript);
        const { shows } = scenario;
        const shown = typeof shows === 'string' ? text.includes(shows) : shows.test(text);
        expect(shown, `${shows} in ${text.slice(0, 2000)}`).to.equal(true);
      });
    }
  });

  for (const protocol of ['http2', 'detect'] as const) {
    describe(`the Service's protocol is ${protocol}`, () => {
      let pair: PairProcess;
      let site: Site;
      before(async () => {
        pair = await PairProcess.start({ protocol, applicationPorts: [application.port, wire.port] });
        const [first, second] = pair.ports.applications;
        site = siteAt(first!.outboundPort, second!.outboundPort);
      });
      after(async () => {
        site.caller.close();
        await pair.stop();
      });

      it('the application learns who calls, whatever the caller claims', async () => {
        const claim = new Metadata();
        claim.set('l5d-client-id', 'forged');
        let identities: unknown[] = [];
        application.use({
          unary: (call, callback) => {
            identities = call.metadata.get('l5d-client-id');
            callback(null, call.request);
          },
        });
        await site.caller.unary(Buffer.from('hello'), claim).seen;
        expect(identities).to.deep.equal([identityName('client')]);
      });

      for (const scenario of SCENARIOS) {
        it(scenario.name, async () => {
          const expected = await directly(scenario);
          expect(await play(scenario, site)).to.deep.equal(expected);
        });
      }
    });
  }
});
