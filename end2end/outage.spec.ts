// Servers and workers on AWS lose it for a minute, in the middle of their work. A stack of its own, behind a proxy that
// counts every call and can refuse all of them.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './site';
import { expect, speechAudio, test } from './support';

const target = process.env.CARGO_TARGET_DIR ?? resolve('../target');
const [server, worker] = ['server', 'worker'].map((name) => join(target, 'release', name));
const SUBMIT_EVERY_MS = 3_000;
const NORMAL_MS = 45_000;
const OUTAGE_MS = 60_000;

/** Stands between us and the emulator. */
class Proxy {
  calls = 0;
  isDown = false;
  readonly server: Server;
  private sockets = new Set<Socket>();

  constructor(private emulator: number) {
    this.server = createServer((request, answer) => this.pass(request, answer));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
    });
  }

  private pass(request: IncomingMessage, answer: ServerResponse) {
    this.calls++;
    if (this.isDown) return void request.socket.destroy();
    const { method, url: path, headers } = request;
    const onwards = forward({ host: '127.0.0.1', port: this.emulator, method, path, headers }, (incoming) => {
      answer.writeHead(incoming.statusCode!, incoming.headers);
      incoming.pipe(answer);
    });
    onwards.on('error', () => request.socket.destroy());
    answer.on('close', () => onwards.destroy());
    request.pipe(onwards);
  }

  fall() {
    this.isDown = true;
    for (const socket of this.sockets) socket.destroy();
  }

  rise() {
    this.isDown = false;
  }
}

async function listens(port: number) {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((tell) => socket.once('connect', () => tell(true)).once('error', () => tell(false)));
    socket.destroy();
    if (isOpen) return;
    await pause(100);
  }
}

test('a minute without AWS loses no job, and is no reason to call more often', async ({}, info) => {
  test.setTimeout(420_000);
  const folder = mkdtempSync(join(tmpdir(), 'cuelight-outage-'));
  const children: ChildProcess[] = [];
  const start = (program: string, args: string[], env: NodeJS.ProcessEnv, stdin: 'pipe' | 'ignore' = 'ignore') => {
    const child = spawn(program, args, { env, stdio: [stdin, 'ignore', 'ignore'] });
    children.push(child);
    return child;
  };
  const emulatorPort = await freePort();
  const proxy = new Proxy(emulatorPort);
  try {
    start('../dev.d/emulator', [String(emulatorPort)], process.env, 'pipe');
    await listens(emulatorPort);
    await new Promise<void>((go) => proxy.server.listen(0, '127.0.0.1', go));
    const endpoint = `http://127.0.0.1:${(proxy.server.address() as AddressInfo).port}`;
    // Not the synchronous one: it would wait for the proxy, which is in this process.
    const { stdout: settings } = await promisify(execFile)(server, ['provision', '--name', 'outage', '--aws-endpoint', endpoint], {
      env: { ...process.env, CUELIGHT_AWS_REGION: 'us-east-1' },
    });
    const env: NodeJS.ProcessEnv = { ...process.env, CUELIGHT_BACKEND: 'aws' };
    for (const [, name, value] of settings.matchAll(/^(\w+)=(.*)$/gm)) env[name] = value.replace(/^'(.*)'$/, '$1');
    const ports = [await freePort(), await freePort()];
    ports.forEach((port, number) =>
      start(server, ['--listen', `127.0.0.1:${port}`, '--site', join(target, 'site-wasm-release'), '--data', join(folder, `server-${number}`), '--model', 'tiny.en'], env),
    );
    for (const number of [0, 1]) start(worker, ['pull', '--data', join(folder, `worker-${number}`), '--model', 'tiny.en'], env);
    const [first, second] = ports.map((port) => `http://127.0.0.1:${port}`);
    for (const address of [first, second]) {
      await expect.poll(() => fetch(`${address}/readyz`).then((answer) => answer.status, () => 0)).toBe(200);
    }

    const accepted: string[] = [];
    const speech = readFileSync(speechAudio());
    const submit = async () => {
      try {
        const answer = await fetch(`${first}/api/v1/uploads?filename=speech.wav&model=tiny.en`, {
          method: 'POST', body: speech, signal: AbortSignal.timeout(30_000),
        });
        if (answer.status === 201) accepted.push((await answer.json()).id);
        else await answer.arrayBuffer();
      } catch {
        // Refused or too late: nobody was promised anything.
      }
    };
    let isLoading = true;
    const submissions: Promise<void>[] = [];
    const load = (async () => {
      while (isLoading) {
        submissions.push(submit());
        await pause(SUBMIT_EVERY_MS);
      }
    })();
    const rate = async (lasting: number) => {
      const before = proxy.calls;
      await pause(lasting);
      return (proxy.calls - before) / (lasting / 1000);
    };

    const normal = await rate(NORMAL_MS);
    const acceptedBefore = accepted.length;
    proxy.fall();
    const down = await rate(OUTAGE_MS);
    proxy.rise();
    await pause(15_000);
    isLoading = false;
    await load;
    await Promise.all(submissions);

    // Told by the server that did not take the jobs.
    const tracks = new Set<string>();
    for (const id of accepted) {
      const job = await (await fetch(`${second}/api/v1/jobs/${id}?wait=90`)).json();
      expect(job.status, JSON.stringify(job.failure)).toBe('completed');
      tracks.add(await (await fetch(`${second}/api/v1/jobs/${id}/track.srt`)).text());
    }
    const measured = `${accepted.length} jobs (${acceptedBefore} before); calls a second: ${normal.toFixed(1)} before, ${down.toFixed(1)} during the outage`;
    console.log(`  ${measured}`);
    info.annotations.push({ type: 'measured', description: measured });
    expect(acceptedBefore).toBeGreaterThan(5);
    expect(accepted.length).toBeGreaterThan(acceptedBefore);
    expect(tracks.size, 'every job has the same subtitles').toBe(1);
    expect(down).toBeLessThanOrEqual(2 * normal);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    proxy.server.closeAllConnections();
    proxy.server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
