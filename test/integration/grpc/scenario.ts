import type { Application, Handlers } from './application.ts';
import type { Caller } from './calls.ts';
import type { WireHandler, WireServer } from './wire.ts';

/** Where a scenario runs: with or without proxies between the calls and the servers. */
export interface Site {
  application: Application;
  /** Where channels of the scenario's own connect to. */
  port: number;
  caller: Caller;
  wire: WireServer;
  wirePort: number;
}

export interface Scenario {
  name: string;
  serve: Partial<Handlers> & { wire?: WireHandler };
  /** Returns what the client saw; it is compared as it is. What the servers saw of each call is added to it. */
  run(site: Site): Promise<unknown>;
  /** Something that must be in the transcript, lest two empty ones be equal. */
  shows: string | RegExp;
}

export interface Transcript {
  client: unknown;
  server: unknown;
}

export async function play(scenario: Scenario, site: Site): Promise<Transcript> {
  const { wire, ...handlers } = scenario.serve;
  site.application.use(handlers);
  site.wire.use(wire ?? ((stream) => stream.close()));
  const client = await scenario.run(site);
  return { client, server: [...site.application.served, ...site.wire.served] };
}
