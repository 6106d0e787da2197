import type { BackupSummary } from '../../backups';
import type { EngineServices } from './engineServices';

/** Bytes of a backup on disk: as the catalogue has measured them, else measured now. */
export async function backupSize(
  { catalogue, ports }: EngineServices,
  backup: BackupSummary,
  signal: AbortSignal,
): Promise<number> {
  if (backup.size) return backup.size.bytes;
  // Of this very backup: another one may have taken its place since.
  const known = catalogue.state.backups.find(({ path, date }) => path === backup.path && date === backup.date);
  return known?.size?.bytes ?? ports.backups.sizeOf(backup.path, signal);
}
