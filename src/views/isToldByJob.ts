import type { App } from '../app/app';
import { toErrorData } from '../base/errors';

/** The job's end arrives a moment before or after the answer to the call. */
const PATIENCE_MS = 1000;

/** Whether the notification at a job's end tells this error already, so that nobody reads it twice. */
export async function isToldByJob({ engine }: App, error: unknown): Promise<boolean> {
  const { code, message } = toErrorData(error);
  const told = () =>
    (engine.state?.jobs ?? []).some(
      ({ outcome }) => outcome?.kind === 'failed' && outcome.error.code === code && outcome.error.message === message,
    );
  if (told()) return true;
  return new Promise((resolve) => {
    const end = (result: boolean) => {
      clearTimeout(timer);
      subscription.dispose();
      resolve(result);
    };
    const timer = setTimeout(() => end(false), PATIENCE_MS);
    const subscription = engine.onChange(() => {
      if (told()) end(true);
    });
  });
}
