/** The token of an API that requires one: asked for once, and kept by this browser until it is forgotten. */
import type { Api } from "../api.ts";
import { byId, setText } from "../dom.ts";
import type { Part } from "../model.ts";

/** One for each API: several may be served by one host, under different paths. */
const keyOf = (url: string): string => `coffee-rt:token:${url}`;

export const storedToken = (url: string): string | null => {
  try {
    return localStorage.getItem(keyOf(url));
  } catch {
    // storage is disabled
    return null;
  }
};

/** Everything is opened again with another token, which is rare: the page is loaded again. */
const change = (url: string, token: string | null): void => {
  if (token === null) localStorage.removeItem(keyOf(url));
  else localStorage.setItem(keyOf(url), token);
  location.reload();
};

export const openAccess = ({ url, token }: Api): Part => {
  const form = byId<HTMLFormElement>("access");
  const [field, title, forget] = [
    byId<HTMLInputElement>("access-token"),
    byId("access-title"),
    byId("access-forget"),
  ];
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    try {
      change(url, field.value.trim());
    } catch {
      setText(title, "This browser does not keep the token: allow this page to store data");
    }
  });
  forget.addEventListener("click", () => change(url, null));
  forget.hidden = token === null;
  if (token !== null) setText(title, "This server does not accept the token of this page for reading");
  return {
    draw: ({ isDenied }) => {
      form.hidden = !isDenied;
    },
  };
};
