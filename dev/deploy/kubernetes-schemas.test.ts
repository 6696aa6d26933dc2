import { expect, test } from "vitest";
import { schemasOfCustomResource, schemasOfOpenApi } from "./kubernetes-schemas.ts";

const group = "apps";
const document = {
  definitions: {
    "io.k8s.Deployment": {
      "x-kubernetes-group-version-kind": [{ group, version: "v1", kind: "Deployment" }],
      type: "object",
      properties: {
        spec: { $ref: "#/definitions/io.k8s.Spec" },
        labels: { type: "object", additionalProperties: { type: "string" } },
      },
    },
    "io.k8s.Spec": {
      description: "of a Deployment",
      type: "object",
      required: ["port"],
      properties: {
        port: { type: "string", format: "int-or-string" },
        memory: { $ref: "#/definitions/io.k8s.api.resource.Quantity" },
        children: { type: "array", items: { $ref: "#/definitions/io.k8s.Spec" } },
      },
    },
    "io.k8s.api.resource.Quantity": { type: "string" },
    "io.k8s.Unrelated": { type: "object" },
    "io.k8s.DeleteOptions": {
      "x-kubernetes-group-version-kind": [
        { group: "", version: "v1", kind: "DeleteOptions" },
        { group, version: "v1", kind: "DeleteOptions" },
      ],
    },
  },
};

test("each kind has a file with all that it refers to, and what is not described is refused", () => {
  const textOrNumber = { anyOf: [{ type: "string" }, { type: "number" }] };
  expect(schemasOfOpenApi(document)).toEqual({
    "deployment-apps-v1.json": {
      $ref: "#/definitions/io.k8s.Deployment",
      definitions: {
        "io.k8s.Deployment": {
          type: "object",
          properties: {
            spec: { $ref: "#/definitions/io.k8s.Spec" },
            labels: { type: "object", additionalProperties: { type: "string" } },
          },
          additionalProperties: false,
        },
        "io.k8s.Spec": {
          type: "object",
          required: ["port"],
          properties: {
            port: textOrNumber,
            memory: { $ref: "#/definitions/io.k8s.api.resource.Quantity" },
            children: { type: "array", items: { $ref: "#/definitions/io.k8s.Spec" } },
          },
          additionalProperties: false,
        },
        "io.k8s.api.resource.Quantity": textOrNumber,
      },
    },
  });
});

test("reports a reference to nothing", () => {
  const { "io.k8s.Spec": _, ...rest } = document.definitions;
  expect(() => schemasOfOpenApi({ definitions: rest })).toThrow("refers to io.k8s.Spec");
});

test("a custom resource has a file for each version; a member named like a keyword stays a member", () => {
  const schema = {
    type: "object",
    properties: {
      description: { type: "string", description: "of the thing" },
      free: { type: "object", properties: {}, "x-kubernetes-preserve-unknown-fields": true },
      size: { "x-kubernetes-int-or-string": true },
    },
  };
  const made = schemasOfCustomResource({
    spec: {
      group: "keda.sh",
      names: { kind: "ScaledObject" },
      versions: [{ name: "v1alpha1", schema: { openAPIV3Schema: schema } }],
    },
  });
  expect(made).toEqual({
    "scaledobject-keda-v1alpha1.json": {
      type: "object",
      properties: {
        description: { type: "string" },
        free: { type: "object", properties: {} },
        size: { anyOf: [{ type: "string" }, { type: "number" }] },
      },
      additionalProperties: false,
    },
  });
});
