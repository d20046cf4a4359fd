// Copies the text of the subtitles. Not WASM: it would be many times as large.
const button = document.querySelector('[data-copy]:is(.downloads *)');
const told = document.querySelector('.copied');
if (navigator.clipboard) button.hidden = false;
button.addEventListener('click', async () => {
  const read = async () => {
    const answer = await fetch(button.dataset.copy, { signal: AbortSignal.timeout(20000) });
    if (!answer.ok) throw new Error(answer.statusText);
    return answer.blob();
  };
  told.textContent = '';
  try {
    // Given as a promise, so that the press of the button still counts when the text arrives.
    const text = read().then((blob) => new Blob([blob], { type: 'text/plain' }));
    await navigator.clipboard.write([new ClipboardItem({ 'text/plain': text })]);
    told.textContent = button.dataset.copied;
  } catch {
    told.textContent = button.dataset.failed;
  }
});
