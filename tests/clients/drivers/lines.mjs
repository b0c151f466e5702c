// One line of JSON in, one line out: how a driver is told what to call, and tells what its model would be shown.
import { createInterface } from "node:readline";

export async function answer(tools, call) {
  console.log(JSON.stringify({ tools }));
  for await (const line of createInterface({ input: process.stdin })) {
    const asked = JSON.parse(line);
    let shown;
    try {
      shown = await call(asked.tool, asked.arguments);
    } catch (error) {
      shown = [String(error)]; // what a host would tell its model of a failed call
    }
    console.log(JSON.stringify({ shown }));
  }
}

// Both halves of a result: hosts on these libraries show their model the one or the other.
export function halves(result) {
  return [result.content[0].text, JSON.stringify(result.structuredContent)];
}
