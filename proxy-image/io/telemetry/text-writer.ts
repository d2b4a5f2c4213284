export type MetricType = 'counter' | 'gauge' | 'histogram';

/** Prometheus text format, version 0.0.4. */
export const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Writes families in the Prometheus text format. Label text comes rendered (`renderLabels`), so that a scrape joins strings and escapes nothing. */
export class TextWriter {
  readonly #parts: string[] = [];

  /** Begins a family; its samples follow, under the name that comes back. */
  family(name: string, type: MetricType, help: string): string {
    this.#parts.push(`# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
    return name;
  }

  counter(name: string, help: string): string {
    return this.family(name, 'counter', help);
  }

  /** A family of one sample. */
  gauge(name: string, help: string, value: number): void {
    this.sample(this.family(name, 'gauge', help), '', value);
  }

  /** `labels` without braces; empty = none. */
  sample(name: string, labels: string, value: number): void {
    this.#parts.push(labels === '' ? `${name} ${formatValue(value)}\n` : `${name}{${labels}} ${formatValue(value)}\n`);
  }

  /** One histogram of a family. `counts`: of each bucket, and of what is above the last of `bounds`. */
  histogram(name: string, labels: string, bounds: readonly number[], counts: ArrayLike<number>, sum: number): void {
    let count = 0;
    for (let bucket = 0; bucket <= bounds.length; bucket++) {
      count += counts[bucket]!;
      const le = `le="${formatValue(bounds[bucket] ?? Number.POSITIVE_INFINITY)}"`;
      this.sample(`${name}_bucket`, labels === '' ? le : `${labels},${le}`, count);
    }
    this.sample(`${name}_sum`, labels, sum);
    this.sample(`${name}_count`, labels, count);
  }

  toString(): string {
    return this.#parts.join('');
  }
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

/** The format spells infinities with a sign. */
export function formatValue(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
