// Makes, copies and revokes links in place. All words are in the page.
const section = document.querySelector('.sharing');
const { address, copied, notCopied, revoked, lost } = section.dataset;
// What the server says in English, where the page is not.
const problems = JSON.parse(section.dataset.problems ?? '{}');
const [problem, news, fresh, all] = ['.problem', '[role="status"]', '.fresh', '.all'].map((part) => section.querySelector(part));
const [empty, list, template] = ['.note', 'ul', 'template'].map((part) => all.querySelector(part));

// `2026-11-23 05:08 UTC`, as everywhere.
const moment = (time) => `${time.slice(0, 16).replace('T', ' ')} UTC`;

function tell(within, share) {
  for (const time of within.querySelectorAll('[data-of]')) {
    const told = share[time.dataset.of];
    time.dateTime = told;
    time.textContent = moment(told);
  }
}

// The answer, if it is a success. What is wrong is told.
async function ask(method, path = '', wish = undefined) {
  try {
    const answer = await fetch(address + path, {
      method, body: wish && JSON.stringify(wish), signal: AbortSignal.timeout(30000),
      headers: wish ? { 'content-type': 'application/json' } : {},
    });
    const { error, ...told } = answer.status === 204 ? {} : await answer.json();
    problem.textContent = error ? problems[error.code] ?? `${error.message} ${error.hint}` : '';
    return error ? undefined : told;
  } catch {
    problem.textContent = lost;
    return undefined;
  }
}

async function look() {
  const told = await ask('GET');
  if (!told) return;
  list.replaceChildren(...told.shares.map((share) => {
    const row = template.content.cloneNode(true);
    tell(row, share);
    row.querySelector('button').addEventListener('click', () => revoke(share.id));
    return row;
  }));
  empty.hidden = told.shares.length > 0;
  all.hidden = false;
}

async function revoke(id) {
  if (!await ask('DELETE', `/${id}`)) return;
  if (fresh.dataset.id === id) fresh.hidden = true;
  await look();
  news.textContent = revoked;
  // The button that was pressed is gone.
  all.querySelector('h2').focus();
}

section.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const seconds = Number(new FormData(event.target).get('expires_in'));
  const made = await ask('POST', '', seconds ? { expires_in: seconds } : {});
  if (!made) return;
  fresh.dataset.id = made.id;
  for (const part of ['url', 'embed']) document.getElementById(`share-${part}`).value = made[part];
  tell(fresh, made);
  fresh.hidden = false;
  news.textContent = '';
  document.getElementById('share-url').select();
  await look();
});

fresh.addEventListener('click', ({ target }) => {
  const field = document.getElementById(target.dataset.copy);
  if (!field) return;
  field.select();
  // The old way: the new one is only there over HTTPS, which many have not at home.
  news.textContent = document.execCommand('copy') ? copied : notCopied;
});
section.addEventListener('toggle', () => section.open && look());
section.querySelector('.behind').hidden = true;
