/**
 * Fields of bodies on which nothing depends any more, but without which a proxy of before refuses the body: the operator goes on writing them, readers
 * ignore them. An operator of before writes them too.
 */
export const FOR_OLDER_PROXIES = {
  endpoint: { weight: 1 },
  settings(clusterNetworks: readonly string[]): object {
    return { clusterNetworks };
  },
} as const;
