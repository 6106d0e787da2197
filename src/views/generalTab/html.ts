import { randomBytes } from 'node:crypto';
import { t } from '@vscode/l10n';
import * as vscode from 'vscode';
import { strengthTexts } from '../../texts/strength';
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
    <div id="picture" class="picture" aria-hidden="true">${PICTURES}</div>
    <h1 id="name" tabindex="-1"></h1>
    <p id="facts" class="dim"></p>
    <div id="capacity" class="capacity" hidden>
      <meter id="capacity-bar" min="0" max="1" aria-labelledby="capacity-text"></meter>
      <span id="capacity-text" class="dim"></span>
    </div>
    <details id="details"><summary>${say(t('Details'))}</summary><dl id="detail-list"></dl></details>
  </header>

  <div id="live" class="visually-hidden" role="status" aria-live="polite"></div>

  <section id="notice" class="card" hidden aria-labelledby="notice-title">
    <h2 id="notice-title"></h2>
    <p id="notice-text" class="dim"></p>
    <progress id="notice-wait" aria-labelledby="notice-title" hidden></progress>
    <div id="notice-actions" class="actions"><button id="notice-action" hidden></button><button id="notice-second" hidden></button></div>
  </section>

  <section id="backups" hidden aria-labelledby="backups-heading">
    <h2 id="backups-heading" class="heading">${say(t('Backups'))}</h2>
    <div class="card">
      <div id="result" class="row banner" hidden>
        <div class="text"><h3 id="result-title"></h3><p id="result-text" class="dim"></p></div>
        <div class="actions"><button id="result-action" hidden></button><button id="dismiss">${say(t('Dismiss'))}</button></div>
      </div>
      <div id="reminder" class="row banner" hidden>
        <div class="text"><h3 id="reminder-title" class="tone-warning"></h3><p id="reminder-text" class="dim"></p></div>
        <div class="actions"><button id="dismiss-reminder">${say(t('Remind Me Later'))}</button></div>
      </div>
      <div id="job" class="job" hidden role="group" aria-labelledby="job-title">
        <div id="passcode" class="passcode" hidden>${icon('lock')}<div><strong id="passcode-title"></strong><br><span id="passcode-text" class="dim"></span></div></div>
        <div class="hero">
          <div><h3 id="job-title"></h3><p id="job-stage" class="dim"></p></div>
          <button id="cancel-job">${say(t('Cancel'))}</button>
        </div>
        <progress id="job-bar" max="1" aria-labelledby="job-title"></progress>
        <ul id="job-facts" class="facts dim"></ul>
      </div>
      <div id="last" class="last">
        <div class="hero">
          <div><h3 id="last-title"></h3><p id="last-facts" class="dim"></p></div>
          <button id="back-up-now" class="primary">${say(t('Back Up Now'))}</button>
        </div>
        <ul id="next" class="facts"></ul>
      </div>
      <div id="links" class="row actions">
        <button id="manage">${say(t('Manage Backups…'))}</button>
        <button id="restore" hidden>${say(t('Restore Backup…'))}</button>
        <button id="open" hidden>${say(t('Open as Folder'))}</button>
      </div>
    </div>
  </section>

  <section id="place" hidden aria-labelledby="place-heading">
    <h2 id="place-heading" class="heading">${say(t('What is backed up, and where'))}</h2>
    <p id="place-busy" class="dim note" hidden>${say(t('This can be changed when the running job has ended.'))}</p>
    <div class="card">
      <div role="radiogroup" aria-labelledby="place-heading">
        ${choice('radio', 'cloud', t('To iCloud'), 'name="place"')}
        ${choice('radio', 'computer', t('To this computer'), 'name="place"')}
      </div>
      <p id="cloud-locked" class="row below reason" hidden></p>
      <div class="row below">
        <div class="text"><span id="folder" class="path"></span><p id="folder-warning" class="tone-warning" hidden></p></div>
        <button id="choose-folder">${say(t('Change Folder…'))}</button>
      </div>
      ${choice('checkbox', 'encrypt', t('Encrypt local backup'))}
      <div id="password-actions" class="row below actions">
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
    <p id="password-problem" class="tone-warning" role="alert"></p>
    <div class="actions end">
      <button id="password-cancel" type="button">${say(t('Cancel'))}</button>
      <button id="password-ok" class="primary" type="submit"></button>
    </div>
  </form>
</dialog>

<dialog id="forgot-dialog" aria-labelledby="forgot-heading">
  <h2 id="forgot-heading">${say(t('If you do not know the password'))}</h2>
  <p class="dim">${say(t('Nobody can find out the password of a backup. Try these, in this order.'))}</p>
  <ol id="forgot-list"></ol>
  <div class="actions end"><button id="forgot-close" class="primary">${say(t('Close'))}</button></div>
</dialog>
<script nonce="${nonce}" type="application/json" id="words">${words()}</script>
<script nonce="${nonce}" src="${uri('dist', 'page.js')}"></script>
</body>
</html>`;
}

function choice(type: 'radio' | 'checkbox', id: string, label: string, attributes = ''): string {
  return `<div class="row choice">
        <input type="${type}" id="${id}" ${attributes} aria-describedby="${id}-text ${id}-reason">
        <div class="text"><label for="${id}">${say(label)}</label><p id="${id}-text" class="dim"></p><p id="${id}-reason" class="reason" hidden></p></div>
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
    strength: strengthTexts(),
    differ: t('The two passwords are not the same.'),
    empty: t('Enter a password.'),
    copy: t('Copy'),
    copied: t('Copied'),
  };
  // `<` must not be able to end the script element.
  return JSON.stringify(all).replaceAll('<', '\\u003c');
}

/** The kinds of devices, drawn in the text's colour; the style sheet shows the one that fits. */
const PICTURES = `
      <svg class="phone" viewBox="0 0 48 80"><rect x="3" y="3" width="42" height="74" rx="9"/><path d="M18 9h12"/></svg>
      <svg class="tablet" viewBox="0 0 64 80"><rect x="3" y="3" width="58" height="74" rx="6"/><circle cx="32" cy="8" r="1"/></svg>
      <svg class="player" viewBox="0 0 48 80"><rect x="3" y="3" width="42" height="74" rx="7"/><path d="M8 13h32v50H8z"/><circle cx="24" cy="70" r="3"/></svg>`;

const say = escapeHtml;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
