import fs from 'node:fs';
import path from 'node:path';

const places = {
  linux: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge'].flatMap((name) =>
    ['/usr/bin', '/usr/local/bin', '/snap/bin'].map((folder) => path.join(folder, name)),
  ),
  darwin: ['Chromium', 'Google Chrome', 'Microsoft Edge'].map(
    (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
  ),
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) => {
    const folder = process.env[variable];
    return folder ? ['Chromium', 'Google\\Chrome', 'Microsoft\\Edge'].map((name) => executable(folder, name)) : [];
  }),
};

function executable(folder, name) {
  return path.join(folder, name, 'Application', name.endsWith('Edge') ? 'msedge.exe' : 'chrome.exe');
}

/** A browser of the Chromium family: CHROMIUM names one, else the system's. Undefined when there is none. */
export function findBrowser() {
  const named = process.env.CHROMIUM;
  if (named) return fs.existsSync(named) ? named : undefined;
  return (places[process.platform] ?? []).find((file) => fs.existsSync(file));
}
