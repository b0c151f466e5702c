// The TypeScript SDK 2.x, told to speak the newest protocol that the server knows.
import { createRequire } from "node:module";
import { answer, halves } from "./lines.mjs";

const library = createRequire(`${process.cwd()}/`); // the environment that this driver runs in
const { Client } = library("@modelcontextprotocol/client");
const { StdioClientTransport } = library("@modelcontextprotocol/client/stdio");

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "typescript-2", version: "1" }, { versionNegotiation: { mode: "auto" } });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const { tools } = await client.listTools();
await answer(tools.map((tool) => tool.name), async (name, given) =>
  halves(await client.callTool({ name, arguments: given })),
);
await client.close();
