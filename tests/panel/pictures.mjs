// Draws the panel as pictures, into the folder that is named: the question before a stop, and what is told after it.
import { ERAS, stage } from "./stage.mjs";

const [folder] = process.argv.slice(2);
const WORK = { contains: "launch" };
const WIDE = { width: 620 };

const { panel, close } = await stage();

async function draw({ page }, name) {
  await page.mouse.move(0, 0);
  const height = await page.evaluate(() => document.querySelector("iframe").clientHeight);
  await page.screenshot({ path: `${folder}/${name}.png`, clip: { x: 0, y: 0, width: WIDE.width, height } });
}

async function stop({ main, opening }) {
  await opening;
  await main.getByRole("button", { name: "Stop: Plan the launch", exact: true }).click();
}

const dark = await panel(ERAS["2026-07-28"], "find_running", WORK, { theme: "dark" }, WIDE);
await stop(dark);
await draw(dark, "panel-dark");

const light = await panel(ERAS["2026-07-28"], "find_running", WORK, {}, WIDE);
await stop(light);
await light.main.getByRole("button", { name: "Yes, stop it" }).click();
await light.main.getByText("Not proved").waitFor();
await draw(light, "panel");
await close();
