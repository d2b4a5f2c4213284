/**
 * Shows that the sample's rules, alerts and dashboards work: a real Prometheus scrapes a mesh in which things go wrong.
 *
 *   main.ts --embedded   API server, operator, applications and proxies as processes of this machine; about a minute
 *   main.ts              in the local cluster: two minutes of scraping as shipped, then alerts; some ten minutes
 *
 * Exit status 0 when every check holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCluster } from './cluster.ts';
import { runEmbedded } from './embedded.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-observability-'));
const holds = process.argv.includes('--embedded') ? await runEmbedded(directory) : await runCluster(directory);
if (holds) rmSync(directory, { recursive: true, force: true });
else console.log(`logs: ${directory}`);
process.exitCode = holds ? 0 : 1;
