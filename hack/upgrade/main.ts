/**
 * Two builds of Weft in the local cluster, under 200 requests a second of which none may fail: one is upgraded to the other and downgraded again, operator and proxies each
 * by itself; then an installation is taken over by Helm, taken apart into roles and put together, removed and installed again. Exit status 0 when every check holds.
 *
 *   main.ts TREE HELM     the tree of the earlier build, with its packages; Helm's program
 */
import { runGroup, type StepResult } from '../demo/step.ts';
import { URL_OF_WEB } from './application.ts';
import { Calls } from './calls.ts';
import { Helm } from './helm.ts';
import { packaged } from './packaged.ts';
import { first, upAndDown, type World } from './steps.ts';

const [earlier = '', program = ''] = process.argv.slice(2);
const world: World = { calls: new Calls(`${URL_OF_WEB}/`), earlier, trust: '' };
const startedMs = performance.now();
const results: StepResult[] = [];
for (const step of [first(world), ...upAndDown(world), ...packaged(world, new Helm(program))]) {
  results.push(...(await runGroup([[step]])));
  // Without what the first one makes, the others would only wait.
  if (results.length === 1 && results[0]!.checks.some(({ holds }) => !holds)) break;
}
await world.calls.end();
const checks = results.flatMap((result) => result.checks);
const failed = checks.filter(({ holds }) => !holds).length;
console.log(
  `${checks.length - failed} checks hold, ${failed} do not; ${((performance.now() - startedMs) / 1000).toFixed(0)} s`,
);
process.exitCode = failed === 0 ? 0 : 1;
