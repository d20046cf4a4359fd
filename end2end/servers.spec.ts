import { ended, expect, secondServer, speechVideo, test, upload } from './support';

test('a job submitted to one server is seen live in a browser on another', async ({ page, request, playwright }, info) => {
  const other = await playwright.request.newContext({ baseURL: secondServer });
  await expect.poll(async () => (await other.get('/readyz')).status()).toBe(200);

  // Opened while the job waits or has just begun, and never read again: what shows up was pushed.
  const id = await upload(request, speechVideo(150), 'Inaugural address, 1961.mp4');
  await page.goto(`${secondServer}/jobs/${id}`);
  let reloads = 0;
  page.on('framenavigated', () => reloads++);

  const cues = page.locator('a.cue');
  const shown = () => page.evaluate(() => document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0);
  await expect(cues.first()).toBeVisible();
  await expect.poll(shown).toBeGreaterThan(0);
  const early = await cues.count();
  expect((await (await other.get(`/api/v1/jobs/${id}`)).json()).status).toBe('running');
  // The player of this server plays what was given to the other one.
  await expect.poll(() => page.evaluate(() => document.querySelector('video')!.readyState)).toBeGreaterThan(0);
  await page.screenshot({ path: info.outputPath('live-on-the-second-server.png'), fullPage: true });

  await expect.poll(() => cues.count()).toBeGreaterThan(early);
  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible({ timeout: 90_000 });
  expect(reloads).toBe(0);

  // Both servers tell the same, and the page has all of it.
  const job = await ended(request, id);
  expect(job.status).toBe('completed');
  const track = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  expect(await (await other.get(`/api/v1/jobs/${id}/track.json`)).json()).toEqual(track);
  expect(await cues.count()).toBe(track.cues.length);
  expect(await shown()).toBe(track.cues.length);
});

test('a job on one server is cancelled by a browser on another', async ({ page, request }) => {
  const id = await upload(request, speechVideo(400), 'long.mp4');
  await page.goto(`${secondServer}/jobs/${id}`);
  await expect(page.locator('a.cue').first()).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  const job = await ended(request, id);
  expect(job.status).toBe('cancelled');
});
