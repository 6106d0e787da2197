import { serveAfc } from '../afc/serveAfc';
import { serveMobileBackup2 } from '../mobilebackup2/serve';
import type { ServiceHandler } from '../serviceConnection';
import { serveAssertionAgent } from './assertionAgent';
import { serveDiagnosticsRelay } from './diagnosticsRelay';
import { serveHeartbeat } from './heartbeat';
import { serveInstallationProxy } from './installationProxy';
import { serveInsecureNotificationProxy, serveNotificationProxy } from './notificationProxy';
import { serveSpringboard } from './springboard';

interface Service {
  readonly handler: ServiceHandler;
  /** Anybody who reaches the device may start it, without TLS. */
  readonly withoutSession?: true;
}

/** What StartService knows. */
export const services: ReadonlyMap<string, Service> = new Map<string, Service>([
  ['com.apple.afc', { handler: serveAfc }],
  ['com.apple.mobile.assertion_agent', { handler: serveAssertionAgent }],
  ['com.apple.mobile.diagnostics_relay', { handler: serveDiagnosticsRelay }],
  ['com.apple.mobile.heartbeat', { handler: serveHeartbeat }],
  ['com.apple.mobile.insecure_notification_proxy', { handler: serveInsecureNotificationProxy, withoutSession: true }],
  ['com.apple.mobile.installation_proxy', { handler: serveInstallationProxy }],
  ['com.apple.mobile.notification_proxy', { handler: serveNotificationProxy }],
  ['com.apple.mobilebackup2', { handler: serveMobileBackup2 }],
  ['com.apple.springboardservices', { handler: serveSpringboard }],
]);
