// Says whose code is in the bundles: a text for people and a list for programs.
const fs = require('node:fs');
const path = require('node:path');

/**
 * Writes THIRD_PARTY_NOTICES.txt and sbom.cdx.json (CycloneDX 1.5) into `dist`, for the packages that the bundles were
 * made from. Takes in the comments that esbuild left beside the bundles as *.LEGAL.txt. Holds no dates: the same
 * sources give the same files.
 *
 * @param {{ root: string, dist: string, inputs: readonly string[] }} options inputs: paths relative to root
 * @returns the names of the written files
 */
exports.writeNotices = ({ root, dist, inputs }) => {
  const packages = bundledPackages(root, inputs);
  const files = {
    'THIRD_PARTY_NOTICES.txt': noticesText(packages, takeLegalComments(dist)),
    'sbom.cdx.json': JSON.stringify(sbom(root, packages), null, 1) + '\n',
  };
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(dist, name), text);
  return Object.keys(files);
};

function bundledPackages(root, inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input.replaceAll('\\', '/'));
    if (found) folders.add(found[0]);
  }
  return [...folders].sort().map((folder) => {
    const manifest = JSON.parse(fs.readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
    const { name, version, license, homepage } = manifest;
    return {
      name,
      version,
      license: typeof license === 'string' ? license : license?.type,
      homepage,
      text: licenseText(path.join(root, folder)),
    };
  });
}

function licenseText(folder) {
  const files = fs
    .readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort();
  return files
    .map((file) => fs.readFileSync(path.join(folder, file), 'utf8').replaceAll('\r\n', '\n').trim())
    .join('\n\n');
}

function takeLegalComments(dist) {
  const comments = new Set();
  for (const file of fs
    .readdirSync(dist)
    .filter((name) => name.endsWith('.LEGAL.txt'))
    .sort()) {
    const text = fs.readFileSync(path.join(dist, file), 'utf8');
    fs.rmSync(path.join(dist, file));
    const body = text.replace(/^Bundled license information:\n+/, '').trim();
    if (body) comments.add(body);
  }
  return [...comments];
}

function noticesText(packages, legal) {
  const line = '-'.repeat(78);
  const parts = ['iOS Backup for VS Code contains code of these packages.'];
  for (const { name, version, license, homepage, text } of packages) {
    if (!license) throw new Error(`${name} ${version} names no licence`);
    const head = [`${name} ${version}`, `Licence: ${license}`, ...(homepage ? [homepage] : [])].join('\n');
    parts.push(`${line}\n${head}${text ? `\n\n${text}` : ''}`);
  }
  if (legal.length > 0) parts.push(`${line}\nNotices that stand in their sources:\n\n${legal.join('\n\n')}`);
  return parts.join('\n\n') + '\n';
}

function sbom(root, packages) {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const component = (type, one) => ({ type, name: one.name, version: one.version });
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: component('application', { name, version }) },
    components: packages.map((one) => ({
      ...component('library', one),
      purl: `pkg:npm/${one.name.replace('@', '%40')}@${one.version}`,
      licenses: [{ license: { name: one.license } }],
    })),
  };
}
