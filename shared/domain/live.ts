import type { Dashboard } from "./dashboard.ts";

/** What every frame of the protocol says of itself; shared/wire/live.ts tells what each member means. */
export type LivePosition = { seq: number; epoch: number; version: number; as_of: string | null };

export type LiveSnapshot = LivePosition & { type: "snapshot"; data: Dashboard };
export type LiveDelta = LivePosition & { type: "delta"; previous: number; data: Partial<Dashboard> };
export type LiveHeartbeat = LivePosition & { type: "heartbeat"; server_timestamp: string };

/** From the server. */
export type LiveFrame = LiveSnapshot | LiveDelta | LiveHeartbeat;

/** From the client. */
export type LiveResync = { type: "resync" };
