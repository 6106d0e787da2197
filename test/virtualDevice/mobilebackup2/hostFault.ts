/** The host has broken the protocol. A phone's backup service ends the connection; this one says why. */
export class HostFault extends Error {
  override readonly name = 'HostFault';
}

/** The host has said goodbye in the middle of things. */
export class HostLeft extends Error {
  override readonly name = 'HostLeft';
}

/** The device does not do what was asked: the number and text of its Response. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly code: number,
    description: string,
  ) {
    super(description.includes('(MBErrorDomain/') ? description : `${description} (MBErrorDomain/${code})`);
  }
}
