import { readFileSync } from 'node:fs';
import { expect, speechAudio, speechVideo, test, upload } from './support';

test('a dropped video is captioned on the player before the job is complete, and its subtitles parse', async ({ page }) => {
  await page.goto('/');
  await page.getByLabel('Or a file').setInputFiles(speechVideo(150));
  await page.getByText('Options', { exact: true }).click();
  await page.getByLabel('Model').selectOption('tiny.en');
  await page.getByRole('button', { name: 'Make subtitles' }).click();
  await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
  const id = page.url().split('/').pop()!;

  // The first caption is in the transcript and in the player's text track while the job still runs.
  await expect(page.locator('a.cue').first()).toBeVisible();
  await page.waitForFunction(() => (document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0) > 0);
  const job = await (await page.request.get(`/api/v1/jobs/${id}`)).json();
  expect(job.status).toBe('running');
  expect(job.progress).toBeLessThan(0.6);

  // The player shows the caption of the moment it is at.
  const first = await page.evaluate(async () => {
    const video = document.querySelector('video')!;
    const cue = video.textTracks[0].cues![0] as VTTCue;
    video.currentTime = (cue.startTime + cue.endTime) / 2;
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    const active = video.textTracks[0].activeCues as unknown as VTTCue[];
    return { mode: video.textTracks[0].mode, text: cue.text, active: [...active].map(({ text }) => text) };
  });
  expect(first.mode).toBe('showing');
  expect(first.active).toEqual([first.text]);

  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible({ timeout: 90_000 });
  const shown = await page.evaluate(() => {
    const cues = [...(document.querySelector('video')!.textTracks[0].cues as unknown as VTTCue[])];
    return cues.map(({ startTime, endTime }) => [startTime, endTime]);
  });
  const listed = await page.locator('a.cue').count();
  expect(shown.length).toBe(listed);

  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /^SRT/ }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe('speech-150.srt');
  const srt = readFileSync((await file.path())!, 'utf8');
  const blocks = srt.trim().split(/\r?\n\r?\n/);
  expect(blocks.length).toBe(listed);
  let end = 0;
  for (const [index, block] of blocks.entries()) {
    const [number, times, ...lines] = block.split(/\r?\n/);
    expect(number).toBe(String(index + 1));
    const [from, to] = times.match(/^(\S+) --> (\S+)$/)!.slice(1).map(seconds);
    expect(from).toBeGreaterThanOrEqual(end);
    expect(to).toBeGreaterThan(from);
    end = to;
    expect(lines.length).toBeLessThanOrEqual(2);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(42);
  }
  expect(srt).toMatch(/fellow\s+Americans/);
});

test('a click on a line of the transcript, or Enter, seeks the player', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await request.get(`/api/v1/jobs/${id}?wait=60`);
  await page.goto(`/jobs/${id}`);
  const time = () => page.evaluate(() => document.querySelector('video')!.currentTime);
  const lines = page.locator('a.cue');
  const start = async (line: number) => Number(await lines.nth(line).getAttribute('data-start')) / 1000;

  await expect.poll(() => page.evaluate(() => document.querySelector('video')!.readyState)).toBeGreaterThan(0);
  await lines.nth(1).click();
  await expect.poll(time).toBeCloseTo(await start(1), 1);
  await lines.nth(0).focus();
  await page.keyboard.press('Enter');
  await expect.poll(time).toBeCloseTo(await start(0), 1);
});

test('the start page follows a job that somebody else submitted', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'ask not.wav');
  await page.goto('/');
  const row = page.locator('li.row').filter({ has: page.locator(`a[href="/jobs/${id}"]`) });
  await expect(row).toContainText('Completed', { timeout: 60_000 });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a file goes in by the form, its page reads itself again, and the subtitles come out', async ({ page }) => {
    await page.goto('/');
    await page.getByText('Options', { exact: true }).click();
    await page.getByLabel('Model').selectOption('tiny.en');
    await page.getByLabel('Or a file').setInputFiles(speechAudio());
    await page.getByRole('button', { name: 'Make subtitles' }).click();
    await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
    // Nobody reloads but the page itself.
    await expect(page.getByText('Completed', { exact: true })).toBeVisible({ timeout: 60_000 });
    await expect(page.locator('.line').first()).toContainText('fellow');
    const address = await page.getByRole('link', { name: /^VTT/ }).getAttribute('href');
    const vtt = await (await page.request.get(address!)).text();
    expect(vtt).toMatch(/^WEBVTT\n\n(NOTE .*\n\n)?\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}\n\S/);
  });

  test('what is wrong with a link stands next to its field, with what was entered', async ({ page }) => {
    await page.goto('/');
    await page.getByLabel('Link to a video or sound file').fill('ftp://example.org/a.mp4');
    await page.getByRole('button', { name: 'Make subtitles' }).click();
    const link = page.getByLabel('Link to a video or sound file');
    await expect(link).toHaveValue('ftp://example.org/a.mp4');
    await expect(link).toHaveAttribute('aria-invalid', 'true');
    await expect(page.locator('#url-problem')).toBeVisible();
  });
});

const seconds = (time: string) => {
  const [hours, minutes, rest] = time.replace(',', '.').split(':').map(Number);
  return hours * 3600 + minutes * 60 + rest;
};
