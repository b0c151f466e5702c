// The panel in the Inspector's web page, with a real server on its sandbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspector } from "./inspector.mjs";
import { HOSTILE, hostilePlatforms } from "./processes.mjs";

const FIND = /^pullcord - find what is running/;

for (const era of ["legacy", "modern"]) {
  test(`in the Inspector, ${era}: a list, a stop that is waited for, children, and an error`, async (context) => {
    const { page, open, close } = await inspector(era);
    context.after(close);
    const { main } = await open(FIND);
    assert.ok(await main.getByRole("listitem").count() >= 15);

    const card = main.getByRole("listitem").filter({ hasText: "Crawl the old site" });
    await card.getByRole("button", { name: "Stop: Crawl the old site" }).click();
    await card.getByRole("button", { name: "Yes, stop it" }).click();
    await card.getByText(/Waiting for Everruns: \d/).waitFor();
    await card.getByText("Known: the work itself has stopped.").waitFor();

    await main.getByRole("button", { name: "Stop: Plan the launch", exact: true }).click();
    await main.getByRole("button", { name: "Yes, stop it" }).click();
    await main.getByText("Not proved: whether the work itself has stopped.").waitFor();
    await main.getByRole("button", { name: "Look: fbd08e4d" }).first().click();
    await main.getByText("Known: the work itself still runs.").waitFor();

    await page.getByRole("button", { name: "Back to Input" }).click();
    const failed = await open(/cancel a session's current turn/, { session_id: `session_${"0".repeat(32)}` });
    await failed.main.getByRole("heading", { name: "No such work was found" }).waitFor();
  });
}

test("in the Inspector a hostile name, from a platform through pullcord, is shown as text", async (context) => {
  const platforms = await hostilePlatforms();
  context.after(platforms.close);
  const { open, close } = await inspector("modern", ["serve"], platforms.env);
  context.after(close);
  const { main, frame } = await open(FIND);
  const name = main.getByRole("listitem").getByRole("heading").filter({ hasText: "window.hacked" });
  assert.ok(HOSTILE.startsWith(await name.innerText().then((text) => text.replace("…", ""))));
  await main.getByRole("button", { name: /^Stop: <img/ }).click();
  await main.getByRole("button", { name: "Yes, stop it" }).click();
  await main.getByText("Known: the work itself has stopped.").waitFor();
  assert.deepEqual(await frame.evaluate(() => [window.hacked ?? "unharmed", document.images.length]), ["unharmed", 0]);
});
