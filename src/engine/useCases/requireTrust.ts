import { trustError } from '../trustError';
import type { EngineServices } from './engineServices';

/**
 * Asks the device again if it was not trusted when it was last asked: a person has perhaps just tapped Trust.
 * @throws AppError `deviceNotFound`, or why it does not trust this computer.
 */
export async function requireTrust({ devices }: EngineServices, udid: string): Promise<void> {
  if (devices.get(udid).trust.kind === 'trusted') return;
  const error = trustError(udid, (await devices.refresh(udid)).trust);
  if (error) throw error;
}
