// Programs and small servers that the tests of the panel start, all on this machine.
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";

export const library = createRequire(`${process.cwd()}/`); // the environment that the tests run in
export const PULLCORD = JSON.parse(process.env.PULLCORD_COMMAND);
export const SANDBOX = ["serve", "--sandbox"];
export const HOSTILE = `<img src=x onerror="window.hacked = true"><script>window.hacked = true</script>`;
const RENAMED = "Crawl the old site"; // a piece of the sandbox's work, which is called HOSTILE then

export async function launch() {
  const { chromium } = library("playwright-core");
  // Chromium's own sandbox wants rights that a container seldom gives; it opens no page but these tests' own.
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
}

// A server of these files, or of whatever a function answers.
export async function serve(files, headers = {}) {
  const answer = (request, response) => {
    const [type, text] = files[request.url] ?? ["text/plain", ""];
    response.writeHead(text ? 200 : 404, { "Content-Type": type, ...headers }).end(text);
  };
  const server = createServer(typeof files === "function" ? files : answer);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

// Starts a program, and returns once it has written a line that fits.
export async function start([program, ...args], pattern, env = {}) {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  const lines = [];
  const both = new PassThrough();
  child.stdout.pipe(both, { end: false });
  child.stderr.pipe(both, { end: false });
  child.on("exit", () => both.end());
  for await (const line of createInterface({ input: both })) {
    lines.push(line);
    if (pattern.test(line)) {
      for (const pipe of [child.stdout, child.stderr]) pipe.unpipe(both).resume();
      return { lines, close: () => child.kill() };
    }
  }
  throw new Error(`${program} ended too early: ${lines.join("\n")}`);
}

// The sandbox's platforms, one piece of whose work has a hostile name, and the variables that reach them.
export async function hostilePlatforms() {
  const sandbox = await start([...PULLCORD, "sandbox", "--port", "0"], /^export XPANDER_API_URL=/);
  const variables = Object.fromEntries(
    sandbox.lines.filter((line) => line.startsWith("export ")).map((line) => line.slice(7).split(/=(.*)/s, 2)),
  );
  const { origin } = new URL(variables.XPANDER_API_URL);
  const proxy = await serve(async ({ url, method, headers }, response) => {
    const answer = await fetch(origin + url, { method, headers });
    const text = (await answer.text()).replaceAll(JSON.stringify(RENAMED), JSON.stringify(HOSTILE));
    response.writeHead(answer.status, { "Content-Type": answer.headers.get("content-type") ?? "text/plain" }).end(text);
  });
  const env = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, value.replace(origin, proxy.origin)]),
  );
  return { env, close: () => [sandbox, proxy].forEach((each) => each.close()) };
}
