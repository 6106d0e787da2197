// The windows of the VS Code server do not follow changes of the settings file on disk. So this writes each change that
// the test puts into a file of its own (WANTED_SETTINGS) through VS Code, in every window. null takes a setting away.
const fs = require('node:fs');
const vscode = require('vscode');

exports.activate = (context) => {
  const file = process.env.WANTED_SETTINGS;
  const apply = async () => {
    if (!fs.existsSync(file)) return;
    const wanted = JSON.parse(fs.readFileSync(file, 'utf8'));
    for (const [name, value] of Object.entries(wanted)) await set(name, value ?? undefined);
  };
  // Looked at ten times a second rather than watched: a watcher may miss one of two quick changes.
  let seen = '';
  let working = false;
  const timer = setInterval(async () => {
    const now = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    if (working || now === seen) return;
    working = true;
    try {
      await apply();
      seen = now;
    } catch (error) {
      console.error('companion', error); // Another window may have written at the same moment: again in a moment.
    }
    working = false;
  }, 100);
  context.subscriptions.push({ dispose: () => clearInterval(timer) });
};

async function set(name, value) {
  const same = () => {
    const { globalValue } = vscode.workspace.getConfiguration().inspect(name) ?? {};
    return JSON.stringify(globalValue) === JSON.stringify(value);
  };
  if (!same()) await vscode.workspace.getConfiguration().update(name, value, vscode.ConfigurationTarget.Global);
}
