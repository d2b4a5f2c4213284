import { createNodeTransport } from '../../../proxy-image/io/transport/node.ts';
import { transportContract } from './contract.ts';

describe('transport on Node', () => transportContract(createNodeTransport));
