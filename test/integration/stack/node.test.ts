import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { adminSuite } from './admin-suite.ts';
import { attackSuite } from './attack-suite.ts';
import { destinationsSuite } from './destinations-suite.ts';
import { exhaustionSuite } from './exhaustion-suite.ts';
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

import { requestsSuite } from './requests-suite.ts';

import { resilienceSuite } from './resilience-suite.ts';
import { responsesSuite } from './responses-suite.ts';
import { routingSuite } from './routing-suite.ts';
import { telemetrySuite } from './telemetry-suite.ts';
import { trailersSuite } from './trailers-suite.ts';
import { translationSuite } from './translation-suite.ts';
import { twoPortsSuite } from './two-ports-suite.ts';

describe('on Node: a pair of proxies', () => pairSuite(createNodeTransport));
describe('on Node: HTTP/1', () => http1Suite(createNodeTransport));
describe('on Node: HTTP/1.0', () => http10Suite(createNodeTransport));
describe('on Node: requests that are allowed', () => requestsSuite(createNodeTransport));
describe('on Node: responses that are allowed', () => responsesSuite(createNodeTransport));
describe('on Node: HTTP/2', () => http2Suite(createNodeTransport));
describe('on Node: HTTP/1 attacks', () => attackSuite(createNodeTransport));
describe('on Node: exhaustion', () => exhaustionSuite(createNodeTransport));
describe('on Node: overload', () => overloadSuite(createNodeTransport));
describe('on Node: routing', () => routingSuite(createNodeTransport));
describe('on Node: inbound', () => inboundSuite(createNodeTransport));
describe('on Node: probes', () => probesSuite(createNodeTransport));
describe('on Node: the admin port', () => adminSuite(createNodeTransport));
describe('on Node: the mesh port', () => meshPortSuite(createNodeTransport));
describe('on Node: destinations', () => destinationsSuite(createNodeTransport));
describe('on Node: two ports of a pod', () => twoPortsSuite(createNodeTransport, ['http1', 'http2']));
describe('on Node: telemetry', () => telemetrySuite(createNodeTransport));
describe('on Node: trailers', () => trailersSuite(createNodeTransport));
describe('on Node: between the versions', () => translationSuite(createNodeTransport));
describe('on Node: resilience', () => resilienceSuite(createNodeTransport));
describe('on Node: endpoints that cannot be reached for a while', () => reachSuite(createNodeTransport));
describe('on Node: servers that speak first', () => opaqueSuite(createNodeTransport));
