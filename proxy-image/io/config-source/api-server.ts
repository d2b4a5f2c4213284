/** Direct mode: where the API server is, and as whom to ask it. */
export interface ApiServer {
  host: string;
  port: number;
  /** Name in its certificate. */
  serverName: string;
  /** Folder with `token` and `ca.crt`, both replaced by the kubelet from time to time. */
  accountDir: string;
}
