import { get } from './kubectl.ts';

/** What the proxy of a pod or workload answers to `GET /metrics`, asked from within the pod. */
export async function metricsOf(target: string, namespace?: string): Promise<string> {
  const [answer] = await get(target, 'http://127.0.0.1:4191/metrics', 1, namespace);
  return answer?.body ?? '';
}

/** Sum of the series of a family that have all of these labels, in the Prometheus text format. */
export function sumOf(text: string, family: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${family}{`))
    .filter((line) => wanted.every((label) => line.includes(`{${label}`) || line.includes(`,${label}`)))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
