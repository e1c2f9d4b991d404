// Runs pages' blocks as WebAssembly outside any browser; what docs/assets/worker.js does in one, this does here.
//
//     node wasm.mjs RUNTIME SOURCES
//
// RUNTIME is the folder with Pyodide, SOURCES the archive of Python files that the site ships (engine.live.sources).
// A line that comes in is a block, as JSON: `id`, `source`, `first`, the line of `source` where the reader's code
// begins, and `page`: successive blocks of one page share their names. The line that goes out for it tells `id`, what
// was `printed`, the `error` or null, the `seconds`, and how many `figures` were drawn.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [runtime, sources] = process.argv.slice(2).map((path) => resolve(path));
const quiet = { messageCallback() {} };
const utf8 = new TextDecoder();
let printed = "";
const print = {
  isatty: true,
  write(bytes) {
    printed += utf8.decode(bytes, { stream: true });
    return bytes.length;
  },
};

const { loadPyodide } = await import(pathToFileURL(join(runtime, "pyodide.mjs")));
const clock = { setTimeout, clearTimeout, setInterval, clearInterval };
const python = await loadPyodide({ indexURL: runtime, jsglobals: clock });
python.setStdout(print);
python.setStderr(print);
await python.loadPackage("numpy", quiet);
python.unpackArchive(new Uint8Array(readFileSync(sources)).buffer, "zip", { extractDir: "/site" });
python.runPython("import sys; sys.path.insert(0, '/site'); import engine.session");
python.runPython("sys.modules['js'] = sys.modules['pyodide_js'] = None");
const session = python.pyimport("engine.session");

let current, names;
for await (const line of createInterface({ input: process.stdin })) {
  const { id, page, source, first } = JSON.parse(line);
  if (page !== current) [current, names] = [page, python.runPython("{}")];
  if (session.draws(source)) await python.loadPackage("matplotlib", quiet);
  printed = "";
  const { error, seconds, figures } = JSON.parse(session.execute(source, first, "own", names));
  console.log(JSON.stringify({ id, printed, error, seconds, figures: figures.length }));
}
