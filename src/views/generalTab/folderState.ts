import type { FolderState } from '../../backups/types';
import type { PageFacts } from './pageFacts';

/** What the catalogue knows of the folder that this device's backups go to. */
export function folderState({ engine, folder }: Pick<PageFacts, 'engine' | 'folder'>): FolderState | undefined {
  return engine?.catalogue.folders.find(({ path }) => path === folder);
}
