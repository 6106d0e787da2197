import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { contentsHtml } from '../../../src/views/contents/contentsHtml';

describe('the page of what is in a backup', () => {
  const domains = [{ domain: 'CameraRollDomain', name: 'Camera Roll', files: 12, bytes: 5e6 }];
  const page = (photos?: { readonly listed: number; readonly here: number }) =>
    contentsHtml({ title: 'My iPhone', domains, before: { why: 'It is the first.' }, ...(photos && { photos }) }, 'n');

  it('says how many photos are in iCloud and not here', () => {
    assert.match(page({ listed: 900, here: 12 }), /lists 900 photos and videos; 12 of them are in this backup.*iCloud/);
  });

  it('says nothing of it when all are here, or nothing is known', () => {
    assert.doesNotMatch(page({ listed: 12, here: 12 }), /iCloud/);
    assert.doesNotMatch(page(), /iCloud/);
  });
});
