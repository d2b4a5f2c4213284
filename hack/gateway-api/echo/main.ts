/**
 * Stands in for the image of the Gateway API's conformance suite, where that cannot be had: the server that its Deployments run, and the client that its mesh
 * tests execute in their pods.
 *
 *   main.ts server [--port=8080] [--grpc=7070] [--tcp=9090] ...      each as often as there are ports
 *   main.ts client URL [--method=GET] [-H name:value] [--count=1]    http://... or grpc://...
 */
import { clientOptions, serverOptions } from './arguments.ts';
import { sendAll } from './client.ts';
import { grpcServer, httpServer, tcpServer } from './server.ts';

function serve(args: readonly string[]): void {
  const ports = serverOptions(args);
  for (const port of ports.http) httpServer().listen(port);
  for (const port of ports.grpc) grpcServer().listen(port);
  for (const port of ports.tcp) tcpServer().listen(port);
  console.log(`serving ${JSON.stringify(ports)}`);
  // As the first process of a container it would not end by itself.
  process.once('SIGTERM', () => process.exit(0));
}

const [verb, ...args] = process.argv.slice(2);
if (verb === 'server') serve(args);
else if (verb === 'client') {
  await sendAll(clientOptions(args), (text) => process.stdout.write(text)).catch((error: unknown) => {
    console.error(String(error));
    process.exitCode = 1;
  });
} else {
  console.error('usage: main.ts server|client ...');
  process.exitCode = 64;
}
