/**
 * The program of every pod of the rows: what is called, and what calls.
 *
 *   main.ts serve web=8001 v1=8002 9000-9099=target     names, and the ports on which they answer by that name
 *   main.ts ask                                         one `Ask` a line from stdin, one `Told` a line to stdout (contract.ts)
 */
import { answerAsks } from './ask.ts';
import { serve } from './serve.ts';

const [verb, ...args] = process.argv.slice(2);
if (verb === 'serve') {
  serve(args);
  // As the first process of a container it would not end by itself.
  process.once('SIGTERM', () => process.exit(0));
} else if (verb === 'ask') {
  await answerAsks(process.stdin, process.stdout);
} else {
  console.error('usage: main.ts serve NAME=PORT... | ask');
  process.exitCode = 64;
}
