import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { adminSuite } from './admin-suite.ts';
import { attackSuite } from './attack-suite.ts';
import { destinationsSuite } from './destinations-suite.ts';
import { exhaustionSuite } from './exhaustion-suite.ts';
import { gatesSuite } from './gates-suite.ts';
import { http1Suite } from './http1-suite.ts';
import { http2Suite } from './http2-suite.ts';
import { http10Suite } from './http10-suite.ts';
import { inboundSuite } from './inbound-suite.ts';
import { meshPortSuite } from './mesh-port-suite.ts';
import { opaqueSuite } from './opaque-suite.ts';
import { overloadSuite } from './overload-suite.ts';
import { pairSuite } from './pair-suite.ts';

import { probesSuite } from './probes-suite.ts';

import { reachSuite } from './reach-suite.ts';
import { refusalsSuite } from './refusals-suite.ts';
import { requestsSuite } from './requests-suite.ts';

import { resilienceSuite } from './resilience-suite.ts';
import { responsesSuite } from './responses-suite.ts';
import { routingSuite } from './routing-suite.ts';
import { telemetrySuite } from './telemetry-suite.ts';
import { trailersSuite } from './trailers-suite.ts';
import { translationSuite } from './translation-suite.ts';
import { twoPortsSuite } from './two-ports-suite.ts';

// Loaded by the test runner inside a Bun process: see bun.test.ts.
describe('on Bun: a pair of proxies', () => pairSuite(createBunTransport));
describe('on Bun: HTTP/1', () => http1Suite(createBunTransport));
describe('on Bun: HTTP/1.0', () => http10Suite(createBunTransport));
describe('on Bun: requests that are allowed', () => requestsSuite(createBunTransport));
describe('on Bun: responses that are allowed', () => responsesSuite(createBunTransport));
describe('on Bun: HTTP/2', () => http2Suite(createBunTransport));
describe('on Bun: HTTP/1 attacks', () => attackSuite(createBunTransport));
describe('on Bun: exhaustion', () => exhaustionSuite(createBunTransport));
describe('on Bun: gates', () => gatesSuite(createBunTransport));
describe('on Bun: overload', () => overloadSuite(createBunTransport));
describe('on Bun: routing', () => routingSuite(createBunTransport));
describe('on Bun: inbound', () => inboundSuite(createBunTransport));
describe('on Bun: probes', () => probesSuite(createBunTransport));
describe('on Bun: the admin port', () => adminSuite(createBunTransport));
describe('on Bun: the mesh port', () => meshPortSuite(createBunTransport));
describe('on Bun: destinations', () => destinationsSuite(createBunTransport));
describe('on Bun: two ports of a pod', () => twoPortsSuite(createBunTransport, ['http1']));
describe('on Bun: telemetry', () => telemetrySuite(createBunTransport));
describe('on Bun: trailers', () => trailersSuite(createBunTransport));
describe('on Bun: between the versions', () => translationSuite(createBunTransport));
describe('on Bun: refusals', () => refusalsSuite(createBunTransport));
describe('on Bun: resilience', () => resilienceSuite(createBunTransport));
describe('on Bun: endpoints that cannot be reached for a while', () => reachSuite(createBunTransport));
describe('on Bun: servers that speak first', () => opaqueSuite(createBunTransport));
