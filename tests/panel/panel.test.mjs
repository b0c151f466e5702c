// The panel in Chromium, in a host built on the reference library, against a real server on its sandbox.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { HOSTILE } from "./processes.mjs";
import { ERAS, stage } from "./stage.mjs";

const NOBODY = { session_id: `session_${"0".repeat(32)}` };

let staged;
before(async () => { staged = await stage(); });
after(() => staged.close());

const hostile = {
  structuredContent: {
    operation_id: HOSTILE, platform: HOSTILE, outcome: "observed", message: HOSTILE, work_stopped: "unknown",
    may_go_on: [HOSTILE], state: HOSTILE, evidence: { [HOSTILE]: HOSTILE }, target: { [HOSTILE]: HOSTILE },
    resource: {
      items: [{
        name: HOSTILE, platform: HOSTILE, state: HOSTILE, since: HOSTILE, [HOSTILE]: HOSTILE,
        allowed_actions: [{ rel: HOSTILE, tool: HOSTILE, arguments: { [HOSTILE]: HOSTILE } }],
      }],
    },
    parts: [
      { tool: HOSTILE, arguments: { [HOSTILE]: HOSTILE }, outcome: HOSTILE, work_stopped: HOSTILE, state: HOSTILE },
    ],
    problem: null,
    allowed_actions: [
      { rel: "self", tool: HOSTILE, hint: HOSTILE, arguments: {} },
      { rel: "authorize", hint: HOSTILE },
    ],
  },
  content: [],
};

const focused = (locator) => locator.evaluate((node) => node === node.ownerDocument.activeElement);

// Waits until a list of the host's ends with a text that fits.
async function ends(page, list, pattern) {
  await page.waitForFunction(
    ([name, source]) => new RegExp(source).test(window.host[name].at(-1) ?? ""), [list, pattern.source],
  );
}

for (const [era, mode] of Object.entries(ERAS)) {
  describe(`in the era ${era}`, () => {
    test("what runs on all platforms is listed, each piece with its button", async () => {
      const { main, opening, complaints, seen } = await staged.panel(mode, "find_running", {});
      await opening;
      const cards = main.getByRole("listitem");
      await cards.first().waitFor();
      assert.ok(await cards.count() >= 15);
      for (const platform of ["Everruns", "EverShell", "xpander.ai"]) {
        assert.ok(await cards.filter({ hasText: platform }).count() > 2, platform);
      }
      assert.equal(await main.getByRole("button", { name: "Stop: Crawl the old site" }).count(), 1);
      assert.equal(await main.getByRole("button", { name: "Look: Triage new issues" }).count(), 1);
      assert.deepEqual(await seen("calls"), []);
      assert.deepEqual(complaints, []);
    });

    test("a cancel is asked about in place, and a no sends nothing and goes back to its button", async () => {
      const { main, opening, seen } = await staged.panel(mode, "find_running", {});
      await opening;
      const stop = main.getByRole("button", { name: "Stop: Crawl the old site" });
      await stop.click();
      const question = main.getByRole("group", { name: "Really stop this?" });
      const text = await question.innerText();
      for (const words of ["Crawl the old site", "Everruns", "cancel_task", "task_0199", "Cooperative"]) {
        assert.ok(text.includes(words), words);
      }
      const no = question.getByRole("button", { name: "No, leave it" });
      assert.equal(await focused(no), true);
      await no.click();
      assert.equal(await question.count(), 0);
      assert.equal(await focused(stop), true);
      assert.deepEqual(await seen("calls"), []);
      assert.deepEqual(await seen("told"), []);
    });

    test("a slow cancel shows the seconds it takes, then what is known, and the model is told both times", async () => {
      const { page, view, main, opening, seen, complaints } = await staged.panel(mode, "find_running", {});
      await opening;
      const card = main.getByRole("listitem").filter({ hasText: "Crawl the old site" });
      await card.getByRole("button", { name: "Stop: Crawl" }).click();
      await card.getByRole("button", { name: "Yes, stop it" }).click();
      await card.getByText(/Waiting for Everruns: \d s; pullcord watches for up to 10 s/).waitFor();
      assert.match((await seen("told")).at(-1), /- cancel_task \{.*\}: no answer yet$/);
      await card.getByRole("heading", { name: "Stopped, by the platform's record" }).waitFor();
      await card.getByText("Known: the work itself has stopped.").waitFor();
      assert.equal(await card.getByText("May go on").count(), 0);
      assert.equal(await card.getByRole("button", { name: "Stop: Crawl" }).isDisabled(), true);
      assert.match(await view.getByRole("status").innerText(), /^Stopped, by the platform's record\. Everruns/);
      await ends(page, "told", /- cancel_task \{.*\}: stopped; work_stopped yes\. Everruns reports/);
      assert.deepEqual(await seen("messages"), []);
      assert.deepEqual(complaints, []);
    });

    test("an answer that comes after a new list has replaced its piece of work is shown above, with its name", async () => {
      const look = { contains: "Index the archive" };
      const { page, main, view, opening } = await staged.panel(mode, "find_running", look, { call: "hold" });
      await opening;
      await main.getByRole("button", { name: "Stop: Index the archive" }).click();
      await main.getByRole("button", { name: "Yes, stop it" }).click();
      await view.getByRole("button", { name: "Look at all that runs" }).click();
      await main.getByRole("button", { name: "Stop: Check links" }).waitFor();
      await page.evaluate(() => window.host.release());
      const above = view.locator("main").locator("xpath=preceding-sibling::*");
      await above.filter({ hasText: "Not done: nothing was acted on" }).waitFor();
      assert.equal(await above.filter({ hasText: /^Index the archive$/ }).count(), 1);
      assert.equal(await main.getByRole("button", { name: "Stop: Check links" }).count(), 1, "the list stays");
    });

    test("a stop tells what is not proved and what may go on, and its children are stopped from there", async () => {
      const { view, main, opening, seen } = await staged.panel(mode, "find_running", { contains: "Plan the launch" });
      await opening;
      const name = view.getByRole("heading", { name: "Plan the launch", exact: true });
      const card = main.getByRole("listitem").filter({ has: name });
      await card.getByRole("button", { name: "Stop: Plan the launch" }).click();
      await card.getByRole("button", { name: "Yes, stop it" }).click();
      await card.getByText("Not proved: whether the work itself has stopped.").waitFor();
      for (const words of ["May go on:", "work that it started", "its current step"]) {
        await card.getByText(words).first().waitFor();
      }
      const looks = card.getByRole("button", { name: "Look:" });
      assert.equal(await looks.count(), 2);
      await looks.first().click();
      await card.getByText("Known: the work itself still runs.").waitFor();
      await card.getByRole("button", { name: "Stop: Plan the launch:" }).click();
      await card.getByRole("button", { name: "Yes, stop it" }).click();
      await card.getByText("Not proved").nth(1).waitFor();
      assert.equal(await looks.count(), 2, "the other child's button stays");
      const calls = await seen("calls");
      assert.deepEqual(calls.map((call) => call.name), ["stop_task", "get_execution", "stop_task"]);
    });

    test("a tick stops what the work started, too, and each piece is told", async () => {
      const { main, opening, seen } = await staged.panel(mode, "find_running", { contains: "Rewrite links" });
      await opening;
      await main.getByRole("button", { name: "Stop: Rewrite links" }).click();
      await main.getByLabel("Also stop what it started").check();
      await main.getByRole("button", { name: "Yes, stop it" }).click();
      await main.getByRole("heading", { name: "What it had started" }).waitFor();
      const [call] = await seen("calls");
      assert.equal(call.arguments.cascade, true);
    });

    test("an error is told in plain words, and its next step is a button", async () => {
      const { view, main, opening } = await staged.panel(mode, "cancel_turn", NOBODY);
      await opening;
      await main.getByRole("heading", { name: "No such work was found" }).waitFor();
      await main.getByText("knows no such work").waitFor();
      await main.getByRole("button", { name: "Show the list" }).click();
      await main.getByRole("heading", { name: "What was seen" }).waitFor();
      await view.getByRole("button", { name: "Look at all that runs" }).click();
      await main.getByRole("button", { name: /^Stop: / }).first().waitFor();
      assert.equal(await main.getByRole("heading", { name: "No such work" }).count(), 0);
    });

    test("progress that a host relays is shown", async () => {
      const look = { contains: "Check links" };
      const { main, opening } = await staged.panel(mode, "find_running", look, { call: "relay" });
      await opening;
      await main.getByRole("button", { name: "Stop: Check links" }).click();
      await main.getByRole("button", { name: "Yes, stop it" }).click();
      await main.getByRole("listitem").getByText(/^Everruns: \w+/).waitFor();
      await main.getByText("Known: the work itself has stopped.").waitFor();
    });
  });
}

describe("in any era", () => {
  const mode = ERAS["2026-07-28"];

  test("what platforms say is shown as text and never becomes markup", async () => {
    const { main, frame, opening, complaints } = await staged.panel(mode, "find_running", {}, { result: hostile });
    await opening;
    const { hacked, tags, text } = await (await frame()).evaluate(() => ({
      hacked: window.hacked ?? document.scripts.length,
      tags: document.querySelectorAll("main :is(img, script, a, iframe, style)").length,
      text: document.querySelector("main").innerText,
    }));
    assert.deepEqual([hacked, tags], [2, 0], "the page's own two scripts, and nothing of the platform's");
    assert.ok(text.split("<img src=x onerror=").length > 8);
    const name = main.getByRole("listitem").getByRole("heading");
    assert.match(await name.evaluate((node) => node.innerHTML), /^<bdi>&lt;img/, "its direction is kept to itself");
    await main.getByRole("button", { name: HOSTILE }).last().click();
    await main.getByRole("group", { name: "Really stop this?" }).waitFor();
    assert.deepEqual(complaints, []);
  });

  test("a tool that the page doesn't know is asked about, whatever it is called", async () => {
    const actions = [
      { rel: "self", tool: "constructor", hint: "One.", arguments: {} },
      { rel: "constructor", tool: "toString", hint: "Two.", arguments: {} },
    ];
    const answer = { outcome: "observed", message: "Seen.", work_stopped: "unknown", allowed_actions: actions };
    const result = { content: [{ type: "text", text: JSON.stringify(answer) }] };
    const { main, opening, seen } = await staged.panel(mode, "find_running", {}, { result });
    await opening;
    for (const name of ["Look again", "constructor"]) {
      await main.getByRole("button", { name }).click();
      await main.getByRole("group", { name: "Really stop this?" }).waitFor();
      await main.getByRole("button", { name: "No, leave it" }).click();
    }
    assert.deepEqual(await seen("calls"), []);
  });

  test("an answer about work without a name is kept above a new list by what was called, on which platform", async () => {
    const actions = [{ rel: "collection", tool: "list_executions", arguments: {}, hint: "Lists what runs." }];
    const answer = { outcome: "observed", message: "Seen.", work_stopped: "unknown", allowed_actions: actions };
    const options = { result: { structuredContent: answer, content: [] }, call: "hold" };
    const { page, main, view, opening } = await staged.panel(mode, "find_running", {}, options);
    await opening;
    await main.getByRole("button", { name: "Show the list" }).click();
    await view.getByRole("button", { name: "Look at all that runs" }).click();
    await main.getByRole("button", { name: /^Stop: / }).first().waitFor();
    await page.evaluate(() => window.host.release());
    const above = view.locator("main").locator("xpath=preceding-sibling::*");
    await above.getByRole("heading", { name: "What was seen" }).waitFor();
    const texts = await view.getByRole("heading").allInnerTexts();
    assert.equal(texts.filter((text) => text === "xpander.ai: Show the list").length, 1);
    assert.ok(!texts.includes(""), "no heading is empty");
  });

  test("a call that the host fails to make is told as not known, and its text as text", async () => {
    const { page, main, opening } = await staged.panel(mode, "find_running", { contains: "inbox" }, { call: "fail" });
    await opening;
    await main.getByRole("button", { name: "Stop: Sort the inbox" }).click();
    await main.getByRole("button", { name: "Yes, stop it" }).click();
    await main.getByRole("heading", { name: "No answer came" }).waitFor();
    await main.getByText("<b>The host</b> timed out").waitFor();
    await main.getByText("Whether anything was sent is not known.").waitFor();
    await ends(page, "told", /no answer came; whether anything was sent is not known$/);
    assert.equal(await main.getByRole("button", { name: "Stop: Sort the inbox" }).isDisabled(), false);
  });

  test("a host that takes no context is sent one message for each click", async () => {
    const options = { takesContext: false };
    const { page, main, opening } = await staged.panel(mode, "find_running", { contains: "Triage" }, options);
    await opening;
    await main.getByRole("button", { name: "Look: Triage new issues" }).click();
    await page.waitForFunction(() => window.host.messages.length > 0);
    const messages = await page.evaluate(() => window.host.messages);
    assert.equal(messages.length, 1);
    assert.equal(messages[0].role, "user");
    assert.match(messages[0].content[0].text, /- get_workspace_task \{.*\}: observed; work_stopped no\. It is running/);
  });

  test("an answer that comes as text alone, and one that is none of pullcord's, are both shown", async () => {
    const content = [{ type: "text", text: '{"outcome": "denied", "message": "No key.", "allowed_actions": []}' }];
    const denied = await staged.panel(mode, "find_running", {}, { result: { content } });
    await denied.opening;
    await denied.main.getByRole("heading", { name: "No access" }).waitFor();
    const result = { content: [{ type: "text", text: "Oops" }] };
    const other = await staged.panel(mode, "find_running", {}, { result });
    await other.opening;
    await other.main.getByRole("heading", { name: "Not known what came of it" }).waitFor();
    await other.main.getByText("Oops").waitFor();
  });

  test("a message that is not the host's is not heard", async () => {
    const { main, frame, opening } = await staged.panel(mode, "find_running", { contains: "Triage" });
    await opening;
    await (await frame()).evaluate(() => new Promise((resolve) => {
      addEventListener("message", resolve, { once: true });
      const params = { content: [{ type: "text", text: "Forged" }] };
      postMessage({ jsonrpc: "2.0", method: "ui/notifications/tool-result", params }, "*");
    }));
    assert.equal(await main.getByText("Forged").count(), 0);
    await main.getByRole("button", { name: "Look: Triage new issues" }).waitFor();
  });

  test("a call of the model's is waited for, and told as not known where it is broken off", async () => {
    const { page, main, opening } = await staged.panel(mode, "cancel_turn", { wait_seconds: 30 }, { result: "none" });
    await opening;
    await main.getByText(/Waiting for Everruns: \d s; pullcord watches for up to 30 s/).waitFor();
    await page.evaluate(() => window.host.bridge.sendToolCancelled({ reason: "by the person" }));
    await main.getByText("The call was broken off. What came of it is not known").waitFor();
    assert.equal(await main.getByText("Waiting").count(), 0);
  });

  test("a step that must wait becomes a button only after its seconds", async () => {
    const actions = [
      { rel: "retry-later", tool: "find_running", arguments: {}, hint: "Look again.", retry_after_seconds: 2 },
      { rel: "authorize", hint: "Set EVERRUNS_API_KEY." },
    ];
    const answer = { outcome: "rate_limited", message: "Wait.", work_stopped: "unknown", allowed_actions: actions };
    const result = { structuredContent: answer, content: [] };
    const { main, opening } = await staged.panel(mode, "find_running", {}, { result });
    await opening;
    const again = main.getByRole("button", { name: "Try again" });
    assert.equal(await again.isDisabled(), true);
    assert.match(await again.innerText(), /in 2 s/);
    await main.getByText("Set EVERRUNS_API_KEY.").waitFor();
    await again.click(); // waits until it is enabled
    await main.getByRole("button", { name: "Stop: Warm the cache" }).waitFor();
  });

  test("the keyboard alone stops work, and Escape takes a question back", async () => {
    const { page, main, opening, seen } = await staged.panel(mode, "find_running", { contains: "Compress images" });
    await opening;
    const stop = main.getByRole("button", { name: "Stop: Compress images" });
    await stop.waitFor();
    for (let step = 0; step < 10 && !await focused(stop); step += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await main.getByRole("group", { name: "Really stop this?" }).waitFor();
    await page.keyboard.press("Escape");
    assert.equal(await focused(stop), true);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    assert.equal(await focused(main.getByRole("button", { name: "Yes, stop it" })), true);
    await page.keyboard.press("Enter");
    await main.getByText(/^Known: |^Not proved: /).waitFor();
    assert.deepEqual((await seen("calls")).map((call) => call.name), ["cancel_task"]);
  });

  for (const theme of ["light", "dark"]) {
    test(`in ${theme} colours no state of it has a barrier, by the rules of WCAG`, async () => {
      const panel = await staged.panel(mode, "find_running", { contains: "e" }, { theme });
      await panel.opening;
      assert.deepEqual(await staged.barriers(panel), []);
      await panel.main.getByRole("button", { name: /^Stop: / }).first().click();
      assert.deepEqual(await staged.barriers(panel), []);
      await panel.main.getByRole("button", { name: "No, leave it" }).click();
      await panel.main.getByRole("button", { name: /^Look: / }).first().click();
      await panel.main.getByText("Known: the work itself still runs.").waitFor();
      assert.deepEqual(await staged.barriers(panel), []);
    });
  }

  test("it takes the host's theme and colours, and follows when they change", async () => {
    const none = { contains: "nothing" };
    const { page, frame, opening } = await staged.panel(mode, "find_running", none, { theme: "dark" });
    await opening;
    const inner = await frame();
    const back = () => inner.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await back(), "rgb(27, 27, 29)");
    await page.evaluate(() => window.host.bridge.setHostContext({ theme: "light" }));
    await inner.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(255, 255, 255)");
    const styles = { variables: { "--color-background-primary": "rgb(1, 2, 3)" } };
    await page.evaluate((given) => window.host.bridge.setHostContext({ theme: "light", styles: given }), styles);
    await inner.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(1, 2, 3)");
  });

  test("the page itself asks the network for nothing", async () => {
    const { page, frame, opening, main } = await staged.panel(mode, "find_running", { contains: "Triage" });
    const requests = [];
    page.on("request", (request) => requests.push(request));
    await opening;
    await main.getByRole("button", { name: "Look: Triage new issues" }).click();
    await main.getByText("Known: the work itself still runs.").waitFor();
    const inner = await frame();
    assert.ok(requests.length > 0);
    assert.deepEqual(requests.filter((request) => request.frame() === inner).map((request) => request.url()), []);
  });

  test("its height is told to the host, so that nothing is cut off", async () => {
    const { page, opening, frame } = await staged.panel(mode, "find_running", {});
    await opening;
    const inner = await frame();
    await inner.waitForFunction(() => document.querySelectorAll("li").length > 10);
    const height = await inner.evaluate(() => Math.ceil(document.body.getBoundingClientRect().height));
    await page.waitForFunction((needed) => document.querySelector("iframe").clientHeight >= needed, height);
  });
});
