import axe from 'axe-core';
import type { EditorWindow } from './editorWindow';

/**
 * What axe finds wrong (WCAG 2 A and AA) in the webview that is shown, one line for each place: empty when all is well.
 */
export async function accessibilityViolations(window: EditorWindow): Promise<string[]> {
  const outer = await window.page.locator('iframe.webview.ready').first().elementHandle();
  const inner = await (await outer?.contentFrame())?.waitForSelector('#active-frame');
  const frame = await inner?.contentFrame();
  if (!frame) throw new Error('no webview is shown');
  // As text: this program does not know the page's types.
  await frame.evaluate(axe.source);
  const found = await frame.evaluate(`
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => id + ': ' + html + ' ' + failureSummary)))
  `);
  return found as string[];
}
