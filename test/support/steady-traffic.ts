import { Agent, request } from 'node:http';

/** Between a request and the next on the same path. */
const PAUSE_MS = 20;

/** Requests that go on and on: by a connection of its own each, and by one that stays open. */
export class SteadyTraffic {
  readonly failures: string[] = [];
  readonly #kept = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #address: string;
  #asked = 0;
  #stopped = false;
  #done: Promise<unknown> = Promise.resolve();

  constructor(address: string) {
    this.#address = address;
  }

  get asked(): number {
    return this.#asked;
  }

  start(): this {
    this.#done = Promise.all([this.#repeat(false), this.#repeat(this.#kept)]);
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    this.#kept.destroy();
  }

  async #repeat(agent: Agent | false): Promise<void> {
    while (!this.#stopped) {
      await this.#ask(agent).catch((error: unknown) => this.failures.push(String(error)));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #ask(agent: Agent | false): Promise<void> {
    const [host, port] = this.#address.split(':');
    this.#asked += 1;
    return new Promise((resolve, reject) => {
      const asked = request({ host, port, agent, headers: { host: 'web.app' }, timeout: 10_000 });
      asked.on('error', reject).on('timeout', () => asked.destroy(new Error('no answer')));
      asked.on('response', (response) => {
        if (response.statusCode !== 200)
          this.failures.push(`${response.statusCode} ${response.headers['l5d-proxy-error']}`);
        response.resume().on('end', resolve).on('error', reject);
      });
      asked.end();
    });
  }
}
