import { formatDuration } from '../../crds/scalars/duration.ts';
import { printable } from '../../crds/scalars/scalar.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { connect } from '../cluster/connect.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { type Listing, printed } from '../output/listing.ts';
import type { ListingOptions } from '../output/options.ts';
import { waiting } from '../output/progress.ts';
import { printWatched } from '../output/watch.ts';
import type { Call } from '../verb.ts';
import { Traffic } from './traffic.ts';

/** What a verb asks with. */
export interface Asking {
  cluster: Cluster;
  traffic: Traffic;
  /** Of the rows: `null` with `--all-namespaces`. */
  namespace: string | null;
}

/** Lists what `ask` finds, once or watched, in the form that is wanted; says on stderr whose part of the live numbers is missing. */
export async function listTraffic(
  call: Call,
  options: Pick<ListingOptions, 'output' | 'watch' | 'allNamespaces' | 'timeWindow'>,
  none: string,
  ask: (asking: Asking) => Promise<Listing>,
): Promise<ExitCode> {
  const { context } = call;
  const cluster = await connect(call);
  const namespace = options.allNamespaces ? null : cluster.namespace;
  let told = '';
  await printWatched(context, options.watch ?? false, async () => {
    const traffic = new Traffic(cluster, options.timeWindow);
    const work = () => ask({ cluster, traffic, namespace });
    const listing = await waiting(context, `asking for the last ${formatDuration(options.timeWindow * 1000)}`, work);
    const missing = (await traffic.missing()).join(', ');
    if (missing !== '' && missing !== told) {
      context.stderr.write(`warning: numbers of proxies that are connected to ${printable(missing)} are missing\n`);
    }
    told = missing;
    return printed(context, listing, options.output, none);
  });
  return EXIT.ok;
}
