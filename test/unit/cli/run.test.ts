import { expect } from 'chai';
import { CliError } from '../../../cli/errors.ts';
import { VERBS } from '../../../cli/registry.ts';
import type { Call, Verb, VerbRow } from '../../../cli/verb.ts';
import { WeftError } from '../../../proxy-image/contract/errors.ts';
import { runCli } from '../../support/cli.ts';

describe('weft', () => {
  let loaded: string[] = [];
  beforeEach(() => {
    loaded = [];
  });

  function row(name: string, run: Verb['run'] = async () => 0): VerbRow {
    return {
      name,
      summary: `Does ${name}`,
      group: 'Other:',
      load: async () => {
        loaded.push(name);
        return { describe: (command) => void command.argument('[names...]').option('--loud'), run };
      },
    };
  }
  const failing = (error: unknown) => [
    row('fail', async () => {
      throw error;
    }),
  ];

  it('without a verb lists all of them, and loads none', async () => {
    const verbs = [row('one'), row('two')];
    for (const argv of [[], ['--help'], ['help']]) {
      const { status, stdout, stderr } = await runCli(argv, { verbs });
      expect(status).to.equal(0);
      expect(stdout).to.match(/one +Does one\n +two +Does two\n/);
      expect(stderr).to.equal('');
    }
    expect(loaded).to.deep.equal([]);
  });

  it('loads the verb that is called, wherever the options stand, and for its help', async () => {
    const verbs = [row('one'), row('two')];
    const calls = [
      ['two'],
      ['-n', 'one', 'two', '--loud'],
      ['--context=one', 'two', 'one'],
      ['help', 'two'],
      ['two', '--help'],
    ];
    for (const argv of calls)
      expect(await runCli(argv, { verbs }), argv.join(' ')).to.include({ status: 0, stderr: '' });
    expect(loaded).to.deep.equal(calls.map(() => 'two'));
    expect((await runCli(['help', 'two'], { verbs })).stdout).to.match(/--loud[\s\S]*--kubeconfig/);
  });

  it('gives the verb its arguments, its options and those of all verbs', async () => {
    const calls: Call[] = [];
    const verbs = [
      row('one', async (call) => {
        calls.push(call);
        return 1;
      }),
    ];
    const argv = [
      '--as-group',
      'a',
      'one',
      'x',
      '-n',
      'shop',
      'y',
      '--as-group',
      'b',
      '--loud',
      '--request-timeout',
      '2.5s',
    ];
    expect((await runCli(argv, { verbs })).status).to.equal(1);
    const [{ command, globals, verbs: all }] = calls as [Call];
    expect(command.args).to.deep.equal(['x', 'y']);
    expect(command.opts()).to.deep.equal({ loud: true });
    expect(globals).to.deep.include({ namespace: 'shop', asGroup: ['a', 'b'], requestTimeout: 2500 });
    expect(all).to.equal(verbs);
  });

  it('says what is wrong with a command line, and what may have been meant: status 2', async () => {
    const verbs = [row('inject'), row('version')];
    const wrong = async (...argv: string[]) => {
      const { status, stdout, stderr } = await runCli(argv, { verbs });
      expect(status, argv.join(' ')).to.equal(2);
      expect(stdout).to.equal('');
      expect(stderr).to.match(/^WEFT_CLI_USAGE: .+\nnext: .+\n$/);
      return stderr;
    };
    expect(await wrong('versoin')).to.include('Did you mean version?');
    expect(await wrong('inject', '--luod')).to.include('Did you mean --loud?');
    expect(await wrong('--context')).to.include('argument missing');
    expect(await wrong('version', '--request-timeout', '0')).to.include('number of seconds');
    expect(await wrong('help', 'nothing')).to.include('nothing');
  });

  it('shows errors of the command and of the mesh with code and next step', async () => {
    const own = await runCli(['fail'], { verbs: failing(new CliError('WEFT_CLI_UNREACHABLE', 'https://host:6443')) });
    expect(own.status).to.equal(3);
    expect(own.stderr).to.match(/^WEFT_CLI_UNREACHABLE: .*: https:\/\/host:6443\nnext: .+\n$/);
    const mesh = await runCli(['fail'], { verbs: failing(new WeftError('WEFT_TLS_CREDENTIALS', 'no key')) });
    expect(mesh.status).to.equal(1);
    expect(mesh.stderr).to.match(/^WEFT_TLS_CREDENTIALS: .*: no key\nnext: they must be PEM/);
  });

  it('shows anything else as a defect, with where it comes from if that is asked', async () => {
    const verbs = failing(new TypeError('x is no function', { cause: new Error('deeper') }));
    const plain = await runCli(['fail'], { verbs });
    expect(plain.status).to.equal(1);
    expect(plain.stderr).to.match(/^WEFT_CLI_DEFECT: .*x is no function\nnext: .+\n$/);
    const verbose = await runCli(['fail', '--verbose'], { verbs });
    expect(verbose.stderr)
      .to.match(/TypeError: x is no function\n {4}at /)
      .and.to.match(/caused by Error: deeper/);
    expect((await runCli(['fail'], { verbs: failing('a text') })).stderr).to.match(/^WEFT_CLI_DEFECT: .*a text\n/);
  });

  it('has one name for a verb, groups side by side, and summaries that fit a line', async () => {
    const names = VERBS.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
    const groups = VERBS.map(({ group }) => group).filter((group, index, all) => group !== all[index - 1]);
    expect(new Set(groups).size).to.equal(groups.length);
    for (const { name, summary } of VERBS) {
      expect(name).to.match(/^[a-z]+(-[a-z]+)*$/);
      expect(summary, name).to.match(/^[A-Z].{10,70}[^.]$/);
    }
    for (const name of names) expect((await runCli([name, '--help'])).status, name).to.equal(0);
  });
});
