import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { describe, it } from 'mocha';
import type TypeScript from 'typescript';

declare const PROJECT_ROOT: string;
// Not bundled: nine megabytes, for one test.
const ts = createRequire(path.join(PROJECT_ROOT, 'package.json'))('typescript') as typeof TypeScript;

/** Where people read what is written. The command line's own words are English (its texts come from src/texts). */
const folders = ['src/views', 'src/commands', 'src/texts'];
const files = [
  ...folders.flatMap((folder) =>
    (fs.readdirSync(path.join(PROJECT_ROOT, folder), { recursive: true }) as string[]).map((file) =>
      path.join(folder, file),
    ),
  ),
  ...fs.readdirSync(path.join(PROJECT_ROOT, 'src')).map((file) => path.join('src', file)),
].filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts') && file !== path.join('src', 'cli.ts'));

/** Properties that VS Code shows to a person. */
const shown =
  /^(title|label|detail|description|prompt|placeHolder|tooltip|message|text|openLabel|saveLabel|name|next|placeholder)$/;
/** Calls whose arguments are for the log, for programs or for programmers. */
const forNobody =
  /(^|\.)(debug|info|warn|error|trace|executeCommand|registerCommand|get|has|update|getConfiguration|inspect|createTreeView|test|exec|replace|replaceAll|split|join|startsWith|endsWith|includes|padStart|element|querySelector|refused|flags|addEventListener|toggle|setAttribute|createElement|getElementById|joinPath|affectsConfiguration|DateTimeFormat|NumberFormat|RelativeTimeFormat|format|RegExp|AppError|Error|cancelled|from|on|postMessage|update|matches|closest)$/;

/** The same in every language. */
const names = new Set(['VS Code', 'iOS Backup']);
const isStyleSheet = (text: string) => /\{[^{}]*:[^{}]*;\s*\}/.test(text);

interface Finding {
  readonly where: string;
  readonly text: string;
}

describe('what people read', () => {
  const findings: Finding[] = [];
  const badCalls: Finding[] = [];
  let calls = 0;
  for (const file of files) {
    const source = ts.createSourceFile(
      file,
      fs.readFileSync(path.join(PROJECT_ROOT, file), 'utf8'),
      ts.ScriptTarget.Latest,
      true,
    );
    const at = (node: TypeScript.Node) => `${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    const visit = (node: TypeScript.Node): void => {
      if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node) || ts.isTypeNode(node)) return;
      if (ts.isCallExpression(node) || ts.isNewExpression(node)) {
        const called = node.expression.getText(source);
        if (called === 't') {
          calls++;
          const problem = wrongCall(node);
          if (problem) badCalls.push({ where: at(node), text: problem });
          for (const argument of node.arguments?.slice(1) ?? []) visit(argument);
          return;
        }
        if (forNobody.test(called)) {
          // What is computed inside may still be shown: only the plain texts are not.
          for (const argument of node.arguments ?? [])
            if (!ts.isStringLiteralLike(argument)) ts.forEachChild(argument, visit);
          return;
        }
      }
      const text = textOf(node);
      if (text !== undefined && isForPeople(node, text)) findings.push({ where: at(node), text });
      ts.forEachChild(node, visit);
    };
    visit(source);
  }

  it('goes through t()', () => {
    assert.deepEqual(findings, []);
    assert.ok(calls > 300, `only ${calls} texts were found`);
  });

  it('can be found by who translates: t() gets a plain text, and as many values as it has places', () => {
    assert.deepEqual(badCalls, []);
  });

  it('in package.json is a key of package.nls.json, and every key is used', () => {
    const read = (name: string) => fs.readFileSync(path.join(PROJECT_ROOT, name), 'utf8');
    const manifest = read('package.json');
    const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
    const used = new Set([...manifest.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key ?? ''));
    assert.deepEqual(
      [...used].filter((key) => !texts[key]),
      [],
      'used, but not there',
    );
    assert.deepEqual(
      Object.keys(texts).filter((key) => !used.has(key)),
      [],
      'there, but not used',
    );
    const { contributes } = JSON.parse(manifest) as { readonly contributes: unknown };
    assert.deepEqual(untranslated(contributes), []);
  });

  function textOf(node: TypeScript.Node): string | undefined {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
    if (!ts.isTemplateExpression(node)) return undefined;
    return [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('\u0001');
  }

  /** Two words in a row are a sentence's; one capitalised word is, where something is named that is shown. */
  function isForPeople(node: TypeScript.Node, text: string): boolean {
    const plain = text
      .replace(/<(style|svg)[\s\S]*?<\/\1>/g, ' ')
      .replace(/<!?\/?[^<>]*>/g, ' \u0002 ')
      .replace(/&\w+;/g, ' ');
    if (names.has(text) || isStyleSheet(text)) return false;
    // Class names, commands with their arguments, selectors, content security policies: no capital letter, no end.
    if (/\p{Lu}?\p{Ll}+,? \p{Ll}{2,}.*[.?!…]|^\s*\p{Lu}\p{Ll}+ \p{L}+/u.test(plain)) return true;
    const { parent } = node;
    const property = ts.isPropertyAssignment(parent) && parent.initializer === node ? parent.name.getText() : undefined;
    return property !== undefined && shown.test(property) && /\p{Lu}?\p{Ll}{2,}/u.test(plain) && /^\p{Lu}/u.test(plain);
  }

  function wrongCall(call: TypeScript.CallExpression | TypeScript.NewExpression): string | undefined {
    const [first, ...values] = call.arguments ?? [];
    if (!first || !ts.isStringLiteralLike(first)) return `not a plain text: ${call.getText()}`;
    // Without values it is a pattern that somebody else fills, for example a page.
    if (values.length === 0 || values.some((value) => ts.isSpreadElement(value))) return undefined;
    const places = new Set([...first.text.matchAll(/\{(\d+)\}/g)].map(([, place]) => Number(place)));
    return places.size === values.length && [...places].every((place) => place < values.length)
      ? undefined
      : `${places.size} places, ${values.length} values: ${first.text}`;
  }

  /** Titles, names and descriptions that are written out. */
  function untranslated(value: unknown, name = ''): string[] {
    if (typeof value === 'string') {
      const text = /^(title|name|description|markdownDescription|contents|category|altText|contextualTitle)$/.test(
        name,
      );
      return text && !/^%[\w.]+%$/.test(value) ? [`${name}: ${value}`] : [];
    }
    if (Array.isArray(value)) return value.flatMap((one) => untranslated(one, name));
    if (typeof value !== 'object' || value === null) return [];
    return Object.entries(value).flatMap(([key, one]) => untranslated(one, key));
  }
});
