// ./dev film: the journey as a short film for the README, docs/journey.webp.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Locator, Page } from '@playwright/test';
import { Site } from './site';
import { edits, expect, speechVideo, test } from './support';

const folder = join(process.env.CARGO_TARGET_DIR ?? resolve('../target'), 'screenshots', 'film');
const size = { width: 1120, height: 780 };
/** Longer than this nothing needs to stand still. */
const LONGEST_STILL_S = 1.6;

/** Writes down what the page shows, whenever it changes. */
async function film(page: Page) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const frames: { file: string; at: number }[] = [];
  const client = await page.context().newCDPSession(page);
  client.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
    const file = join(folder, `${String(frames.length).padStart(4, '0')}.png`);
    writeFileSync(file, Buffer.from(data, 'base64'));
    frames.push({ file, at: metadata.timestamp! });
    void client.send('Page.screencastFrameAck', { sessionId }).catch(() => {});
  });
  await client.send('Page.startScreencast', { format: 'png' });
  return async (path: string) => {
    await client.send('Page.stopScreencast');
    const lasting = frames.map(({ at }, number) => {
      const next = frames[number + 1]?.at ?? at + 2.5;
      return Math.min(next - at, number + 1 < frames.length ? LONGEST_STILL_S : 2.5);
    });
    const list = frames.map(({ file }, number) => `file '${file}'\nduration ${lasting[number].toFixed(3)}\n`).join('');
    writeFileSync(join(folder, 'frames.txt'), list);
    execFileSync('ffmpeg', [
      '-v', 'error', '-y', '-f', 'concat', '-safe', '0', '-i', join(folder, 'frames.txt'),
      '-vf', 'fps=8,mpdecimate,scale=840:-1:flags=lanczos', '-fps_mode', 'vfr',
      '-c:v', 'libwebp_anim', '-quality', '72', '-compression_level', '6', '-loop', '0', path,
    ]);
  };
}

/** A film has no mouse unless one is drawn. */
async function drawPointer(page: Page) {
  await page.addInitScript(() => {
    addEventListener('DOMContentLoaded', () => {
      const pointer = document.createElement('div');
      pointer.setAttribute('aria-hidden', 'true');
      Object.assign(pointer.style, {
        position: 'fixed', zIndex: '100', width: '20px', height: '20px', marginLeft: '-10px', marginTop: '-10px',
        borderRadius: '50%', background: 'oklch(72% 0.16 70 / 0.55)', border: '2px solid oklch(52% 0.16 70)',
        pointerEvents: 'none', left: '-40px', top: '-40px',
      });
      document.documentElement.append(pointer);
      addEventListener('mousemove', ({ clientX, clientY }) => {
        Object.assign(pointer.style, { left: `${clientX}px`, top: `${clientY}px` });
      });
    });
  });
}

async function point(page: Page, there: Locator) {
  await there.scrollIntoViewIfNeeded();
  const box = (await there.boundingBox())!;
  await page.mouse.move(box.x + Math.min(box.width / 2, 90), box.y + box.height / 2, { steps: 12 });
  await page.waitForTimeout(400);
}

test('take the film', async ({ page, said }) => {
  const site = await Site.with(speechVideo(300));
  await page.setViewportSize(size);
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await drawPointer(page);
  await page.goto('/');
  const cut = await film(page);
  await page.waitForTimeout(1_200);
  const link = page.getByLabel('Link to a video or sound file');
  await point(page, link);
  await link.click();
  await page.keyboard.insertText(site.link('inaugural-address-1961.mp4'));
  await page.waitForTimeout(900);
  const submit = page.getByRole('button', { name: 'Make subtitles' });
  await point(page, submit);
  await submit.click();
  await page.waitForURL(/\/jobs\/[0-9a-f]{32}$/);
  await page.waitForFunction(() => (document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0) > 2);
  await page.waitForTimeout(1_200);
  const video = page.locator('video');
  await point(page, video);
  await video.click();
  await page.waitForTimeout(3_000);
  await video.click();

  const edit = page.getByRole('link', { name: 'Edit' });
  await point(page, edit);
  await edit.click();
  await edits(page);
  const first = page.locator('.line .words').first();
  await point(page, first);
  await first.click();
  const area = page.getByLabel('Text of this cue');
  await page.waitForTimeout(500);
  await area.selectText();
  await area.pressSequentially('And so, my fellow Americans:', { delay: 45 });
  await expect(page.locator('.saving')).toHaveText('Saved');
  await page.waitForTimeout(900);
  await page.keyboard.press('Escape');
  await expect(page.locator('.line .words').first()).toHaveText('And so, my fellow Americans:');
  await expect(page.getByRole('status').filter({ hasText: 'Completed' })).toBeVisible({ timeout: 90_000 });
  const download = page.waitForEvent('download');
  const srt = page.getByRole('link', { name: /^SRT/ });
  await point(page, srt);
  await srt.click();
  await download;
  await page.waitForTimeout(1_500);
  await cut(resolve('../docs/journey.webp'));
  said.length = 0;
  site.close();
});
