import { cancelled } from '../base/errors';
import type { EngineClient } from '../engine/client';
import type { EngineState } from '../engine/protocol';

/** Waits until the engine's state is so. @returns whether it became so in time. @throws AppError `cancelled`. */
export function waitForState(
  client: EngineClient,
  holds: (state: EngineState) => boolean,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(cancelled());
    if (holds(client.state)) return resolve(true);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      subscription.dispose();
      closed.dispose();
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onAbort = () => finish(() => reject(cancelled()));
    const timer = setTimeout(() => finish(() => resolve(false)), timeoutMs);
    const subscription = client.onState((state) => {
      if (holds(state)) finish(() => resolve(true));
    });
    const closed = client.onClosed((error) => finish(() => reject(error)));
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
