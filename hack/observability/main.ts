/**
 * Shows that the sample's rules, alerts and dashboards work: a real Prometheus scrapes a mesh in which things go wrong.
 *
 *   main.ts --embedded   API server, operator, applications and proxies as processes of this machine; about a minute
 *   main.ts              in the local cluster: two minutes of scraping as shipped, then alerts; some twelve minutes
 *   main.ts ALERT...     in the local cluster: only the faults that these alerts tell of
 *
 * Exit status 0 when every check holds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCluster, runFaults } from './cluster.ts';
import { runEmbedded } from './embedded.ts';
import { FAULTS } from './faults/all.ts';

const isEmbedded = process.argv.includes('--embedded');
const alerts = process.argv.slice(2).filter((argument) => argument !== '--embedded');
const known = FAULTS.flat().flatMap((fault) => fault.alerts);
const unknown = alerts.filter((alert) => !known.includes(alert));
if (unknown.length > 0 || (isEmbedded && alerts.length > 0)) {
  console.error(`usage: main.ts [--embedded | ALERT...]; faults are made for ${known.join(', ')}`);
  process.exit(64);
}

function run(directory: string): Promise<boolean> {
  if (isEmbedded) return runEmbedded(directory);
  return alerts.length > 0 ? runFaults(directory, alerts) : runCluster(directory);
}

const directory = mkdtempSync(join(tmpdir(), 'weft-observability-'));
const holds = await run(directory);
if (holds) rmSync(directory, { recursive: true, force: true });
else console.log(`logs: ${directory}`);
process.exitCode = holds ? 0 : 1;
