/** The page of the poll. It has no part from elsewhere: the mesh must carry everything that it needs. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Which weave?</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #223; }
  #patterns { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .5rem; padding: 0; }
  button { width: 100%; padding: .75rem; border: 1px solid #99a; border-radius: .4rem; background: #f6f6fa; font: inherit; cursor: pointer; }
  button span { display: block; font-size: 1.8rem; }
  #said { min-height: 1.5em; }
  td { padding: .1rem 1rem .1rem 0; }
</style>
</head>
<body>
<h1>Which weave do you like best?</h1>
<div id="patterns"></div>
<p id="said" role="status"></p>
<h2>Leaderboard</h2>
<table><tbody id="leaderboard"></tbody></table>
<script>
const element = (id) => document.getElementById(id);
const json = async (path, options) => {
  const response = await fetch(path, options);
  const body = await response.json();
  if (!response.ok) throw new Error(response.status + ': ' + body.error);
  return body;
};
async function showResults() {
  const rows = (await json('/leaderboard')).map(({ pattern, votes }) => {
    const row = document.createElement('tr');
    for (const text of [pattern, votes]) row.insertCell().textContent = text;
    return row;
  });
  element('leaderboard').replaceChildren(...rows);
}
async function vote(name) {
  try {
    const { votes } = await json('/votes/' + name, { method: 'POST' });
    element('said').textContent = 'Thank you. ' + name + ' has ' + votes + ' votes.';
  } catch (error) {
    element('said').textContent = 'The vote for ' + name + ' was not counted (' + error.message + ').';
  }
  await showResults();
}
async function showPatterns() {
  for (const { name, symbol } of await json('/patterns')) {
    const button = document.createElement('button');
    const picture = document.createElement('span');
    picture.textContent = symbol;
    button.append(picture, name);
    button.onclick = () => vote(name);
    element('patterns').append(button);
  }
}
showPatterns().then(showResults).catch((error) => { element('said').textContent = error.message; });
</script>
</body>
</html>
`;
