// Seeks, marks what is spoken, and looks again while the job runs. Not WASM: it would be a thousand times as large.
let lines = [];
let marked;

function gather() {
  lines = [...document.querySelectorAll('.line')];
  mark();
}

function mark() {
  const video = document.querySelector('video');
  const now = video?.currentTime || (video?.played.length ? 0 : -1);
  const line = lines.findLast((line) => Number(line.dataset.start) <= now + 0.01);
  if (line === marked) return;
  marked?.removeAttribute('aria-current');
  line?.setAttribute('aria-current', 'true');
  marked = line;
  const frame = line?.closest('.frame');
  if (!frame || frame.contains(document.activeElement)) return;
  frame.scrollTo({ top: frame.scrollTop + line.getBoundingClientRect().top - frame.getBoundingClientRect().top - frame.clientHeight / 2 });
}

function wire() {
  const video = document.querySelector('video:not([data-wired])');
  if (!video) return;
  video.dataset.wired = '';
  const player = video.closest('.player');
  const captions = video.textTracks[0];
  const look = () => {
    player.classList.toggle('audio', video.readyState > 0 && video.videoWidth === 0);
    player.querySelector('.note').hidden = !video.error;
  };
  // Sound has no picture that captions could stand on.
  const speak = () => {
    const cues = player.classList.contains('audio') ? [...(captions?.activeCues ?? [])] : [];
    player.querySelector('.spoken').textContent = cues.map((cue) => cue.getCueAsHTML().textContent).join('\n');
  };
  for (const name of ['loadedmetadata', 'error']) video.addEventListener(name, look);
  for (const name of ['timeupdate', 'seeked', 'play']) video.addEventListener(name, mark);
  for (const name of ['loadedmetadata', 'timeupdate', 'seeked']) video.addEventListener(name, speak);
  captions?.addEventListener('cuechange', speak);
  look();
}

function takeOver(fresh) {
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const shown = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (!shown || (part.dataset.live === 'player' && shown.querySelector('video'))) continue;
    if (shown.innerHTML !== part.innerHTML) {
      const focus = [...shown.querySelectorAll('a')].indexOf(document.activeElement);
      shown.replaceChildren(...part.childNodes);
      shown.querySelectorAll('a')[focus]?.focus({ preventScroll: true });
    }
  }
  // A track is read once: under another address it is read again.
  const [track, newer] = [document, fresh].map((root) => root.querySelector('track'));
  if (track && newer && track.getAttribute('src') !== newer.getAttribute('src')) track.src = newer.getAttribute('src');
  document.querySelector('main').toggleAttribute('data-running', fresh.querySelector('main').hasAttribute('data-running'));
  marked = undefined;
  wire();
  gather();
}

async function readAgain() {
  if (!document.hidden) {
    try {
      const answer = await fetch(location.href, { signal: AbortSignal.timeout(20000) });
      // Taken back meanwhile: the page that says so.
      if (answer.status === 404) return location.reload();
      if (answer.ok) takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'));
    } catch {
      // The next look may come through.
    }
  }
  await later();
}

// Long transcripts less often: each look reads all of it.
async function later() {
  if (!document.querySelector('main[data-running]')) return;
  setTimeout(readAgain, 4000 + 10 * lines.length);
}

document.addEventListener('click', (event) => {
  const time = event.target.closest('a.cue[href]');
  const video = document.querySelector('video');
  if (!time || !video || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  video.currentTime = Number(time.closest('.line').dataset.start);
  // Where the browser plays nothing by itself, it stands there, ready.
  video.play().catch(() => {});
});
wire();
gather();
later();
