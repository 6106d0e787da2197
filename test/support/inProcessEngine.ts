import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { silentLog } from '../../src/base/log';
import { connectEngine, type EngineClient } from '../../src/engine/client';
import { engineDirectories } from '../../src/engine/directories';
import { engineKey } from '../../src/engine/endpoint';
import { Engine } from '../../src/engine/engine';
import { engineBuild } from '../../src/engine/engineBuild';
import type { EnginePorts } from '../../src/engine/ports';

export interface InProcessEngine extends AsyncDisposable {
  readonly engine: Engine;
  readonly folder: string;
  /** @param build Another one than the engine's, as if from another installation. */
  connect(name?: string, build?: string): Promise<EngineClient>;
}

/** A whole engine with its socket, in this process, on whatever ports the test gives it. */
export async function startInProcessEngine(ports: EnginePorts): Promise<InProcessEngine> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ib-'));
  const enginePath = path.join(folder, 'engine.js');
  fs.writeFileSync(enginePath, '// stands for the program of the engine that runs in this process\n');
  const run = path.join(folder, 'run');
  fs.mkdirSync(run, { mode: 0o700 });
  const env = { XDG_RUNTIME_DIR: run, XDG_STATE_HOME: path.join(folder, 'state'), LOCALAPPDATA: folder };
  const directories = engineDirectories({ env, platform: process.platform });
  const engine = new Engine({
    ports,
    directories,
    key: engineKey('', directories.state),
    version: await engineBuild(enginePath),
    logFile: path.join(folder, 'engine.log'),
    log: silentLog,
    idleMs: 60_000,
  });
  if (!(await engine.start())) throw new Error('another engine is there');
  const clients: EngineClient[] = [];
  return {
    engine,
    folder,
    async connect(name = 'test', build = '') {
      const other = path.join(folder, `engine${build}.js`);
      if (build !== '') fs.writeFileSync(other, `// ${build}\n`);
      const client = await connectEngine({ enginePath: other, env, client: { name, version: '0', pid: process.pid } });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.dispose();
      await engine.end();
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}
