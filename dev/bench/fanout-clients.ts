/** The clients of fanout.ts, in a process of their own: they look at a frame's head and no further. */
import { WebSocket } from "ws";

type Told = { readonly url: string; readonly clients: number };
export type Heard = {
  readonly deltas: number;
  readonly bytes: number;
  /** A frame that does not follow the one before. */
  readonly gaps: number;
  readonly delaysMs: readonly number[];
};

const HEAD_BYTES = 200;
const POSITION = /"type":"delta","seq":(\d+),.*"as_of":"([^"]+)","previous":(\d+)/;

let counts = { deltas: 0, bytes: 0, gaps: 0 };
let delaysMs: number[] = [];

const connect = (url: string): Promise<void> => {
  const socket = new WebSocket(url, "coffee-rt.v1", { perMessageDeflate: false });
  let seq: string | undefined;
  socket.on("message", (data: Buffer) => {
    const found = POSITION.exec(data.toString("latin1", 0, HEAD_BYTES));
    if (!found) return;
    const [, next, asOf = "", previous] = found;
    counts.deltas++;
    counts.bytes += data.length;
    if (seq !== undefined && seq !== previous) counts.gaps++;
    seq = next;
    delaysMs.push(Date.now() - Date.parse(asOf));
  });
  return new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
};

process.on("message", async (message: Told | "begin" | "end") => {
  if (message === "begin") [counts, delaysMs] = [{ deltas: 0, bytes: 0, gaps: 0 }, []];
  else if (message === "end") process.send?.({ ...counts, delaysMs } satisfies Heard);
  else {
    for (let made = 0; made < message.clients; made++) await connect(message.url);
    process.send?.("connected");
  }
});
process.on("disconnect", () => process.exit());
