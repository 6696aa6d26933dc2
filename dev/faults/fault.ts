/** What a fault is: data, and one function that breaks something and ends when it is whole again. */
import type { Random } from "#shared/domain/random.ts";
import type { Ledger } from "../system/account.ts";
import type { ClientOptions, Clients } from "./clients.ts";
import type { Ground, GroundOptions } from "./ground.ts";

export type Scene = {
  readonly ground: Ground;
  readonly clients: Clients;
  readonly random: Random;
  /** For orders that a fault sends in a way of its own. */
  readonly ledger: Ledger;
  /** What the checker has to find beside the orders: raised by a fault that sows it. */
  readonly sown: { deadLetters: number; conflicts: number };
};

export type Fault = {
  readonly name: string;
  /** The modes it means something to; all when absent. */
  readonly modes?: readonly string[];
  readonly ground?: Partial<
    Pick<
      GroundOptions,
      "isWired" | "apis" | "workers" | "env" | "envOf" | "servers" | "prepare" | "prepareDatabase"
    >
  >;
  readonly clients?: Partial<Pick<ClientOptions, "requestsPerSecond" | "timestamp">>;
  /** Breaks; resolves when nothing is broken any more, and the system may recover. */
  readonly strike: (scene: Scene) => Promise<void>;
  /** From the end of `strike` until clients and dashboards are served as promised again. */
  readonly recoverWithinSeconds: number;
};
