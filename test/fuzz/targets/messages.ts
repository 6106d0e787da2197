import assert from 'node:assert/strict';
import path from 'node:path';
import { isAppError } from '../../../src/base/errors';
import { Params } from '../../../src/engine/params';
import { readMessage as readPageMessage } from '../../../src/views/generalTab/readMessage';
import { readMessage as readDatabaseMessage } from '../../../src/views/sqliteEditor/readMessage';
import type { FuzzTarget } from '../fuzz';
import { hostileValue } from '../mutation';

const FIELDS = ['a', 'udid', 'path', 'type'];

const readers: readonly ((params: Params, name: string) => unknown)[] = [
  (params, name) => params.text(name),
  (params, name) => params.optionalText(name),
  (params) => assert.match(params.udid(), /^[0-9A-Za-z-]{8,64}$/),
  (params, name) => assert.ok(path.isAbsolute(params.path(name))),
  (params, name) => params.paths(name).forEach((one) => assert.ok(path.isAbsolute(one))),
  (params, name) => assert.equal(typeof params.flag(name), 'boolean'),
  (params, name) => assert.equal(typeof params.optionalFlag(name), 'boolean'),
  (params, name) => assert.equal(typeof params.number(name), 'number'),
  (params, name) => assert.ok(params.count(name) >= 0),
  (params, name) => assert.ok(['x', 'y'].includes(params.oneOf(name, ['x', 'y']))),
  (params, name) => params.inner(name).has('a'),
];

export const messageTargets: readonly FuzzTarget[] = [
  {
    name: 'engineParams',
    what: 'requests to the engine',
    short: 1_500,
    sound() {
      assert.equal(new Params({ a: 'x' }).oneOf('a', ['x', 'y']), 'x');
    },
    execute(random) {
      const value = hostileValue(random, FIELDS, ['x', 'y']);
      const field = random.pick(FIELDS);
      const read = random.pick(readers);
      return understands(() => read(new Params(value), field));
    },
  },
  pageTarget(
    'pageMessages',
    'messages of the page about a device',
    readPageMessage,
    { type: 'setAutomaticHours', hours: 24 },
    ['type', 'jobId', 'on', 'hours', 'text', 'change', 'command', 'oldPassword', 'newPassword', 'remember'],
    [
      'ready',
      'backUpNow',
      'cancelJob',
      'setCloud',
      'setAutomaticHours',
      'copy',
      'askPassword',
      'takeStep',
      'password',
      'on',
      'off',
    ],
  ),
  pageTarget(
    'databaseMessages',
    'messages of the page that shows databases',
    readDatabaseMessage,
    { type: 'rows', view: { table: 't', offset: 0, filter: '' } },
    ['type', 'view', 'row', 'column', 'table', 'offset', 'filter', 'sort', 'descending'],
    ['ready', 'rows', 'cell'],
  ),
];

function pageTarget(
  name: string,
  what: string,
  read: (message: unknown) => unknown,
  sound: object,
  fields: readonly string[],
  texts: readonly string[],
): FuzzTarget {
  return {
    name,
    what,
    short: 1_500,
    sound: () => assert.deepEqual(read(sound), sound),
    execute(random) {
      const message = hostileValue(random, fields, texts);
      return understands(() => {
        const read_ = read(message) as object;
        // Only fields that were asked for, of a plain object.
        assert.equal(Object.getPrototypeOf(read_), Object.prototype);
        for (const field of Object.keys(read_)) assert.ok(fields.includes(field), field);
      });
    },
  };
}

function understands(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (!isAppError(error, 'notAllowed')) throw error;
    assert.ok(error.message.length < 200, 'what was sent is not repeated');
    return false;
  }
}
