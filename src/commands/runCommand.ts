import type { App } from '../app/app';
import { isCancellation, toErrorData } from '../base/errors';
import { isToldByJob } from '../views/isToldByJob';
import { showProblem } from '../views/showProblem';

/** The one place where a failed command becomes a message. Details go to the log, a next step to the person. */
export async function runCommand(app: App, id: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (isCancellation(error)) return;
    const { code, message } = toErrorData(error);
    app.log.error(`${id}: ${code}: ${message}`);
    if (error instanceof Error && code === 'unexpected') app.log.error(error);
    if (!(await isToldByJob(app, error))) await showProblem(app, error);
  }
}
