import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ended, expect, forgive, silence, speechAudio, test, upload, videoWithoutSound } from './support';

/** Serves what is wrong with links; everything it does stays on this machine. */
let server: Server;
let address: string;

test.beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/hangs.mp4') return; // Never answers: the worker's own limit ends the wait.
    response.writeHead(404).end('not here');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
test.afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function file(name: string, content: string): string {
  const path = join(process.env.CUELIGHT_TEST_DATA!, name);
  mkdirSync(process.env.CUELIGHT_TEST_DATA!, { recursive: true });
  writeFileSync(path, content);
  return path;
}

for (const { name, path, code } of [
  { name: 'text.mp4', path: () => file('text.mp4', 'This is no video.\n'.repeat(100)), code: 'unsupported_format' },
  { name: 'mute.mp4', path: videoWithoutSound, code: 'no_audio' },
]) {
  test(`${name} is a clear failure on the page, and the next job is fine`, async ({ page, request }) => {
    const id = await upload(request, path(), name);
    const job = await ended(request, id);
    expect(job.failure.code).toBe(code);
    await page.goto(`/jobs/${id}`);
    await expect(page.getByRole('alert').filter({ hasText: job.failure.message })).toBeVisible();
    await expect(page.getByRole('alert').filter({ hasText: job.failure.hint })).toBeVisible();
    await expect(page.getByRole('button', { name: 'Retry' })).toBeVisible();

    const next = await ended(request, await upload(request, speechAudio(), 'next.wav'));
    expect(next.status).toBe('completed');
  });
}

test('an empty file is refused next to its field', async ({ page, said }) => {
  await page.goto('/');
  await page.getByLabel('Or a file').setInputFiles(file('empty.mp4', ''));
  await page.getByRole('button', { name: 'Make subtitles' }).click();
  await expect(page.locator('#file-problem')).toContainText('empty');
  // Chromium itself logs an answer of 400; the page does not.
  forgive(said, '400 (Bad Request)');
});

for (const { path, code } of [
  { path: '/missing.mp4', code: 'media_not_found' },
  { path: '/hangs.mp4', code: 'media_unreachable' },
]) {
  test(`a link to ${path} fails within its time limit and says why`, async ({ page, request }) => {
    test.setTimeout(240_000);
    await page.goto('/');
    await page.getByLabel('Link to a video or sound file').fill(address + path);
    await page.getByRole('button', { name: 'Make subtitles' }).click();
    await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
    const reason = page.locator(`.failure[data-code="${code}"]`);
    await expect(reason).toBeVisible({ timeout: 200_000 });
    const next = await ended(request, await upload(request, speechAudio(), 'next.wav'));
    expect(next.status).toBe('completed');
  });
}

test('silence completes with an empty track, and the page says so', async ({ page, request }) => {
  const id = await upload(request, silence(), 'silence.mp3');
  const job = await ended(request, id);
  expect(job.status).toBe('completed');
  const vtt = await (await request.get(`/api/v1/jobs/${id}/track.vtt`)).text();
  expect(vtt).toMatch(/^WEBVTT\n/);
  expect(vtt).not.toContain('-->');
  await page.goto(`/jobs/${id}`);
  await expect(page.getByRole('status').filter({ hasText: 'no speech was found' })).toBeVisible();
});
