/** What servers of `node:net`, `node:tls` and `node:https` have in common. */
interface Listener {
  once(event: 'error', told: (error: Error) => void): unknown;
  off(event: 'error', told: (error: Error) => void): unknown;
  listen(port: number, host: string | undefined, listening: () => void): unknown;
  address(): { port: number } | string | null;
}

/** Resolves with the port when it listens; for `port` 0 that is a free one. Rejects with the server's error where it cannot. */
export function listening(server: Listener, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
