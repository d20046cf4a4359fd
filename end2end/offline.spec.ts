// Twenty seconds without the server in the middle of a job: the page says so, and then knows everything.
import type { Page, WebSocket } from '@playwright/test';
import { Cable } from './cable';
import { ended, expect, forgive, openEditor, speechVideo, test, upload } from './support';

const OFFLINE_MS = 20_000;

const starts = (page: Page) =>
  page.evaluate(() => [...(document.querySelector('video')!.textTracks[0].cues as unknown as VTTCue[])].map((cue) => Math.round(cue.startTime * 1_000)));

test('who was offline for a while catches up without a gap, and what was typed meanwhile is saved', async ({ page, request, context, baseURL, said }) => {
  const cable = await Cable.to(baseURL!);
  const sockets: WebSocket[] = [];
  page.on('websocket', (socket) => sockets.push(socket));
  const id = await upload(request, speechVideo(2_400), 'long talk.mp4');
  await openEditor(page, id, cable.address);
  const told = page.getByText('Live updates are interrupted; reconnecting …');
  await expect.poll(async () => (await starts(page)).length).toBeGreaterThan(3);
  await expect(told).toBeHidden();
  expect(sockets.map((socket) => socket.isClosed())).toEqual([false]);

  await context.setOffline(true);
  cable.cut();
  const back = Date.now() + OFFLINE_MS;
  await expect.poll(() => sockets[0].isClosed()).toBe(true);
  await expect(told).toBeVisible();
  const left = await starts(page);
  await page.locator('.line .words').first().click();
  await page.getByLabel('Text of this cue').fill('Typed while offline.');
  await page.keyboard.press('Escape');
  await expect(page.locator('.saving')).toHaveText('Not saved: retrying');
  // The others go on.
  const heard = async () => (await (await request.get(`/api/v1/jobs/${id}`)).json()).cues;
  await expect.poll(heard).toBeGreaterThan(left.length);
  await expect.poll(() => Date.now() >= back, { timeout: OFFLINE_MS }).toBe(true);
  expect(await starts(page)).toEqual(left);
  await expect(told).toBeVisible();
  await expect(page.locator('.saving')).toHaveText('Not saved: retrying');
  expect((await (await request.get(`/api/v1/jobs/${id}/track.json`)).json()).cues[0].text).not.toBe('Typed while offline.');

  cable.mend();
  await context.setOffline(false);
  const missed = await heard();
  expect(missed).toBeGreaterThan(left.length);
  await expect(told).toBeHidden();
  await expect(page.locator('.saving')).toHaveText('Saved');
  await expect.poll(async () => (await starts(page)).length).toBeGreaterThanOrEqual(missed);
  expect((await (await request.get(`/api/v1/jobs/${id}`)).json()).status).toBe('running');
  // And it is live again.
  const caughtUp = (await starts(page)).length;
  await expect.poll(async () => (await starts(page)).length).toBeGreaterThan(caughtUp);
  expect(sockets.filter((socket) => !socket.isClosed()).length).toBe(1);

  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  expect((await ended(request, id)).status).toBe('cancelled');
  const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  expect(cues[0].text).toBe('Typed while offline.');
  await expect(page.locator('.line .words').first()).toHaveText('Typed while offline.');
  expect(await starts(page)).toEqual(cues.map(({ start }: { start: number }) => start));
  forgive(said, 'Failed to load resource', 'WebSocket connection to');
  cable.close();
});
