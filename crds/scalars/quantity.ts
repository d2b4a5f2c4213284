import { invalid, quote, type Scalar, valid } from './scalar.ts';

/** Powers of ten and of two behind the suffixes of a Kubernetes quantity (apimachinery `pkg/api/resource/quantity.go`). */
const DECIMAL_EXPONENT: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY_EXPONENT: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };

const FORM = /^([+-]?)(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(?:([KMGTPE]i)|([eE][+-]?[0-9]{1,4})|([numkMGTPE]?))$/;
const MAX_LENGTH = 64;
const MAX_WHOLE = Math.floor(Number.MAX_SAFE_INTEGER / 1000);
const MESSAGE = 'must be a quantity such as 5, "500m", "1k" or "1e3"';

/**
 * A Kubernetes quantity in thousandths, rounded up as `MilliValue` does: `5` → 5000, `"500m"` → 500, `"1k"` → 1_000_000.
 * Exact (integer arithmetic); what does not fit a safe integer is refused, so neither infinity nor NaN can result.
 */
export function parseQuantity(value: unknown): Scalar<number> {
  if (typeof value === 'number') return parseNumber(value);
  if (typeof value !== 'string') return invalid(MESSAGE);
  const match = value.length > MAX_LENGTH ? null : FORM.exec(value);
  if (match === null) return invalid(`${MESSAGE}, not ${quote(value)}`);
  const negative = match[1] === '-';
  const whole = match[2] ?? '';
  const fraction = match[3] ?? match[4] ?? '';
  const magnitude = thousandths(BigInt(whole + fraction || '0'), fraction.length, match);
  if (magnitude === null || magnitude > BigInt(Number.MAX_SAFE_INTEGER)) return invalid('is too large');
  const result = Number(magnitude);
  return valid(negative && result !== 0 ? -result : result);
}

/** The manifests' int-or-string knows no fractions; text does ("0.5"). */
function parseNumber(value: number): Scalar<number> {
  if (!Number.isInteger(value)) return invalid(`${MESSAGE}, not ${quote(value)}`);
  return Math.abs(value) <= MAX_WHOLE ? valid(value * 1000) : invalid('is too large');
}

/** `digits × 10^-fractionDigits × suffix × 1000`, rounded up; `null` when the exponent alone puts it out of range. */
function thousandths(digits: bigint, fractionDigits: number, match: RegExpExecArray): bigint | null {
  if (digits === 0n) return 0n;
  const binary = match[5];
  const exponent = match[6] === undefined ? DECIMAL_EXPONENT[match[7] ?? '']! : Number(match[6].slice(1));
  if (binary !== undefined) return scale(digits << BigInt(BINARY_EXPONENT[binary]!), 3 - fractionDigits);
  // 64 digits at most are written, so beyond ±100 the result is out of range or rounds up to one thousandth.
  if (exponent > 100) return null;
  return scale(digits, Math.max(exponent, -200) + 3 - fractionDigits);
}

function scale(value: bigint, exponent: number): bigint {
  if (exponent >= 0) return value * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (value + divisor - 1n) / divisor;
}

/** Prints thousandths in the canonical decimal form: `5`, `500m`, `1k`. */
export function formatQuantity(milli: number): string {
  if (milli === 0) return '0';
  if (milli % 1000 !== 0) return `${milli}m`;
  let value = milli / 1000;
  for (const suffix of ['', 'k', 'M', 'G', 'T', 'P', 'E']) {
    if (value % 1000 !== 0) return `${value}${suffix}`;
    value /= 1000;
  }
  return `${value * 1000}E`;
}
