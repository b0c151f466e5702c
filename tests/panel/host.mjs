// A host of MCP Apps as small as can be: the reference library, a client of pullcord, and a sandbox on another origin.
import { AppBridge, PostMessageTransport, getToolUiResourceUri } from "@modelcontextprotocol/ext-apps/app-bridge";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const CAPABILITIES = { serverTools: {}, updateModelContext: { text: {} }, message: { text: {} } };

const host = {
  told: [], // each text for the model's context
  messages: [], // each message in the person's name
  calls: [], // each tool call that the panel made

  async connect(address, mode) {
    host.client = new Client({ name: "host", version: "1" }, { versionNegotiation: { mode } });
    await host.client.connect(new StreamableHTTPClientTransport(new URL(address)));
    host.tools = (await host.client.listTools()).tools;
  },

  // Show a tool's answer in the panel: the server's own, or the one that is given, or none.
  async open(name, args, { sandbox, result, theme = "light", takesContext = true, call, toolInfo = true } = {}) {
    const tool = host.tools.find((each) => each.name === name);
    const { contents } = await host.client.readResource({ uri: getToolUiResourceUri(tool) });
    const [{ text: html, _meta: { ui } }] = contents;
    const frame = document.createElement("iframe");
    document.getElementById("answers").replaceChildren(frame);
    const hostContext = { theme, ...(toolInfo ? { toolInfo: { id: 1, tool } } : {}) };
    const bridge = new AppBridge(host.client, { name: "host", version: "1" }, CAPABILITIES, { hostContext });
    host.bridge = bridge;
    const ready = new Promise((resolve) => bridge.addEventListener("sandboxready", resolve));
    const initialized = new Promise((resolve) => bridge.addEventListener("initialized", resolve));
    bridge.addEventListener("sizechange", ({ height }) => { frame.style.height = `${height}px`; });
    if (takesContext) {
      bridge.onupdatemodelcontext = async ({ content }) => { host.told.push(content[0].text); return {}; };
    }
    bridge.onmessage = async (message) => { host.messages.push(message); return {}; };
    await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
    const forward = bridge.oncalltool;
    bridge.oncalltool = async (params, extra) => {
      host.calls.push(params);
      return call ? host[call](params, extra) : forward(params, extra);
    };
    frame.src = sandbox;
    await ready;
    await bridge.sendSandboxResourceReady({ html, csp: ui.csp });
    await initialized;
    await bridge.sendToolInput({ arguments: args });
    if (result === "none") return;
    await bridge.sendToolResult(result ?? await host.client.callTool({ name, arguments: args }));
  },

  // Ways in which a host may make the panel's calls.
  async fail() { throw new Error("<b>The host</b> timed out"); },

  // Until a test releases it; looks are made at once.
  async hold(params) {
    if (params.name !== "find_running") await new Promise((resolve) => { host.release = resolve; });
    return host.client.callTool(params);
  },

  async relay({ name, arguments: args, _meta }) {
    const onprogress = (progress) => host.bridge.notification({
      method: "notifications/progress", params: { ...progress, progressToken: _meta.progressToken },
    });
    return host.client.callTool({ name, arguments: args }, { onprogress });
  },
};

window.host = host;
