import type { Command } from 'commander';
import { compile } from '../../crds/compile/compile.ts';
import { meshOf } from '../../crds/kinds/mesh/queries.ts';
import type { ServiceModel } from '../../crds/kinds/service/model.ts';
import { serviceOf } from '../../crds/kinds/service/queries.ts';
import type { ClusterState } from '../../crds/state/cluster-state.ts';
import type { Endpoint, EndpointsResource } from '../../proxy-image/contract/resources.ts';
import { connect } from '../cluster/connect.ts';
import { readState } from '../cluster/state.ts';
import { type Authority, authorityOf } from '../endpoints/authority.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Listing, printed, table } from '../output/listing.ts';
import { declareListing, type ListingOptions } from '../output/options.ts';
import { waiting } from '../output/progress.ts';
import type { Column } from '../output/table.ts';
import { printWatched } from '../output/watch.ts';
import type { Call, Verb } from '../verb.ts';

type Options = Pick<ListingOptions, 'output' | 'watch'>;

/** One address behind a port of a Service; the fields of Linkerd's JSON, and what a proxy is told besides. */
interface Row {
  namespace: string;
  ip: string;
  port: number;
  pod: string;
  /** `name.namespace` */
  service: string;
  /** Port of the Service. */
  servicePort: number;
  /** `null`: it is sent plaintext. */
  identity: string | null;
  protocol: string;
  node: string;
  zone: string;
  labels: Readonly<Record<string, string>>;
}

export const endpoints: Verb = {
  describe(command: Command) {
    command
      .description(
        'Prints the addresses that a proxy is told of for a destination: compiled here from the objects of the cluster as the operator does it.',
      )
      .argument(
        '<authority...>',
        'SERVICE.NAMESPACE.svc.cluster.local:PORT, or less: SERVICE.NAMESPACE, SERVICE:PORT, SERVICE',
      )
      .addHelpText('after', EXAMPLES);
    declareListing(command, ['watch']);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, command } = call;
    const { output, watch = false } = command.opts<Options>();
    const cluster = await connect(call);
    const wanted = command.args.map((text) => authorityOf(text, cluster.namespace));
    const namespaces = [...new Set(wanted.map(({ namespace }) => namespace))];
    await printWatched(context, watch, async () => {
      const state = await waiting(context, 'Reading what configuration is made of', () =>
        readState(cluster, namespaces),
      );
      const rows = wanted.flatMap((authority) => rowsOf(state, authority));
      return printed(context, listingOf(rows), output, 'No endpoints found.');
    });
    return EXIT.ok;
  },
};

const EXAMPLES = `
Examples:
  weft endpoints web.shop.svc.cluster.local:80
  weft endpoints -n shop web books:8080 -o wide`;

/** @throws CliError WEFT_CLI_RESOURCE where there is no such Service, or it has no such port */
function rowsOf(state: ClusterState, authority: Authority): Row[] {
  const { service, namespace, port } = authority;
  const model = serviceOf(state, namespace, service);
  if (model === null) throw nothing(`there is no Service ${service} in namespace ${namespace}`);
  const { clusterDomain } = meshOf(state);
  if (authority.domain !== null && authority.domain !== clusterDomain) {
    throw nothing(`the domain of this cluster is ${clusterDomain}, not ${authority.domain}`);
  }
  const ports = tcpPorts(model).filter((number) => port === null || number === port);
  if (ports.length === 0) {
    throw nothing(`Service ${service} in namespace ${namespace} has no TCP port${port === null ? '' : ` ${port}`}`);
  }
  return ports.flatMap((number) => endpointsOf(state, authority, number).map((each) => rowOf(each, authority, number)));
}

function nothing(detail: string): CliError {
  return new CliError('WEFT_CLI_RESOURCE', detail);
}

function tcpPorts({ ports }: ServiceModel): number[] {
  return ports.filter(({ protocol }) => protocol === 'TCP').map(({ port }) => port);
}

function endpointsOf(state: ClusterState, { namespace, service }: Authority, port: number): Endpoint[] {
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const { compiled, failure } = compile(state, { kind: 'endpoints', namespace, service, port, family }, '');
    if (failure !== null) throw failure;
    // What the key says of the body's type, the compiler keeps.
    return (compiled?.body as EndpointsResource | undefined)?.endpoints ?? [];
  });
}

function rowOf(endpoint: Endpoint, { namespace, service }: Authority, servicePort: number): Row {
  const { address, port, identity, protocol, node, zone, labels } = endpoint;
  return {
    namespace: labels['namespace'] ?? namespace,
    ip: address,
    port,
    pod: labels['pod'] ?? '',
    service: `${service}.${namespace}`,
    servicePort,
    identity,
    protocol,
    node,
    zone,
    labels,
  };
}

const COLUMNS: readonly Column<Row>[] = [
  { header: 'NAMESPACE', text: ({ namespace }) => namespace },
  { header: 'IP', text: ({ ip }) => ip },
  { header: 'PORT', text: ({ port }) => String(port) },
  { header: 'POD', text: ({ pod }) => pod || '-' },
  { header: 'SERVICE', text: ({ service }) => service },
  { header: 'SERVICE_PORT', text: ({ servicePort }) => String(servicePort), wide: true },
  { header: 'PROTOCOL', text: ({ protocol }) => protocol, wide: true },
  { header: 'NODE', text: ({ node }) => node || '-', wide: true },
  { header: 'ZONE', text: ({ zone }) => zone || '-', wide: true },
  { header: 'IDENTITY', text: ({ identity }) => identity ?? '-', wide: true },
];

/** Linkerd's newer tables have two spaces between columns. */
const GAP = 2;

function listingOf(rows: readonly Row[]): Listing {
  return {
    tables: rows.length === 0 ? [] : [table(COLUMNS, rows, GAP)],
    value: rows,
    names: [...new Set(rows.filter(({ pod }) => pod !== '').map(({ pod }) => `pod/${pod}`))],
  };
}
