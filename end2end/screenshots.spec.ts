// ./dev screenshots: every page in every state, to be looked at, and the few pictures that README and docs show.
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import type { APIRequestContext, Page } from '@playwright/test';
import { Site } from './site';
import { ended, expect, openEditor, silence, speechAudio, speechVideo, test, upload } from './support';

const gallery = join(process.env.CARGO_TARGET_DIR ?? resolve('../target'), 'screenshots');
const docs = resolve('../docs');

const WIDTHS = [1280, 360, 2560];
const HEIGHT = 860;

/** In every width, in the light and in the dark; with `more` also as people see it who chose their own colours. */
async function shoot(page: Page, name: string, more = false) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(gallery, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
  }
  if (more) {
    await page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, forcedColors: 'active', reducedMotion: 'reduce' });
      await page.screenshot({ path: join(gallery, `${name}-forced-${colorScheme}.png`), fullPage: true });
    }
  }
  await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none', reducedMotion: null });
  await page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
}

async function completed(request: APIRequestContext, path: string, name: string): Promise<string> {
  const id = await upload(request, path, name);
  await ended(request, id);
  return id;
}

/** Subtitles of somebody else's in place of what was heard. */
async function say(request: APIRequestContext, id: string, ...texts: string[]) {
  const { version } = await (await request.get(`/api/v1/jobs/${id}`)).json();
  const cue = (text: string, at: number) => `00:00:0${at * 2}.200 --> 00:00:0${at * 2 + 1}.900\n${text}`;
  const put = await request.put(`/api/v1/jobs/${id}/track`, {
    headers: { 'if-match': `"${version}"`, 'content-type': 'text/vtt' }, data: `WEBVTT\n\n${texts.map(cue).join('\n\n')}\n`,
  });
  expect(put.status()).toBe(200);
}

async function seek(page: Page, cue: number) {
  await page.evaluate(async (at) => {
    const video = document.querySelector('video')!;
    const { startTime, endTime } = video.textTracks[0].cues![at];
    video.currentTime = (startTime + endTime) / 2;
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
  }, cue);
}

const words = (page: Page, at: number) => page.locator('.line .words').nth(at);
const area = (page: Page) => page.getByLabel('Text of this cue');
const saved = (page: Page) => expect(page.locator('.saving')).toHaveText('Saved');

test('take the pictures', async ({ page, request, said }) => {
  test.setTimeout(900_000);
  await page.setViewportSize({ width: WIDTHS[0], height: HEIGHT });
  await page.goto('/');
  await shoot(page, 'start-empty');
  await page.getByLabel('Link to a video or sound file').fill('ftp://example.org/talk.mp4');
  await page.getByRole('button', { name: 'Make subtitles' }).click();
  await expect(page.locator('#url-problem')).toBeVisible();
  await shoot(page, 'start-wrong-link');

  const sound = await completed(request, speechAudio(), 'Ask not.wav');
  const failed = await completed(request, __filename, 'notes.mp4');
  const silent = await completed(request, silence(), 'A minute of silence.mp3');
  const long = await completed(request, speechAudio(), `${'A very long title that somebody gave to their recording '.repeat(4)}.wav`);
  const arabic = await completed(request, speechAudio(), 'محاضرة عن الفلك.wav');
  await say(request, arabic, 'وهكذا يا رفاقي الأمريكيين', 'لا تسألوا عمّا يمكن لبلدكم أن يفعله من أجلكم', 'بل اسألوا عمّا يمكنكم فعله');
  const hebrew = await completed(request, speechAudio(), 'הרצאה על אסטרונומיה (2024).wav');
  await say(request, hebrew, 'ולכן, אמריקאים יקרים שלי:', 'אל תשאלו מה ארצכם\nיכולה לעשות למענכם', 'NASA אמרה: "כן", ב־1961.');

  // Half done: the picture of the README.
  const running = await upload(request, speechVideo(1_800), 'Inaugural address, 1961.mp4');
  const second = await upload(request, speechAudio(), 'Farewell address, 1961.wav');
  const cancelled = await upload(request, speechAudio(), 'Not wanted any more.wav');
  await request.post(`/api/v1/jobs/${cancelled}/cancel`);
  await page.goto(`/jobs/${running}`);
  await page.waitForFunction(() => (document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0) > 12);
  await seek(page, 2);
  await expect(words(page, 12)).toBeVisible();
  await page.screenshot({ path: join(gallery, 'job.png') });
  await shoot(page, 'job-running', true);
  await page.goto(`/jobs/${second}`);
  await shoot(page, 'job-queued');
  await page.goto('/');
  await expect(page.getByText('Next in line')).toBeVisible();
  await shoot(page, 'start-list', true);
  await page.getByLabel('Select all shown').check();
  await page.getByText('Delete …').click();
  await shoot(page, 'start-chosen');
  await request.post(`/api/v1/jobs/${running}/cancel`);
  await ended(request, second);
  await page.goto(`/jobs/${running}`);
  await shoot(page, 'job-cancelled');
  await page.goto('/?q=country');
  await shoot(page, 'start-found');
  await page.goto('/?q=nothing+like+this');
  await shoot(page, 'start-nothing-found');

  for (const [name, id] of Object.entries({ failed, silent, long, arabic, hebrew })) {
    await page.goto(`/jobs/${id}`);
    await shoot(page, `job-${name}`);
  }
  await page.goto(`/jobs/${sound}`);
  await page.locator('a.cue').first().click();
  await shoot(page, 'job-sound', true);
  // A site that never answers.
  const nowhere = await (await Site.closed(speechAudio())).submit(request, 'A site that does not answer');
  await page.goto(`/jobs/${nowhere}`);
  await shoot(page, 'job-no-media');

  await openEditor(page, sound);
  await page.getByLabel('Check by the rules of').selectOption('shorts');
  await words(page, 1).click();
  await area(page).fill('And so, my fellow Americans: a line that is far too long for anybody to read in time');
  await saved(page);
  await shoot(page, 'editor-checks', true);
  await openEditor(page, arabic);
  await words(page, 1).click();
  await shoot(page, 'editor-arabic');
  await openEditor(page, long);
  await page.locator('.frame').focus();
  await page.keyboard.press('Control+f');
  await page.getByRole('searchbox', { name: 'Find' }).fill('country');
  await shoot(page, 'editor-find');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^Keys/ }).click();
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await shoot(page, 'editor-keys');
  await page.keyboard.press('Escape');
  await conflict(page, request, long);
  await shoot(page, 'editor-conflict', true);

  await page.goto('/ops');
  await shoot(page, 'ops', true);
  await page.goto('/jobs/00000000000000000000000000000000');
  await shoot(page, 'not-found');
  // 256 colours are a third of the bytes, and nobody sees which ones are missing.
  const palette = 'split[all][some];[some]palettegen[few];[all][few]paletteuse=dither=bayer:bayer_scale=5';
  for (const [shot, name] of [['job', 'job'], ['editor-checks-1280-light', 'editor']]) {
    execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', join(gallery, `${shot}.png`), '-vf', palette, join(docs, `${name}.png`)]);
  }
  said.length = 0;
});

/** Somebody else changes a cue while this page cannot save its own change of it. */
async function conflict(page: Page, request: APIRequestContext, id: string) {
  await page.route('**/corrections', (route) => route.abort());
  await words(page, 1).click();
  await area(page).fill('Ask not what I say.');
  await expect(page.locator('.saving')).toHaveText('Not saved: retrying');
  const address = `/api/v1/jobs/${id}/corrections`;
  const { revision } = await (await request.get(address)).json();
  const { start, end } = (await (await request.get(`/api/v1/jobs/${id}/track.json`)).json()).cues[1];
  const theirs = { op: 'replace', from: start, to: end, cues: [{ start, end, text: 'Ask not what they say.' }] };
  await request.post(address, { headers: { 'if-match': `"${revision}"` }, data: [theirs] });
  await page.unroute('**/corrections');
  await page.keyboard.press('Escape');
  await expect(page.getByRole('group', { name: 'Somebody else changed' })).toBeVisible();
}
