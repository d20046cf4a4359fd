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
  // A minute of it is encoded, and repeated as it is: encoding all of it takes longer than its job does.
  const minute = media(
    'speech-minute.mp4',
    '-f', 'lavfi', '-i', 'gradients=size=640x360:rate=12:c0=0x1d2b53:c1=0x7e2553:speed=0.02',
    '-stream_loop', '-1', '-i', join(speech, 'jfk.wav'),
    '-t', '66', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac',
  );
  return media(`speech-${seconds}.mp4`, '-stream_loop', '-1', '-i', minute, '-t', String(seconds), '-c', 'copy');
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

/** Opens the page of a job where it can be corrected, on the server at `address`. */
export async function openEditor(page: Page, id: string, address = '') {
  await page.goto(`${address}/jobs/${id}?edit`);
  await edits(page);
}

/** Waits until the page hears clicks and keys, and can change cues. */
export const edits = (page: Page) => expect(page.getByRole('button', { name: 'Undo' })).toBeVisible();

/** Takes lines out of what the console said: a test provoked them, and Chromium itself logs them. */
export function forgive(said: string[], ...parts: string[]) {
  said.splice(0, said.length, ...said.filter((line) => !parts.some((part) => line.includes(part))));
}

export interface Cue {
  start: number;
  end: number;
  text: string;
}

/** The cues of a WebVTT or SRT file; throws on anything that is not as the format wants it. */
export function cuesOf(file: string): Cue[] {
  const isVtt = file.startsWith('WEBVTT\n');
  const point = isVtt ? '\\.' : ',';
  const time = `(\\d\\d):(\\d\\d):(\\d\\d)${point}(\\d{3})`;
  const times = new RegExp(`^${time} --> ${time}$`);
  const blocks = file.replaceAll('\r\n', '\n').trim().split('\n\n');
  const listed = isVtt ? blocks.slice(1).filter((block) => !block.startsWith('NOTE')) : blocks;
  let last = 0;
  return listed.map((block, at) => {
    const lines = block.split('\n');
    if (!isVtt && lines.shift() !== String(at + 1)) throw new Error(`not number ${at + 1}: ${block}`);
    const parts = times.exec(lines.shift() ?? '');
    if (!parts || lines.length === 0) throw new Error(`not a cue: ${block}`);
    const ms = ([h, m, s, ms]: number[]) => ((h * 60 + m) * 60 + s) * 1_000 + ms;
    const [start, end] = [parts.slice(1, 5), parts.slice(5)].map((of) => ms(of.map(Number)));
    if (start < last || end <= start) throw new Error(`out of order: ${block}`);
    last = end;
    return { start, end, text: lines.join('\n') };
  });
}

/** Fails on what axe calls serious or critical. */
export async function accessible(page: Page) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)).toEqual([]);
}

/** Scrolls the transcript to its beginning: it follows what is new until somebody scrolls, and holds only what is near. */
export async function toFirstCue(page: Page) {
  await page.locator('.frame').hover();
  await page.mouse.wheel(0, -100_000);
  await expect(page.locator('.line time').first()).toHaveText('0:00');
}
