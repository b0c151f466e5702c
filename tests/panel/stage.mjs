// What the tests of the panel share: a browser, a host's two origins, and a pullcord on its sandbox for each era.
import { readFile } from "node:fs/promises";
import { freePort, launch, library, PULLCORD, SANDBOX, serve, start } from "./processes.mjs";

const AXE = library.resolve("axe-core/axe.min.js");
const HERE = new URL(".", import.meta.url);
const POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
  + " img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'self'; object-src 'none'";
const PATIENCE = 60_000;

export const ERAS = { "before 2026": "legacy", "2026-07-28": "auto" };

async function pullcord(origin) {
  const port = await freePort();
  const options = ["--http", "--port", String(port), "--allowed-origin", origin];
  const { close } = await start([...PULLCORD, ...SANDBOX, ...options], new RegExp(`:${port}`));
  return { address: `http://127.0.0.1:${port}/mcp`, close };
}

// Everything that runs, and `panel(tool, arguments, options)`, which opens the panel in a page of its own.
export async function stage() {
  const bundle = await library("esbuild").build({
    entryPoints: [new URL("host.mjs", HERE).pathname], bundle: true, write: false, format: "iife", logLevel: "error",
    nodePaths: [`${process.cwd()}/node_modules`], platform: "browser",
  });
  const files = {
    "/": ["text/html", await readFile(new URL("host.html", HERE))],
    "/host.js": ["text/javascript", bundle.outputFiles[0].text],
  };
  const hosting = await serve(files);
  const sandbox = await serve({ "/": ["text/html", await readFile(new URL("sandbox.html", HERE))] },
    { "Content-Security-Policy": POLICY });
  const browser = await launch();
  const servers = {};
  for (const mode of Object.values(ERAS)) servers[mode] = await pullcord(hosting.origin);

  async function panel(mode, tool, args, options = {}, { colorScheme = "light", width = 640 } = {}) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    page.setDefaultTimeout(PATIENCE);
    const complaints = [];
    // The host's own client tries what the server doesn't have, such as a stream by GET: that is no complaint.
    const isPanels = (message) => message.type() === "error" && !message.text().startsWith("Failed to load resource");
    page.on("console", (message) => isPanels(message) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(hosting.origin);
    await page.evaluate(([address, era]) => window.host.connect(address, era), [servers[mode].address, mode]);
    const opening = page.evaluate(
      ([name, given, how]) => window.host.open(name, given, how), [tool, args, { sandbox: sandbox.origin, ...options }],
    );
    const view = page.frameLocator("iframe").frameLocator("iframe");
    const frame = async () => {
      await view.locator("body").waitFor();
      return page.frames().find((each) => each.parentFrame()?.parentFrame());
    };
    const main = view.getByRole("main");
    const seen = (name) => page.evaluate((member) => window.host[member], name);
    return { page, view, main, frame, seen, opening, complaints };
  }

  // What an assistive tool would stumble over, by the rules of WCAG 2.2 AA.
  async function barriers({ frame }) {
    const inner = await frame();
    await inner.evaluate(await readFile(AXE, "utf8"));
    const { violations } = await inner.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  }

  async function close() {
    await browser.close();
    for (const each of [hosting, sandbox, ...Object.values(servers)]) each.close();
  }

  return { panel, barriers, close };
}
