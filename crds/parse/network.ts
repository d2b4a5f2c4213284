import type { NetworkMatch } from '../../proxy-image/contract/resources.ts';
import { type Cidr, cidrContains, formatCidr, parseCidr } from '../scalars/cidr.ts';
import type { Fields } from './fields.ts';
import { LIMITS } from './limits.ts';

/** `{cidr, except[]}` of policies, in canonical text. An exception must lie strictly inside its network (Linkerd: policy validator). */
export function parseNetwork(network: Fields): NetworkMatch {
  network.closed(['cidr', 'except']);
  if (network.text('cidr') === '') network.problems.error(network.at('cidr'), 'is required');
  const cidr = network.scalar<Cidr | null>('cidr', parseCidr, null);
  const except: string[] = [];
  for (const { text, path } of network.strings('except', LIMITS.exceptions)) {
    const exception = network.accept<Cidr | null>(parseCidr(text), path, null);
    if (exception === null || cidr === null) continue;
    checkException(network, cidr, exception, path);
    except.push(formatCidr(exception));
  }
  return { cidr: cidr === null ? '' : formatCidr(cidr), except };
}

function checkException(network: Fields, cidr: Cidr, exception: Cidr, path: string): void {
  if (cidrContains(exception, cidr))
    network.problems.error(path, `must not cover the whole network ${formatCidr(cidr)}`);
  else if (!cidrContains(cidr, exception))
    network.problems.error(path, `must be inside the network ${formatCidr(cidr)}`);
}
