import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { pairSuite } from './pair-suite.ts';

// Loaded by the test runner inside a Bun process: see bun.test.ts.
describe('a pair of proxies on Bun', () => pairSuite(createBunTransport));
