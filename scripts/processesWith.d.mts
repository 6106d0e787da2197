/**
 * Processes that were started with an environment variable that begins so: those of a run, by its own folder. A detached
 * process is nobody's child, but it has the environment of the run. Linux only; elsewhere none is found.
 */
export function processesWith(variable: string, beginning: string): number[];

export function commandLineOf(pid: number): string;
