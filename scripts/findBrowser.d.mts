/** A browser of the Chromium family: CHROMIUM names one, else the system's. Undefined when there is none. */
export function findBrowser(): string | undefined;
