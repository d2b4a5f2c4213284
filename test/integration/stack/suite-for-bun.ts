import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { declareSuites } from './suites.ts';

// Loaded by the test runner inside a Bun process: see bun.test.ts.
declareSuites('Bun', createBunTransport, ['http1']);
