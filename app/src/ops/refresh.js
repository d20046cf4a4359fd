// Reads the page again and takes over what changed. Not WASM: it would be a thousand times as large.
const every = 5000;
const focusable = 'a, summary, [tabindex]';
const lost = document.getElementById('lost');

function takeOver(fresh) {
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const shown = document.querySelector(`[data-live="${part.dataset.live}"]`);
    const isChosenFrom = shown?.querySelector('form :focus, form :checked:not(option)');
    if (!shown || isChosenFrom || shown.innerHTML === part.innerHTML) continue;
    const open = [...shown.querySelectorAll('details')].map((details) => details.open);
    part.querySelectorAll('details').forEach((details, index) => { details.open = open[index]; });
    const focus = [...shown.querySelectorAll(focusable)].indexOf(document.activeElement);
    shown.replaceChildren(...part.childNodes);
    shown.querySelectorAll(focusable)[focus]?.focus({ preventScroll: true });
  }
}

async function readAgain() {
  if (!document.hidden) {
    try {
      const answer = await fetch('/ops', { signal: AbortSignal.timeout(20000) });
      if (!answer.ok) throw new Error(answer.statusText);
      takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
  }
  setTimeout(readAgain, every);
}

setTimeout(readAgain, every);
document.addEventListener('change', ({ target }) => {
  if (target.id !== 'every') return;
  for (const box of document.querySelectorAll('input[name="id"]')) box.checked = target.checked;
});
