import type { App } from '../app/app';

export async function refresh(app: App): Promise<void> {
  await app.engine.call('rescan', {});
}
