import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { accessible, ended, expect, speechAudio, speechVideo, test, upload } from './support';
import type { APIRequestContext, Page } from '@playwright/test';

const folded = (page: Page) => page.locator('summary', { hasText: /^Share$/ });

/** The path of a new link, made over the HTTP interface. */
async function link(request: APIRequestContext, id: string): Promise<string> {
  const answer = await request.post(`/api/v1/jobs/${id}/shares`, { data: { expires_in: 3600 } });
  expect(answer.status()).toBe(201);
  return new URL((await answer.json()).url).pathname;
}

/** Text of the caption that stands on the picture at this moment. */
const captionAt = (page: Page, seconds: number) =>
  page.locator('video').evaluate(async (video: HTMLVideoElement, seconds) => {
    const track = video.textTracks[0];
    const sought = new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
    video.currentTime = seconds;
    await sought;
    for (let round = 0; round < 100 && !track.activeCues?.length; round++) await new Promise(requestAnimationFrame);
    return { mode: track.mode, kind: track.kind, texts: [...(track.activeCues ?? [])].map((cue) => (cue as VTTCue).text) };
  }, seconds);

/** A page of another origin that holds this HTML. */
async function elsewhere(html: string): Promise<{ server: Server; address: string }> {
  const server = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.end(`<!doctype html><link rel="icon" href="data:,"><title>Elsewhere</title>${html}`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, address: `http://localhost:${(server.address() as AddressInfo).port}/` };
}

test('a link is made, watched, embedded elsewhere, and taken back', async ({ page, request, browser, baseURL, context }, info) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const id = await upload(request, speechVideo(20), 'Inaugural address, 1961.mp4');
  await ended(request, id);
  await page.goto(`/jobs/${id}`);
  await folded(page).click();
  await expect(page.getByText('There is no link.')).toBeVisible();
  await page.getByLabel('The link works for').selectOption('1 day');
  await page.getByRole('button', { name: 'Create link' }).click();
  const field = page.getByLabel('Link', { exact: true });
  await expect(field).toBeVisible();
  const url = await field.inputValue();
  expect(url).toMatch(new RegExp(`^${baseURL}/share/[0-9a-f]{16}\\.[0-9a-f]{32}$`));
  expect(url).not.toContain(id);
  await page.getByRole('button', { name: 'Copy the link' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(url);
  await page.getByRole('button', { name: 'Copy the HTML' }).click();
  const snippet = await page.evaluate(() => navigator.clipboard.readText());
  expect(snippet).toContain(`<iframe src="${url}/embed"`);
  await accessible(page);

  // Somebody else, who has nothing but the link.
  const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  const stranger = await browser.newContext();
  const said: string[] = [];
  const watched = await stranger.newPage();
  watched.on('console', (message) => said.push(message.text()));
  const asked: string[] = [];
  watched.on('request', (asking) => asked.push(new URL(asking.url()).pathname));
  await watched.goto(url);
  await expect(watched.getByRole('heading', { level: 1 })).toHaveText('Inaugural address, 1961.mp4');
  await expect(watched.locator('.line')).toHaveCount(cues.length);
  await expect.poll(() => watched.locator('video').evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThan(0);
  const middle = (cues[1].start + cues[1].end) / 2000;
  expect(await captionAt(watched, middle)).toEqual({ mode: 'showing', kind: 'captions', texts: [cues[1].text] });
  await expect(watched.locator('.line[aria-current]')).toContainText(cues[1].text.split('\n')[0]);
  await watched.locator('a.cue').nth(2).click();
  await expect(watched.locator('.line').nth(2)).toHaveAttribute('aria-current', 'true');
  expect(asked.filter((path) => !path.startsWith('/share/'))).toEqual([]);
  await accessible(watched);
  expect(said).toEqual([]);

  // In a page of another origin.
  const { server, address } = await elsewhere(`<h1>A page</h1>${snippet}<iframe id="no" src="${url}"></iframe>`);
  const around = await stranger.newPage();
  await around.goto(address);
  const player = around.frameLocator('iframe').first().locator('video');
  await expect.poll(() => player.evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThan(0);
  const frame = around.frames().find((frame) => frame.url().endsWith('/embed'))!;
  await frame.locator('video').evaluate((video: HTMLVideoElement, at) => { video.currentTime = at; }, middle);
  const active = () =>
    frame.locator('video').evaluate((video: HTMLVideoElement) => [...(video.textTracks[0].activeCues ?? [])].map((cue) => (cue as VTTCue).text));
  await expect.poll(active).toEqual([cues[1].text]);
  // The page itself lets no other site frame it.
  expect(await around.locator('#no').evaluate((frame: HTMLIFrameElement) => frame.contentDocument)).toBeNull();
  await expect(around.frameLocator('#no').locator('video')).toHaveCount(0);
  await around.screenshot({ path: info.outputPath('embedded.png') });
  server.close();

  await page.getByRole('button', { name: /^Revoke the link/ }).click();
  await expect(page.getByText('The link is revoked.')).toBeVisible();
  await expect(page.getByText('There is no link.')).toBeVisible();
  await expect(field).toBeHidden();
  const gone = await watched.goto(url);
  expect(gone!.status()).toBe(404);
  await expect(watched.getByRole('heading', { name: 'There is nothing here' })).toBeVisible();
  await accessible(watched);
  await stranger.close();
});

test('a link to a running job shows more and more of it, without a reload', async ({ page, request }) => {
  // Longer than two looks of the page: one each five seconds.
  const id = await upload(request, speechVideo(1200), 'Long.mp4');
  const path = await link(request, id);
  await page.goto(path);
  let loads = 0;
  page.on('framenavigated', () => loads++);
  await expect(page.getByText('This is still being transcribed')).toBeVisible();
  await expect(page.locator('.line').first()).toBeVisible();
  const early = await page.locator('.line').count();
  const captions = () => page.evaluate(() => document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0);
  await expect.poll(() => page.locator('.line').count()).toBeGreaterThan(early);
  await ended(request, id);
  await expect(page.getByText('This is still being transcribed')).toBeHidden();
  const { cues } = await (await request.get(`/api/v1/jobs/${id}/track.json`)).json();
  await expect(page.locator('.line')).toHaveCount(cues.length);
  await expect.poll(captions).toBe(cues.length);
  expect(loads).toBe(0);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a link is made, watched and revoked', async ({ page, request }) => {
    const id = await upload(request, speechAudio(), 'ask not.wav');
    await ended(request, id);
    await page.goto(`/jobs/${id}`);
    await folded(page).click();
    await page.getByRole('link', { name: 'See and revoke links' }).click();
    await expect(page.getByRole('heading', { name: 'Share: ask not.wav' })).toBeVisible();
    await page.getByRole('button', { name: 'Create link' }).click();
    const url = await page.getByLabel('Link', { exact: true }).inputValue();
    const owner = page.url();
    await page.goto(url);
    await expect(page.locator('.line').first()).toBeVisible();
    await page.locator('a.cue').nth(1).click();
    expect(new URL(page.url()).search).toMatch(/^\?t=\d+$/);
    await expect(page.locator('video')).toHaveAttribute('src', /#t=\d/);
    await page.goto(owner);
    await page.getByRole('button', { name: /^Revoke the link/ }).click();
    await expect(page.getByText('There is no link.')).toBeVisible();
    expect((await request.get(url)).status()).toBe(404);
  });
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(`narrow and ${colorScheme}`, () => {
    test.use({ viewport: { width: 360, height: 780 }, colorScheme, hasTouch: true });

    test('a shared page fits, whatever its title', async ({ page, request }, info) => {
      const id = await upload(request, speechAudio(), `${'Averylongword'.repeat(20)}.wav`);
      await ended(request, id);
      const path = await link(request, id);
      for (const address of [path, `${path}/embed`, `/jobs/${id}/shares`]) {
        await page.goto(address);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
        await page.screenshot({ path: info.outputPath(`${address.split('/').pop()}.png`), fullPage: true });
        await accessible(page);
      }
    });
  });
}
