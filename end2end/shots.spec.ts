import { join } from 'node:path';
import { ended, expect, silence, speechAudio, speechVideo, test, upload } from './support';

// ./dev shots: the README's picture, and every state of every page to look at, in end2end/shots.
const gallery = join(__dirname, 'shots');

test('take the pictures', async ({ page, request, said }) => {
  test.setTimeout(400_000);
  const wide = { width: 1280, height: 860 };
  const shoot = async (name: string) => {
    for (const [scheme, size] of [
      ['light', wide], ['dark', wide], ['light', { width: 360, height: 780 }], ['dark', { width: 360, height: 780 }],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize(size);
      await page.screenshot({ path: join(gallery, `${name}-${size.width}-${scheme}.png`), fullPage: true });
    }
  };
  await page.goto('/');
  await shoot('start-empty');

  // Half done: the picture of the README.
  await page.setViewportSize(wide);
  await page.emulateMedia({ colorScheme: 'light' });
  const running = await upload(request, speechVideo(900), 'Inaugural address, 1961.mp4');
  await page.goto(`/jobs/${running}`);
  await page.waitForFunction(() => (document.querySelector('video')?.textTracks[0]?.cues?.length ?? 0) > 6);
  await page.evaluate(async () => {
    const video = document.querySelector('video')!;
    const cue = video.textTracks[0].cues![2];
    video.currentTime = (cue.startTime + cue.endTime) / 2;
    await new Promise((resolve) => video.addEventListener('seeked', resolve, { once: true }));
  });
  await expect(page.locator('a.cue').nth(12)).toBeVisible();
  await page.screenshot({ path: join(__dirname, '..', 'docs', 'job.png') });
  await shoot('job-running');
  await request.post(`/api/v1/jobs/${running}/cancel`);
  await shoot('job-cancelled');

  const failed = await upload(request, __filename, 'notes.mp4');
  await ended(request, failed);
  await page.goto(`/jobs/${failed}`);
  await shoot('job-failed');

  const silent = await upload(request, silence(), 'silence.mp3');
  await ended(request, silent);
  await page.goto(`/jobs/${silent}`);
  await shoot('job-silent');

  const sound = await upload(request, speechAudio(), 'Ask not.wav');
  await ended(request, sound);
  await page.goto(`/jobs/${sound}`);
  await page.locator('a.cue').first().click();
  await shoot('job-sound');
  await page.goto('/ops');
  await shoot('ops');

  await page.goto('/');
  await page.getByLabel('Link to a video or sound file').fill('ftp://example.org/talk.mp4');
  await page.getByRole('button', { name: 'Make subtitles' }).click();
  await expect(page.locator('#url-problem')).toBeVisible();
  await shoot('start-wrong-link');
  await page.goto('/jobs/00000000000000000000000000000000');
  await shoot('not-found');
  said.length = 0;
});
