// ./dev bench: how fast this machine does the main job. Numbers are for comparing runs on one machine.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';

const [worker] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'cuelight-bench-'));
const speech = join(homedir(), '.cache/cuelight/speech/jfk.wav');

function made(name, ...args) {
  const path = join(scratch, name);
  execFileSync('ffmpeg', ['-v', 'error', ...args, path]);
  return path;
}

const minutes = made('154s.wav', '-stream_loop', '13', '-i', speech);
const video = made(
  '60s.mp4', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=24', '-stream_loop', '-1', '-i', speech,
  '-t', '60', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-c:a', 'aac',
);

console.log(`${cpus().length} × ${cpus()[0].model}\n`);
console.log('engine, 154 s of speech (11 s said 14 times), decoding and start of the process included:');
for (const model of ['tiny.en', 'base']) {
  for (const threads of ['1', '2']) {
    const begun = process.hrtime.bigint();
    execFileSync(worker, ['transcribe', minutes, '--model', model, '--threads', threads], { stdio: ['ignore', 'pipe', 'ignore'] });
    const wall = Number(process.hrtime.bigint() - begun) / 1e9;
    console.log(`  ${model.padEnd(8)} ${threads} thread(s): ${wall.toFixed(1)} s, ${(wall / 154).toFixed(3)} of the media's length`);
  }
}

const address = 'http://127.0.0.1:8094';
const up = spawn(new URL('../dev', import.meta.url).pathname, ['up', '--port', '8094', '--data', join(scratch, 'data'), '--model', 'base'], { stdio: 'ignore' });
try {
  while (!(await fetch(`${address}/readyz`).then((answer) => answer.ok, () => false))) await new Promise((go) => setTimeout(go, 100));
  console.log('\nmain job, a 60 s video over HTTP with base:');
  for (const start of ['cold (the model is loaded)', 'warm']) {
    const begun = performance.now();
    const since = () => ((performance.now() - begun) / 1000).toFixed(1);
    const job = await (await fetch(`${address}/api/v1/uploads?filename=60s.mp4&model=base`, { method: 'POST', body: readFileSync(video) })).json();
    let first;
    for (;;) {
      const now = await (await fetch(`${address}/api/v1/jobs/${job.id}`)).json();
      if (now.cues > 0) first ??= `first caption after ${since()} s at ${Math.round(now.progress * 100)} %`;
      if (now.status === 'completed') break;
      if (now.status === 'failed') throw new Error(JSON.stringify(now.failure));
      await new Promise((go) => setTimeout(go, 20));
    }
    console.log(`  ${start}: ${first}, complete after ${since()} s`);
  }
} finally {
  up.kill('SIGTERM');
  await new Promise((go) => up.on('exit', go));
  rmSync(scratch, { recursive: true });
}
