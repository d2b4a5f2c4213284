import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { transportContract } from './contract.ts';

// Loaded by the test runner inside a Bun process: see bun.test.ts.
describe('transport on Bun', () => transportContract(createBunTransport));
