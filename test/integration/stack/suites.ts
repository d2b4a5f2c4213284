import type { Transport } from '../../../proxy-image/io/transport/types.ts';
import { adminSuite } from './admin-suite.ts';
import { affinitySuite } from './affinity-suite.ts';
import { attackSuite } from './attack-suite.ts';
import { controlSuite } from './control-suite.ts';
import { destinationsSuite } from './destinations-suite.ts';
import { exhaustionSuite } from './exhaustion-suite.ts';
import { familiesSuite } from './families-suite.ts';
import { filtersSuite } from './filters-suite.ts';
import { foreignSuite } from './foreign-suite.ts';
import { forwardSuite } from './forward-suite.ts';
import { gatesSuite } from './gates-suite.ts';
import { http1Suite } from './http1-suite.ts';
import { http2Suite } from './http2-suite.ts';
import { http10Suite } from './http10-suite.ts';
import { inboundSuite } from './inbound-suite.ts';
import { limitsSuite } from './limits-suite.ts';
import { meshPortSuite } from './mesh-port-suite.ts';
import { observersSuite } from './observers-suite.ts';
import { opaqueSuite } from './opaque-suite.ts';
import { outsideSuite } from './outside-suite.ts';
import { overloadSuite } from './overload-suite.ts';
import { pairSuite } from './pair-suite.ts';
import { probesSuite } from './probes-suite.ts';
import { reachSuite } from './reach-suite.ts';
import { refusalsSuite } from './refusals-suite.ts';
import { relaySuite } from './relay-suite.ts';
import { requestsSuite } from './requests-suite.ts';
import { resilienceSuite } from './resilience-suite.ts';
import { resolveSuite } from './resolve-suite.ts';
import { responsesSuite } from './responses-suite.ts';
import { routesSuite } from './routes-suite.ts';
import { routingSuite } from './routing-suite.ts';
import { rulesSuite } from './rules-suite.ts';
import { silenceSuite } from './silence-suite.ts';
import { spellingsSuite } from './spellings-suite.ts';
import { tapSuite } from './tap-suite.ts';
import { telemetrySuite } from './telemetry-suite.ts';
import { trailersSuite } from './trailers-suite.ts';
import { translationSuite } from './translation-suite.ts';
import { twoPortsSuite } from './two-ports-suite.ts';

type Create = (onFault: (error: unknown) => void) => Transport;

/** Whatever holds on one runtime is to hold on the other. */
const SUITES: [title: string, suite: (create: Create) => void][] = [
  ['a pair of proxies', pairSuite],
  ['HTTP/1', http1Suite],
  ['HTTP/1.0', http10Suite],
  ['requests that are allowed', requestsSuite],
  ['responses that are allowed', responsesSuite],
  ['HTTP/2', http2Suite],
  ['HTTP/1 attacks', attackSuite],
  ['limits of heads', limitsSuite],
  ['exhaustion', exhaustionSuite],
  ['gates', gatesSuite],
  ['overload', overloadSuite],
  ['routing', routingSuite],
  ['inbound', inboundSuite],
  ['rules of inbound ports', rulesSuite],
  ['probes', probesSuite],
  ['one thing spelt in many ways', spellingsSuite],
  ['the admin port', adminSuite],
  ['relayed probes', relaySuite],
  ['the mesh port', meshPortSuite],
  ['the control port', controlSuite],
  ['tap', tapSuite],
  ['destinations', destinationsSuite],
  ['telemetry', telemetrySuite],
  ['what is counted of connections', familiesSuite],
  ['observers', observersSuite],
  ['requests resolved by name', resolveSuite],
  ['filters', filtersSuite],
  ['routes', routesSuite],
  ['trailers', trailersSuite],
  ['between the versions', translationSuite],
  ['refusals', refusalsSuite],
  ['resilience', resilienceSuite],
  ['machines that are gone without a word', silenceSuite],
  ['consistent hashing', affinitySuite],
  ['endpoints that cannot be reached for a while', reachSuite],
  ['servers that speak first', opaqueSuite],
  ['another control plane', foreignSuite],
  ['forward proxies', forwardSuite],
  ['addresses outside the cluster', outsideSuite],
];

/** Declares every suite of the data plane, on this transport. `versions`: of HTTP, as far as the load of `two-ports-suite.ts` is asked in them. */
export function declareSuites(runtime: string, create: Create, versions: Parameters<typeof twoPortsSuite>[1]): void {
  for (const [title, suite] of SUITES) describe(`on ${runtime}: ${title}`, () => suite(create));
  describe(`on ${runtime}: two ports of a pod`, () => twoPortsSuite(create, versions));
}
