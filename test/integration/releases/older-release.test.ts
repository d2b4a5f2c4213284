import { createServer, type Server } from 'node:http';
import { expect } from 'chai';
import type { ServerAuthorizationModel } from '../../../crds/kinds/authorization/server-authorization.ts';
import { systemClock } from '../../../operator/runtime/clock.ts';
import { LiveTraffic } from '../../../operator/viz/live-traffic.ts';
import { PROXY_PORTS } from '../../../proxy-image/contract/ports.ts';
import { ControlPlane, SUFFIX } from '../../support/control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import * as models from '../../support/models.ts';
import { OlderRelease, type OperatorParts } from '../../support/older-release.ts';
import { parsePrometheusText, sampleValue } from '../../support/prometheus-text.ts';
import { type Answer, ProxyProcess, type ProxyProcessOptions } from '../../support/proxy-process.ts';

/** Loopback addresses of this run: the mesh port is the same in every pod, so each pod needs an address of its own. */
const NET = `127.${64 + (process.pid % 128)}.${(process.pid >> 7) % 256}`;
const WEB_HOST = `${NET}.11`;
const CANARY_HOST = `${NET}.12`;
const CLIENT_IDENTITY = `client.app.serviceaccount.identity.${SUFFIX}`;
const AUTHORITY = `web.app.svc.cluster.local:80`;

/** Says which one it is, and who asked; the first request for `/flaky` after `fails` was set fails. */
class Application {
  readonly #server: Server;
  readonly #name: string;
  fails = 0;
  port = 0;

  constructor(name: string) {
    this.#name = name;
    this.#server = createServer((incoming, response) => {
      if (incoming.url === '/flaky' && this.fails-- > 0) response.statusCode = 500;
      response.end(`${this.#name} ${incoming.headers['l5d-client-id'] ?? 'nobody'}`);
    });
  }

  async start(host: string, port: number): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(port, host, resolve));
    const address = this.#server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    return this;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

type Release = 'old' | 'new';

interface Mix {
  operator: Release;
  client: Release;
  server: Release;
}

const MIXES: Mix[] = [
  { operator: 'new', client: 'old', server: 'old' },
  { operator: 'new', client: 'old', server: 'new' },
  { operator: 'new', client: 'new', server: 'old' },
  { operator: 'old', client: 'new', server: 'new' },
];

describe('a release beside the one before', function () {
  this.timeout(60_000);
  let older: OlderRelease;
  let olderOperator: OperatorParts;

  before(async () => {
    older = new OlderRelease(1);
    olderOperator = await older.operator();
  });

  after(() => older.remove());

  for (const mix of MIXES) {
    describe(`operator ${mix.operator}, client’s proxy ${mix.client}, server’s proxy ${mix.server}`, () => {
      let plane: ControlPlane;
      /** What a new operator asks reports for; one of before does not know of it. */
      let live: LiveTraffic;
      let made: OperatorParts['models'];
      let web: Application;
      let canary: Application;
      let client: ProxyProcess;
      let server: ProxyProcess;

      before(async () => {
        const parts: OperatorParts = mix.operator === 'old' ? olderOperator : { ControlPlane, models };
        made = parts.models;
        live = new LiveTraffic({ clock: systemClock, observer: { reported: () => {} } });
        await live.start();
        live.look();
        plane = await parts.ControlPlane.start({ reports: live });
        web = await new Application('web').start(WEB_HOST, 0);
        canary = await new Application('canary').start(CANARY_HOST, web.port);
        fill();
        server = proxy(mix.server, { environment: { inboundListen: `${WEB_HOST}:${PROXY_PORTS.inboundMesh}` } });
        const network = {
          outbound: [{ listen: '127.0.0.1:0', destination: '10.0.0.1:80' }],
          addresses: { '10.1.0.1': WEB_HOST, '10.1.0.3': CANARY_HOST },
        };
        client = proxy(mix.client, { serviceAccount: 'client', pod: 'client-1', podIp: '10.1.0.2', network });
        await Promise.all([server.line('proxy is ready'), client.line('proxy is ready')]);
      });

      after(async () => {
        await Promise.all([client, server].map((each) => each?.remove()));
        web?.stop();
        canary?.stop();
        await live?.stop();
        await plane?.stop();
      });

      function fill(): void {
        const ports = [made.servicePort(80, { targetPort: web.port })];
        plane.put('Namespace', made.namespace('app'));
        plane.put('Pod', made.pod('web-1', '10.1.0.1'));
        plane.put('Pod', made.pod('client-1', '10.1.0.2', { serviceAccount: 'client' }));
        plane.put('Service', made.service('web', '10.0.0.1', { ports }));
        plane.put('Service', made.service('canary', '10.0.0.2', { ports }));
        putSlice('web', '10.1.0.1', 'web-1');
        putSlice('canary', '10.1.0.3', '');
      }

      function putSlice(service: string, ip: string, targetPod: string): void {
        const ports = [{ name: 'http', port: web.port, protocol: 'TCP' as const }];
        const endpoints = [made.sliceEndpoint(ip, { targetPod })];
        plane.put('EndpointSlice', made.slice(`${service}-abc`, service, endpoints, { ports }));
      }

      function proxy(release: Release, options: Partial<ProxyProcessOptions>): ProxyProcess {
        const program = release === 'old' ? { program: older.proxyProgram } : {};
        const pod = { namespace: 'app', serviceAccount: 'web', pod: 'web-1', podIp: '10.1.0.1' };
        // One of before does not open it, and takes no port that is none.
        const tapPort = release === 'old' ? { tapPort: String(PROXY_PORTS.tap) } : {};
        const environment = { ...options.environment, ...tapPort };
        return new ProxyProcess({ ...pod, ...program, ...options, environment }).start(plane);
      }

      const until = (what: string, path: string, holds: (answer: Answer) => boolean) =>
        eventually(what, async () => holds(await client.ask(path)));

      it('endpoints and identities: a request comes to the application, and tells who asked', async () => {
        expect(await client.ask()).to.deep.equal({ status: 200, text: `web ${CLIENT_IDENTITY}` });
      });

      it('live numbers: who is asked for reports and knows them sends some, anybody else goes on as before', async () => {
        const able =
          mix.operator === 'old' ? 0 : [mix.client, mix.server].filter((release) => release === 'new').length;
        await eventually('reports of those that know them', async () => {
          expect((await client.ask()).status).to.equal(200);
          return live.query({ by: ['pod'], where: {}, lastMs: 60_000 }).length === able;
        });
        await eventually('both stay', () => plane.config.connections().connected === 2);
        expect(live.figures().proxies).to.equal(mix.operator === 'new' ? 2 : 0);
      });

      it('routing: a route of a profile is retried and counted, and no other', async () => {
        const flaky = made.route('flaky', { match: { type: 'path', regex: '/flaky' }, isRetryable: true });
        plane.put('ServiceProfile', made.profile('web', { routes: [flaky] }));
        const labels = { direction: 'outbound', dst: AUTHORITY, rt_route: 'flaky' };
        const counted = async (name: string) =>
          sampleValue(parsePrometheusText((await client.get('/metrics')).text), name, labels) ?? 0;
        await eventually('the route', async () => {
          await client.ask('/flaky');
          return (await counted('route_request_total')) > 0;
        });
        const [requests, attempts] = [
          await counted('route_request_total'),
          await counted('route_actual_request_total'),
        ];
        web.fails = 1;
        expect((await client.ask('/flaky')).status).to.equal(200);
        expect(await counted('route_request_total')).to.equal(requests + 1);
        expect(await counted('route_actual_request_total')).to.equal(attempts + 2);
        plane.put('ServiceProfile', made.profile('web', { routes: [] }));
        await eventually('no route', async () => {
          web.fails = 1;
          return (await client.ask('/flaky')).status === 500;
        });
      });

      it('splits: all traffic moves to another Service, and to one that does not exist it fails', async () => {
        plane.put('TrafficSplit', made.split('s', 'web', { canary: 1 }));
        await until('the canary', '/', ({ text }) => text === 'canary nobody');
        for (let i = 0; i < 10; i++) expect((await client.ask()).text).to.equal('canary nobody');
        plane.put('TrafficSplit', made.split('s', 'web', { gone: 1 }));
        await until('a failure', '/', ({ status }) => status === 503);
        plane.put('TrafficSplit', made.split('s', 'web', { web: 1 }));
        await until('the application', '/', ({ status }) => status === 200);
      });

      it('authorization: who is not authorized is denied, and let in again', async () => {
        plane.put('Server', made.server('web', { port: web.port }));
        await until('a denial', '/', ({ status }) => status === 403);
        const identities = (...names: string[]): Pick<ServerAuthorizationModel, 'client' | 'networks'> => ({
          networks: [{ cidr: '0.0.0.0/0', except: [] }],
          client: { type: 'meshTls', identities: names, serviceAccounts: [] },
        });
        plane.put(
          'ServerAuthorization',
          made.authorization('clients', identities(`other.app.serviceaccount.identity.${SUFFIX}`)),
        );
        for (let i = 0; i < 5; i++) expect((await client.ask()).status).to.equal(403);
        plane.put('ServerAuthorization', made.authorization('clients', identities(CLIENT_IDENTITY)));
        await until('an answer', '/', ({ status }) => status === 200);
      });
    });
  }
});
