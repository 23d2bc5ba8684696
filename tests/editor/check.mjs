// Speaks to the real yaml-language-server as an editor does, with schemas/farm.schema.json:
// a good file has no diagnostics, a wrong key has one at its place, and keys, words and hover texts
// are offered. Usage: node check.mjs DIRECTORY-OF-SETUP. Ends with 0 if all of it is so.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const schema = pathToFileURL(join(root, "schemas/farm.schema.json")).href;
const settings = {
  yaml: {
    schemas: { [schema]: "*.yaml" },
    schemaStore: { enable: false },
    validate: true,
    hover: true,
    completion: true,
  },
};

const program = join(process.argv[2], "node_modules/yaml-language-server/bin/yaml-language-server");
const server = spawn(process.execPath, [program, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const deadline = setTimeout(() => fail(new Error("the language server did not answer in 60 s")), 60_000);

let received = Buffer.alloc(0);
let lastId = 0;
const answers = new Map();
const diagnostics = new Map();

server.stdout.on("data", (bytes) => {
  received = Buffer.concat([received, bytes]);
  for (let message = next(); message; message = next()) take(message);
});
server.on("exit", (code) => code && fail(new Error(`the language server ended with ${code}`)));

function next() {
  const head = received.indexOf("\r\n\r\n");
  if (head < 0) return undefined;
  const length = Number(/Content-Length: (\d+)/i.exec(received.toString("ascii", 0, head))[1]);
  if (received.length < head + 4 + length) return undefined;
  const body = received.toString("utf8", head + 4, head + 4 + length);
  received = received.subarray(head + 4 + length);
  return JSON.parse(body);
}

function take(message) {
  if (message.method === "workspace/configuration") {
    const result = message.params.items.map((item) => settings[item.section] ?? null);
    send({ id: message.id, result });
  } else if (message.method && message.id !== undefined) {
    send({ id: message.id, result: null });
  } else if (message.method === "textDocument/publishDiagnostics") {
    diagnostics.get(message.params.uri)?.(message.params.diagnostics);
  } else if (message.id !== undefined) {
    const { done, failed } = answers.get(message.id);
    message.error ? failed(new Error(message.error.message)) : done(message.result);
  }
}

function send(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function ask(method, params) {
  const id = ++lastId;
  send({ id, method, params });
  return new Promise((done, failed) => answers.set(id, { done, failed }));
}

// Opens a text; `|CURSOR|` marks the cursor. Gives the diagnostics and the place of the cursor.
async function open(name, marked) {
  const uri = `file:///farm/${name}.yaml`;
  const cursor = marked.indexOf("|CURSOR|");
  const text = marked.replace("|CURSOR|", "");
  const before = text.slice(0, Math.max(cursor, 0)).split("\n");
  const position = { line: before.length - 1, character: before.at(-1).length };
  const found = new Promise((done) => diagnostics.set(uri, done));
  const textDocument = { uri, languageId: "yaml", version: 1, text };
  send({ method: "textDocument/didOpen", params: { textDocument } });
  return { diagnostics: await found, at: { textDocument: { uri }, position } };
}

async function labels(name, text) {
  const { at } = await open(name, text);
  const answer = await ask("textDocument/completion", at);
  return (answer.items ?? answer).map((item) => item.label);
}

async function hover(name, text) {
  const { at } = await open(name, text);
  return JSON.stringify((await ask("textDocument/hover", at)).contents);
}

function includes(all, wanted) {
  for (const one of wanted) assert.ok(all.includes(one), `${one} is not among ${all.join(", ")}`);
}

async function check() {
  await ask("initialize", { processId: process.pid, rootUri: null, capabilities: {
    workspace: { configuration: true, didChangeConfiguration: { dynamicRegistration: true } },
    textDocument: { publishDiagnostics: {}, hover: { contentFormat: ["markdown"] }, completion: {} },
  } });
  send({ method: "initialized", params: {} });
  send({ method: "workspace/didChangeConfiguration", params: { settings } });

  for (const name of ["shop", "small", "tunnels", "daemon"]) {
    const text = readFileSync(join(root, `tests/schema/good/${name}.yaml`), "utf8");
    // The comment names the schema from where the file is; the server is told it by its settings.
    const { diagnostics: found } = await open(name, text.replace(/^# yaml-language-server:.*\n/, ""));
    assert.deepEqual(found, [], name);
  }

  const wrong = await open("wrong", "version: 1\nservices:\n  http:\n    vip: www\n    schedular: wlc\n");
  assert.equal(wrong.diagnostics.length, 1, JSON.stringify(wrong.diagnostics));
  assert.match(wrong.diagnostics[0].message, /schedular/);
  assert.deepEqual(wrong.diagnostics[0].range.start, { line: 4, character: 4 });

  const keys = "version: 1\nservices:\n  http:\n    vip: www\n    |CURSOR|\n";
  includes(await labels("keys", keys), ["port", "scheduler", "persistence", "real_servers"]);
  const words = "version: 1\nservices:\n  http:\n    vip: www\n    scheduler: |CURSOR|\n";
  includes(await labels("words", words), ["wlc", "rr", "mh"]);

  const service = "version: 1\nservices:\n  http:\n    vip: www\n    scheduler: wlc\n";
  const key = await hover("key", service.replace("vip", "v|CURSOR|ip"));
  assert.match(key, /The group of floating addresses/);
  const word = await hover("word", service.replace("wlc", "w|CURSOR|lc"));
  assert.match(word, /Weighted least connections/);

  const check = "version: 1\npools:\n  web:\n    check:\n      |CURSOR|\n";
  includes(await labels("check", check), ["http", "tcp", "exec", "agent", "interval", "way"]);
  const kind = "version: 1\npools:\n  web:\n    check: |CURSOR|\n";
  includes(await labels("kind", kind), ["none", "tcp", "ping"]);
  const events = "version: 1\nnotifications:\n  oncall:\n    on:\n      - |CURSOR|\n";
  includes(await labels("events", events), ["alarm", "server_down", "quorum_lost"]);
  const drift = await hover("drift", "version: 1\ndaemon:\n  drift: re|CURSOR|port\n");
  assert.match(drift, /It is told, and left/);
  const quorum = await open("quorum", "version: 1\nservices:\n  http:\n    vip: www\n    quorum: { minimun: 2 }\n");
  assert.match(JSON.stringify(quorum.diagnostics), /minimun/);

  await ask("shutdown", null);
  send({ method: "exit" });
  clearTimeout(deadline);
}

function fail(error) {
  console.error(error);
  server.kill();
  process.exit(1);
}

check().then(() => console.log("editor: diagnostics, completion and hover are as they should be"), fail);
