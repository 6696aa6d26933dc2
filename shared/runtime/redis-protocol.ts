/** Whether a Redis speaks the protocol of its URL: with the other one a connection is reset or gets no answer. */
import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";

const ANSWER_WITHIN_MS = 2_000;
const DEFAULT_PORT = 6_379;

/** What to change in the URL; null when the server answers in neither way, or as the URL says. */
export const protocolProblem = async (url: string): Promise<string | null> => {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  const address = { host, port: Number(port) || DEFAULT_PORT };
  if (protocol === "rediss:")
    return (await answersPlain(address))
      ? "the server does not speak TLS on this port; expected redis://"
      : null;
  return (await answersTls(address)) ? "the server accepts TLS only on this port; expected rediss://" : null;
};

type Address = { readonly host: string; readonly port: number };

const settled = (open: (end: (answers: boolean) => void) => Socket): Promise<boolean> =>
  new Promise((resolve) => {
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    const socket = open(end);
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(false));
    socket.on("error", () => end(false)).on("close", () => end(false));
  });

/** A reply or an error of Redis, which begins with + or -. */
const answersPlain = (address: Address): Promise<boolean> =>
  settled((end) => {
    const socket = connect(address, () => socket.write("PING\r\n"));
    return socket.on("data", (reply) => end(["+", "-"].includes(reply.toString("latin1", 0, 1))));
  });

/** Nothing is sent, so the certificate does not matter. */
const answersTls = (address: Address): Promise<boolean> =>
  settled((end) => {
    const named = isIP(address.host) ? {} : { servername: address.host };
    return connectTls({ ...address, ...named, rejectUnauthorized: false }, () => end(true));
  });
