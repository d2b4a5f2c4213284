import type { AuthenticationMatch, Authorization, NetworkMatch } from '../../proxy-image/contract/resources.ts';

/** Who is let in, in words. */
export function clientsOf({ authentication, networks }: Authorization): string {
  const who = whoOf(authentication);
  return isEverywhere(networks) ? who : `${who} from ${networks.map(networkText).join(', ')}`;
}

function whoOf(authentication: AuthenticationMatch): string {
  switch (authentication.type) {
    case 'unauthenticated':
      return 'anybody';
    case 'tls':
      return 'anybody with TLS';
    case 'identities':
      return authentication.identities.includes('*')
        ? 'anybody in the mesh'
        : authentication.identities.map(shortIdentity).join(', ') || 'nobody';
  }
}

/** `books.shop` of a ServiceAccount, as Linkerd shortens them; any other as it is. */
export function shortIdentity(identity: string): string {
  return identity.replace(/\.serviceaccount\.identity\..+$/, '');
}

function isEverywhere(networks: readonly NetworkMatch[]): boolean {
  return networks.some(({ cidr, except }) => cidr === '0.0.0.0/0' && except.length === 0);
}

function networkText({ cidr, except }: NetworkMatch): string {
  return except.length === 0 ? cidr : `${cidr} except ${except.join(', ')}`;
}
