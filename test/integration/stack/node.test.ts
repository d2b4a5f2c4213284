import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { pairSuite } from './pair-suite.ts';

describe('a pair of proxies on Node', () => pairSuite(createNodeTransport));
