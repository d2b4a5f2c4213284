import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { attackSuite } from './attack-suite.ts';
import { http1Suite } from './http1-suite.ts';
import { pairSuite } from './pair-suite.ts';
import { routingSuite } from './routing-suite.ts';

describe('on Node: a pair of proxies', () => pairSuite(createNodeTransport));
describe('on Node: HTTP/1', () => http1Suite(createNodeTransport));
describe('on Node: HTTP/1 attacks', () => attackSuite(createNodeTransport));
describe('on Node: routing', () => routingSuite(createNodeTransport));
