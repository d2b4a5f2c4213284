import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { declareSuites } from './suites.ts';

declareSuites('Node', createNodeTransport, ['http1', 'http2']);
