import { spawnSync } from 'node:child_process';
import { expect } from 'chai';
import { VERBS } from '../../../cli/registry.ts';
import { runCli } from '../../support/cli.ts';

describe('weft completion', () => {
  let bash = '';
  before(async () => {
    bash = (await runCli(['completion', 'bash'])).stdout;
  });

  /** What bash would offer at the end of the words; the last may be begun. */
  function offered(...words: string[]): string[] {
    const quoted = ['weft', ...words].map((word) => `'${word}'`).join(' ');
    const program = `${bash}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _weft; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout, stderr } = spawnSync('bash', ['-uc', program], { encoding: 'utf8', timeout: 10_000 });
    expect({ status, stderr }).to.deep.equal({ status: 0, stderr: '' });
    return stdout.split('\n').filter((line) => line !== '');
  }

  it('offers the verbs, wherever options stand', () => {
    const names = VERBS.map(({ name }) => name);
    expect(offered('')).to.have.members([...names, 'help']);
    expect(offered('-n', 'version', 'ver')).to.deep.equal(['version']);
    expect(offered('--verbose', 'uninj')).to.deep.equal(['uninject']);
    expect(offered('help', 'inj')).to.deep.equal(['inject']);
  });

  it('offers the options of a verb, those of all verbs, and their values', () => {
    expect(offered('version', '--c')).to.have.members(['--client', '--context']);
    expect(offered('--kube')).to.deep.equal(['--kubeconfig']);
    expect(offered('version', '-o', '')).to.have.members(['text', 'json']);
    expect(offered('version', '--output', 'j')).to.deep.equal(['json']);
    expect(offered('completion', '')).to.have.members(['bash', 'zsh', 'fish']);
    expect(offered('inject', '')).to.deep.equal([]); // files
  });

  it('names every verb with its summary, and every option, in zsh and fish too', async () => {
    const zsh = (await runCli(['completion', 'zsh'])).stdout;
    const fish = (await runCli(['completion', 'fish'])).stdout;
    expect(zsh)
      .to.match(/^#compdef weft\n/)
      .and.to.match(/\ncompdef _weft weft\n$/);
    for (const { name, summary } of VERBS) {
      expect(zsh).to.include(`'${name}:${summary}'`);
      expect(fish).to.include(`complete -c weft -n __fish_use_subcommand -f -a ${name} -d '${summary}'`);
    }
    expect(zsh).to.match(/\(inject\) options=\(.*--opaque-ports/);
    expect(fish).to.include(
      "complete -c weft -n '__fish_seen_subcommand_from version' -l output -s o -r -f -a 'text json'",
    );
    expect(fish).to.include("complete -c weft -l namespace -s n -r -d 'namespace; without it, that of the context'");
  });

  it('knows three shells', async () => {
    const { status, stdout, stderr } = await runCli(['completion', 'tcsh']);
    expect({ status, stdout }).to.deep.equal({ status: 2, stdout: '' });
    expect(stderr).to.include('Allowed choices are bash, zsh, fish');
  });
});
