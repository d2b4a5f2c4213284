import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { attackSuite } from './attack-suite.ts';
import { destinationsSuite } from './destinations-suite.ts';
import { exhaustionSuite } from './exhaustion-suite.ts';
import { http1Suite } from './http1-suite.ts';
import { http2Suite } from './http2-suite.ts';
import { inboundSuite } from './inbound-suite.ts';
import { meshPortSuite } from './mesh-port-suite.ts';
import { overloadSuite } from './overload-suite.ts';
import { pairSuite } from './pair-suite.ts';
import { routingSuite } from './routing-suite.ts';
import { telemetrySuite } from './telemetry-suite.ts';
import { translationSuite } from './translation-suite.ts';
import { twoPortsSuite } from './two-ports-suite.ts';

// Loaded by the test runner inside a Bun process: see bun.test.ts.
describe('on Bun: a pair of proxies', () => pairSuite(createBunTransport));
describe('on Bun: HTTP/1', () => http1Suite(createBunTransport));
describe('on Bun: HTTP/2', () => http2Suite(createBunTransport));
describe('on Bun: HTTP/1 attacks', () => attackSuite(createBunTransport));
describe('on Bun: exhaustion', () => exhaustionSuite(createBunTransport));
describe('on Bun: overload', () => overloadSuite(createBunTransport));
describe('on Bun: routing', () => routingSuite(createBunTransport));
describe('on Bun: inbound', () => inboundSuite(createBunTransport));
describe('on Bun: the mesh port', () => meshPortSuite(createBunTransport));
describe('on Bun: destinations', () => destinationsSuite(createBunTransport));
describe('on Bun: two ports of a pod', () => twoPortsSuite(createBunTransport, ['http1']));
describe('on Bun: telemetry', () => telemetrySuite(createBunTransport));
describe('on Bun: between the versions', () => translationSuite(createBunTransport));
