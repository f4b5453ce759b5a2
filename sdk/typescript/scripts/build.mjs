// Both module systems from one source: ESM into dist/esm, CommonJS into dist/cjs.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const compiler = createRequire(import.meta.url).resolve("typescript/bin/tsc");
rmSync("dist", { recursive: true, force: true });
for (const [folder, module, resolution, type] of [
  ["esm", "nodenext", "nodenext", "module"],
  ["cjs", "commonjs", "node10", "commonjs"],
]) {
  const target = `dist/${folder}`;
  mkdirSync(target, { recursive: true });
  execFileSync(
    process.execPath,
    [compiler, "-p", ".", "--outDir", target, "--module", module, "--moduleResolution", resolution],
    { stdio: "inherit" },
  );
  writeFileSync(`${target}/package.json`, JSON.stringify({ type }) + "\n");
}
