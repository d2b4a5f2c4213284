import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { attackSuite } from './attack-suite.ts';
import { destinationsSuite } from './destinations-suite.ts';
import { http1Suite } from './http1-suite.ts';
import { http2Suite } from './http2-suite.ts';
import { inboundSuite } from './inbound-suite.ts';
import { meshPortSuite } from './mesh-port-suite.ts';
import { pairSuite } from './pair-suite.ts';
import { routingSuite } from './routing-suite.ts';

describe('on Node: a pair of proxies', () => pairSuite(createNodeTransport));
describe('on Node: HTTP/1', () => http1Suite(createNodeTransport));
describe('on Node: HTTP/2', () => http2Suite(createNodeTransport));
describe('on Node: HTTP/1 attacks', () => attackSuite(createNodeTransport));
describe('on Node: routing', () => routingSuite(createNodeTransport));
describe('on Node: inbound', () => inboundSuite(createNodeTransport));
describe('on Node: the mesh port', () => meshPortSuite(createNodeTransport));
describe('on Node: destinations', () => destinationsSuite(createNodeTransport));
