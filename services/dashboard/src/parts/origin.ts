import type { Api } from "../api.ts";
import { byId, setText } from "../dom.ts";
import type { Part } from "../model.ts";

const LINKS = { "link-docs": "docs/", "link-ready": "readyz", "link-metrics": "metrics" };

/** Where the figures come from, for whoever wants to check them. */
export const openOrigin = (api: Api): Part => {
  const origin = byId("origin");
  for (const [id, path] of Object.entries(LINKS))
    byId<HTMLAnchorElement>(id).href = new URL(path, api.url).href;
  return {
    draw: ({ shown, formats }) => {
      if (shown?.as_of == null) return;
      const { version, epoch, as_of } = shown;
      const readMs = Date.parse(as_of);
      setText(
        origin,
        `Every figure here is the server's, read from PostgreSQL at ${formats.clock(readMs)}, or worked out of the server's by this page: what is accepted and counted per second, medians, and the times of orders that it sends itself.`,
      );
      origin.title = `${formats.utc(readMs)}, board ${version} of epoch ${epoch}`;
    },
  };
};
