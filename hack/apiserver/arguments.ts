import { join } from 'node:path';
import type { ProgramName } from './programs.ts';

/** What the servers of one directory share. */
export interface Layout {
  directory: string;
  pki: string;
  port: number;
  programs: Record<ProgramName, string>;
}

export interface ServerOptions {
  /** Also run kube-controller-manager: default ServiceAccounts, garbage collection, Deployments to Pods. Default false. */
  controllerManager?: boolean;
  /** Further flags of kube-apiserver, such as `--audit-log-path=...`. */
  apiServerArguments?: readonly string[];
}

export function etcdArguments({ directory }: Layout): string[] {
  // Unix sockets in a private directory: no port to race for, and no other user can connect.
  const socket = (name: string) => `unix://${join(directory, name)}`;
  // Advertised addresses must look like these; with one member nobody ever uses them.
  const advertised = 'http://127.0.0.1:1';
  return [
    `--data-dir=${join(directory, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${socket('etcd.sock')}`,
    `--advertise-client-urls=${advertised}`,
    `--listen-peer-urls=${socket('etcd-peer.sock')}`,
    `--initial-advertise-peer-urls=${advertised}`,
    `--initial-cluster=default=${advertised}`,
  ];
}

export function apiServerArguments({ directory, pki, port }: Layout, options: ServerOptions): string[] {
  const file = (name: string) => join(pki, name);
  return [
    `--etcd-servers=unix://${join(directory, 'etcd.sock')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    // Endpoints of the Service `kubernetes` must not be loopback addresses: none are written.
    '--endpoint-reconciler-type=none',
    `--secure-port=${port}`,
    '--service-cluster-ip-range=10.96.0.0/16',
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    // How it proves itself to servers of aggregated APIs, and says in whose name it asks.
    `--requestheader-client-ca-file=${file('front-proxy-ca.crt')}`,
    '--requestheader-allowed-names=front-proxy-client',
    '--requestheader-username-headers=X-Remote-User',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    `--proxy-client-cert-file=${file('front-proxy-client.crt')}`,
    `--proxy-client-key-file=${file('front-proxy-client.key')}`,
    '--authorization-mode=RBAC',
    '--allow-privileged',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${file('service-account.pub')}`,
    `--service-account-signing-key-file=${file('service-account.key')}`,
    // Without the controller that makes default ServiceAccounts, no pod would be admitted.
    ...(options.controllerManager === true ? [] : ['--disable-admission-plugins=ServiceAccount']),
    ...(options.apiServerArguments ?? []),
  ];
}

export function controllerManagerArguments({ pki }: Layout): string[] {
  const kubeconfig = join(pki, 'kube-controller-manager.kubeconfig');
  return [
    '--leader-elect=false',
    '--use-service-account-credentials',
    '--secure-port=0',
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(pki, 'service-account.key')}`,
    `--root-ca-file=${join(pki, 'ca.crt')}`,
  ];
}
