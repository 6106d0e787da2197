import crypto from 'node:crypto';
import type { AppError } from '../base/errors';
import type { Log } from '../base/log';
import { CatalogueFolders } from './catalogueFolders';
import { DeviceBook } from './deviceBook';
import type { EngineDirectories } from './directories';
import { claimEndpoint, newSocketPath, type HeldClaim } from './endpoint';
import { History } from './history';
import { JobBoard } from './jobs';
import type { EnginePorts } from './ports';
import { EngineServer } from './server';
import { StateHub } from './stateHub';
import type { EngineServices } from './useCases/engineServices';

export interface EngineOptions {
  readonly ports: EnginePorts;
  readonly directories: EngineDirectories;
  /** See endpoint.ts. */
  readonly key: string;
  /** See engineBuild.ts. */
  readonly version: string;
  readonly logFile: string;
  readonly log: Log;
  /** Ends when there was no client and no job for so long. */
  readonly idleMs: number;
}

/** Jobs are ended so that the device is not left in the middle; one that cannot be ended is left after this. */
const END_TIMEOUT_MS = 20_000;
/** Programs that tidy /tmp remove what nobody has touched for days. */
const TOUCH_MS = 10 * 60_000;

/** The engine, apart from being a process. */
export class Engine {
  readonly #options: EngineOptions;
  readonly #hub = new StateHub();
  readonly #services: EngineServices;
  readonly #server: EngineServer;
  readonly #token = crypto.randomBytes(32).toString('hex');
  readonly #ended: Promise<void>;
  #resolveEnded: () => void = () => {};
  #claim: HeldClaim | undefined;
  #touchTimer: NodeJS.Timeout | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #ending: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    const { ports, log, directories } = options;
    this.#options = options;
    this.#ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    const jobs = new JobBoard(log, (list) => {
      this.#hub.set('jobs', list);
      this.#checkIdle();
    });
    const devices = new DeviceBook(ports.devices, log, {
      mux: (state) => this.#hub.set('mux', state),
      devices: (list) => this.#hub.set('devices', list),
      isBusy: (udid) => jobs.ofDevice(udid) !== undefined,
    });
    const catalogue = new CatalogueFolders(ports.backups, (state) => this.#hub.set('catalogue', state));
    this.#services = { ports, log, jobs, devices, catalogue, history: new History(directories.state) };
    this.#server = new EngineServer({
      token: this.#token,
      hub: this.#hub,
      services: this.#services,
      info: () => ({
        version: options.version,
        pid: process.pid,
        idle: jobs.running === 0,
        logFile: options.logFile,
      }),
      shutdown: () => this.#shutdown(),
      clientsChanged: () => this.#checkIdle(),
      log,
    });
  }

  /** @returns whether this is the one engine of its key now; if not, it is of no further use. */
  async start(): Promise<boolean> {
    const { directories, key, log } = this.#options;
    const socket = newSocketPath(directories.runtime, key, process.platform);
    await this.#server.listen(socket);
    this.#claim = await claimEndpoint(directories.runtime, key, { pid: process.pid, socket, token: this.#token });
    if (!this.#claim) {
      await this.#server.close();
      return false;
    }
    log.info(`engine ${this.#options.version}, process ${process.pid}, started`);
    this.#touchTimer = setInterval(() => void this.#claim?.touch(), TOUCH_MS).unref();
    this.#services.devices.start();
    this.#checkIdle();
    return true;
  }

  /** Resolves when it has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /**
   * Ends running jobs cleanly, then everything else.
   * @param failure What they have failed of; absent: they were cancelled.
   */
  end(failure?: AppError): Promise<void> {
    this.#ending ??= this.#end(failure);
    return this.#ending;
  }

  async #end(failure: AppError | undefined): Promise<void> {
    clearTimeout(this.#idleTimer);
    clearInterval(this.#touchTimer);
    const { jobs, devices, catalogue, log } = this.#services;
    const jobsEnded = jobs.endAll(failure);
    // Nobody shall find an engine that takes no more jobs.
    await this.#claim?.release();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, END_TIMEOUT_MS)));
    await Promise.race([jobsEnded, timeout]);
    clearTimeout(timer);
    devices.dispose();
    catalogue.dispose();
    jobs.dispose();
    this.#hub.dispose();
    await this.#server.close();
    log.info('engine ended');
    this.#resolveEnded();
  }

  #shutdown(): boolean {
    if (this.#services.jobs.running > 0) return false;
    // After the answer.
    setTimeout(() => void this.end(), 20);
    return true;
  }

  #checkIdle(): void {
    const idle = this.#server.clients === 0 && this.#services.jobs.running === 0;
    if (!idle) {
      clearTimeout(this.#idleTimer);
      this.#idleTimer = undefined;
    } else {
      this.#idleTimer ??= setTimeout(() => void this.end(), this.#options.idleMs);
    }
  }
}
