import assert from 'node:assert/strict';
import { test } from 'node:test';

import { telling } from '../src/telling';

test('what is told takes the place of what was told before', () => {
  const shown = new Map<string, string>();
  const tell = telling(
    message => {
      const id = String(message.length);
      shown.set(id, message);
      return id;
    },
    id => shown.delete(id)
  );
  tell('paused until 14:46');
  tell('suggestions are back');
  assert.deepEqual([...shown.values()], ['suggestions are back']);
});
