import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { accessible, ended, expect, silence, speechAudio, speechVideo, test, upload } from './support';

// What a test looks at it writes there; `SHOTS=1` keeps pictures of it as well.
const gallery = join(__dirname, 'shots');

function streams(path: string): string {
  const list = ['-v', 'error', '-show_entries', 'stream=codec_name', '-of', 'csv=p=0', path];
  return execFileSync('ffprobe', list, { encoding: 'utf8' }).trim().split('\n').join(' ');
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled });

    test('a video with subtitles is asked for, made, played and downloaded', async ({ page, request }, info) => {
      const shoot = async (name: string) => {
        if (!process.env.SHOTS || !javaScriptEnabled) return;
        for (const [scheme, width] of [['light', 1280], ['dark', 1280], ['light', 360], ['dark', 360]] as const) {
          await page.emulateMedia({ colorScheme: scheme });
          await page.setViewportSize({ width, height: 860 });
          await page.screenshot({ path: join(gallery, `${name}-${width}-${scheme}.png`), fullPage: true });
        }
      };
      const id = await upload(request, speechVideo(30), 'Inaugural address.mp4');
      await ended(request, id);
      await page.goto(`/jobs/${id}`);
      await shoot('video-choices');
      await page.getByText('Other layout or times').click();
      await page.getByRole('button', { name: 'Track' }).click();
      await expect(page).toHaveURL(/\/jobs\/(?!.*error)/);
      const heading = page.getByRole('heading', { level: 1 });
      await expect(heading).toHaveText('Inaugural address (with subtitle track)');
      const link = page.getByRole('link', { name: 'Download the video' });
      await expect(link).toBeVisible();
      // axe runs in the page.
      if (javaScriptEnabled) await accessible(page);
      await shoot('video-track');
      const downloading = page.waitForEvent('download');
      await link.click();
      const download = await downloading;
      expect(download.suggestedFilename()).toBe('Inaugural address (with subtitle track).mp4');
      await download.saveAs(info.outputPath('track.mp4'));
      expect(streams(info.outputPath('track.mp4'))).toBe('h264 aac mov_text');

      await page.getByRole('link', { name: 'The transcript it is made of' }).click();
      await page.getByText('Other layout or times').click();
      await page.getByRole('button', { name: 'Drawn' }).click();
      await expect(heading).toHaveText('Inaugural address (subtitles drawn in)');
      await expect(link).toBeVisible();
      if (javaScriptEnabled) {
        await page.waitForFunction(() => (document.querySelector('video')?.duration ?? 0) > 29);
        await page.evaluate(async () => {
          const video = document.querySelector('video')!;
          video.currentTime = 4;
          await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
        });
      }
      await shoot('video-drawn');
      const made = new URL(page.url()).pathname;
      await page.goto('/');
      await expect(page.locator(`a[href="${made}"]`)).toHaveText('Inaugural address (subtitles drawn in)');
      await shoot('video-list');
    });
  });
}

test('sound alone has no picture to draw into, and silence no subtitles', async ({ page, request }) => {
  const id = await upload(request, speechAudio(), 'Ask not.wav');
  await ended(request, id);
  await page.goto(`/jobs/${id}`);
  await page.getByText('Other layout or times').click();
  await page.getByRole('button', { name: 'Drawn' }).click();
  await expect(page.getByRole('alert')).toContainText('no picture');
  if (process.env.SHOTS) await page.screenshot({ path: join(gallery, 'video-refused.png'), fullPage: true });
  const silent = await upload(request, silence(), 'silence.mp3');
  await ended(request, silent);
  await page.goto(`/jobs/${silent}`);
  await expect(page.getByRole('heading', { name: 'Download' })).toBeHidden();
});

test('a job that is not complete makes no video', async ({ page, request }) => {
  const id = await upload(request, speechVideo(900), 'Long.mp4');
  await page.goto(`/jobs/${id}`);
  await page.getByText('Other layout or times').click();
  await expect(page.getByRole('button', { name: 'SRT', exact: true })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Track' })).toBeHidden();
  await request.post(`/api/v1/jobs/${id}/cancel`);
  const refused = await request.post(`/api/v1/jobs/${id}/video`, { data: { how: 'mux' } });
  expect([refused.status(), (await refused.json()).error.code]).toEqual([409, 'job_not_completed']);
});

test('how far a video is can be seen; it can be cancelled, and made again', async ({ page, request }) => {
  const id = await upload(request, speechVideo(240), 'Four minutes.mp4');
  await ended(request, id);
  await page.goto(`/jobs/${id}`);
  await page.getByText('Other layout or times').click();
  await page.getByRole('button', { name: 'Drawn' }).click();
  const status = page.getByRole('region', { name: 'Status' });
  await expect(status).toContainText('Making the video');
  if (process.env.SHOTS) await page.screenshot({ path: join(gallery, 'video-running.png'), fullPage: true });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(status).toContainText('Cancelled');
  if (process.env.SHOTS) await page.screenshot({ path: join(gallery, 'video-cancelled.png'), fullPage: true });
  await page.getByRole('button', { name: 'Make it again' }).click();
  await expect(page.getByRole('link', { name: 'Download the video' })).toBeVisible();
});
