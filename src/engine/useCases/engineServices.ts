import type { Log } from '../../base/log';
import type { CatalogueFolders } from '../catalogueFolders';
import type { DeviceBook } from '../deviceBook';
import type { History } from '../history';
import type { JobBoard } from '../jobs';
import type { EnginePorts } from '../ports';
import type { ClientInfo } from '../protocol';

/** What the use cases work with. */
export interface EngineServices {
  readonly ports: EnginePorts;
  readonly log: Log;
  readonly jobs: JobBoard;
  readonly devices: DeviceBook;
  readonly catalogue: CatalogueFolders;
  readonly history: History;
}

/** Who asks, and how long. */
export interface Caller {
  readonly owner: ClientInfo;
  /** Aborted when the caller takes its request back. Not when it goes away: a job belongs to the engine. */
  readonly signal: AbortSignal;
}
