// Writes what others need of the built contracts to artifacts/, or with --check compares it with
// what is there. Run `forge build` first.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CONTRACTS = ['Committee', 'Lottery', 'QuartetApp', 'Verifier', 'Voting'];

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'artifacts');
const check = process.argv.includes('--check');

/** The artifact of one contract, as the text of its file. */
function artifact(contractName) {
  const built = JSON.parse(
    readFileSync(join(root, 'out', `${contractName}.sol`, `${contractName}.json`), 'utf8'),
  );
  const { compiler, settings } = built.metadata;
  const slim = {
    contractName,
    solc: compiler.version,
    evmVersion: settings.evmVersion,
    abi: built.abi,
    bytecode: built.bytecode.object,
  };
  return `${JSON.stringify(slim, null, 2)}\n`;
}

const wanted = new Map(CONTRACTS.map((name) => [`${name}.json`, artifact(name)]));
mkdirSync(folder, { recursive: true });
const surplus = readdirSync(folder).filter((file) => !wanted.has(file));
const stale = [...wanted].filter(([file, text]) => {
  const path = join(folder, file);
  return !existsSync(path) || readFileSync(path, 'utf8') !== text;
});

if (check) {
  for (const file of [...surplus, ...stale.map(([file]) => file)]) {
    console.error(`artifacts/${file} is not what the sources build: run \`npm run artifacts\``);
    process.exitCode = 1;
  }
} else {
  for (const file of surplus) rmSync(join(folder, file));
  for (const [file, text] of stale) writeFileSync(join(folder, file), text);
}
