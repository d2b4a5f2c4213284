import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { VERSION } from '../../proxy-image/contract/version.ts';
import { connect } from '../cluster/connect.ts';
import { captured } from '../diagnostics/captured.ts';
import type { Section, Sources } from '../diagnostics/section.ts';
import { SECTIONS } from '../diagnostics/sections.ts';
import { type ArchiveFile, tarOf } from '../diagnostics/tar.ts';
import { CliError, shownOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { phase } from '../output/progress.ts';
import type { Call, Verb } from '../verb.ts';

interface Options {
  file?: string;
}

export const diagnostics: Verb = {
  describe(command: Command) {
    command
      .description(
        'Writes an archive with what is needed to find out what is wrong with the mesh: versions, objects, status, logs and metrics of the control plane, events, and what weft check finds. No Secret is read, and what may be secret is taken out of what is.',
      )
      .option('-f, --file <path>', 'the archive, which must not be there yet; without it weft-diagnostics-TIME.tar.gz')
      .addHelpText('after', EXAMPLES);
  },

  async run(call: Call): Promise<ExitCode> {
    const { context, globals, command } = call;
    const { file } = command.opts<Options>();
    const time = new Date(context.clock.wallMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const folder = `weft-diagnostics-${time.replaceAll(/[-:]/g, '')}`;
    const cluster = await connect(call);
    const sources: Sources = { cluster, namespace: globals.namespace ?? null, verb: (argv) => captured(call, argv) };
    const files: ArchiveFile[] = [];
    const missing: string[] = [];
    for (const section of SECTIONS) {
      const reason = await collect(call, section, sources, files);
      if (reason !== null) missing.push(`${section.title}: ${reason}`);
    }
    files.push({ path: 'missing.txt', content: missing.map((line) => `${line}\n`).join('') });
    files.unshift({ path: 'README.txt', content: readme(time, cluster.server) });
    const archive = gzipSync(
      tarOf(
        files.map(({ path, content }) => ({ path: `${folder}/${path}`, content })),
        context.clock.wallMs(),
      ),
    );
    write(call, archive, file ?? `${folder}.tar.gz`);
    return EXIT.ok;
  },
};

const EXAMPLES = `
Examples:
  weft diagnostics
  weft diagnostics -n shop -f shop.tar.gz     objects and pods of one namespace alone`;

/** @returns why it is missing; `null`: it is there */
async function collect(
  { context }: Call,
  { title, collect: of }: Section,
  sources: Sources,
  files: ArchiveFile[],
): Promise<string | null> {
  try {
    files.push(...(await phase(context, title, () => of(sources))));
    return null;
  } catch (error) {
    const { code, message, exit } = shownOf(error);
    // Nothing else would be there either.
    if (exit === EXIT.unreachable) throw error;
    context.stderr.write(`  ${code}: ${message}\n`);
    return `${code}: ${message}`;
  }
}

function readme(time: string, server: string): string {
  return `What weft diagnostics has collected at ${time} from ${server}, with weft ${VERSION}.

missing.txt says what could not be collected, and why; a file that ends in .missing.txt or .stderr.txt says it of one kind.
Taken out: Secrets and ConfigMaps (not read at all), values of environment variables and annotations that are not the mesh's, values of headers and query parameters,
commands and arguments, what containers of the application have said, and in every text what has the form of a key, a token or a password.
`;
}

function write({ context }: Call, archive: Buffer, file: string): void {
  const path = resolve(context.cwd, file);
  try {
    writeFileSync(path, archive, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    throw new CliError('WEFT_CLI_OUTPUT', `${path}: ${error instanceof Error ? error.message : error}`, error);
  }
  context.stdout.write(`${path}\n`);
}
