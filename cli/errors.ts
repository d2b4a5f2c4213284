import { EXIT, type ExitCode } from './exit.ts';

interface CliErrorEntry {
  message: string;
  next: string;
  exit: ExitCode;
}

/**
 * The errors of the command, beside those of the mesh (`proxy-image/contract/errors.ts`), which an idle proxy has in memory: stable code → message, what to do
 * next, status. `docs/errors.md` lists the same codes; a test holds them together.
 */
export const CLI_ERRORS = {
  WEFT_CLI_USAGE: {
    message: 'the command line is not understood',
    next: 'weft --help lists the verbs, weft VERB --help the arguments and options of one',
    exit: EXIT.usage,
  },
  WEFT_CLI_KUBECONFIG: {
    message: 'nothing says how to reach a cluster',
    next: 'the detail says what is missing or wrong; --kubeconfig, KUBECONFIG and ~/.kube/config are looked at in this order, --context chooses within them',
    exit: EXIT.unreachable,
  },
  WEFT_CLI_UNREACHABLE: {
    message: 'the API server cannot be reached',
    next: 'the detail has the address; kubectl cluster-info with the same kubeconfig and context shows whether it is the network, the certificate or the server',
    exit: EXIT.unreachable,
  },
  WEFT_CLI_CREDENTIALS: {
    message: 'the API server does not know who asks',
    next: 'the credentials of the context may have expired: log in again as your cluster wants it, and try kubectl auth whoami',
    exit: EXIT.unreachable,
  },
  WEFT_CLI_FORBIDDEN: {
    message: 'the API server does not allow this',
    next: 'the detail names verb and resource; kubectl auth can-i --list shows what you may, and --as tries it as somebody else',
    exit: EXIT.findings,
  },
  WEFT_CLI_API: {
    message: 'the API server refused or failed a request',
    next: 'the detail has its status and its words',
    exit: EXIT.findings,
  },
  WEFT_CLI_POD: {
    message: 'a pod does not answer as one with a proxy does',
    next: 'the detail names the pod; kubectl describe it: has it a container linkerd-proxy, and is that container ready?',
    exit: EXIT.findings,
  },
  WEFT_CLI_RESOURCE: {
    message: 'nothing in the cluster is meant by this name',
    next: 'the detail says what was looked for; -n names the namespace, and kinds are those of kubectl: pod/NAME, deploy/NAME, svc/NAME, ns/NAME',
    exit: EXIT.findings,
  },
  WEFT_CLI_NOT_INSTALLED: {
    message: 'the cluster has no control plane of Weft',
    next: 'the detail says what was looked for; choose another cluster with --context, or install it: weft install --apply',
    exit: EXIT.findings,
  },
  WEFT_CLI_INPUT: {
    message: 'the input cannot be read',
    next: 'the detail names file or URL and the reason; - reads the standard input',
    exit: EXIT.findings,
  },
  WEFT_CLI_OUTPUT: {
    message: 'a file cannot be written',
    next: 'the detail has its path and the reason; a file that is there is not overwritten: name another one',
    exit: EXIT.findings,
  },
  WEFT_CLI_PROFILE: {
    message: 'no profile can be made of this description',
    next: 'the detail has the lines: mend them, or begin with weft profile --template',
    exit: EXIT.findings,
  },
  WEFT_INSTALL_VALUE: {
    message: 'a value of the installation is not understood',
    next: 'the detail names it and says what is wanted; docs/cli.md lists all of them',
    exit: EXIT.usage,
  },
  WEFT_INSTALL_CONFLICT: {
    message: 'somebody else has set fields of the control plane to other values',
    next: 'the detail names fields and managers; take your change back, or apply with --force, which takes these fields',
    exit: EXIT.findings,
  },
  WEFT_INSTALL_DEFINITION: {
    message: 'a custom resource definition of somebody else lacks the version that the operator reads',
    next: 'apply with --upgrade-crds, which replaces the definition by one that serves all versions; objects stay',
    exit: EXIT.findings,
  },
  WEFT_INSTALL_STORED_VERSION: {
    message: 'objects may be stored in a version that the custom resource definition does not have any more',
    next: 'the detail names definitions and versions; with the command of the release that is installed: weft upgrade --crds --apply --migrate-stored, then this one again',
    exit: EXIT.findings,
  },
  WEFT_INSTALL_TIMEOUT: {
    message: 'what was applied, or removed, is not as it should be in time',
    next: 'the detail names the object: kubectl describe it, and the pods of weft-system with their logs; the same command again goes on from there',
    exit: EXIT.findings,
  },
  WEFT_UNINSTALL_INJECTED: {
    message: 'pods still have a proxy, and would go on without anybody who configures it',
    next: 'take the annotation linkerd.io/inject away and restart them first, or uninstall with --force',
    exit: EXIT.findings,
  },
  WEFT_CLI_MANIFEST: {
    message: 'a manifest cannot be understood or changed',
    next: 'the detail says where; kubectl apply --dry-run=client -f with the same manifest shows what Kubernetes makes of it',
    exit: EXIT.findings,
  },
  WEFT_CLI_LIVE_NUMBERS: {
    message: 'the cluster serves no live numbers',
    next: 'kubectl get apiservice v1alpha1.viz.weft.dev shows whether they are registered, and why the API server does not reach them; the operator serves them where its role viz runs, which an installation with viz.enabled=false leaves out',
    exit: EXIT.findings,
  },
  WEFT_CLI_TAP: {
    message: 'the cluster serves no tap',
    next: 'kubectl get apiservice v1alpha1.tap.linkerd.io shows whether it is registered, by whom it is served, and why the API server does not reach it; the operator serves it where its role viz runs (weft install --apply)',
    exit: EXIT.findings,
  },
  WEFT_CLI_NOT_FOUND: {
    message: 'there is no such object',
    next: 'the detail names it and its namespace; -n names another one, -A looks in all of them, kubectl get with the same words lists what there is',
    exit: EXIT.findings,
  },
  WEFT_CLI_DEFECT: {
    message: 'the command has failed in a way that it does not know',
    next: 'it is a defect: run it again with --verbose and report the output',
    exit: EXIT.findings,
  },
} as const satisfies Record<string, CliErrorEntry>;

export type CliErrorCode = keyof typeof CLI_ERRORS;

export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly next: string;
  readonly exit: ExitCode;

  constructor(code: CliErrorCode, detail = '', cause?: unknown) {
    const entry: CliErrorEntry = CLI_ERRORS[code];
    super(detail === '' ? entry.message : `${entry.message}: ${detail}`, cause === undefined ? undefined : { cause });
    this.name = 'CliError';
    this.code = code;
    this.next = entry.next;
    this.exit = entry.exit;
  }
}

/** What people are shown of an error: a `CliError`, or one of the mesh, which has no status of its own. */
export interface Shown {
  code: string;
  message: string;
  next: string;
  exit: ExitCode;
}

export function shownOf(error: unknown): Shown {
  if (error instanceof CliError) return error;
  if (error instanceof Error && hasTexts(error)) return { ...textsOf(error), exit: EXIT.findings };
  return new CliError('WEFT_CLI_DEFECT', error instanceof Error ? error.message : String(error), error);
}

/** By form: the class would bring the catalogue of the proxy with it. */
function hasTexts(error: Error): error is Error & { code: string; next: string } {
  return 'code' in error && typeof error.code === 'string' && /^WEFT_/.test(error.code) && 'next' in error;
}

function textsOf({ code, message, next }: Error & { code: string; next: string }) {
  return { code, message, next };
}
