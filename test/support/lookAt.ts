import assert from 'node:assert/strict';
import { accessibilityViolations } from './accessibility';
import type { Editor, Theme } from './editor';
import type { EditorWindow } from './editorWindow';

const THEMES: readonly Theme[] = ['light', 'highContrast', 'dark'];

/** A picture in each theme (`<name>-<theme>`), and axe, which must find nothing. Ends in the last theme. */
export async function lookAt(editor: Editor, window: EditorWindow, name: string, themes = THEMES): Promise<void> {
  for (const theme of themes) {
    await editor.setTheme(theme);
    await window.shot(`${name}-${theme}`);
    assert.deepEqual(await accessibilityViolations(window), [], `${name} in ${theme}`);
  }
}
