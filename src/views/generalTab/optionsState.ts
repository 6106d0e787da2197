import { t } from '@vscode/l10n';
import type { DeviceDetails } from '../../device/types';
import { choiceState } from './choiceState';
import type { PageFacts } from './pageFacts';
import type { OptionsState } from './protocol';

export function optionsState({ automatic }: PageFacts, { wifiConnections }: DeviceDetails): OptionsState {
  return {
    wifi: choiceState(
      wifiConnections === true,
      t(
        'Shows it here without a cable, on the same network. Slower, and it needs one connection by cable first. It is not to be seen there before it was unlocked after a start, and may want the cable again after some weeks.',
      ),
      wifiConnections === undefined ? t('The device does not tell this setting.') : undefined,
    ),
    automatic: {
      ...choiceState(
        automatic.on,
        t('While VS Code is open. The device asks for its passcode each time: that cannot be avoided.'),
        undefined,
      ),
      everyHours: automatic.everyHours,
    },
  };
}
