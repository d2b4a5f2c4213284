/**
 * The sample application: one image, started as a `service`, as the `traffic` generator, or as a short-lived `job`.
 *
 *   main.js service                       HTTP on PORT (8080), TCP echo on TCP_PORT (9090), gRPC on GRPC_PORT (none)
 *   main.js traffic                       load generator, controlled on 127.0.0.1:CONTROL_PORT (9000)
 *   main.js ctl METHOD PATH [JSON]        talks to the local control port (used with `kubectl exec`)
 *   main.js get URL [N] ['NAME: VALUE']…  N requests one after the other, one JSON line each
 *   main.js job URL                       one request, exit status 0 when it was answered with 200
 */
import { control, getMany, runJob } from './client.ts';
import { startService } from './service.ts';
import { startTraffic } from './traffic.ts';

const [verb = '', ...args] = process.argv.slice(2);

switch (verb) {
  case 'service':
    startService({
      name: process.env['SERVICE_NAME'] ?? 'service',
      version: process.env['SERVICE_VERSION'] ?? 'v1',
      host: process.env['HOST'] ?? '0.0.0.0',
      port: Number(process.env['PORT'] ?? 8080),
      tcpPort: Number(process.env['TCP_PORT'] ?? 9090),
      grpcPort: Number(process.env['GRPC_PORT'] ?? 0),
      replica: process.env['HOSTNAME'] ?? '',
      upstream: process.env['UPSTREAM'] ?? '',
      failureRate: Number(process.env['FAILURE_RATE'] ?? 0),
      drainMs: Number(process.env['DRAIN_MS'] ?? 2000),
    });
    break;
  case 'traffic':
    startTraffic({
      host: process.env['CONTROL_HOST'] ?? '127.0.0.1',
      port: Number(process.env['CONTROL_PORT'] ?? 9000),
      url: process.env['TARGET_URL'] ?? '',
      rps: Number(process.env['RPS'] ?? 0),
    });
    break;
  case 'ctl':
    await control(
      `${process.env['CONTROL_HOST'] ?? '127.0.0.1'}:${process.env['CONTROL_PORT'] ?? 9000}`,
      args[0] ?? 'GET',
      args[1] ?? '/',
      args[2],
    );
    break;
  case 'get':
    await getMany(args[0] ?? '', Number(args[1] ?? 1), args.slice(2));
    break;
  case 'job':
    process.exitCode = await runJob(args[0] ?? '');
    break;
  default:
    console.error(`unknown verb "${verb}": expected service, traffic, ctl, get or job`);
    process.exitCode = 2;
}
