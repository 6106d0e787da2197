import fs from 'node:fs';

/**
 * Processes that were started with an environment variable that begins so: those of a run, by its own folder. A detached
 * process is nobody's child, but it has the environment of the run. Linux only; elsewhere none is found.
 *
 * @param {string} variable
 * @param {string} beginning
 * @returns {number[]} ids of processes, not this one
 */
export function processesWith(variable, beginning) {
  if (process.platform !== 'linux') return [];
  const wanted = `${variable}=${beginning}`;
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) =>
      read(`/proc/${pid}/environ`)
        .split('\0')
        .some((entry) => entry.startsWith(wanted)),
    )
    .map(Number);
}

/** @param {number} pid */
export function commandLineOf(pid) {
  return read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
}

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // The process is gone, or another user's.
  }
}
