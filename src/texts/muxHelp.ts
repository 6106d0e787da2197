import { t } from '@vscode/l10n';

export function startMux(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'win32':
      return t(
        'Install “Apple Devices” from the Microsoft Store and start it once; with iTunes, start “Apple Mobile Device Service”.',
      );
    case 'darwin':
      return t('It is part of macOS and starts with the first device: plug one in, or restart the Mac.');
    default:
      return t(
        'Install it: “sudo apt install usbmuxd” (Debian, Ubuntu), “sudo dnf install usbmuxd” (Fedora), “sudo pacman -S usbmuxd” (Arch); then plug in the device, or “sudo systemctl start usbmuxd”.',
      );
  }
}

export function allowMux(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'win32':
      return t('Let the firewall or security program allow connections to 127.0.0.1, port 27015.');
    case 'darwin':
      return t('Allow accessories in System Settings › Privacy & Security, and try again.');
    default:
      return t('Check who may use the socket: “ls -l /var/run/usbmuxd”; inside a container or Snap, share it with it.');
  }
}

export function restartMux(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'win32':
      return t('Restart “Apple Mobile Device Service” in Services, or the computer.');
    case 'darwin':
      return t('Unplug the device and plug it in again; restart the Mac if that does not help.');
    default:
      return t('Restart it: “sudo systemctl restart usbmuxd”.');
  }
}

export function keepPairRecord(platform: NodeJS.Platform): string {
  return platform === 'linux'
    ? t(
        'Its folder must exist and belong to the user that usbmuxd runs as: “sudo install -d -o "$(ps -o user= -C usbmuxd)" /var/lib/lockdown”; then pair again.',
      )
    : t('Restart the computer and pair again.');
}
