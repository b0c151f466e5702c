// The Inspector's web page, with a pullcord of its own, and the panel that it opens there.
import { freePort, library, launch, PULLCORD, SANDBOX, start } from "./processes.mjs";

const NODE = library.resolve("node/bin/node"); // the Inspector needs a newer one than most machines have
const INSPECTOR = library.resolve("@modelcontextprotocol/inspector/package.json").replace(
  "package.json", "clients/launcher/build/index.js");
const PATIENCE = 60_000;

export async function inspector(era, command = SANDBOX, variables = {}) {
  const ports = {};
  for (const name of ["CLIENT_PORT", "MCP_SANDBOX_PORT", "MCP_APP_ORIGIN_PORT"]) ports[name] = await freePort();
  const given = Object.entries(variables).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  const program = await start(
    [NODE, INSPECTOR, "--web", ...given, "--protocol-era", era, ...PULLCORD, ...command],
    /Auth token:|Secrets:/,
    { ...ports, BROWSER: "none", MCP_AUTO_OPEN_ENABLED: "false", MCP_INSPECTOR_SECRET_STORE: "memory" },
  );
  const address = program.lines.join("\n").match(/http:\/\/127\.0\.0\.1:\d+\S*TOKEN=\w+/)[0];
  const browser = await launch();
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(address);
  await page.getByRole("switch", { name: /^Connect or disconnect/ }).click({ force: true });
  await page.getByText(/^MCP 20|^Connected$/).first().waitFor();

  // Open a tool's panel with these arguments.
  async function open(title, args = {}) {
    await page.getByText("Apps", { exact: true }).click();
    await page.getByRole("button", { name: title }).click();
    for (const [name, value] of Object.entries(args)) {
      await page.getByRole("textbox", { name }).fill(value);
    }
    await page.getByRole("button", { name: "Open App" }).click();
    const view = page.frameLocator("iframe").frameLocator("iframe");
    await view.getByRole("main").getByRole("heading").first().waitFor();
    const frame = page.frames().find((each) => each.parentFrame()?.parentFrame());
    return { view, main: view.getByRole("main"), frame };
  }

  async function close() {
    await browser.close();
    program.close();
  }

  return { page, open, close };
}
