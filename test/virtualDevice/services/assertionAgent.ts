import { dict, getOptionalString } from '../../../src/plist';
import { toDict, xmlBytes } from '../io/plistMessages';
import type { ServiceHandler } from '../serviceConnection';

/** Keeps the device awake for as long as the connection lasts, as far as a virtual one sleeps. */
export const serveAssertionAgent: ServiceHandler = async (stream, device) => {
  for (;;) {
    const message = toDict(await stream.readMessage());
    const command = getOptionalString(message, 'CommandKey');
    const type = getOptionalString(message, 'AssertionTypeKey');
    if (command !== 'CommandCreateAssertion' || type === undefined) {
      throw new Error(`assertion_agent: ${command ?? 'a message without CommandKey'}`);
    }
    device.log(`kept awake: ${type} ${getOptionalString(message, 'AssertionNameKey') ?? ''}`);
    await stream.writeMessage(xmlBytes(dict({ Status: 'Success' })));
  }
};
