/** The published contracts: generated from the code, valid by independent validators, with valid examples. */
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { publishedContracts } from "../dev/contracts.ts";
import packageJson from "../package.json" with { type: "json" };
import {
  committed,
  faults,
  type Media,
  type OpenApi,
  type Operation,
  type Schema,
} from "./published-document.ts";

const openApi = committed<OpenApi>("docs/openapi.json");
type AsyncApi = {
  readonly info: { readonly version: string };
  readonly channels: Readonly<
    Record<string, { messages: Record<string, { payload: Schema; examples: { payload: unknown }[] }> }>
  >;
};
const asyncApi = committed<AsyncApi>("docs/asyncapi.json");

const operations: [string, Operation][] = Object.entries(openApi.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]): [string, Operation] => [
    `${method.toUpperCase()} ${path}`,
    operation,
  ]),
);

test("the committed documents are what npm run contracts writes", async () => {
  for (const [file, contract] of Object.entries(await publishedContracts()))
    expect(committed(file), file).toEqual(contract);
});

test("both documents are valid, and of this version", async () => {
  expect(await new Validator().validate({ ...openApi })).toMatchObject({ valid: true });
  const { document, diagnostics } = await new Parser().parse(JSON.stringify(asyncApi));
  expect(diagnostics.filter(({ severity }) => severity <= 1)).toEqual([]);
  expect(document?.version()).toBe("3.0.0");
  expect([openApi.info.version, asyncApi.info.version]).toEqual([packageJson.version, packageJson.version]);
});

test("every route is described in contract/operations.ts", () => {
  expect(operations.length).toBeGreaterThanOrEqual(8);
  for (const [route, { operationId, summary, tags, responses }] of operations) {
    expect([route, operationId, summary, tags?.length]).toEqual([
      route,
      expect.any(String),
      expect.any(String),
      1,
    ]);
    for (const [status, { content = {} }] of Object.entries(responses))
      for (const [type, { schema }] of Object.entries(content))
        expect([route, status, type, schema]).toEqual([route, status, type, expect.any(Object)]);
  }
  const ids = operations.map(([, { operationId }]) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
});

const valuesOf = ({ example, examples = {} }: Media): unknown[] => [
  ...(example === undefined ? [] : [example]),
  ...Object.values(examples).map(({ value }) => value),
];

test("every example is valid, and every JSON reply has one", () => {
  let checked = 0;
  for (const [route, { requestBody, responses }] of operations)
    for (const [status, { content = {} }] of Object.entries({
      ...responses,
      ...(requestBody && { body: requestBody }),
    }))
      for (const [type, media] of Object.entries(content)) {
        const values = valuesOf(media);
        if (type.endsWith("json")) expect([route, status, values.length > 0]).toEqual([route, status, true]);
        for (const value of values) {
          expect([route, status, faults(openApi, media.schema ?? {}, value)]).toEqual([route, status, []]);
          checked++;
        }
      }
  for (const { messages } of Object.values(asyncApi.channels))
    for (const [name, { payload, examples }] of Object.entries(messages)) {
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) {
        expect([name, faults(asyncApi, payload, example.payload)]).toEqual([name, []]);
        checked++;
      }
    }
  expect(checked).toBeGreaterThan(50);
});

test("finds an invalid value", () => {
  const order = openApi.paths["/api/v1/order"]?.["post"];
  const problem = order?.responses["422"]?.content?.["application/problem+json"]?.schema ?? {};
  const good = { type: "invalid", title: "no", status: 422 };
  expect(faults(openApi, problem, good)).toEqual([]);
  expect(faults(openApi, problem, { ...good, type: "lag" })).not.toEqual([]);
  expect(faults(openApi, problem, { ...good, errors: [{}] })).not.toEqual([]);
});
