import { accessible, ended, expect, speechAudio, speechVideo, test, upload } from './support';
import type { APIRequestContext, Locator, Page } from '@playwright/test';

const saved = (page: Page) => expect(page.locator('.saving')).toHaveText('Saved');
const edge = (page: Page, name: 'Start' | 'End') => page.locator('.wave').getByRole('slider', { name });
const now = () => document.querySelector('video')!.currentTime;

interface Cue { start: number; end: number; text: string }

async function cues(request: APIRequestContext, id: string): Promise<Cue[]> {
  return (await (await request.get(`/api/v1/jobs/${id}/track.json`)).json()).cues;
}

/** The page of a completed job of eleven seconds, with its second cue chosen on the waveform. */
async function chosen(page: Page, request: APIRequestContext): Promise<{ id: string; before: Cue[] }> {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  await page.goto(`/jobs/${id}?edit`);
  await expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();
  await page.waitForFunction(() => document.querySelector('video')!.readyState > 0);
  const before = await cues(request, id);
  const plot = (await page.locator('.plot').boundingBox())!;
  // Fifteen seconds are in view.
  const middle = (before[1].start + before[1].end) / 2 / 15_000;
  await page.mouse.click(plot.x + middle * plot.width, plot.y + plot.height / 2);
  await expect.poll(() => page.evaluate(now)).toBeCloseTo((before[1].start + before[1].end) / 2_000, 0);
  await expect(edge(page, 'Start')).toHaveAttribute('aria-valuenow', String(before[1].start));
  return { id, before };
}

/** Draws from the middle of an edge, so many pixels, and does not let go. */
async function draw(page: Page, handle: Locator, by: number) {
  let [x, y] = [0, 0];
  // It is put in its place with the next frame.
  await expect(async () => {
    const box = (await handle.boundingBox())!;
    [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await expect(page.locator('.plot')).toHaveAttribute('data-hit', 'edge', { timeout: 100 });
  }).toPass();
  await page.mouse.down();
  await page.mouse.move(x + by / 2, y);
  await page.mouse.move(x + by, y);
}

test('an edge drawn with the mouse is the new time of the cue, and one undo takes it back', async ({ page, request }) => {
  const { id, before } = await chosen(page, request);
  const width = (await page.locator('.plot').boundingBox())!.width;
  const by = Math.round((400 / 15_000) * width);
  // Alt: not to where speech ends.
  await page.keyboard.down('Alt');
  await draw(page, edge(page, 'End'), -by);
  expect(await cues(request, id)).toEqual(before);
  await page.mouse.up();
  await page.keyboard.up('Alt');
  await saved(page);
  const after = await cues(request, id);
  expect(Math.abs(after[1].end - (before[1].end - (by / width) * 15_000))).toBeLessThan(30);
  expect(after.map((cue, at) => (at === 1 ? { ...cue, end: before[1].end } : cue))).toEqual(before);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
  await expect.poll(() => cues(request, id)).toEqual(before);

  // Beyond the cue ahead it stops, and Escape takes back what is not let go of.
  await draw(page, edge(page, 'Start'), -300);
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await expect(page.getByRole('button', { name: 'Undo' })).toBeDisabled();
  await draw(page, edge(page, 'Start'), -300);
  await page.mouse.up();
  await saved(page);
  await expect.poll(async () => (await cues(request, id))[1].start).toBe(before[0].end);
});

test('by keyboard the edges are nudged, snapped to speech, and zoomed', async ({ page, request }) => {
  const { id, before } = await chosen(page, request);
  await edge(page, 'End').focus();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('Control+ArrowLeft');
  await expect(edge(page, 'End')).toHaveAttribute('aria-valuenow', String(before[1].end - 140));
  await expect(edge(page, 'End')).toHaveAttribute('aria-valuetext', /^0:00:\d\d\.\d{3}$/);
  await saved(page);
  await expect.poll(async () => (await cues(request, id))[1].end).toBe(before[1].end - 140);

  // The same from the list, and on the start.
  await page.locator('.frame').focus();
  await page.keyboard.press('Shift+ArrowLeft');
  await page.keyboard.press('ArrowRight');
  await expect.poll(async () => (await cues(request, id))[1]).toMatchObject({ start: before[1].start + 100, end: before[1].end - 240 });

  // Where it is quiet around the words, both ends are found again from elsewhere.
  await page.keyboard.press('s');
  await expect(page.locator('.transcript > [role=status]')).toHaveText(/begins and ends with the speech|Saved/);
  await saved(page);
  const snapped = (await cues(request, id))[1];
  expect(Math.abs(snapped.start - before[1].start)).toBeLessThan(200);
  await page.getByRole('button', { name: 'Closer' }).click();
  await page.locator('.frame').focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog')).toContainText('start and end to where speech begins and ends');
  await accessible(page);
});

test('the strip shows what is heard while a job runs, and seeks', async ({ page, request }) => {
  const id = await upload(request, speechVideo(900), 'speech.mp4');
  await page.goto(`/jobs/${id}`);
  const strip = page.getByRole('slider', { name: 'Place in the media' });
  await expect(strip).toBeVisible();
  const heard = page.locator('path.heard');
  await expect(heard).toHaveAttribute('d', /^M0 0H/);
  await expect(page.locator('path.listening')).toHaveAttribute('d', /^M/);
  await expect(page.locator('#strip-told')).toHaveText(/^Heard up to \d+:\d\d of 15:00\./);
  const first = await heard.getAttribute('d');
  await expect(heard).not.toHaveAttribute('d', first!);

  await page.waitForFunction(() => document.querySelector('video')!.readyState > 0);
  const { width } = (await strip.boundingBox())!;
  await strip.hover({ position: { x: width * 0.75, y: 10 } });
  await expect(page.locator('.legend')).toBeVisible();
  await expect(page.locator('.legend p')).toHaveText(/^11:1\d, not heard yet$/);
  await strip.click({ position: { x: width * 0.25, y: 10 } });
  await expect.poll(() => page.evaluate(now)).toBeCloseTo(225, -1);
  await strip.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await expect.poll(() => page.evaluate(now)).toBeCloseTo(5, 0);
  await expect(strip).toHaveAttribute('aria-valuetext', /^0:05, heard$/);
  await accessible(page);
  await request.post(`/api/v1/jobs/${id}/cancel`);
  await expect(page.locator('path.listening')).toHaveAttribute('d', '');
});

test('with four hours of cues an edge is drawn within a frame', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await ended(request, id);
  const stamp = (ms: number) => new Date(ms).toISOString().slice(11, 23);
  const cue = (at: number) => `${stamp(at * 2_880)} --> ${stamp(at * 2_880 + 2_500)}\nCue ${at} says what is said`;
  const vtt = `WEBVTT\n\n${Array.from({ length: 5_000 }, (_, at) => cue(at)).join('\n\n')}\n`;
  const { version } = await (await request.get(`/api/v1/jobs/${id}`)).json();
  const put = await request.put(`/api/v1/jobs/${id}/track`, {
    headers: { 'if-match': `"${version}"`, 'content-type': 'text/vtt' }, data: vtt,
  });
  expect(put.status()).toBe(200);
  // As if the media were so long: the server tells the length, and how loud it is.
  await page.route('**/peaks?*', (route) =>
    route.fulfill({ json: { step_ms: 50, first_page: 0, version: 1, letters: 'AAAAAeoz938720ztA'.repeat(17_000) } }));
  await page.goto(`/jobs/${id}?edit`);
  await page.locator('.frame').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(edge(page, 'End')).toHaveAttribute('aria-valuenow', '5380');
  await draw(page, edge(page, 'End'), -10);
  // How long each move and the frame after it keep the page busy, without what the browser waits for in between.
  const frames = await page.evaluate(async () => {
    const plot = document.querySelector('.plot')!;
    const { left, top } = plot.getBoundingClientRect();
    const busy: number[] = [];
    const ask = window.requestAnimationFrame.bind(window);
    let asked = 0;
    window.requestAnimationFrame = (act) => ask((time) => {
      const begin = performance.now();
      act(time);
      asked += performance.now() - begin;
    });
    for (let at = 0; at < 120; at++) {
      asked = 0;
      const begin = performance.now();
      plot.dispatchEvent(new PointerEvent('pointermove', { clientX: left + 150 + (at % 60), clientY: top + 20, isPrimary: true, bubbles: true }));
      const moved = performance.now() - begin;
      await new Promise((resolve) => ask(() => ask(resolve)));
      busy.push(moved + asked);
    }
    window.requestAnimationFrame = ask;
    return busy.sort((one, other) => one - other);
  });
  console.log(`a move and its frame: median ${frames[60].toFixed(2)} ms, slowest ${frames[119].toFixed(2)} ms`);
  expect(frames[114]).toBeLessThan(16);
  await page.mouse.up();
  await saved(page);
});
