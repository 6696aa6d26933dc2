/** Every request that the running API's own document shows, as a reader of /docs sends it: all of them succeed. */
import { afterAll, expect, test } from "vitest";
import { until } from "./fresh.ts";
import type { Media, OpenApi, Operation } from "./published-document.ts";
import { getJson } from "./requests.ts";
import { startSystem } from "./system.ts";

const system = await startSystem();
afterAll(system.close);

type Parameter = {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
  readonly schema?: { readonly default?: unknown; readonly examples?: readonly unknown[] };
};
type Body = { readonly title: string; readonly type: string; readonly text: string };

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

/** As Swagger UI fills them in: the parameter's own example, else one of its schema. */
const exampleOf = ({ example, examples = {}, schema }: Parameter): unknown =>
  example ?? Object.values(examples)[0]?.value ?? schema?.examples?.[0] ?? schema?.default;

/** Swagger UI shows and sends the text of a JSON type in quotes. */
const shownText = (type: string, value: unknown): string =>
  /json/.test(type) ? JSON.stringify(value) : textOf(value);

const bodiesOf = ({ requestBody }: Operation, bodyOf: (type: string, value: unknown) => string): Body[] =>
  Object.entries(requestBody?.content ?? {}).flatMap(
    ([type, { example, examples = {} }]: [string, Media]) => {
      const values = Object.entries(examples).map(([title, { value }]) => ({
        title,
        type,
        text: bodyOf(type, value),
      }));
      return example === undefined
        ? values
        : [...values, { title: "example", type, text: bodyOf(type, example) }];
    },
  );

/** `known` are values of required parameters without an example, which the document says to take from a reply. */
const request = async (
  base: string,
  [path, method, operation]: [string, string, Operation],
  body: Body | undefined,
  known: Readonly<Record<string, string>>,
): Promise<Response> => {
  const url = new URL(path.replace(/^\//, ""), base);
  const headers = new Headers(body && { "content-type": body.type });
  for (const parameter of (operation as { parameters?: readonly Parameter[] }).parameters ?? []) {
    const value = exampleOf(parameter) ?? (parameter.required ? known[parameter.name] : undefined);
    if (value === undefined) continue;
    if (parameter.in === "query") url.searchParams.set(parameter.name, textOf(value));
    if (parameter.in === "header") headers.set(parameter.name, textOf(value));
    if (parameter.in === "path")
      url.pathname = url.pathname.replace(`%7B${parameter.name}%7D`, textOf(value));
  }
  return fetch(url, { method: method.toUpperCase(), headers, ...(body && { body: body.text }) });
};

test.each([
  ["/openapi.json", (_: string, value: unknown) => textOf(value)],
  ["/docs/json", shownText],
])("every example of %s works, twice", async (address, bodyOf) => {
  const documentUrl = `${system.url}${address}`;
  const document = await getJson<OpenApi & { servers: { url: string }[] }>(documentUrl);
  const base = new URL(`${document.servers[0]?.url ?? expect.fail("a server")}/`, documentUrl).href;
  expect(base).toBe(`${system.url}/`);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      path,
      method,
      operation,
    ]),
  );
  const known: Record<string, string> = {};
  const sent: string[] = [];
  for (let time = 0; time < 2; time++)
    for (const operation of operations) {
      const bodies = bodiesOf(operation[2], bodyOf);
      if (operation[1] === "post") expect(bodies.length).toBeGreaterThan(0);
      for (const body of bodies.length > 0 ? bodies : [undefined]) {
        const what = `${operation[1]} ${operation[0]} ${body?.type ?? ""} ${body?.title ?? ""}`;
        const send = () => request(base, operation, body, known);
        let response = await send();
        if (operation[0].includes("{"))
          await until("the order of the reply is visible", async () => {
            response = await send();
            return response.status !== 404;
          });
        const text = await response.text();
        expect([what, response.status, text]).toEqual([what, expect.toBeOneOf([200, 201, 202]), text]);
        if (operation[1] === "post" && operation[2].tags?.includes("orders")) {
          const {
            id,
            ids,
            rejected = [],
          } = JSON.parse(text) as { id?: string; ids?: string[]; rejected?: object[] };
          expect([what, rejected]).toEqual([what, []]);
          known["id"] = id ?? ids?.[0] ?? expect.fail("an id");
        }
        sent.push(what);
      }
    }
  // three modes, three orders and two batches of each media type
  const mediaTypes = address === "/openapi.json" ? 3 : 1;
  const orders = sent.filter((what) => what.startsWith("post /api/v"));
  expect(orders).toHaveLength(2 * 3 * (3 + 2 * mediaTypes));
});
