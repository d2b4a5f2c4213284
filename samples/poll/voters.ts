import { Agent, request } from 'node:http';
import { Schedule } from '../app/schedule.ts';
import type { Counts } from './counts.ts';
import type { Pattern } from './weaves.ts';

export interface VotersOptions {
  /** Of the front end, without a path. */
  url: string;
  /** Rounds a second to begin with. */
  perSecond: number;
  /** Which pattern gets `favouriteShare` (0..1) of the votes; the others get equal shares of the rest. */
  favourite: string;
  favouriteShare: number;
  counts: Counts;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Every so many rounds a voter looks at the page and at the leaderboard too. */
const LOOK_EVERY = 10;
const TIMEOUT_MS = 10_000;

/** The vote generator: a round is a look at the candidates and a vote for one. Rounds leave on a fixed schedule. */
export class Voters {
  readonly #options: VotersOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 32 });
  #schedule: Schedule | null = null;
  /** The last change of the rate: one is made after the other. */
  #changed: Promise<void> = Promise.resolve();
  #rounds = 0;

  constructor(options: VotersOptions) {
    this.#options = options;
    this.#start(options.perSecond);
  }

  /** Resolves when every round of the rate before has ended; with 0 nothing follows. */
  setRate(perSecond: number): Promise<void> {
    this.#changed = this.#changed.then(async () => {
      await this.#schedule?.stop();
      this.#schedule = null;
      this.#start(perSecond);
    });
    return this.#changed;
  }

  async stop(): Promise<void> {
    await this.setRate(0);
    this.#agent.destroy();
  }

  /** A request without a complete answer is counted by its error's code, and ends the round. */
  async round(): Promise<void> {
    const looks = this.#rounds++ % LOOK_EVERY === 0;
    try {
      if (looks) await this.#send('GET', '/');
      const { status, body } = await this.#send('GET', '/patterns');
      if (status === 200) await this.#send('POST', `/votes/${this.#choice(JSON.parse(body) as Pattern[])}`);
      if (looks) await this.#send('GET', '/leaderboard');
    } catch {
      // Counted already.
    }
  }

  #start(perSecond: number): void {
    if (perSecond <= 0) return;
    const schedule = new Schedule(perSecond, () => void this.round().finally(() => schedule.ended()));
    this.#schedule = schedule;
  }

  #choice(patterns: readonly Pattern[]): string {
    const { favourite, favouriteShare, random } = this.#options;
    const others = patterns.filter(({ name }) => name !== favourite);
    const isFavourite = random() < favouriteShare;
    const other = others[Math.floor(random() * others.length)];
    return isFavourite || other === undefined ? favourite : other.name;
  }

  #send(method: string, path: string): Promise<{ status: number; body: string }> {
    const operation = `${method} ${path}`;
    return new Promise<{ status: number; body: string }>((resolve, reject) => {
      const options = { method, agent: this.#agent, timeout: TIMEOUT_MS };
      const outgoing = request(`${this.#options.url}${path}`, options, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
      outgoing.on('error', reject);
      outgoing.end();
    }).then(
      (answer) => {
        this.#options.counts.sent(operation, answer.status);
        return answer;
      },
      (error: NodeJS.ErrnoException) => {
        this.#options.counts.sent(operation, error.code ?? error.message);
        throw error;
      },
    );
  }
}
