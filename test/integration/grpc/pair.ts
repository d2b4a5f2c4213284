import { createBunTransport } from '../../../proxy-image/io/transport/bun.ts';
import { TestMesh } from '../stack/mesh.ts';
import type { PairConfig, PairPorts } from './pair-process.ts';

/**
 * Run by Bun: a server's proxy, and for each application port a client's proxy whose Service has that one endpoint. Says on which ports they listen, and
 * ends with its standard input.
 */
async function main(config: PairConfig): Promise<void> {
  const mesh = new TestMesh(createBunTransport);
  const applications = [];
  for (const port of config.applicationPorts) {
    const original = { ip: '127.0.0.1', port };
    const server = await mesh.proxy({ serviceAccount: 'server', originalDestination: { of: () => original } });
    const client = await mesh.proxy({ serviceAccount: 'client' });
    client.setService({ protocol: config.protocol });
    client.setEndpoints('web', [{ ...mesh.meshed(server, port), protocol: config.protocol }]);
    applications.push({ outboundPort: client.outbound.port, inboundPlainPort: server.inboundPlain.port });
  }
  const ports: PairPorts = { applications };
  console.log(JSON.stringify(ports));
  process.stdin.on('end', () => process.exit(0)).resume();
}

await main(JSON.parse(process.argv[2]!) as PairConfig);
