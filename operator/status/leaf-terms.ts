import type { X509Certificate } from 'node:crypto';

/** What the certificate of a proxy has to be by now. The same object as long as it is the same. */
export interface LeafTerms {
  /** Who signs. */
  issuer: X509Certificate;
  /** One that an issuer of before has signed will not do. */
  ofIssuer: boolean;
  /** One whose life begins earlier will not do. Milliseconds since the epoch; 0: any. */
  fromMs: number;
  /** One that is made before this time would not do: times of certificates have whole seconds. Milliseconds since the epoch; 0: any. */
  sinceMs: number;
}
