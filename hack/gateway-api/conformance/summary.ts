/**
 * Tells in Markdown what a run of the conformance suite has shown:
 *
 *   node hack/gateway-api/conformance/summary.ts LOG REPORT
 *
 * LOG is what the suite printed, REPORT the file that it wrote.
 */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { readLog, type TestResult } from './log.ts';

interface Level {
  result: string;
  statistics: { Passed: number; Failed: number; Skipped: number };
  supportedFeatures?: string[];
  unsupportedFeatures?: string[];
}

/** The part of a ConformanceReport (gateway.networking.k8s.io/v1) that is told of. */
export interface Report {
  date: string;
  gatewayAPIVersion: string;
  gatewayAPIChannel: string;
  implementation: { project: string; version: string };
  profiles?: { name: string; core: Level; extended?: Level }[];
}

export function summary(results: readonly TestResult[], report: Report): string {
  const { project, version } = report.implementation;
  const run = results.filter(({ outcome }) => outcome !== 'skipped');
  const passed = run.filter(({ outcome }) => outcome === 'passed').length;
  return [
    `# ${project} ${version} and the Gateway API ${report.gatewayAPIVersion} (${report.gatewayAPIChannel} channel)`,
    '',
    `Written by \`make conformance\` on ${report.date}. ${passed} of ${run.length} tests passed.`,
    '',
    '| profile | level | result | passed | failed | skipped | extended features | left out |',
    '|---|---|---|---|---|---|---|---|',
    ...(report.profiles ?? []).flatMap(({ name, core, extended }) => [
      levelRow(name, 'core', core),
      ...(extended === undefined ? [] : [levelRow(name, 'extended', extended)]),
    ]),
    '',
    '| test | result | s | what did not hold |',
    '|---|---|---|---|',
    ...run.flatMap(testRows),
    '',
  ].join('\n');
}

function levelRow(profile: string, level: string, of: Level): string {
  const { result, statistics, supportedFeatures = [], unsupportedFeatures = [] } = of;
  const cells = [
    ...[profile, level, result, statistics.Passed, statistics.Failed, statistics.Skipped],
    ...[supportedFeatures.join(', '), unsupportedFeatures.join(', ')],
  ];
  return `| ${cells.join(' | ')} |`;
}

function testRows({ name, outcome, seconds, failures }: TestResult): string[] {
  const parts = failures.map(
    ({ part, reason }) => `| | | | ${[part, reason].filter((text) => text !== '').join(': ')} |`,
  );
  return [`| ${name} | ${outcome} | ${seconds.toFixed(1)} | |`, ...parts];
}

if (import.meta.main) {
  const [log = '', report = ''] = process.argv.slice(2);
  console.log(summary(readLog(readFileSync(log, 'utf8')), parse(readFileSync(report, 'utf8')) as Report));
}
