// Python for live.js, in a thread of its own: CPython, NumPy and Matplotlib as WebAssembly (Pyodide).
// It loads files of this site alone, each of the size and the SHA-256 that files.json tells, and what it runs
// can reach neither the page nor the network.

const BASE = new URL("runtime/", location.href);
const MODULES = ["pyodide.mjs", "pyodide.asm.js"];
const post = (kind, data = {}) => postMessage({ kind, ...data });
const network = fetch.bind(globalThis);
const digest = globalThis.crypto?.subtle?.digest.bind(crypto.subtle);
const kept = new Map();
let listed = {};
let loaded = 0;
let total = 0;

const plain = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)));

// A file of the runtime, counted while it comes and refused if it is not the one that was published.
async function verified(resource) {
  const url = new URL(resource.url ?? resource, BASE);
  const name = url.href.slice(BASE.href.length);
  if (!url.href.startsWith(BASE.href) || !Object.hasOwn(listed, name)) throw new TypeError(`${url} is none of the runtime's files`);
  if (kept.has(name)) {
    const response = kept.get(name);
    kept.delete(name);
    return response;
  }
  const { integrity } = listed[name];
  const response = await network(url, digest ? {} : { integrity });
  if (!response.ok) throw new Error(`${name} did not load (${response.status})`);
  const parts = [];
  for (let reader = response.body.getReader(), part; !(part = await reader.read()).done; ) {
    parts.push(part.value);
    loaded += part.value.length;
    post("progress", { loaded, total });
  }
  const type = name.endsWith(".wasm") ? "application/wasm" : "application/octet-stream";
  const whole = await new Blob(parts).arrayBuffer();
  if (digest && `sha256-${plain(await digest("SHA-256", whole))}` !== integrity) {
    throw new Error(`${name} is not the file that this site published, and does not run`);
  }
  return new Response(whole, { headers: { "Content-Type": type } });
}

// Add the files of some packages to what the progress is counted against.
const expect = (...names) => {
  total = loaded + names.reduce((sum, name) => sum + listed[name].size, 0);
};

const wheels = (lock, name, found = new Set()) => {
  const { file_name, depends } = lock.packages[name];
  if (!found.has(file_name)) {
    found.add(file_name);
    for (const other of depends) wheels(lock, other, found);
  }
  return found;
};

async function start() {
  listed = await (await network(new URL("files.json", BASE))).json();
  globalThis.fetch = verified;
  const lock = await (await verified("pyodide-lock.json")).json();
  const needed = [...MODULES, "pyodide.asm.wasm", "python_stdlib.zip", "sources.zip", ...wheels(lock, "numpy")];
  expect(...needed, "pyodide-lock.json");
  // All of it before Python starts, which would not tell what is wrong.
  await Promise.all(needed.map(async (name) => kept.set(name, await verified(name))));
  // These the browser takes from its own cache.
  for (const name of MODULES) kept.delete(name);
  const { loadPyodide } = await import(new URL("pyodide.mjs", BASE));
  // Of the browser's world Python sees the clock alone.
  const clock = { setTimeout, clearTimeout, setInterval, clearInterval };
  const python = await loadPyodide({ indexURL: BASE.href, jsglobals: clock });
  python.setStdout(print);
  python.setStderr(print);
  await python.loadPackage("numpy", { messageCallback() {} });
  python.unpackArchive(await (await verified("sources.zip")).arrayBuffer(), "zip", { extractDir: "/site" });
  python.runPython("import sys; sys.path.insert(0, '/site'); import engine.session");
  for (const name of ["XMLHttpRequest", "WebSocket", "EventSource", "WebTransport", "importScripts", "Worker", "indexedDB", "caches", "eval"]) {
    Object.defineProperty(globalThis, name, { value: undefined });
  }
  python.runPython("sys.modules['js'] = sys.modules['pyodide_js'] = None");
  const session = python.pyimport("engine.session");
  return { python, session, lock };
}

// What is printed, also where no newline ends it.
const utf8 = new TextDecoder();
const print = {
  isatty: true,
  write(bytes) {
    post("print", { text: utf8.decode(bytes, { stream: true }) });
    return bytes.length;
  },
};
const started = start();
started.then(
  () => post("ready"),
  (error) => post("broken", { message: error.message ?? String(error) }),
);

// A message holds code and either `setting`, which the figure with knobs that the code makes is to show, or where the
// reader's own part begins: `above` are the lines that the page has found that the code needs; after an edit of an
// earlier block (`earlier` are all of these) they are found anew. It may bring `files` for the code to read.
onmessage = async ({ data: { earlier, code, above = "", setting, figure, files = {} } }) => {
  try {
    const { python, session, lock } = await started;
    for (const name in files) python.FS.writeFile(name, files[name]);
    const source = earlier ? session.needed(earlier, code) : above + code;
    if (session.draws(source) && !python.loadedPackages.matplotlib) {
      expect(...wheels(lock, "matplotlib"));
      await python.loadPackage("matplotlib", { messageCallback() {} });
    }
    post("running");
    const first = source.split("\n").length - code.split("\n").length + 1;
    post("done", JSON.parse(setting ? session.turn(source, setting, figure) : session.execute(source, first, figure)));
  } catch (error) {
    post("broken", { message: error.message ?? String(error) });
  }
};
