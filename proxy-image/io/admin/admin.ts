/** One request to the admin port, as the HTTP/1 codec delivers it: the admin port has no server of its own. */
export interface AdminRequest {
  method: string;
  /** Request target in origin form. */
  target: string;
  host: string;
  /** The connection's remote address is loopback. */
  fromLoopback: boolean;
  /** At most `ADMIN_BODY_BYTES`, as text. */
  body: string;
}

export interface AdminResponse {
  status: number;
  /** Lower-case names; `content-length` is the codec's to add. */
  headers: readonly (readonly [name: string, value: string])[];
  body: string;
}

/** Larger bodies are answered with 413 by the codec without reading on: the only body is a log level. */
export const ADMIN_BODY_BYTES = 1024;

export type AdminHandler = (request: AdminRequest) => AdminResponse;
