import type { EditorWindow } from './editorWindow';
import { until } from './until';
import type { VirtualDeviceProcess } from './virtualDeviceProcess';

/** Resolves when the device asks for its passcode, and its page says so. */
export async function passcodeQuestion(window: EditorWindow, phone: VirtualDeviceProcess, name: string): Promise<void> {
  await window
    .webview()
    .locator('#passcode-title', { hasText: `Enter the passcode on ${name}` })
    .waitFor();
  await until(async () => (await phone.device.summary()).passcodeAsked);
}
