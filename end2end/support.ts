import AxeBuilder from '@axe-core/playwright';
import { test as base, expect, type APIRequestContext, type Page } from '@playwright/test';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export { expect };

const speech = process.env.CUELIGHT_SPEECH ?? join(homedir(), '.cache/cuelight/speech');
const made = join(process.env.CUELIGHT_TEST_DATA!, 'made');

/** The second server of the same backend; the first one is the base URL. */
export const secondServer = `http://127.0.0.1:${Number(process.env.CUELIGHT_TEST_PORT) + 1}`;

/** A test whose page must leave the console silent: one warning, error or failed request fails the test. */
export const test = base.extend<{ said: string[]; quiet: void }>({
  // A test that provokes an error on purpose takes its line out of the list again.
  said: async ({}, use) => use([]),
  quiet: [
    async ({ page, said, javaScriptEnabled }, use) => {
      page.on('console', (message) => {
        // Without JavaScript Chromium fetches the scripts that it was told to preload, and wonders why.
        if (!javaScriptEnabled && message.text().includes('was preloaded using link preload')) return;
        said.push(`${message.type()}: ${message.text()}`);
      });
      page.on('pageerror', (error) => said.push(`uncaught: ${error.message}`));
      await use();
      expect(said, 'the console is silent').toEqual([]);
    },
    { auto: true },
  ],
});

/** The file `name` among the made media, made by ffmpeg the first time it is wanted. */
function media(name: string, ...args: string[]): string {
  const path = join(made, name);
  if (!existsSync(path)) {
    mkdirSync(made, { recursive: true });
    execFileSync('ffmpeg', ['-v', 'error', '-y', ...args, path]);
  }
  return path;
}

/** A video of `seconds` in which the same eleven seconds of a speech are said again and again. */
export function speechVideo(seconds: number): string {
  return media(
    `speech-${seconds}.mp4`,
    '-f', 'lavfi', '-i', 'gradients=size=640x360:rate=12:c0=0x1d2b53:c1=0x7e2553:speed=0.02',
    '-stream_loop', '-1', '-i', join(speech, 'jfk.wav'),
    '-t', String(seconds), '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac',
  );
}

export const speechAudio = () => join(speech, 'jfk.wav');

/** Speech in no language there is. */
export const reversedSpeech = () => media('reversed.wav', '-i', speechAudio(), '-af', 'areverse');

export const silence = () => media('silence.mp3', '-f', 'lavfi', '-i', 'anullsrc=r=16000:cl=mono', '-t', '20');

export const videoWithoutSound = () =>
  media('mute.mp4', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=12', '-t', '4', '-pix_fmt', 'yuv420p');

/** Submits a file over the HTTP interface; the id of its job. */
export async function upload(request: APIRequestContext, path: string, filename: string): Promise<string> {
  const answer = await request.post('/api/v1/uploads', {
    params: { filename, model: 'tiny.en' },
    data: readFileSync(path),
    headers: { 'content-type': 'application/octet-stream' },
  });
  expect(answer.status()).toBe(201);
  return (await answer.json()).id;
}

/** The job as it ended. */
export async function ended(request: APIRequestContext, id: string) {
  const job = await (await request.get(`/api/v1/jobs/${id}?wait=90`)).json();
  expect(['completed', 'failed', 'cancelled']).toContain(job.status);
  return job;
}

/** Fails on what axe calls serious or critical. */
export async function accessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
}
