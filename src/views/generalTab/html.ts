import { randomBytes } from 'node:crypto';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import type { PageWords } from './protocol';

/** The page's frame. Everything that changes arrives as a message, so this is built once per load. */
export function pageHtml(webview: vscode.Webview, extensionUri: vscode.Uri): string {
  const uri = (...parts: string[]) => webview.asWebviewUri(vscode.Uri.joinPath(extensionUri, ...parts)).toString();
  const nonce = randomBytes(16).toString('base64');
  const icon = (name: string) => `<i class="codicon codicon-${name}" aria-hidden="true"></i>`;
  return `<!DOCTYPE html>
<html lang="${escapeHtml(vscode.env.language)}">
<head>
  <meta charset="UTF-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta http-equiv="Content-Security-Policy"
    content="default-src 'none'; style-src ${webview.cspSource}; font-src ${webview.cspSource}; script-src 'nonce-${nonce}';">
  <link rel="stylesheet" href="${uri('dist', 'codicon.css')}">
  <link rel="stylesheet" href="${uri('media', 'page.css')}">
  <title>${say(t('Device'))}</title>
</head>
<body>
<main>
  <header>
    <div id="picture" class="picture" aria-hidden="true"><i class="codicon codicon-device-mobile"></i></div>
    <h1 id="name"></h1>
    <p id="facts" class="dim"></p>
    <div id="capacity" class="capacity" hidden>
      <meter id="capacity-bar" min="0" max="1" aria-labelledby="capacity-text"></meter>
      <span id="capacity-text" class="dim"></span>
    </div>
    <details id="details"><summary>${say(t('Details'))}</summary><dl id="detail-list"></dl></details>
  </header>

  <div id="live" class="visually-hidden" role="status" aria-live="polite"></div>

  <section id="notice" class="card notice" hidden aria-labelledby="notice-title">
    <h2 id="notice-title"></h2>
    <p id="notice-text" class="dim"></p>
    <div class="actions"><button id="notice-action" class="primary" hidden></button></div>
  </section>

  <section id="job" class="card" hidden aria-labelledby="job-title">
    <div id="passcode" class="passcode" hidden>${icon('lock')}<div><strong id="passcode-title"></strong><br><span id="passcode-text" class="dim"></span></div></div>
    <div class="hero">
      <div><h2 id="job-title"></h2><p id="job-stage" class="dim"></p></div>
      <button id="cancel-job">${say(t('Cancel'))}</button>
    </div>
    <progress id="job-bar" max="1" aria-labelledby="job-title"></progress>
    <ul id="job-facts" class="facts dim"></ul>
  </section>

  <section id="result" class="card result" hidden aria-labelledby="result-title">
    <div class="hero">
      <div><h2 id="result-title"></h2><p id="result-text" class="dim"></p></div>
      <button id="dismiss">${say(t('Dismiss'))}</button>
    </div>
  </section>

  <section id="backup" hidden aria-labelledby="backups-heading">
    <h2 id="backups-heading" class="heading">${say(t('Backups'))}</h2>
    <div class="card">
      <div class="hero">
        <div><h3 id="last"></h3><p id="last-facts" class="dim"></p></div>
        <button id="back-up-now" class="primary">${say(t('Back Up Now'))}</button>
      </div>
      <ul id="next" class="facts"></ul>
      <div class="links">
        <button id="manage">${say(t('Manage Backups…'))}</button>
        <button id="restore">${say(t('Restore Backup…'))}</button>
        <button id="open">${say(t('Open as Folder'))}</button>
      </div>
    </div>
  </section>

  <section id="place" hidden aria-labelledby="place-heading">
    <h2 id="place-heading" class="heading">${say(t('What is backed up, and where'))}</h2>
    <div class="card" role="radiogroup" aria-labelledby="place-heading">
      ${choice('radio', 'cloud', t('To iCloud'), 'name="place"')}
      ${choice('radio', 'computer', t('To this computer'), 'name="place"')}
      <div class="row below">
        <div class="text"><span id="folder"></span><p id="folder-warning" class="warning" hidden></p></div>
        <button id="choose-folder">${say(t('Change Folder…'))}</button>
      </div>
      ${choice('checkbox', 'encrypt', t('Encrypt local backup'))}
      <div class="row below actions">
        <button id="change-password">${say(t('Change Password…'))}</button>
        <button id="forgot-password" class="link">${say(t('I do not know the password'))}</button>
      </div>
    </div>
  </section>

  <section id="options" hidden aria-labelledby="options-heading">
    <h2 id="options-heading" class="heading">${say(t('Options'))}</h2>
    <div class="card">
      ${choice('checkbox', 'wifi', t('Show this device when on Wi-Fi'))}
      ${choice('checkbox', 'automatic', t('Back up automatically when connected'))}
      <div class="row below">
        <label for="hours">${say(t('At most once every'))}</label>
        <select id="hours">
          <option value="4">${say(t('4 hours'))}</option>
          <option value="12">${say(t('12 hours'))}</option>
          <option value="24">${say(t('day'))}</option>
          <option value="168">${say(t('week'))}</option>
        </select>
      </div>
    </div>
  </section>

  <section id="history" hidden aria-labelledby="history-heading">
    <h2 id="history-heading" class="heading">${say(t('History'))}</h2>
    <ul id="history-list" class="card history"></ul>
  </section>
</main>

<dialog id="password-dialog" aria-labelledby="password-heading">
  <form method="dialog" id="password-form">
    <h2 id="password-heading"></h2>
    <p id="password-text" class="dim"></p>
    <label id="old-row"><span>${say(t('Current password'))}</span><input id="old-password" type="password" autocomplete="off"></label>
    <p id="old-remembered" class="dim" hidden>${say(t('The remembered password is used.'))}</p>
    <label id="new-row"><span>${say(t('New password'))}</span><input id="new-password" type="password" autocomplete="new-password" aria-describedby="strength"></label>
    <p id="strength" class="dim" aria-live="polite"></p>
    <label id="verify-row"><span>${say(t('Verify'))}</span><input id="verify-password" type="password" autocomplete="new-password"></label>
    <label class="check" id="show-row"><input id="show-password" type="checkbox"> <span>${say(t('Show the password'))}</span></label>
    <label class="check" id="remember-row"><input id="remember" type="checkbox"> <span>${say(t('Remember this password in the system’s keychain'))}</span></label>
    <p id="password-problem" class="warning" role="alert"></p>
    <div class="actions end">
      <button id="password-cancel" type="button">${say(t('Cancel'))}</button>
      <button id="password-ok" class="primary" type="submit"></button>
    </div>
  </form>
</dialog>
<script nonce="${nonce}" type="application/json" id="words">${words()}</script>
<script nonce="${nonce}" src="${uri('dist', 'page.js')}"></script>
</body>
</html>`;
}

function choice(type: 'radio' | 'checkbox', id: string, label: string, attributes = ''): string {
  return `<div class="row choice">
        <input type="${type}" id="${id}" ${attributes} aria-describedby="${id}-text ${id}-reason">
        <div class="text"><label for="${id}">${say(label)}</label><p id="${id}-text" class="dim"></p><p id="${id}-reason" class="reason dim" hidden></p></div>
      </div>`;
}

function words(): string {
  const all: PageWords = {
    headings: {
      on: t('Encrypt backups of this device'),
      change: t('Change the backup password'),
      off: t('Turn encryption off'),
    },
    texts: {
      on: t('Choose a password that you will not lose: without it nobody can open or restore these backups.'),
      change: t('Earlier backups keep the password they were made with.'),
      off: t('Later backups will lack passwords, Health and other private data. Earlier ones stay encrypted.'),
    },
    buttons: { on: t('Set Password'), change: t('Change Password'), off: t('Turn Off') },
    strength: [t('Very weak'), t('Weak'), t('Fair'), t('Strong')],
    differ: t('The two passwords are not the same.'),
    empty: t('Enter a password.'),
    copy: t('Copy'),
    copied: t('Copied'),
  };
  // `<` must not be able to end the script element.
  return JSON.stringify(all).replaceAll('<', '\\u003c');
}

const say = escapeHtml;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
