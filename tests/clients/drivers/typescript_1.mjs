// The TypeScript SDK 1.x, on which most hosts are built. It checks results against outputSchema, errors too.
import { createRequire } from "node:module";
import { answer, halves } from "./lines.mjs";

const library = createRequire(`${process.cwd()}/`); // the environment that this driver runs in
const { Client } = library("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = library("@modelcontextprotocol/sdk/client/stdio.js");

const [command, ...args] = process.argv.slice(2);
const client = new Client({ name: "typescript-1", version: "1" });
await client.connect(new StdioClientTransport({ command, args, stderr: "ignore" }));
const { tools } = await client.listTools();
await answer(tools.map((tool) => tool.name), async (name, given) =>
  halves(await client.callTool({ name, arguments: given })),
);
await client.close();
